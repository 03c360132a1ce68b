//! The head office's side: files go into a folder, with an index that is signed. Serials count on from what the folder has.

use super::fetch::hash_of;
use super::index::{AddedKey, FILE, Index, IndexError, Kind, MOST_BYTES, RetiredKey, Update};
use crate::signature::{self, SignatureError};
use clothingid_shared::files::{self, FileError, with_end};
use minisign::{PublicKey, SecretKey};
use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

/// A file that is to be offered.
#[derive(Debug, Clone)]
pub struct New {
    /// What it updates.
    pub kind: Kind,
    /// The file.
    pub file: PathBuf,
    /// For people.
    pub version: String,
    /// The boards that it is for.
    pub boards: Vec<String>,
}

/// What an index is to have beside what it has.
#[derive(Debug, Default)]
pub struct Changes {
    /// Files.
    pub files: Vec<New>,
    /// Public keys that are trusted from now on.
    pub keys: Vec<PublicKey>,
    /// Numbers of keys that are not.
    pub retired: Vec<signature::KeyId>,
}

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key or a signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The index that is there, or the one that would be.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The new index has no form.
    #[error("the index cannot be written")]
    Form(#[from] toml::ser::Error),
    /// A board would be left without a key.
    #[error("the key that signs, {0}, cannot be retired: sign with its successor")]
    Own(signature::KeyId),
}

impl PublishError {
    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Signature(SignatureError::Other { .. }) => {
                vec!["the folder was signed with another key: name that one's public key with `--signed-by`; else somebody has altered it".to_owned()]
            }
            Self::Signature(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

/// Publishes; the index that is there now. `earlier` are keys besides the one that signs, with which the folder's index may be signed.
///
/// # Errors
/// [`PublishError`]; the folder's index is then as before.
pub fn publish(folder: &Path, key: &SecretKey, earlier: &[PublicKey], changes: Changes) -> Result<Index, PublishError> {
    files::create_folder(folder)?;
    let own = PublicKey::from_secret_key(key).map_err(SignatureError::Key)?;
    let path = folder.join(FILE);
    let mut index = read(&path, &own, earlier)?;
    index.serial += 1;
    for new in changes.files {
        let New { kind, file, version, boards } = new;
        let serial = index.updates.iter().filter(|update| update.kind == kind).map(|update| update.serial).max();
        let serial = serial.unwrap_or(0) + 1;
        let end = file.extension().and_then(|end| end.to_str()).filter(|end| super::index::is_plain_name(end));
        let name = format!("{kind}-{serial}.{}", end.unwrap_or("bin"));
        let to = folder.join(&name);
        copy(&file, &to)?;
        // Of what was written, and not of what may have changed meanwhile.
        let sha256 = hash_of(&to)?;
        let bytes = std::fs::metadata(&to).map_err(|source| FileError::Read { path: to.clone(), source })?.len();
        index.updates.retain(|update| update.kind != kind || update.boards != boards);
        index.updates.push(Update { kind, serial, version, file: name, bytes, sha256, boards });
    }
    for key in changes.keys {
        let public = key.to_base64();
        if index.keys.iter().all(|known| known.public != public) {
            index.keys.push(AddedKey { public });
        }
    }
    for id in changes.retired {
        if id == signature::id_of(&own) {
            return Err(PublishError::Own(id));
        }
        if index.retired.iter().all(|known| known.id != id.to_string()) {
            index.retired.push(RetiredKey { id: id.to_string() });
        }
    }
    let text = index.to_text()?;
    // What boards would refuse is not published.
    let index = Index::parse(FILE, text.as_bytes())?;
    files::write_atomic(&path, text.as_bytes())?;
    signature::sign(&path, key)?;
    Ok(index)
}

/// The folder's index. What somebody else has put there must not be signed as ours.
fn read(path: &Path, own: &PublicKey, earlier: &[PublicKey]) -> Result<Index, PublishError> {
    if !path.exists() {
        return Ok(Index::default());
    }
    let bytes = files::read_at_most(path, MOST_BYTES)?;
    let of_signature = with_end(path, ".minisig");
    let text = files::read_text_at_most(&of_signature, signature::MOST_BYTES)?;
    let signature = signature::read_signature(&of_signature, &text)?;
    let verify = |key| signature::verify_with(key, &signature, Cursor::new(&bytes), path);
    if !earlier.iter().any(|key| verify(key).is_ok()) {
        verify(own)?;
    }
    Ok(Index::parse(&path.display().to_string(), &bytes)?)
}

fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    let mut file = File::open(from).map_err(|source| FileError::Read { path: from.to_owned(), source })?;
    files::write_atomic_with(to, |to| io::copy(&mut file, to).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::write_atomic;

    #[test]
    fn serials_count_on_and_an_altered_index_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        signature::make_keys(&at("key")).unwrap();
        let (key, out) = (signature::secret_key(&at("key")).unwrap(), at("out"));
        let file = |kind, board: &str| {
            write_atomic(&at("a.bundle"), format!("for {board}").as_bytes()).unwrap();
            let boards = if board.is_empty() { vec![] } else { vec![board.to_owned()] };
            New { kind, file: at("a.bundle"), version: "v".into(), boards }
        };
        let publish = |files| publish(&out, &key, &[], Changes { files, ..Changes::default() });
        publish(vec![file(Kind::Network, "")]).unwrap();
        publish(vec![file(Kind::System, "one")]).unwrap();
        let index = publish(vec![file(Kind::Network, ""), file(Kind::System, "two")]).unwrap();
        let said: Vec<_> = index.updates.iter().map(|update| format!("{} {}", update.title(), update.file)).collect();
        assert_eq!(
            said,
            [
                "system v (number 1) system-1.bundle",
                "network v (number 2) network-2.bundle",
                "system v (number 2) system-2.bundle"
            ]
        );
        assert_eq!(index.serial, 3);
        let text = files::read_text(&out.join(FILE)).unwrap();
        write_atomic(&out.join(FILE), text.replace("serial = 3", "serial = 9").as_bytes()).unwrap();
        assert!(matches!(publish(vec![]), Err(PublishError::Signature(SignatureError::Other { .. }))));
        let own = signature::id_of(&PublicKey::from_secret_key(&key).unwrap());
        write_atomic(&out.join(FILE), text.as_bytes()).unwrap();
        let changes = Changes { retired: vec![own], ..Changes::default() };
        assert!(matches!(super::publish(&out, &key, &[], changes), Err(PublishError::Own(_))));
    }
}
