//! Bringing a file of an update here: room first, then its bytes, then the hash of all of it, and only then a name that somebody reads.

use super::error::UpdateError;
use super::index::Update;
use super::memory::Place;
use super::source::Source;
use clothingid_shared::files::{self, FileError, Sha256Writer};
use std::fs::File;
use std::io;
use std::path::Path;

/// What is left for the catalogue and everything else.
const SPARE: u64 = 16 << 20;

/// Fetches a file; its name in the folder of updates. One that is there already is not fetched again.
///
/// # Errors
/// It cannot be had, or is not the one that the index names. Nothing is left of it then, but a beginning that a server broke off.
pub fn fetch(source: &Source, update: &Update, place: &Place) -> Result<String, UpdateError> {
    let short = update.sha256.get(..16).unwrap_or_default();
    let name = format!("{}-{}-{short}", update.kind, update.serial);
    let path = place.file(&name);
    if path.exists() && is_sound(&path, &update.sha256)? {
        return Ok(name);
    }
    files::create_folder(place.folder())?;
    let part = place.file(&format!("part-{short}"));
    let fetched = receive(source, update, place, &part).and_then(|()| check(source, update, &part));
    if let Err(error) = fetched {
        if !matches!(error, UpdateError::Fetch { .. } | UpdateError::NoCurl) {
            // A full disk is no place for what nobody can use.
            let _ = std::fs::remove_file(&part);
        }
        return Err(error);
    }
    files::keep(&part, &path)?;
    Ok(name)
}

fn receive(source: &Source, update: &Update, place: &Place, part: &Path) -> Result<(), UpdateError> {
    let there = || std::fs::metadata(part).map_or(0, |facts| facts.len());
    let mut offset = there();
    if offset > update.bytes {
        let _ = std::fs::remove_file(part);
        offset = 0;
    }
    check_room(place, update.bytes - offset)?;
    if offset < update.bytes && !source.append(&update.file, offset, update.bytes, &mut files::append_scratch(part)?)? {
        // The server gives no parts of a file: from its first byte again.
        let _ = std::fs::remove_file(part);
        check_room(place, update.bytes)?;
        source.append(&update.file, 0, update.bytes, &mut files::append_scratch(part)?)?;
    }
    Ok(())
}

fn check(source: &Source, update: &Update, part: &Path) -> Result<(), UpdateError> {
    let place = source.name_of(&update.file);
    let found = std::fs::metadata(part).map_or(0, |facts| facts.len());
    if found < update.bytes {
        return Err(UpdateError::Torn { place, expected: update.bytes, found });
    }
    let hash = hash_of(part)?;
    if hash != update.sha256 {
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        return Err(UpdateError::Other { place, expected: short(&update.sha256), found: short(&hash) });
    }
    Ok(())
}

/// Whether a file is what was once found to be good.
///
/// # Errors
/// It cannot be read.
pub fn is_sound(path: &Path, sha256: &str) -> Result<bool, FileError> {
    Ok(hash_of(path)? == sha256)
}

pub(super) fn hash_of(path: &Path) -> Result<String, FileError> {
    let unread = |source| FileError::Read { path: path.to_owned(), source };
    let mut hashed = Sha256Writer::new(io::sink());
    io::copy(&mut File::open(path).map_err(unread)?, &mut hashed).map_err(unread)?;
    Ok(hashed.finish().1)
}

fn check_room(place: &Place, needed: u64) -> Result<(), UpdateError> {
    let folder = place.folder();
    let facts =
        rustix::fs::statvfs(folder).map_err(|e| FileError::Read { path: folder.to_owned(), source: e.into() })?;
    let there = facts.f_bavail.saturating_mul(facts.f_frsize);
    if there < needed.saturating_add(SPARE) {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        return Err(UpdateError::Room { folder: folder.to_owned(), needed: mib(needed + SPARE), there: there >> 20 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Kind;
    use clothingid_shared::files::{sha256_hex, write_atomic};

    fn update(bytes: &[u8]) -> Update {
        let (byte_len, sha256) = (bytes.len() as u64, sha256_hex(bytes));
        Update {
            kind: Kind::Network,
            serial: 3,
            version: "3".into(),
            file: "f".into(),
            bytes: byte_len,
            sha256,
            boards: vec![],
        }
    }

    #[test]
    fn only_the_file_that_the_index_names_gets_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let (place, stick) = (Place::new(folder.path()), folder.path().join("stick"));
        files::create_folder(&stick).unwrap();
        let (source, good) = (Source::Folder(stick.clone()), b"the network of winter".as_slice());
        let give = |bytes: &[u8]| write_atomic(&stick.join("f"), bytes).unwrap();
        let left = || std::fs::read_dir(place.folder()).unwrap().count();

        give(&good[..9]);
        assert!(matches!(fetch(&source, &update(good), &place), Err(UpdateError::Torn { found: 9, .. })));
        give(b"the network of wintes");
        assert!(matches!(fetch(&source, &update(good), &place), Err(UpdateError::Other { .. })));
        assert_eq!(left(), 0);
        // A beginning that is another file's is found out, and the next time it is whole.
        give(good);
        let part = place.file(&format!("part-{}", &update(good).sha256[..16]));
        write_atomic(&part, b"another ").unwrap();
        assert!(matches!(fetch(&source, &update(good), &place), Err(UpdateError::Other { .. })));
        write_atomic(&part, &good[..8]).unwrap();
        let name = fetch(&source, &update(good), &place).unwrap();
        assert_eq!(files::read(&place.file(&name)).unwrap(), good);
        assert_eq!(left(), 1);
        // What is there is not asked for again, and a flipped byte is noticed.
        std::fs::remove_file(stick.join("f")).unwrap();
        assert_eq!(fetch(&source, &update(good), &place).unwrap(), name);
        write_atomic(&place.file(&name), b"flipped").unwrap();
        assert!(fetch(&source, &update(good), &place).is_err());
    }

    #[test]
    fn a_file_that_has_no_room_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let large = Update { bytes: 1 << 60, ..update(b"x") };
        assert!(matches!(fetch(&Source::Folder(folder.path().into()), &large, &place), Err(UpdateError::Room { .. })));
    }
}
