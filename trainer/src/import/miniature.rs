//! A published data set of a few drawn photographs, in a folder that vanishes with its test.

use std::path::Path;

use tempfile::TempDir;

use super::check::check;
use super::pictures::{Pictures, make};
use super::progress::Progress;
use super::{Found, LabelMap};
use crate::pack::sample;

pub(super) struct Miniature {
    folder: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "a test's own folder")]
impl Miniature {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// A drawn JPEG, different for each size.
    pub(super) fn photo(&self, name: &str, width: u32, height: u32) {
        self.write(name, sample::jpeg(&sample::photo(width * 7 + height, width, height)));
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.root().join(name)).unwrap();
    }

    /// Changes the first place of a file where `from` stands.
    pub(super) fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root().join(name)).unwrap();
        assert!(text.contains(from), "`{from}` is not in `{name}`:\n{text}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub(super) fn pictures(&self, source: &str) -> Pictures {
        Pictures::of(&self.root().join("out"), source).unwrap()
    }

    /// The rest of an import: pictures are made and looked at.
    pub(super) fn make(&self, found: Found) -> Found {
        check(make(found, &Progress::silent()), &LabelMap::default(), &Progress::silent())
    }

    /// The problems as `file:line: reason`, without the folder.
    pub(super) fn problems(&self, found: &Found) -> Vec<String> {
        let words = found.problems.iter().map(|problem| {
            let file = problem.path.rsplit('/').next().unwrap_or_default();
            match problem.line {
                Some(line) => format!("{file}:{line}: {}", problem.reason),
                None => format!("{file}: {}", problem.reason),
            }
        });
        words.collect()
    }
}
