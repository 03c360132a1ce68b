//! Who made a file that comes from a head office: keys and signatures in minisign's form (Ed25519 over BLAKE2b-512), in a file `FILE.minisig`
//! beside it. Editions of catalogues and the index of updates are signed so.
//!
//! **Source** <https://jedisct1.github.io/minisign/>, "Minisign signature format".

use clothingid_shared::files::{self, FileError};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox, SignatureBox};
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Keys and signatures have a few hundred bytes.
pub const MOST_BYTES: u64 = 16 << 10;

/// Why a file is not taken, or not signed.
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
        /// What should be signed.
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
                vec!["do not use the file: ask the head office for it and its signature again".to_owned()]
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

/// Signs a file; where the signature is.
///
/// # Errors
/// The file cannot be read, or the signature not be written.
pub fn sign(file: &Path, key: &SecretKey) -> Result<PathBuf, SignatureError> {
    let unreadable = |source| FileError::Read { path: file.to_owned(), source };
    let bytes = BufReader::new(File::open(file).map_err(unreadable)?);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let signature =
        minisign::sign(None, key, bytes, Some(&format!("file:{name}")), None).map_err(SignatureError::Key)?;
    let path = files::with_end(file, ".minisig");
    files::write_atomic(&path, &signature.to_bytes())?;
    Ok(path)
}

/// A key's number, by which keys and signatures find each other; shown as minisign's own program shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    fn of(number: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(number).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// The number that people wrote: up to sixteen hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(text, 16).ok().filter(|_| is_hex).map(|number| Self(number.to_le_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

/// The number of a key.
#[must_use]
pub fn id_of(key: &PublicKey) -> KeyId {
    KeyId::of(key.keynum())
}

/// A public key: that of a file, or the text of the key itself.
///
/// # Errors
/// No key, or a file that cannot be read.
pub fn public_key(key: &str) -> Result<PublicKey, SignatureError> {
    let not_a_key = |source| SignatureError::NotAKey { given: key.to_owned(), what: "public", source };
    if Path::new(key).is_file() {
        let text = files::read_text_at_most(Path::new(key), MOST_BYTES)?;
        minisign::PublicKeyBox::from_string(&text).and_then(PublicKey::from_box).map_err(not_a_key)
    } else {
        PublicKey::from_base64(key.trim()).map_err(not_a_key)
    }
}

/// Whether the holder of a public key has signed a file. `key` is the key's file, or the key itself.
///
/// # Errors
/// It is not so, or cannot be told.
pub fn verify(file: &Path, key: &str) -> Result<(), SignatureError> {
    let key = public_key(key)?;
    let path = files::with_end(file, ".minisig");
    let signature = read_signature(&path, &files::read_text_at_most(&path, MOST_BYTES)?)?;
    let unreadable = |source| FileError::Read { path: file.to_owned(), source };
    let bytes = BufReader::new(File::open(file).map_err(unreadable)?);
    verify_with(&key, &signature, bytes, file)
}

/// The text of a signature. `path` is where it is from.
///
/// # Errors
/// It is none.
pub fn read_signature(path: &Path, text: &str) -> Result<SignatureBox, SignatureError> {
    SignatureBox::from_string(text).map_err(|source| SignatureError::NotASignature { path: path.to_owned(), source })
}

/// The number of the key that a signature says it is of.
#[must_use]
pub fn signer(signature: &SignatureBox) -> KeyId {
    KeyId::of(signature.keynum())
}

/// Whether a signature is that of a key's holder over these bytes. `path` is where they are from.
///
/// # Errors
/// It is not.
pub fn verify_with(
    key: &PublicKey,
    signature: &SignatureBox,
    bytes: impl Read + std::io::Seek,
    path: &Path,
) -> Result<(), SignatureError> {
    // Only signatures over a hash: the older ones need the whole file in memory.
    minisign::verify(key, signature, bytes, true, false, false)
        .map_err(|source| SignatureError::Other { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_number_that_minisign_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        let text = make_keys(&path).unwrap();
        let key = public_key(&text).unwrap();
        let id = id_of(&key);
        assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        let file = files::read_text(&files::with_end(&path, ".pub")).unwrap();
        assert_eq!(id_of(&public_key(&path.with_extension("key.pub").display().to_string()).unwrap()), id);
        // minisign writes the number into the comment of its files.
        assert!(file.lines().next().unwrap().to_uppercase().contains(&id.to_string()), "{file}");
        for bad in ["", "+1", "xyz", "11111111111111111"] {
            assert_eq!(KeyId::parse(bad), None, "{bad}");
        }
    }
}
