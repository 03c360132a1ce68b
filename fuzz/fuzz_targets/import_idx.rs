//! Any bytes into the reader `import_idx`: see `trainer/src/import/readers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clothingid_trainer::import::readers::read_idx(bytes));
