//! A copy of the database, and the way back.

use crate::commands::Failure;
use clap::Args;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use trawl_settings::{Settings, exit};
use trawl_store::{StoreError, backup};

/// `backup`: a copy of the database.
#[derive(Debug, Clone, Args)]
pub struct BackupArguments {
    /// Where to write it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `restore`: the way back.
#[derive(Debug, Clone, Args)]
pub struct RestoreArguments {
    /// A file that `backup` has written
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Copies the database as it is at this moment, whether Trawl runs or not.
///
/// # Errors
/// In words.
pub fn write(settings: &Settings, arguments: &BackupArguments) -> Result<(), Failure> {
    let database = sqlite(settings, "pg_dump --format=custom --file=trawl.dump")?;
    let to = &arguments.file;
    if to.exists() {
        return Err((2, format!("{} is there already; name another file, or remove it", to.display())));
    }
    let unfinished = beside(to, "unfinished");
    let failed = |error: io::Error| (1, format!("cannot write {}: {error}", to.display()));
    fs::remove_file(&unfinished).or_else(ignore_missing).map_err(failed)?;
    let file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let done = backup::copy(&database, &unfinished, settings.database.busy_timeout_ms).map_err(|error| refused(&error));
    let done = done.and_then(|()| {
        file.sync_all().map_err(failed)?;
        fs::rename(&unfinished, to).map_err(failed)
    });
    if done.is_err() {
        fs::remove_file(&unfinished).ok();
    }
    done?;
    let key = settings.state_dir().join("master.key");
    say(&format!(
        "{}: {} bytes. The tokens in it open with {} alone, which is not in it: keep a copy of that as well, elsewhere.",
        to.display(),
        fs::metadata(to).map_or(0, |file| file.len()),
        key.display()
    ));
    Ok(())
}

/// Puts a copy in the place of the database, which is kept under another name. Nothing may run.
///
/// # Errors
/// In words. The database is what it was then.
pub fn restore(settings: &Settings, arguments: &RestoreArguments) -> Result<(), Failure> {
    let database = sqlite(settings, "pg_restore --clean --if-exists --dbname=trawl trawl.dump")?;
    backup::check(&arguments.file).map_err(|error| refused(&error))?;
    let failed = |error: io::Error| (1, format!("cannot write {}: {error}", database.display()));
    if let Some(directory) = database.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    let unfinished = beside(&database, "unfinished");
    fs::remove_file(&unfinished).or_else(ignore_missing).map_err(failed)?;
    let mut copy = File::options().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let mut source = File::open(&arguments.file).map_err(failed)?;
    io::copy(&mut source, &mut copy).map_err(failed)?;
    copy.sync_all().map_err(failed)?;
    // The log first: beside another database it would be taken for that one's.
    let mut kept = None;
    for ending in ["-wal", "-shm", ""] {
        let old = PathBuf::from(format!("{}{ending}", database.display()));
        let new = PathBuf::from(format!("{}.before-restore{ending}", database.display()));
        if old.exists() {
            fs::rename(&old, &new).map_err(failed)?;
            kept = Some(new);
        }
    }
    fs::rename(&unfinished, &database).map_err(failed)?;
    say(&format!("{} is restored from {}.", database.display(), arguments.file.display()));
    if let Some(kept) = kept {
        say(&format!("What was there before is in {}.", kept.display()));
    }
    Ok(())
}

/// The file of the database, where it is one.
fn sqlite(settings: &Settings, instead: &str) -> Result<PathBuf, Failure> {
    match settings.database_url().strip_prefix("sqlite://") {
        Some(path) => Ok(path.into()),
        None => Err((2, format!("the database is PostgreSQL, which has its own programs for this: {instead}"))),
    }
}

fn refused(error: &StoreError) -> Failure {
    (exit::DATABASE, error.to_string())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}
