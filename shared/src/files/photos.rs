//! Which files of a folder are photographs: one rule for every program.

use std::path::{Path, PathBuf};

use super::FileError;

const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The photographs behind a path argument: a file as it is, a folder recursed in sorted order, where files named `.jpg`, `.jpeg`, `.png` or
/// `.webp` in any case are taken and others are left.
///
/// Symbolic links to folders are not followed, so a link in a loop does no harm.
///
/// # Errors
/// [`FileError::Read`] where `path` does not exist, [`FileError::List`] where a folder cannot be listed.
pub fn photos_in(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let facts = std::fs::metadata(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if !facts.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut photos = Vec::new();
    collect(path, &mut photos)?;
    Ok(photos)
}

fn collect(folder: &Path, photos: &mut Vec<PathBuf>) -> Result<(), FileError> {
    let listing = |source| FileError::List { path: folder.to_owned(), source };
    let mut entries = std::fs::read_dir(folder).map_err(listing)?.collect::<Result<Vec<_>, _>>().map_err(listing)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(listing)?.is_dir() {
            collect(&path, photos)?;
        } else if is_photo(&path) && path.is_file() {
            photos.push(path);
        }
    }
    Ok(())
}

fn is_photo(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::photos_in;
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
}
