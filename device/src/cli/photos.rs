//! The photographs that path arguments mean.

use clothingid_shared::files::{FileError, walk_photos};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The photographs behind path arguments, in their order: a file is itself, a folder its photographs (recursed, sorted),
/// `-` a list on stdin, one path a line, read as it comes.
pub fn expand(paths: &[PathBuf]) -> PhotoList {
    PhotoList { arguments: paths.to_vec().into(), found: VecDeque::new(), lines: None }
}

/// See [`expand`]. A path or a folder in it that cannot be read is an error in its place, and the rest follows.
pub struct PhotoList {
    arguments: VecDeque<PathBuf>,
    found: VecDeque<Result<PathBuf, FileError>>,
    lines: Option<Box<dyn BufRead>>,
}

impl Iterator for PhotoList {
    type Item = Result<PathBuf, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(photo) = self.found.pop_front() {
                return Some(photo);
            }
            let argument = match self.next_line() {
                Some(Err(source)) => return Some(Err(FileError::Read { path: "-".into(), source })),
                Some(Ok(line)) => line,
                None => match self.arguments.pop_front()? {
                    dash if dash == Path::new("-") => {
                        self.lines = Some(Box::new(io::BufReader::new(io::stdin())));
                        continue;
                    }
                    argument => argument,
                },
            };
            self.found.extend(walk_photos(&argument));
            if self.found.is_empty() {
                eprintln!("note: no .jpg, .jpeg, .png or .webp file in `{}`", argument.display());
            }
        }
    }
}

impl PhotoList {
    /// The next path of the list on stdin, if one is being read. Empty lines are passed over.
    fn next_line(&mut self) -> Option<io::Result<PathBuf>> {
        loop {
            let mut line = Vec::new();
            match self.lines.as_mut()?.read_until(b'\n', &mut line) {
                Ok(0) => self.lines = None,
                Ok(_) => {
                    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                        line.pop();
                    }
                    if !line.is_empty() {
                        return Some(Ok(OsString::from_vec(line).into()));
                    }
                }
                Err(error) => {
                    self.lines = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::{create_folder, write_atomic};

    #[test]
    fn files_folders_and_missing_paths_keep_their_order() {
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("shop")).unwrap();
        for name in ["z.jpg", "shop/b.PNG", "shop/a.webp", "shop/notes.txt"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let arguments = ["z.jpg", "missing.jpg", "shop", "z.jpg"].map(|name| folder.path().join(name));
        let names: Vec<String> = expand(&arguments)
            .map(|item| match item {
                Ok(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
                Err(error) => format!("! {}", error.path().file_name().unwrap().to_string_lossy()),
            })
            .collect();
        assert_eq!(names, ["z.jpg", "! missing.jpg", "a.webp", "b.PNG", "z.jpg"]);
    }

    /// A folder whose path is longer than the system takes cannot be listed, whoever asks.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a folder is moved deeper than its path could be made")]
    fn a_folder_that_cannot_be_listed_does_not_hide_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let long: PathBuf = ["x"; 9].map(|part| part.repeat(250)).iter().collect();
        let (deep, rest) = (folder.path().join(&long), folder.path().join("rest"));
        create_folder(&deep).unwrap();
        create_folder(&rest.join(&long)).unwrap();
        std::fs::rename(&rest, deep.join("rest")).unwrap();
        for name in ["a.jpg", "z.jpg"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let found: Vec<_> = expand(&[folder.path().to_owned()]).collect();
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn a_list_may_have_empty_lines_carriage_returns_and_no_last_newline() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.jpg", "b.jpg"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let text = format!("{0}/a.jpg\r\n\n{0}/b.jpg", folder.path().display());
        let list = PhotoList {
            arguments: VecDeque::new(),
            found: VecDeque::new(),
            lines: Some(Box::new(io::Cursor::new(text))),
        };
        assert_eq!(list.filter_map(Result::ok).count(), 2);
    }
}
