//! The two lists of a network: a coarser one in the slot `category14`, a finer one in the slot `category26`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Taxonomy, TaxonomyProblem};
use crate::files::{self, FileError, sha256_hex};

/// Names of the two slots, in the order of the network's outputs.
pub const SLOTS: [&str; 2] = ["category14", "category26"];
/// Names of the two files of a folder with taxonomies.
pub const FILES: [&str; 2] = ["category14.toml", "category26.toml"];
/// Longest file that is read: 4096 categories with names in ten languages.
const MOST_BYTES: u64 = 4 << 20;

/// The keys of both lists: what a network's outputs mean, whatever people call it.
pub type Keys = [Vec<String>; 2];

/// The two lists of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taxonomies {
    /// The coarser list, 14 categories of clothing.
    pub category14: Taxonomy,
    /// The finer list, 26 categories of clothing.
    pub category26: Taxonomy,
    /// Where they were read, if they were.
    folder: Option<PathBuf>,
}

/// Why the taxonomies of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TaxonomyError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder with one of the two files.
    #[error("`{folder}` has `{found}` and no `{missing}`")]
    Half {
        /// The folder.
        folder: PathBuf,
        /// The file that is there.
        found: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A folder that holds lists of other objects is to hold something of clothing.
    #[error("`{folder}` holds taxonomies of other objects than clothing")]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that is no list of categories.
    #[error("`{path}` is no list of categories")]
    Form {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        cause: Box<toml::de::Error>,
    },
    /// A list that cannot be used.
    #[error("`{path}`: {problem}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: TaxonomyProblem,
    },
    /// A list that cannot be written as TOML.
    #[error("cannot write `{path}`")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the writer says.
        #[source]
        cause: Box<toml::ser::Error>,
    },
}

impl Default for Taxonomies {
    fn default() -> Self {
        Self::clothing()
    }
}

impl Taxonomies {
    /// Those of clothing, which are compiled in: what every file means that says nothing else.
    #[must_use]
    pub fn clothing() -> Self {
        Self { category14: Taxonomy::category14(), category26: Taxonomy::category26(), folder: None }
    }

    /// Of lists at hand, for example those of a bundle.
    #[must_use]
    pub fn of(category14: Taxonomy, category26: Taxonomy) -> Self {
        Self { category14, category26, folder: None }
    }

    /// Reads the two files of a folder.
    ///
    /// # Errors
    /// A file is missing, is no list of categories, or is one that cannot be used.
    pub fn read(folder: &Path) -> Result<Self, TaxonomyError> {
        let [first, second] = FILES;
        let (category14, category26) = (read_one(folder, first)?, read_one(folder, second)?);
        let coarser = |key: &str| category14.index_of(key).is_some();
        let lost = category26.categories.iter().find(|c| c.in14.as_deref().is_some_and(|key| !coarser(key)));
        if let Some(category) = lost {
            let (key, in14) = (category.key.clone(), category.in14.clone().unwrap_or_default());
            let problem = TaxonomyProblem::NoSuchCoarser { key, in14 };
            return Err(TaxonomyError::Unusable { path: folder.join(second), problem });
        }
        Ok(Self { category14, category26, folder: Some(folder.to_path_buf()) })
    }

    /// Those that lie in the folder of a manifest or pack; those of clothing where none do.
    ///
    /// # Errors
    /// As [`Taxonomies::read`], or only one of the two files is there.
    pub fn beside(folder: &Path) -> Result<Self, TaxonomyError> {
        let [first, second] = FILES;
        match FILES.map(|name| folder.join(name).exists()) {
            [false, false] => Ok(Self::clothing()),
            [true, true] => Self::read(folder),
            [true, false] => Err(TaxonomyError::Half { folder: folder.to_path_buf(), found: first, missing: second }),
            [false, true] => Err(TaxonomyError::Half { folder: folder.to_path_buf(), found: second, missing: first }),
        }
    }

    /// Writes the two files into the folder of a manifest or pack. Those of clothing are not written: a folder without the files has them,
    /// and keeps the form that it had before there were others.
    ///
    /// # Errors
    /// As [`Taxonomies::fit_into`], or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), TaxonomyError> {
        self.fit_into(folder)?;
        let lists = [&self.category14, &self.category26];
        // Files that say the same keep their comments.
        let is_there = Self::beside(folder).is_ok_and(|there| [&there.category14, &there.category26] == lists);
        if is_there {
            return Ok(());
        }
        for (name, taxonomy) in FILES.into_iter().zip(lists) {
            let path = folder.join(name);
            let text = toml::to_string(taxonomy)
                .map_err(|cause| TaxonomyError::Unwritable { path: path.clone(), cause: Box::new(cause) })?;
            files::write_atomic(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Whether a folder can be given these: one that holds lists of other objects cannot become one of clothing, for they would be lost.
    ///
    /// # Errors
    /// [`TaxonomyError::Occupied`].
    pub fn fit_into(&self, folder: &Path) -> Result<(), TaxonomyError> {
        let holds_others = || !Self::beside(folder).is_ok_and(|there| there.is_clothing());
        if self.is_clothing() && holds_others() {
            return Err(TaxonomyError::Occupied { folder: folder.to_path_buf() });
        }
        Ok(())
    }

    /// How many categories each list has, in the order of [`SLOTS`].
    #[must_use]
    pub fn classes(&self) -> [usize; 2] {
        [self.category14.len(), self.category26.len()]
    }

    /// The keys of both lists.
    #[must_use]
    pub fn keys(&self) -> Keys {
        [&self.category14, &self.category26].map(|list| list.categories.iter().map(|c| c.key.clone()).collect())
    }

    /// Whether the outputs are those of clothing, whatever they are called for people.
    #[must_use]
    pub fn is_clothing(&self) -> bool {
        self.keys() == Self::clothing().keys()
    }

    /// SHA-256 of the keys of both lists; none for clothing, so that files of before there were others stay as they are.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let text = self.keys().map(|keys| keys.join("\n")).join("\n\n");
        (!self.is_clothing()).then(|| sha256_hex(text.as_bytes()))
    }

    /// What a list is called in a message: the file that it was read from.
    #[must_use]
    pub fn words(&self, slot: usize) -> String {
        match (&self.folder, FILES.get(slot)) {
            (Some(folder), Some(name)) => format!("taxonomy `{}`", folder.join(name).display()),
            _ => format!("taxonomy of {}", self.classes().get(slot).copied().unwrap_or_default()),
        }
    }

    /// What the names of the slots mean, for people who read figures "of 14" and "of 26"; none for clothing, where they are what they say.
    #[must_use]
    pub fn slots_explained(&self) -> Option<String> {
        let [coarser, finer] = self.classes();
        (!self.is_clothing()).then(|| {
            format!(
                "\"14\" stands for the coarser list, here of {coarser} categories, and \"26\" for the finer one, here of {finer}: the two slots keep \
                 the names that they have for clothing."
            )
        })
    }

    /// The first slot in which other keys stand.
    #[must_use]
    pub fn difference(&self, other: &Keys) -> Option<Difference> {
        let own = self.keys();
        let slot = (0..SLOTS.len()).find(|&slot| own.get(slot) != other.get(slot))?;
        let words = |keys: &Keys| keys.get(slot).map(|keys| first_of(keys)).unwrap_or_default();
        Some(Difference {
            slot: SLOTS.get(slot).copied().unwrap_or_default(),
            expected: words(&own),
            found: words(other),
        })
    }
}

/// How two pairs of lists differ, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Name of the slot.
    pub slot: &'static str,
    /// The list that is expected.
    pub expected: String,
    /// The list that was found.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}, expected {}", self.slot, self.found, self.expected)
    }
}

/// How many keys, and the first few.
fn first_of(keys: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = keys.iter().take(SHOWN).map(|key| format!("`{key}`")).collect();
    let more = if keys.len() > SHOWN { ", …" } else { "" };
    format!("a list of {} ({}{more})", keys.len(), shown.join(", "))
}

fn read_one(folder: &Path, name: &str) -> Result<Taxonomy, TaxonomyError> {
    let path = folder.join(name);
    let text = files::read_text_at_most(&path, MOST_BYTES)?;
    let taxonomy: Taxonomy = match toml::from_str(&text) {
        Ok(taxonomy) => taxonomy,
        Err(cause) => return Err(TaxonomyError::Form { path, cause: Box::new(cause) }),
    };
    match taxonomy.check() {
        Ok(()) => Ok(taxonomy),
        Err(problem) => Err(TaxonomyError::Unusable { path, problem }),
    }
}

#[cfg(test)]
mod tests;
