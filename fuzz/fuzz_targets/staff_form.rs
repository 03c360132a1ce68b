//! Any bytes into the reader `staff_form`: see `tests/src/readers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clothingid_tests::readers::staff_form(bytes));
