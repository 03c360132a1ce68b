//! Signed updates under faults: power cuts, torn and altered files, keys that do not count, networks that are not well. After each fault the board
//! answers with a network that works, old or new, its catalogue and settings are as they were, and `update status` says what happened.
//!
//! Each kind of fault once; with `CLOTHINGID_TEST_FULL` fifty in an order that the printed seed repeats. A power cut is SIGKILL, and systemd, which
//! would start the program again, is this test.

mod faults;

use clothingid_tests::dice::Dice;
use faults::life::Life;
use faults::{FAULTS, Fault};

/// How many with all counts.
const FULL: usize = 50;

fn seed() -> u64 {
    std::env::var("PROPTEST_RNG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0xC107)
}

/// Each kind once, or [`FULL`] of them, shuffled.
fn order(dice: &mut Dice) -> Vec<&'static Fault> {
    let count = if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { FULL } else { FAULTS.len() };
    let mut order: Vec<_> = FAULTS.iter().cycle().take(count).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, dice.below(last + 1));
    }
    order
}

#[test]
fn after_each_fault_the_board_works_and_says_what_happened() {
    let seed = seed();
    let mut dice = Dice::new(seed);
    println!(
        "the order of the faults and their moments are thrown with the seed {seed}: `PROPTEST_RNG_SEED={seed}` repeats them"
    );
    let order = order(&mut dice);
    let mut life = Life::begin();
    for (number, fault) in order.iter().enumerate() {
        println!("{} of {}: {}", number + 1, order.len(), fault.name);
        (fault.happens)(&mut life, &mut dice);
        life.is_well(fault.name);
    }
}
