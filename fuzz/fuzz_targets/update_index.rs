//! Any bytes into the reader `update_index`: see `tests/src/readers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clothingid_tests::readers::update_index(bytes));
