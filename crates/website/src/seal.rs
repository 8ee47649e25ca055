//! Tokens at rest: XChaCha20-Poly1305 under a key that lies beside the database in a file of its own.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{fs, io, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};
use trawl_store::{Backend, Db, master_key};
use zeroize::Zeroizing;

use crate::{pseudonyms::Pseudonyms, run::RunError};

const KEY_FILE: &str = "master.key";
const NONCE_LEN: usize = 24;
/// What is sealed to tell keys apart, and its place.
const PROOF: &str = "master-key";

/// Why a token cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file is not what it should be.
    #[error("the key file {path} {problem}")]
    Key {
        /// Where.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nodes that share a database have to share the key.
    #[error(
        "the key file in {0} is not the one that the secrets in the database were encrypted with; copy master.key from \
         another node, or, if it is lost everywhere, run DELETE FROM master_key in the database and link all accounts again"
    )]
    Another(String),
    /// It was sealed with another key, or altered.
    #[error("a stored token cannot be decrypted; the key file is not the one it was encrypted with")]
    Open,
}

/// Seals and opens tokens.
#[derive(Clone)]
pub struct Seal {
    cipher: XChaCha20Poly1305,
    pseudonyms: Pseudonyms,
}

impl Seal {
    /// With the key that the service manager hands over, else the one in this directory, made at the first time.
    ///
    /// # Errors
    /// The file cannot be read or made, or others may read it.
    pub fn open(state_dir: &Path) -> Result<Self, SealError> {
        // A service manager hands it over in a directory that lasts as long as the service.
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(KEY_FILE));
        let handed = handed.filter(|path| path.is_file());
        let (path, may_make) = handed.map_or_else(|| (state_dir.join(KEY_FILE), true), |path| (path, false));
        let failed = |problem: String| SealError::Key { path: path.display().to_string(), problem };
        let key = match read_key(&path) {
            Ok(key) => key,
            Err(error) if may_make && error.kind() == io::ErrorKind::NotFound => {
                let key: Zeroizing<[u8; 32]> = Zeroizing::new(rand::random());
                write_key(&path, &key).map_err(|error| failed(format!("cannot be written: {error}")))?;
                key
            }
            Err(error) => return Err(failed(format!("cannot be used: {error}"))),
        };
        Ok(Self { cipher: XChaCha20Poly1305::new((&*key).into()), pseudonyms: Pseudonyms::from_key(&key) })
    }

    /// Pseudonyms whose key follows from ours.
    #[must_use]
    pub const fn pseudonyms(&self) -> Pseudonyms {
        self.pseudonyms
    }

    /// Seals a token for a place: it opens nowhere else, so that rows cannot be swapped.
    ///
    /// # Errors
    /// Never for tokens of a sane size.
    pub fn seal(&self, token: &SecretString, place: &str) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let payload = Payload { msg: token.expose_secret().as_bytes(), aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Open)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Makes sure that this is the key of the secrets in the database. A database of our own gets used to another key,
    /// because then the old one is lost; its accounts have to be linked again.
    ///
    /// # Errors
    /// The database, or other nodes have another key.
    pub async fn agree(&self, db: &Db, state_dir: &Path) -> Result<(), RunError> {
        let proof = self.seal(&PROOF.into(), PROOF)?;
        let mine = proof.clone();
        let kept = db.write(move |conn| master_key::agree(conn, &mine)).await?;
        if self.unseal(&kept, PROOF).is_ok() {
            return Ok(());
        }
        if db.backend() == Backend::Postgres {
            return Err(SealError::Another(state_dir.display().to_string()).into());
        }
        tracing::warn!("the key file is not the one that the stored tokens were encrypted with; they cannot be used");
        db.write(move |conn| master_key::replace(conn, &proof)).await?;
        Ok(())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`SealError::Open`].
    pub fn unseal(&self, sealed: &[u8], place: &str) -> Result<SecretString, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Open)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let token = Zeroizing::new(self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Open)?);
        Ok(std::str::from_utf8(&token).map_err(|_| SealError::Open)?.into())
    }
}

fn read_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        let text = format!("others may read it (mode {:o}); run chmod 600 on it", mode & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let bytes = Zeroizing::new(fs::read(path)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "it does not hold 32 bytes; restore it from a backup, or remove it and link the accounts again",
        )
    })?;
    Ok(Zeroizing::new(key))
}

fn write_key(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    // Under another name first: a crash in between must not leave half a key.
    let unfinished = path.with_extension("new");
    fs::remove_file(&unfinished)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_in_its_place_and_with_its_key() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let seal = Seal::open(here.path()).unwrap();
        let sealed = seal.seal(&"glpat-x".into(), "1/2/3").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"glpat-x"));
        let again = Seal::open(here.path()).unwrap();
        assert_eq!(again.unseal(&sealed, "1/2/3").unwrap().expose_secret(), "glpat-x");
        assert!(again.unseal(&sealed, "1/2/4").is_err());
        assert!(Seal::open(elsewhere.path()).unwrap().unseal(&sealed, "1/2/3").is_err());
        assert!(again.unseal(&[1, 2, 3], "1/2/3").is_err());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        Seal::open(dir.path()).unwrap();
        let path = dir.path().join(KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Seal::open(dir.path()).err().unwrap().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }
}
