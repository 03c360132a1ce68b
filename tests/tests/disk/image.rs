//! What a disk may hold after a power cut: all that was synced, and of everything later any part.
//!
//! A later write is there, or not, or torn at sectors; a later length counts or not; a later name is there or not. What lies where a file grew
//! and no write arrived is zeros or the leavings of another file.

use super::record::{Event, FileNumber};
use clothingid_tests::dice::Dice;
use std::collections::BTreeMap;

/// A write arrives by sectors.
const SECTOR: usize = 512;

/// The files by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing of it arrives.
    Lost,
    /// All of it arrives.
    Kept,
    /// Each by chance.
    Chance,
}

/// The disk as the record tells it up to some place.
#[derive(Debug, Default)]
pub(crate) struct Disk<'a> {
    files: BTreeMap<FileNumber, Content<'a>>,
    names: BTreeMap<&'a str, FileNumber>,
    later_names: Vec<(&'a str, Option<FileNumber>)>,
}

#[derive(Debug, Default)]
struct Content<'a> {
    synced: Vec<u8>,
    later: Vec<Change<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    Write(usize, &'a [u8]),
    Length(usize),
}

impl<'a> Disk<'a> {
    /// One more thing has happened.
    pub(crate) fn take(&mut self, event: &'a Event) {
        match event {
            Event::Write { file, at, bytes } => self.file(*file).later.push(Change::Write(*at, bytes)),
            Event::Length { file, byte_len } => self.file(*file).later.push(Change::Length(*byte_len)),
            Event::Sync { file } => {
                let file = self.file(*file);
                file.synced = file.after(Fate::Kept, &mut Dice::new(0));
                file.later.clear();
            }
            Event::Name { name, file } => self.later_names.push((name, *file)),
            Event::SyncNames => {
                for (name, file) in std::mem::take(&mut self.later_names) {
                    set(&mut self.names, name, file);
                }
            }
            Event::Told { .. } => {}
        }
    }

    fn file(&mut self, number: FileNumber) -> &mut Content<'a> {
        self.files.entry(number).or_default()
    }

    /// What is there when the power comes back.
    pub(crate) fn after_cut(&self, fate: Fate, dice: &mut Dice) -> Image {
        let mut names = self.names.clone();
        // The changes of one name arrive in their order, those of several in any.
        let mut stopped: Vec<&str> = Vec::new();
        for (name, file) in &self.later_names {
            let arrives = match fate {
                Fate::Lost => false,
                Fate::Kept => true,
                Fate::Chance => !stopped.contains(name) && dice.coin(),
            };
            if arrives {
                set(&mut names, name, *file);
            } else {
                stopped.push(name);
            }
        }
        let nothing = Content::default();
        let image = names.into_iter().map(|(name, number)| {
            let content = self.files.get(&number).unwrap_or(&nothing);
            (name.to_owned(), content.after(fate, dice))
        });
        image.collect()
    }
}

fn set<'a>(names: &mut BTreeMap<&'a str, FileNumber>, name: &'a str, file: Option<FileNumber>) {
    match file {
        Some(file) => names.insert(name, file),
        None => names.remove(name),
    };
}

impl Content<'_> {
    fn after(&self, fate: Fate, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let leavings = if fate == Fate::Chance && dice.coin() { dice.number().to_le_bytes()[0] } else { 0 };
        let put = |bytes: &mut Vec<u8>, at: usize, part: &[u8]| {
            let end = at + part.len();
            if bytes.len() < end {
                bytes.resize(end, leavings);
            }
            bytes[at..end].copy_from_slice(part);
        };
        for change in &self.later {
            // Of three: kept, lost, torn.
            let face = match fate {
                Fate::Kept => 0,
                Fate::Lost => 1,
                Fate::Chance => dice.below(3),
            };
            match (*change, face) {
                (Change::Write(at, part), 0) => put(&mut bytes, at, part),
                (Change::Write(at, part), 2) => {
                    for (at, part) in sectors(at, part) {
                        if dice.coin() {
                            put(&mut bytes, at, part);
                        }
                    }
                }
                // The file may have grown without what was written there.
                (Change::Write(at, part), _) if fate == Fate::Chance && dice.coin() => {
                    let byte_len = bytes.len().max(at + part.len());
                    bytes.resize(byte_len, leavings);
                }
                (Change::Length(byte_len), 0) => bytes.resize(byte_len, leavings),
                _ => {}
            }
        }
        bytes
    }
}

/// A write cut where the disk's sectors end.
fn sectors(at: usize, mut part: &[u8]) -> Vec<(usize, &[u8])> {
    let mut place = at;
    let mut sectors = Vec::new();
    while !part.is_empty() {
        let (sector, rest) = part.split_at((SECTOR - place % SECTOR).min(part.len()));
        sectors.push((place, sector));
        place += sector.len();
        part = rest;
    }
    sectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_stays_and_the_rest_may_be_lost() {
        let (name, file) = ("a".to_owned(), 1);
        let events = [
            Event::Name { name: name.clone(), file: Some(file) },
            Event::Write { file, at: 0, bytes: vec![1; 2000] },
            Event::Sync { file },
            Event::SyncNames,
            Event::Write { file, at: 500, bytes: vec![2; 600] },
            Event::Length { file, byte_len: 1500 },
            Event::Name { name: name.clone(), file: None },
        ];
        let mut disk = Disk::default();
        events.iter().take(6).for_each(|event| disk.take(event));
        let mut dice = Dice::new(1);
        assert_eq!(disk.after_cut(Fate::Lost, &mut dice)[&name], [1; 2000]);
        let kept = [vec![1; 500], vec![2; 600], vec![1; 400]].concat();
        assert_eq!(disk.after_cut(Fate::Kept, &mut dice)[&name], kept);
        let mut torn = 0;
        for _ in 0..100 {
            let bytes = &disk.after_cut(Fate::Chance, &mut dice)[&name];
            assert!([1500, 2000].contains(&bytes.len()) && bytes[..500] == [1; 500] && bytes[1100..1500] == [1; 400]);
            // Sectors end at 512 and 1024.
            let parts = [&bytes[500..512], &bytes[512..1024], &bytes[1024..1100]];
            assert!(parts.iter().all(|part| part.iter().all(|byte| *byte == part[0])));
            torn += usize::from(parts.iter().any(|part| part[0] != parts[0][0]));
        }
        assert!(torn > 10, "{torn}");
        disk.take(&events[6]);
        assert!(disk.after_cut(Fate::Kept, &mut dice).is_empty() && !disk.after_cut(Fate::Lost, &mut dice).is_empty());
    }
}
