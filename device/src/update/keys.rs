//! Whose signature counts: the keys that came with the image and the settings, and those that a trusted head office added since, without those
//! that it retired.

use super::memory::Memory;
use crate::config;
use crate::signature::{self, KeyId, SignatureError};
use clothingid_shared::files::{self, folder_of};
use minisign::PublicKey;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Where an image has its keys.
const OF_IMAGE: &str = "/usr/share/clothingid/keys";

/// The folders that keys lie in, `*.pub`: the image's, and `keys` beside each file of settings (`config`: the one that was named).
#[must_use]
pub fn folders(config: Option<&Path>) -> Vec<PathBuf> {
    let settings = match config {
        Some(file) => vec![file.to_owned()],
        None => config::places(|name| std::env::var_os(name)),
    };
    [PathBuf::from(OF_IMAGE)].into_iter().chain(settings.iter().map(|file| folder_of(file).join("keys"))).collect()
}

/// Keys that are trusted, and the numbers of those that are not any more.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    trusted: Vec<PublicKey>,
    retired: Vec<KeyId>,
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file is no key, or the signature is none, or it is of something else.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// There is no key at all.
    #[error("no key of a head office is trusted here: there is no file `*.pub` in {folders}")]
    NoKeys {
        /// Where keys are looked for.
        folders: String,
    },
    /// Somebody else's.
    #[error("`{place}` is signed with the key {id}, which is not trusted here")]
    Unknown {
        /// What is signed.
        place: String,
        /// The key.
        id: KeyId,
    },
    /// One that a head office has taken back.
    #[error("`{place}` is signed with the key {id}, which is retired")]
    Retired {
        /// What is signed.
        place: String,
        /// The key.
        id: KeyId,
    },
    /// Nothing could be trusted afterwards.
    #[error("the index retires the last key that is trusted here, {id}")]
    Last {
        /// The key.
        id: KeyId,
    },
}

impl Keys {
    /// Those of the folders, with what `memory` has of changes.
    ///
    /// # Errors
    /// A file `*.pub` cannot be read or is no key; there is none.
    pub fn read(folders: &[PathBuf], memory: &Memory) -> Result<Self, KeyError> {
        let mut files: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "pub"))
            .collect();
        files.sort();
        let mut keys =
            Self { retired: memory.retired.iter().filter_map(|id| KeyId::parse(id)).collect(), ..Self::default() };
        for file in files {
            keys.trusted.push(signature::public_key(&file.display().to_string())?);
        }
        for text in &memory.keys {
            keys.trusted.push(signature::public_key(text)?);
        }
        if keys.current().next().is_none() {
            let names: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
            return Err(KeyError::NoKeys { folders: names.join(" or ") });
        }
        Ok(keys)
    }

    fn current(&self) -> impl Iterator<Item = &PublicKey> {
        self.trusted.iter().filter(|key| !self.retired.contains(&signature::id_of(key)))
    }

    /// Which key has signed these bytes, where it counts. `place` is where they are from.
    ///
    /// # Errors
    /// No signature, one of a key that does not count, or one of other bytes.
    pub fn verify(&self, place: &str, bytes: &[u8], signature_bytes: &[u8]) -> Result<KeyId, KeyError> {
        let path = Path::new(place);
        let text = String::from_utf8_lossy(signature_bytes);
        let signature = signature::read_signature(&files::with_end(path, ".minisig"), &text)?;
        let id = signature::signer(&signature);
        if self.retired.contains(&id) {
            return Err(KeyError::Retired { place: place.to_owned(), id });
        }
        let key = self.current().find(|key| signature::id_of(key) == id);
        let key = key.ok_or_else(|| KeyError::Unknown { place: place.to_owned(), id })?;
        signature::verify_with(key, &signature, Cursor::new(bytes), path)?;
        Ok(id)
    }

    /// What becomes of the memory's keys by a signed index; whether anything changes.
    ///
    /// # Errors
    /// It would leave no key. Nothing is changed then.
    pub fn rotate(&self, index: &super::Index, memory: &mut Memory) -> Result<bool, KeyError> {
        let before = (memory.keys.clone(), memory.retired.clone());
        let mut after = self.clone();
        let (mut keys, mut retired) = before.clone();
        for added in &index.keys {
            let key = signature::public_key(&added.public)?;
            if !after.trusted.contains(&key) {
                after.trusted.push(key);
                keys.push(added.public.clone());
            }
        }
        for id in index.retired.iter().filter_map(|key| KeyId::parse(&key.id)) {
            if !after.retired.contains(&id) {
                after.retired.push(id);
                retired.push(id.to_string());
            }
            if after.current().next().is_none() {
                return Err(KeyError::Last { id });
            }
        }
        let has_changed = before != (keys.clone(), retired.clone());
        (memory.keys, memory.retired) = (keys, retired);
        Ok(has_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::index::{AddedKey, Index, RetiredKey};

    #[test]
    fn keys_come_and_go_by_signed_indexes_and_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(Keys::read(&[at("none")], &Memory::default()), Err(KeyError::NoKeys { .. })));
        let (one, two) = (signature::make_keys(&at("one")).unwrap(), tempfile::tempdir().unwrap());
        let second = signature::make_keys(&two.path().join("two")).unwrap();
        let id = |text: &str| signature::id_of(&signature::public_key(text).unwrap()).to_string();
        let mut memory = Memory::default();
        let folders = [folder.path().to_owned()];
        let signed = |key: &Path| {
            let path = at("updates.toml");
            files::write_atomic(&path, b"bytes").unwrap();
            let made = signature::sign(&path, &signature::secret_key(key).unwrap()).unwrap();
            files::read(&made).unwrap()
        };
        let verify =
            |memory: &Memory, signature: &[u8]| Keys::read(&folders, memory).unwrap().verify("i", b"bytes", signature);
        let (by_one, by_two) = (signed(&at("one")), signed(&two.path().join("two")));
        assert_eq!(verify(&memory, &by_one).unwrap().to_string(), id(&one));
        assert!(matches!(verify(&memory, &by_two), Err(KeyError::Unknown { .. })));
        assert!(matches!(
            Keys::read(&folders, &memory).unwrap().verify("i", b"bytez", &by_one),
            Err(KeyError::Signature(SignatureError::Other { .. }))
        ));

        let retires = |id: String| Index { serial: 1, retired: vec![RetiredKey { id }], ..Index::default() };
        let keys = Keys::read(&folders, &memory).unwrap();
        assert!(matches!(keys.rotate(&retires(id(&one)), &mut memory), Err(KeyError::Last { .. })));
        assert_eq!(memory, Memory::default());
        let both = Index { keys: vec![AddedKey { public: second.clone() }], ..retires(id(&one)) };
        assert!(keys.rotate(&both, &mut memory).unwrap());
        assert!(verify(&memory, &by_two).is_ok());
        assert!(matches!(verify(&memory, &by_one), Err(KeyError::Retired { .. })));
        assert!(!Keys::read(&folders, &memory).unwrap().rotate(&both, &mut memory).unwrap(), "twice is once");
    }
}
