//! What stands under a name in a ZIP file.

use super::archive::{self, Content, Entry, Place, Unusable};
use super::error::ZipError;
use super::name::{Outside, is_of_the_archiver, plain};
use super::window::ReadAt;
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

/// Bytes of all names together, at most: 134 for each of the most files.
const MOST_NAME_BYTES: usize = 64 << 20;

/// The files of an archive by their names in [`plain`] form.
#[derive(Debug)]
pub(super) struct Directory {
    /// Sorted by name, each name once.
    files: Vec<(Box<str>, Result<Place, Unusable>)>,
    /// The folder, with its `/`, in which all of them are: many programs pack the folder and not what is in it.
    top: Option<Box<str>>,
    /// Places in `files` by names in lower case, made when the first name is not found.
    lower_case: OnceLock<HashMap<String, usize>>,
}

/// What stands under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Photo(&'a Place),
    Unusable(Unusable),
    Folder,
    /// Nothing, but under this name that differs in capital letters.
    OtherCase(&'a str),
    Missing,
    Outside,
}

impl Directory {
    /// Reads an archive's directory. A file whose own name leads outside is not kept: no name finds it.
    pub(super) fn read<S: ReadAt>(path: &Path, source: &S) -> Result<Self, ZipError> {
        let mut files = Vec::new();
        let mut name_bytes = 0_usize;
        archive::walk(path, source, |Entry { name, content }| {
            let (Content::File(file), Ok(name)) = (content, plain(&name)) else { return Ok(()) };
            if is_of_the_archiver(&name) {
                return Ok(());
            }
            name_bytes = name_bytes.saturating_add(name.len());
            if name_bytes > MOST_NAME_BYTES {
                return Err(ZipError::NamesTooLong { path: path.to_owned(), limit: MOST_NAME_BYTES });
            }
            files.push((name.into_boxed_str(), file));
            Ok(())
        })?;
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        files.dedup_by(|(again, _), (name, file)| {
            let is_again = again == name;
            if is_again {
                // Which of the two is meant cannot be told.
                *file = Err(Unusable::Twice);
            }
            is_again
        });
        files.shrink_to_fit();
        let top = top(&files);
        Ok(Self { files, top, lower_case: OnceLock::new() })
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(name, _)| &**name)
    }

    /// What stands under a name; where all files are in one folder, also under the name inside that folder.
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        let name = match plain(name) {
            Ok(name) => name,
            Err(Outside) => return Found::Outside,
        };
        let below_top = self.top.as_ref().map(|top| format!("{top}{name}"));
        let names = || std::iter::once(&name).chain(&below_top);
        names().find_map(|name| self.at(name)).unwrap_or_else(|| {
            let there = names().zip([0, self.top.as_ref().map_or(0, |top| top.len())]);
            let mut others = there.filter_map(|(name, shown_from)| self.in_other_case(name)?.get(shown_from..));
            others.next().map_or(Found::Missing, Found::OtherCase)
        })
    }

    fn at(&self, name: &str) -> Option<Found<'_>> {
        match self.files.binary_search_by(|(other, _)| (**other).cmp(name)) {
            Ok(place) => self.files.get(place).map(|(_, file)| match file {
                Ok(place) => Found::Photo(place),
                Err(unusable) => Found::Unusable(*unusable),
            }),
            Err(_) => self.is_folder(name).then_some(Found::Folder),
        }
    }

    /// Whether there are files in it.
    fn is_folder(&self, name: &str) -> bool {
        let inside = match name {
            "" => return true,
            _ => format!("{}/", name.trim_end_matches('/')),
        };
        let first = self.files.partition_point(|(other, _)| **other < *inside);
        self.files.get(first).is_some_and(|(name, _)| name.starts_with(&inside))
    }

    fn in_other_case(&self, name: &str) -> Option<&str> {
        let lower_case = self.lower_case.get_or_init(|| {
            self.files.iter().enumerate().map(|(place, (name, _))| (name.to_lowercase(), place)).collect()
        });
        let (name, _) = self.files.get(*lower_case.get(&name.to_lowercase())?)?;
        Some(name)
    }
}

/// The one folder of all files. They are sorted: it is that of the first and of the last.
fn top(files: &[(Box<str>, Result<Place, Unusable>)]) -> Option<Box<str>> {
    let ((first, _), (last, _)) = (files.first()?, files.last()?);
    let (top, _) = first.split_at_checked(first.find('/')? + 1)?;
    last.starts_with(top).then(|| top.into())
}
