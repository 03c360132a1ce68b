//! What could not be used: each row or photograph with its reason, so that the work can go on and nothing is lost in silence.

use std::fmt;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::ImportError;
use super::manifest::to_csv;

/// Name of the list in an output folder.
pub const PROBLEMS_FILE: &str = "problems.csv";

/// One row or photograph that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The photograph, or the table for a broken row.
    pub path: String,
    /// Line of the table, from 1.
    pub line: Option<usize>,
    /// Why, for people.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "`{}:{line}`: {}", self.path, self.reason),
            None => write!(f, "`{}`: {}", self.path, self.reason),
        }
    }
}

/// The list of what was set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, path: &Path, reason: impl Into<String>) {
        self.0.push(Problem { path: path.display().to_string(), line: None, reason: reason.into() });
    }

    /// Adds one that stands in a line of a table; lines count from 1.
    pub fn push_line(&mut self, path: &Path, line: usize, reason: impl Into<String>) {
        self.0.push(Problem { path: path.display().to_string(), line: Some(line), reason: reason.into() });
    }

    /// Adds all of another list.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Writes the list into a folder, or removes an old list when there is nothing to name.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Option<PathBuf>, ImportError> {
        let path = folder.join(PROBLEMS_FILE);
        if self.is_empty() && !path.exists() {
            return Ok(None);
        }
        let bytes = if self.is_empty() {
            b"path,line,reason\n".to_vec()
        } else {
            to_csv(&self.0).map_err(|cause| ImportError::Csv { path: path.clone(), cause })?
        };
        files::write_atomic(&path, &bytes)?;
        Ok((!self.is_empty()).then_some(path))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Problems;

    #[test]
    fn an_old_list_does_not_outlive_its_problems() {
        let folder = tempfile::tempdir().unwrap();
        let mut problems = Problems::default();
        assert_eq!(problems.write(folder.path()).unwrap(), None);
        problems.push(Path::new("a, \"b\".jpg"), "not a picture");
        problems.push_line(Path::new("t.csv"), 7, "no");
        let path = problems.write(folder.path()).unwrap().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "path,line,reason\n\"a, \"\"b\"\".jpg\",,not a picture\nt.csv,7,no\n"
        );
        assert_eq!(Problems::default().write(folder.path()).unwrap(), None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "path,line,reason\n");
    }
}
