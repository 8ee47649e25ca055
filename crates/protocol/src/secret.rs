//! The launch secret: 32 random bytes that a supervisor hands to a child through an inherited descriptor, so that no
//! other process of the same user can pass for that child.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use std::{fmt, io::Read as _, os::fd::OwnedFd};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// Number of the descriptor that carries the secret, given to children.
pub const LAUNCH_FD_ENV: &str = "SUPERVISOR_LAUNCH_FD";

/// See the module.
#[derive(Clone, Serialize, Deserialize, ZeroizeOnDrop)]
pub struct LaunchSecret([u8; 32]);

impl LaunchSecret {
    /// A new secret.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::rng().random())
    }

    /// The bytes, for the pipe to the child.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares without telling how much of it was right.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Reads the secret that a child was given.
    ///
    /// # Errors
    /// The descriptor gives fewer than 32 bytes.
    pub fn read_from(fd: OwnedFd) -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        std::fs::File::from(fd).read_exact(&mut bytes)?;
        let secret = Self(bytes);
        bytes.zeroize();
        Ok(secret)
    }

    /// Reads the secret from the descriptor that [`LAUNCH_FD_ENV`] names, and closes that descriptor. None: this
    /// process was started by hand. To be called once, before the process makes itself undumpable: it opens its own
    /// descriptor by name.
    ///
    /// # Errors
    /// The variable names no descriptor, or one that gives fewer than 32 bytes.
    pub fn inherited() -> std::io::Result<Option<Self>> {
        let Some(number) = std::env::var_os(LAUNCH_FD_ENV) else { return Ok(None) };
        let number: i32 =
            number.to_str().and_then(|text| text.parse().ok()).filter(|number| *number > 2).ok_or_else(|| {
                std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("{LAUNCH_FD_ENV} names no descriptor"))
            })?;
        Self::take(number).map(Some)
    }

    fn take(number: i32) -> std::io::Result<Self> {
        let secret =
            std::fs::File::open(format!("/proc/self/fd/{number}")).and_then(|file| Self::read_from(file.into()));
        nix::unistd::close(number)?;
        secret
    }
}

impl fmt::Debug for LaunchSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaunchSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write as _, os::fd::IntoRawFd as _};

    #[test]
    fn a_descriptor_gives_its_secret_and_is_closed() {
        let secret = LaunchSecret::random();
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(secret.as_bytes()).unwrap();
        drop(writer);
        let number = reader.into_raw_fd();
        assert!(LaunchSecret::take(number).unwrap().matches(&secret));
        // Other tests open descriptors meanwhile, so the number may be taken again, but not by our pipe.
        let now = std::fs::read_link(format!("/proc/self/fd/{number}")).ok();
        assert!(now.is_none_or(|now| !now.to_string_lossy().starts_with("pipe:")));
    }

    #[test]
    fn too_few_bytes_are_an_error() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&[1; 31]).unwrap();
        drop(writer);
        assert!(LaunchSecret::take(reader.into_raw_fd()).is_err());
    }
}
