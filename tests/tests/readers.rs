//! Saved inputs that were once a fault, and mutations of good files: no reader of outside bytes panics.

use clothingid_tests::readers::READERS;
use clothingid_tests::{rig, seeds};

/// A small generator of our own (PCG, XSH-RR): the same mutations on every machine and with every version of a library.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = ((self.0 >> 18) ^ self.0) >> 27;
        usize::try_from(mixed & 0xFFFF_FFFF).expect("32 bits") % bound.max(1)
    }

    /// One to eight edits: a byte, a cut, a doubled piece, a removed piece, a piece of ones.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len() + 1);
            // Most formats keep what matters in front.
            let at = if self.below(2) == 0 { at % 600.min(bytes.len() + 1) } else { at };
            let piece = at..(at + self.below(64)).min(bytes.len());
            match self.below(6) {
                0 | 1 if at < bytes.len() => bytes[at] = self.below(256).to_le_bytes()[0],
                2 => bytes.truncate(at),
                3 => {
                    let again = bytes[piece].to_vec();
                    bytes.splice(at..at, again);
                }
                4 => drop(bytes.drain(piece)),
                _ => bytes[piece].fill(0xFF),
            }
        }
    }
}

#[test]
fn no_mutation_of_a_good_file_makes_a_reader_panic() {
    let rounds = if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { 200_000 } else { 4_000 };
    for (name, read) in READERS {
        let seeds = seeds::of(name);
        seeds.iter().for_each(|seed| read(seed));
        // A bundle is megabytes of hashes, a network megabytes of weights, a catalogue a file on the disk: fewer rounds take as long.
        let rounds = if matches!(name, "bundle" | "network" | "catalogue_file") { rounds / 40 } else { rounds };
        let mut random = Random(7);
        for round in 0..rounds {
            let mut bytes = seeds[round % seeds.len()].clone();
            random.mutate(&mut bytes);
            let outcome = std::panic::catch_unwind(|| read(&bytes));
            if outcome.is_err() {
                let saved = rig::workspace().join(format!("target/fault-{name}-{round}"));
                std::fs::write(&saved, &bytes).expect("to save the input");
                panic!("`{name}` panicked; its input is `{}`: move it into fuzz/saved/{name}/", saved.display());
            }
        }
    }
}

#[test]
fn inputs_that_were_once_a_fault_are_none_now() {
    let folder = rig::workspace().join("fuzz/saved");
    for (name, read) in READERS {
        let Ok(entries) = std::fs::read_dir(folder.join(name)) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            println!("{}", path.display());
            read(&std::fs::read(&path).expect("a saved input"));
        }
    }
}

#[test]
fn each_reader_has_its_fuzz_target() {
    let folder = rig::workspace().join("fuzz/fuzz_targets");
    let targets = std::fs::read_dir(&folder).expect("fuzz targets").map(|entry| entry.expect("an entry").file_name());
    // The trainer's own tests look after the readers of its import.
    let count = targets.filter(|name| !name.to_string_lossy().starts_with("import_")).count();
    assert_eq!(count, READERS.len());
    for (name, _) in READERS {
        assert!(folder.join(format!("{name}.rs")).is_file(), "{name}");
    }
}
