//! The one-time link that lets in whoever started Trawl: to set it up, or in the demo to look around.

use crate::token;
use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use subtle::ConstantTimeEq as _;
use trawl_jobs::UserId;

/// File in the runtime directory with the link, for the supervisor to show.
pub const FILE: &str = "first-visit";

/// What the link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Create the first administrator.
    SetUp,
    /// Sign in as the demo's user.
    Demo(UserId),
}

#[derive(Debug)]
struct Pending {
    token: String,
    purpose: Purpose,
    file: PathBuf,
}

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct FirstVisit(Arc<Mutex<Option<Pending>>>);

impl FirstVisit {
    /// Makes a link, and writes it where only the owner can read it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn offer(&self, purpose: Purpose, base_url: &str, runtime_dir: &std::path::Path) -> io::Result<String> {
        let token = token::random();
        let page = if purpose == Purpose::SetUp { "setup" } else { "welcome" };
        let url = format!("{base_url}/{page}/{token}");
        fs::create_dir_all(runtime_dir)?;
        let file = runtime_dir.join(FILE);
        fs::remove_file(&file)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        writeln!(out, "{url}")?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Pending { token, purpose, file });
        Ok(url)
    }

    /// What a token is good for.
    #[must_use]
    pub fn purpose(&self, token: &str) -> Option<Purpose> {
        let pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending
            .as_ref()
            .filter(|pending| pending.token.as_bytes().ct_eq(token.as_bytes()).into())
            .map(|pending| pending.purpose)
    }

    /// The link has served.
    pub fn done(&self) {
        if let Some(pending) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            fs::remove_file(pending.file).ok();
        }
    }
}
