//! Who made an edition: keys and signatures in minisign's form (Ed25519 over BLAKE2b-512), in a file `EDITION.minisig` beside it.
//!
//! **Source** <https://jedisct1.github.io/minisign/>, "Minisign signature format".

use clothingid_shared::files::{self, FileError};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox, SignatureBox};
use std::fs::{File, Permissions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Keys and signatures have a few hundred bytes.
const MOST_BYTES: u64 = 16 << 10;

/// Why an edition is not taken, or not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a key.
    #[error("`{given}` is no {what} key of minisign's form")]
    NotAKey {
        /// What was given.
        given: String,
        /// `public` or `secret`.
        what: &'static str,
        /// What minisign says.
        source: minisign::PError,
    },
    /// Not a signature.
    #[error("`{}` is no signature of minisign's form", path.display())]
    NotASignature {
        /// The file.
        path: PathBuf,
        /// What minisign says.
        source: minisign::PError,
    },
    /// Another key, or another file.
    #[error("`{}` is not what the holder of this key has signed", path.display())]
    Other {
        /// The edition.
        path: PathBuf,
        /// What minisign says.
        source: minisign::PError,
    },
    /// The system gives no random numbers, and the like.
    #[error("the key cannot be used")]
    Key(#[source] minisign::PError),
}

impl SignatureError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotAKey { what: "public", .. } => {
                vec!["name the file `….pub` of the head office, or the text in its second line".to_owned()]
            }
            Self::NotAKey { .. } => vec!["make a pair of keys: `clothingid catalogue key FILE`".to_owned()],
            Self::Other { .. } | Self::NotASignature { .. } => {
                vec!["do not use the file: ask the head office for the edition and its signature again".to_owned()]
            }
            Self::File(_) | Self::Key(_) => Vec::new(),
        }
    }
}

/// Makes a pair of keys: the secret one at `path`, readable by its owner alone, the public one at `path.pub`. Files that are there are not
/// overwritten. The public key as text.
///
/// # Errors
/// A file is there or cannot be written.
pub fn make_keys(path: &Path) -> Result<String, SignatureError> {
    let public = files::with_end(path, ".pub");
    for path in [path, &public] {
        if path.exists() {
            let source = std::io::ErrorKind::AlreadyExists.into();
            return Err(FileError::Write { path: path.to_owned(), source }.into());
        }
    }
    let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair().map_err(SignatureError::Key)?;
    let secret = sk.to_box(Some("clothingid catalogue secret key")).map_err(SignatureError::Key)?;
    let text = pk.to_box().map_err(SignatureError::Key)?;
    files::write_atomic_with(path, |file| {
        // Before there is anything to be read in it.
        file.get_ref().set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(&secret.to_bytes())
    })?;
    files::write_atomic(&public, &text.to_bytes())?;
    Ok(pk.to_base64())
}

/// The secret key in a file.
///
/// # Errors
/// No key, or an encrypted one.
pub fn secret_key(key: &Path) -> Result<SecretKey, SignatureError> {
    let text = files::read_text_at_most(key, MOST_BYTES)?;
    let not_a_key = |source| SignatureError::NotAKey { given: key.display().to_string(), what: "secret", source };
    SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key).map_err(not_a_key)
}

/// Signs an edition; where the signature is.
///
/// # Errors
/// The edition cannot be read, or the signature not be written.
pub fn sign(edition: &Path, key: &SecretKey) -> Result<PathBuf, SignatureError> {
    let unreadable = |source| FileError::Read { path: edition.to_owned(), source };
    let bytes = BufReader::new(File::open(edition).map_err(unreadable)?);
    let name = edition.file_name().unwrap_or_default().to_string_lossy();
    let signature =
        minisign::sign(None, key, bytes, Some(&format!("file:{name}")), None).map_err(SignatureError::Key)?;
    let path = files::with_end(edition, ".minisig");
    files::write_atomic(&path, &signature.to_bytes())?;
    Ok(path)
}

/// Whether the holder of a public key has signed an edition. `key` is the key's file, or the key itself.
///
/// # Errors
/// It is not so, or cannot be told.
pub fn verify(edition: &Path, key: &str) -> Result<(), SignatureError> {
    let not_a_key = |source| SignatureError::NotAKey { given: key.to_owned(), what: "public", source };
    let key = if Path::new(key).is_file() {
        let text = files::read_text_at_most(Path::new(key), MOST_BYTES)?;
        minisign::PublicKeyBox::from_string(&text).and_then(PublicKey::from_box).map_err(not_a_key)?
    } else {
        PublicKey::from_base64(key.trim()).map_err(not_a_key)?
    };
    let path = files::with_end(edition, ".minisig");
    let text = files::read_text_at_most(&path, MOST_BYTES)?;
    let signature = SignatureBox::from_string(&text)
        .map_err(|source| SignatureError::NotASignature { path: path.clone(), source })?;
    let unreadable = |source| FileError::Read { path: edition.to_owned(), source };
    let bytes = BufReader::new(File::open(edition).map_err(unreadable)?);
    // Only signatures over a hash: the older ones need the whole file in memory.
    minisign::verify(&key, &signature, bytes, true, false, false)
        .map_err(|source| SignatureError::Other { path: edition.to_owned(), source })
}
