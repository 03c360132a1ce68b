//! A folder of photographs.

use super::PhotoSource;
use crate::catalogue::csv::ProblemKind;
use clothingid_shared::files::{self, FileError, MOST_PHOTO_BYTES};
use std::path::{Component, Path, PathBuf};

/// A folder, with folders in it. Nothing outside it is ever read, whatever a name or a link says.
#[derive(Debug, Clone)]
pub struct PhotoFolder {
    given: PathBuf,
    resolved: PathBuf,
}

impl PhotoFolder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// It is not there, or is no folder.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let list = |source| FileError::List { path: path.to_owned(), source };
        let resolved = path.canonicalize().map_err(list)?;
        if !resolved.is_dir() {
            return Err(list(std::io::Error::from(std::io::ErrorKind::NotADirectory)));
        }
        Ok(Self { given: path.to_owned(), resolved })
    }

    /// The file of that name. Names from Windows have `\` between folders.
    fn find(&self, name: &str) -> Result<PathBuf, ProblemKind> {
        let (photo, source_name) = (name.to_owned(), self.describe());
        let path = self.resolved.join(name.replace('\\', "/"));
        match path.canonicalize() {
            // A link may lead outside, whatever the name says.
            Ok(file) if !file.starts_with(&self.resolved) => Err(ProblemKind::PhotoOutside { photo, source_name }),
            Err(_) if leads_out(&path, &self.resolved) => Err(ProblemKind::PhotoOutside { photo, source_name }),
            Err(_) => Err(ProblemKind::PhotoMissing { photo, source_name }),
            Ok(file) => Ok(file),
        }
    }
}

/// Whether a path that is not there would lie outside of `folder`.
fn leads_out(path: &Path, folder: &Path) -> bool {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    !plain.starts_with(folder)
}

impl PhotoSource for PhotoFolder {
    fn describe(&self) -> String {
        format!("the folder `{}`", self.given.display())
    }

    fn byte_len(&self, name: &str) -> u64 {
        let facts = self.find(name).ok().and_then(|file| file.metadata().ok());
        facts.map_or(0, |facts| facts.len().min(MOST_PHOTO_BYTES))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind> {
        let file = self.find(name)?;
        files::read_at_most(&file, MOST_PHOTO_BYTES).map_err(|error| {
            // The message names the photograph already.
            let cause = match &error {
                FileError::NotAFile { .. } => "it is not a file".to_owned(),
                FileError::TooLarge { limit, .. } => format!("it has more than {} MiB", limit >> 20),
                FileError::Read { source, .. } => source.to_string(),
                other => other.to_string(),
            };
            ProblemKind::PhotoUnreadable { photo: name.to_owned(), cause }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_inside_the_folder_are_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("photos");
        files::create_folder(&folder.join("in")).unwrap();
        files::write_atomic(&folder.join("in/a.jpg"), b"a").unwrap();
        files::write_atomic(&root.path().join("secret"), b"s").unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("link.jpg")).unwrap();
        std::os::unix::fs::symlink("in/a.jpg", folder.join("good.jpg")).unwrap();
        let photos = PhotoFolder::open(&folder).unwrap();

        for good in ["in/a.jpg", "in\\a.jpg", "./in/../in/a.jpg", "good.jpg"] {
            assert_eq!((photos.read(good).unwrap(), photos.byte_len(good)), (b"a".to_vec(), 1), "{good}");
        }
        let absolute = root.path().join("secret").display().to_string();
        for outside in ["../secret", "link.jpg", absolute.as_str(), "../nothing", "in/../../x", "/etc/nothing"] {
            assert!(matches!(photos.read(outside), Err(ProblemKind::PhotoOutside { .. })), "{outside}");
        }
        for missing in ["b.jpg", "in/../b.jpg", "https://example.org/a.jpg", "in/a.jpg/x", "a\0b"] {
            assert!(matches!(photos.read(missing), Err(ProblemKind::PhotoMissing { .. })), "{missing}");
        }
        assert!(matches!(photos.read("in"), Err(ProblemKind::PhotoUnreadable { .. })));
        assert!(PhotoFolder::open(&root.path().join("secret")).is_err());
        assert!(PhotoFolder::open(&root.path().join("nothing")).is_err());
    }
}
