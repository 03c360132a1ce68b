//! What a board remembers of updates: `update/state.json` in the state folder.
//!
//! The appliance and `clothingid update` both change it: each change is read, made and written under a lock, as a whole and synced.

use super::index::Kind;
use super::slots::Slots;
use clothingid_shared::files::{self, FileError, Lock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// Of the file: serials, a few names, and what happened.
const MOST_BYTES: u64 = 1 << 20;

/// The form that this program writes.
const FORM: u32 = 1;

/// How much of what happened is remembered.
pub const REMEMBERED: usize = 100;

/// What a board remembers of updates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Of the file.
    pub form: u32,
    /// Of the newest index that was accepted.
    #[serde(default)]
    pub index: u64,
    /// The highest serial of each kind that was accepted, whatever became of it.
    #[serde(default)]
    pub accepted: BTreeMap<Kind, u64>,
    /// The networks.
    #[serde(default)]
    pub network: Slots,
    /// The newest catalogue that is in place.
    #[serde(default)]
    pub catalogue: Option<Edition>,
    /// One that is being imported.
    #[serde(default)]
    pub importing: Option<Edition>,
    /// Keys that signed indexes added.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Numbers of keys that signed indexes retired.
    #[serde(default)]
    pub retired: Vec<String>,
    /// What happened, oldest first.
    #[serde(default)]
    pub happened: VecDeque<Happened>,
}

/// A catalogue that came as an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Counts up.
    pub serial: u64,
    /// For people.
    pub version: String,
    /// Its name in the folder of updates.
    pub file: String,
    /// Of the file.
    pub sha256: String,
    /// The last change in the catalogue's history before it.
    pub after_change: i64,
    /// How often its import was begun.
    #[serde(default)]
    pub attempts: u32,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happened {
    /// Counts up; a board knows no time of day.
    pub number: u64,
    /// What, in words.
    pub what: String,
}

/// The memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what was written.
    #[error("`{}` is not what was written", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A later program wrote it.
    #[error("`{}` has form {form}, and this program knows {FORM}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        form: u32,
    },
}

impl Memory {
    /// Remembers that something happened. The same thing again is not news.
    pub fn say(&mut self, what: &str) {
        if self.happened.back().is_some_and(|last| last.what == what) {
            return;
        }
        let number = self.happened.back().map_or(1, |last| last.number.saturating_add(1));
        self.happened.push_back(Happened { number, what: what.to_owned() });
        while self.happened.len() > REMEMBERED {
            self.happened.pop_front();
        }
    }

    /// The highest serial of a kind that was accepted.
    #[must_use]
    pub fn accepted(&self, kind: Kind) -> u64 {
        self.accepted.get(&kind).copied().unwrap_or(0)
    }

    /// Notes that a serial was accepted.
    pub fn accept(&mut self, kind: Kind, serial: u64) {
        let highest = self.accepted.entry(kind).or_default();
        *highest = serial.max(*highest);
    }
}

/// The folder of updates in the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// In this state folder.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("update") }
    }

    /// The file of this name.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its own path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn memory_file(&self) -> PathBuf {
        self.file("state.json")
    }

    /// What is remembered; nothing where there was no update.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn read(&self) -> Result<Memory, MemoryError> {
        let path = self.memory_file();
        if !path.exists() {
            return Ok(Memory { form: FORM, ..Memory::default() });
        }
        let text = files::read_text_at_most(&path, MOST_BYTES)?;
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        if let Ok(Form { form }) = serde_json::from_str(&text)
            && form > FORM
        {
            return Err(MemoryError::Newer { path, form });
        }
        serde_json::from_str(&text).map_err(|source| MemoryError::Damaged { path, source })
    }

    /// Changes what is remembered. What is not changed is not written.
    ///
    /// # Errors
    /// [`MemoryError`]; what was remembered before still is.
    pub fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> Result<T, MemoryError> {
        files::create_folder(&self.folder)?;
        let _held = files::lock(&self.file("state.lock"))?;
        let before = self.read()?;
        let mut memory = before.clone();
        let value = change(&mut memory);
        if memory != before || !self.memory_file().exists() {
            memory.form = FORM;
            let text = serde_json::to_vec_pretty(&memory);
            let text = text.map_err(|source| MemoryError::Damaged { path: self.memory_file(), source })?;
            files::sweep_temporaries(&self.memory_file());
            files::write_atomic(&self.memory_file(), &text)?;
        }
        Ok(value)
    }

    /// Remembers that something happened.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn say(&self, what: &str) -> Result<(), MemoryError> {
        self.change(|memory| memory.say(what))
    }

    /// The one who installs; nothing where somebody does already.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn try_install(&self) -> Result<Option<Lock>, FileError> {
        files::create_folder(&self.folder)?;
        files::try_lock(&self.file("install.lock"))
    }

    /// Removes files of updates that nobody needs any more; for the one who installs, since what is received has no owner yet. Best effort: what
    /// cannot be removed does no harm.
    pub fn tidy(&self, memory: &Memory) {
        let editions = memory.importing.iter().map(|edition| &*edition.file);
        let needed: Vec<&str> = memory.network.files().chain(editions).collect();
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_ours = Kind::ALL.iter().any(|kind| name.starts_with(&format!("{kind}-")));
            if (is_ours || name.starts_with("part-")) && !needed.contains(&name) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_remembered_as_far_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        assert_eq!(place.read().unwrap().happened.len(), 0);
        for number in 0..REMEMBERED + 5 {
            place.say(&number.to_string()).unwrap();
            place.say(&number.to_string()).unwrap();
        }
        let memory = place.read().unwrap();
        assert_eq!(memory.happened.len(), REMEMBERED);
        assert_eq!(memory.happened.back().unwrap(), &Happened { number: 105, what: "104".into() });
    }

    #[test]
    fn a_memory_that_is_torn_or_newer_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        place.change(|memory| memory.accept(Kind::Network, 3)).unwrap();
        let text = files::read_text(&place.file("state.json")).unwrap();
        files::write_atomic(&place.file("state.json"), &text.as_bytes()[..text.len() / 2]).unwrap();
        assert!(matches!(place.read(), Err(MemoryError::Damaged { .. })));
        files::write_atomic(&place.file("state.json"), br#"{"form":2,"what":1}"#).unwrap();
        assert!(matches!(place.change(|_| ()), Err(MemoryError::Newer { form: 2, .. })));
    }

    #[test]
    fn only_what_nobody_needs_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let mut memory = place.change(|memory| memory.clone()).unwrap();
        for name in ["network-1.bundle", "network-2.bundle", "part-x", "catalogue-1.edition", "other"] {
            files::write_atomic(&place.file(name), b"x").unwrap();
        }
        let version = super::super::slots::Version {
            serial: 2,
            version: "2".into(),
            file: "network-2.bundle".into(),
            sha256: String::new(),
        };
        memory.network.stage(super::super::Which::Update(version), false);
        place.tidy(&memory);
        let mut left: Vec<_> =
            std::fs::read_dir(place.folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["network-2.bundle", "other", "state.json", "state.lock"]);
    }
}
