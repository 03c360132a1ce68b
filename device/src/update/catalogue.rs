//! A catalogue that came as an update: imported by what `clothingid catalogue import` does, in a program of its own, looked at, and taken back
//! where it did not go well.
//!
//! A kill or a power cut leaves batches that are whole, and a note of what was begun: the next time the import goes on, which does what is left.
//! All changes of it together are what is taken back.

use super::error::UpdateError;
use super::memory::{Edition, Place};
use super::proof::Runner;
use super::{Kind, program};
use crate::catalogue::store::{Author, Change};
use crate::catalogue::{Store, StoreError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who it is in the catalogue's history.
pub const WHO: &str = "update";

/// How often an import that somebody ends is begun again.
const ATTEMPTS: u32 = 5;

/// Where it goes, and what embeds what a head office has not embedded.
#[derive(Debug, Clone)]
pub struct Target {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// The network in use; none: the one inside the program.
    pub bundle: Option<PathBuf>,
    /// What runs it.
    pub runner: Runner,
}

/// The number of the last change in a catalogue's history; 0 where there is none.
///
/// # Errors
/// The catalogue cannot be read.
pub fn last_change(catalogue: &Path) -> Result<i64, StoreError> {
    match Store::open(catalogue) {
        Err(StoreError::Missing { .. }) => Ok(0),
        store => Ok(store?.history()?.iter().map(|change| change.number).max().unwrap_or(0)),
    }
}

/// Imports an edition whose file is known to be good, and makes it the board's.
///
/// # Errors
/// It could not be imported, and was taken back; or it was broken off and goes on another time.
pub fn import(place: &Place, target: &Target, edition: &Edition) -> Result<(), UpdateError> {
    let title = edition.title();
    let failed = |cause: String| UpdateError::Import { title: title.clone(), cause };
    let of_store = |error: StoreError| failed(error.to_string());
    let attempts = place.change(|memory| {
        let attempts =
            memory.importing.take().filter(|begun| begun.file == edition.file).map_or(0, |begun| begun.attempts);
        memory.importing = Some(Edition { attempts: attempts + 1, ..edition.clone() });
        attempts + 1
    })?;
    let before = damage(&target.catalogue).map_err(of_store)?;
    let mut command = Command::new(&target.runner.program);
    // Whose it is was found out with the index, which names its hash: it needs no signature of its own here.
    command.args(["catalogue", "import", "--unsigned", "--by", WHO]).arg(place.file(&edition.file));
    command.arg("--catalogue").arg(&target.catalogue).args(["--engine", &target.runner.engine.to_string()]);
    if let Some(bundle) = &target.bundle {
        command.arg("--bundle").arg(bundle);
    }
    let ran = program::run(&mut command, None).map_err(|error| failed(error.to_string()))?;
    if ran.was_ended() && attempts < ATTEMPTS {
        return Err(failed(format!("{}; it goes on another time", ran.why())));
    }
    let cause = if !ran.is_well() {
        Some(ran.why())
    } else {
        damage(&target.catalogue).map_err(of_store)?.difference(&before).next().cloned()
    };
    let Some(cause) = cause else {
        return Ok(place.change(|memory| {
            memory.importing = None;
            memory.accept(Kind::Catalogue, edition.serial);
            memory.catalogue = Some(edition.clone());
            memory.say(&format!("{title} is in place"));
        })?);
    };
    let cause = match take_back(&target.catalogue, edition) {
        Ok(_) => format!("{cause}; the catalogue is as before"),
        Err(error) => format!("{cause}; and it cannot be taken back: {error}"),
    };
    place.change(|memory| {
        memory.importing = None;
        memory.accept(Kind::Catalogue, edition.serial);
    })?;
    Err(failed(cause))
}

/// What is damaged in a catalogue, in words.
fn damage(catalogue: &Path) -> Result<BTreeSet<String>, StoreError> {
    match Store::open(catalogue) {
        Err(StoreError::Missing { .. }) => Ok(BTreeSet::new()),
        store => Ok(store?.check()?.damage.iter().map(ToString::to_string).collect()),
    }
}

/// Takes all changes of an edition back, the last one first. How many products are as before.
///
/// # Errors
/// One of them cannot be taken back.
pub fn take_back(catalogue: &Path, edition: &Edition) -> Result<usize, UpdateError> {
    let failed = |cause: String| UpdateError::Import { title: edition.title(), cause };
    let mut store = match Store::open(catalogue) {
        Err(StoreError::Missing { .. }) => return Ok(0),
        store => store.map_err(|error| failed(error.to_string()))?,
    };
    let is_its = |change: &Change| {
        let of_file = change.what.strip_prefix("import ").map(Path::new).and_then(Path::file_name);
        change.number > edition.after_change
            && change.who == WHO
            && !change.is_undone
            && of_file.is_some_and(|name| name.to_str() == Some(&edition.file))
    };
    let history = store.history().map_err(|error| failed(error.to_string()))?;
    let mut numbers: Vec<i64> = history.iter().filter(|change| is_its(change)).map(|change| change.number).collect();
    numbers.sort_unstable();
    let mut products = 0;
    for number in numbers.into_iter().rev() {
        store.sign(Author { who: WHO.to_owned(), what: format!("undo {number}") });
        products += store.undo(Some(number)).map_err(|error| failed(error.to_string()))?.products;
    }
    Ok(products)
}

impl Edition {
    /// For people.
    #[must_use]
    pub fn title(&self) -> String {
        format!("the catalogue {} (number {})", self.version, self.serial)
    }
}
