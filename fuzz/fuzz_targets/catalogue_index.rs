//! Any bytes into the reader `catalogue_index`: see `tests/src/readers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clothingid_tests::readers::catalogue_index(bytes));
