//! Cuts the power at many places of a life, and judges what the disk then holds.

use super::image::{Disk, Fate, Image};
use super::life::{CATALOGUE, COPY, IDENTITIES, Life, State};
use super::record::Event;
use clothingid_device::catalogue::Store;
use clothingid_tests::contents::Contents;
use clothingid_tests::dice::Dice;
use clothingid_tests::made_up::{identity, photo, product, write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

/// One cut: what is on the disk, and between which states it may be.
struct Cut {
    place: usize,
    fate: Fate,
    image: Image,
    /// The last state that the test was told of before, if any.
    told: Option<usize>,
    /// The first one that it was told of after: what lies between is stored and not told.
    next: usize,
}

/// What came of the cuts.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) cuts: usize,
    /// Cuts after which something was there that had not been told of.
    pub(crate) untold: usize,
    pub(crate) faults: Vec<String>,
}

/// Cuts before each sync, whatever becomes of what it would have made safe, and at `more` other places.
pub(crate) fn cut(life: &Life, more: usize, seed: u64) -> Verdict {
    let mut dice = Dice::new(seed);
    let mut fates: Vec<Vec<Fate>> = vec![Vec::new(); life.events.len() + 1];
    for (place, event) in life.events.iter().enumerate() {
        if matches!(event, Event::Sync { .. } | Event::SyncNames) {
            fates[place].extend([Fate::Lost, Fate::Kept, Fate::Chance, Fate::Chance]);
            fates[place + 1].push(Fate::Lost);
        }
    }
    for _ in 0..more {
        fates[dice.below(life.events.len() + 1)].push(Fate::Chance);
    }
    let verdict = Mutex::new(Verdict::default());
    let (cuts, taken) = sync_channel::<Cut>(2);
    let taken = Mutex::new(taken);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = tempfile::tempdir().expect("a folder");
                loop {
                    let Ok(cut) = taken.lock().expect("the cuts").recv() else { return };
                    let outcome = cut.judge(&life.states, folder.path());
                    let mut verdict = verdict.lock().expect("the verdict");
                    verdict.cuts += 1;
                    match outcome {
                        Ok(state) => verdict.untold += usize::from(state != cut.told),
                        Err(fault) => verdict.faults.push(format!(
                            "seed {seed}, cut before event {} of {}, {:?}: {fault}",
                            cut.place,
                            life.events.len(),
                            cut.fate
                        )),
                    }
                }
            });
        }
        let (mut disk, mut told) = (Disk::default(), None);
        for (place, fates) in fates.into_iter().enumerate() {
            for fate in fates {
                let next = told.map_or(0, |state: usize| (state + 1).min(life.states.len() - 1));
                let image = disk.after_cut(fate, &mut dice);
                cuts.send(Cut { place, fate, image, told, next }).expect("a judge");
            }
            if let Some(event) = life.events.get(place) {
                disk.take(event);
                if let Event::Told { state } = event {
                    told = Some(*state);
                }
            }
        }
        drop(cuts);
    });
    verdict.into_inner().expect("the verdict")
}

impl Cut {
    /// Opens what is left as the appliance does, and says which state it is.
    fn judge(&self, states: &[State], folder: &Path) -> Result<Option<usize>, String> {
        for entry in std::fs::read_dir(folder).expect("the folder") {
            std::fs::remove_file(entry.expect("an entry").path()).expect("an old file");
        }
        for (name, bytes) in &self.image {
            std::fs::write(folder.join(name), bytes).expect("a file of the image");
        }
        let told = self.told.and_then(|told| states.get(told));
        self.judge_copy(states, told, folder)?;
        let Some(contents) = read(&folder.join(CATALOGUE))? else {
            return if told.is_none() { Ok(None) } else { Err("no catalogue".to_owned()) };
        };
        let between = self.told.unwrap_or(0)..=self.next;
        match between.clone().find(|state| states[*state].contents == contents) {
            Some(state) => go_on(&folder.join(CATALOGUE)).map(|()| Some(state)),
            None => {
                Err(format!("not a state of {between:?}: {}", contents.difference(&states[*between.start()].contents)))
            }
        }
    }

    /// A copy is whole wherever it has its name, and has it once the test was told.
    fn judge_copy(&self, states: &[State], told: Option<&State>, folder: &Path) -> Result<(), String> {
        let expected = told.and_then(|state| state.copy.as_ref());
        match read(&folder.join(COPY)).map_err(|fault| format!("the copy: {fault}"))? {
            None if expected.is_some() => Err("no copy".to_owned()),
            None => Ok(()),
            Some(copy) if states[self.next].copy.as_ref() == Some(&copy) => Ok(()),
            Some(_) => Err("the copy is another catalogue".to_owned()),
        }
    }
}

/// What a catalogue holds, if it is there; each byte must be sound.
fn read(path: &Path) -> Result<Option<Contents>, String> {
    if !path.exists() {
        return Ok(None);
    }
    let store = Store::open(path).map_err(|error| format!("{error:?}"))?;
    let check = store.check().map_err(|error| format!("{error:?}"))?;
    if !check.damage.is_empty() {
        return Err(format!("{:?}", check.damage));
    }
    Contents::read(&store, &IDENTITIES).map(Some)
}

/// What was cut off goes on: one more product is taken, and all is sound.
fn go_on(path: &Path) -> Result<(), String> {
    let mut store = Store::open_or_create(path).map_err(|error| format!("going on: {error:?}"))?;
    let whose = store.served().map_err(|error| format!("{error:?}"))?.unwrap_or_else(|| identity(IDENTITIES[0]));
    let more = write(&whose, product("MORE", "more"), &[("more.jpg".to_owned(), photo(1, 5000))]);
    store.commit(&whose, &[more], &[]).map_err(|error| format!("going on: {error:?}"))?;
    match store.check() {
        Ok(check) if check.damage.is_empty() => Ok(()),
        other => Err(format!("going on: {other:?}")),
    }
}
