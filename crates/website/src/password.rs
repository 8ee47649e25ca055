//! Passwords: argon2id, off the async threads.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::spawn_blocking;

/// Shorter ones are refused. Characters.
pub const MIN_LENGTH: usize = 10;
/// Longer ones are refused: hashing them would be work for an attacker to ask for. Bytes.
pub const MAX_LENGTH: usize = 512;

/// The hash to store.
///
/// # Errors
/// A sentence, in the unlikely case that hashing fails.
pub async fn hash(password: SecretString) -> Result<String, String> {
    spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.expose_secret().as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| format!("the password cannot be hashed: {error}"))
    })
    .await
    .map_err(|error| error.to_string())?
}

/// Whether a password is the one that was hashed. Without a hash, because there is no such user, it takes as long.
pub async fn verify(password: SecretString, stored: Option<String>) -> bool {
    spawn_blocking(move || {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let Ok(hash) = PasswordHash::new(&stored) else { return false };
        Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok() && exists
    })
    .await
    .unwrap_or(false)
}

/// A hash of nothing anybody knows, with the default parameters.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$VHJhd2xOb2JvZHlTYWx0$Wqsv0nZ3QdO0kT0n3m6rJx7m6v0c0hX5bK5b7r0m1nE";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let stored = hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(verify("correct horse".into(), Some(stored.clone())).await);
        assert!(!verify("wrong horse".into(), Some(stored)).await);
        assert!(!verify("correct horse".into(), None).await);
        assert!(PasswordHash::new(NOBODY).is_ok(), "or guessing names would be faster than guessing passwords");
    }
}
