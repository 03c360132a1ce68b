//! Which files of a folder are photographs: one rule for every program.

use std::path::{Path, PathBuf};

use super::FileError;

const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The photographs behind a path argument: a file as it is, a folder recursed in sorted order, where files named `.jpg`, `.jpeg`, `.png` or
/// `.webp` in any case are taken and others are left.
///
/// Symbolic links to folders are not followed, so a link in a loop does no harm. Where a part of the folder must not be left out silently
/// but the rest is wanted, use [`walk_photos`].
///
/// # Errors
/// [`FileError::Read`] where `path` does not exist, [`FileError::List`] where a folder cannot be listed.
pub fn photos_in(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    walk_photos(path).into_iter().collect()
}

/// As [`photos_in`], but a folder that cannot be listed (another user's, `lost+found`) is an error in its place, and the rest follows.
#[must_use]
pub fn walk_photos(path: &Path) -> Vec<Result<PathBuf, FileError>> {
    match std::fs::metadata(path) {
        Err(source) => vec![Err(FileError::Read { path: path.to_owned(), source })],
        Ok(facts) if facts.is_dir() => {
            let mut found = Vec::new();
            walk(path, &mut found);
            found
        }
        Ok(_) => vec![Ok(path.to_owned())],
    }
}

fn walk(folder: &Path, found: &mut Vec<Result<PathBuf, FileError>>) {
    let unlisted = |source| Err(FileError::List { path: folder.to_owned(), source });
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(source) => return found.push(unlisted(source)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
            Ok(entry) => entries.push(entry),
            Err(source) => found.push(unlisted(source)),
        }
    }
    entries.sort_by(|(_, one), (_, other)| one.file_name().cmp(&other.file_name()));
    for (kind, path) in entries {
        if kind.is_dir() {
            walk(&path, found);
        } else if is_photo(&path) && path.is_file() {
            found.push(Ok(path));
        }
    }
}

fn is_photo(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::{photos_in, walk_photos};
    use crate::files::{create_folder, write_atomic};

    #[test]
    fn folders_are_recursed_sorted_and_filtered() {
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("b")).unwrap();
        for name in ["c.JPG", "a.webp", "notes.txt", "b/2.png", "b/1.jpeg", "noextension"] {
            write_atomic(&folder.path().join(name), b"").unwrap();
        }
        let found = photos_in(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.webp", "b/1.jpeg", "b/2.png", "c.JPG"]);
    }

    #[test]
    fn a_file_is_taken_whatever_its_name_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        write_atomic(&file, b"").unwrap();
        assert_eq!(photos_in(&file).unwrap(), std::slice::from_ref(&file));
        let missing = folder.path().join("none");
        assert_eq!(photos_in(&missing).unwrap_err().path(), missing);
    }

    /// A folder whose path is longer than the system takes cannot be listed, whoever asks.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a folder is moved deeper than its path could be made")]
    fn a_folder_that_cannot_be_listed_is_an_error_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let long = ["x"; 9].map(|part| part.repeat(250));
        let deep = folder.path().join("m").join(long.iter().collect::<std::path::PathBuf>());
        let rest = folder.path().join("rest");
        create_folder(&deep).unwrap();
        create_folder(&rest.join(long.iter().collect::<std::path::PathBuf>())).unwrap();
        std::fs::rename(&rest, deep.join("rest")).unwrap();
        for name in ["a.jpg", "m/b.jpg", "z.jpg"] {
            write_atomic(&folder.path().join(name), b"").unwrap();
        }
        let names: Vec<_> = walk_photos(folder.path())
            .iter()
            .map(|item| item.as_ref().map_or("!", |path| path.file_name().unwrap().to_str().unwrap()).to_owned())
            .collect();
        assert_eq!(names, ["a.jpg", "b.jpg", "!", "z.jpg"]);
        assert!(photos_in(folder.path()).is_err(), "all or nothing");
    }
}
