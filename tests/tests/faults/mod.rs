//! What can go wrong with an update.

pub(crate) mod life;

use clothingid_tests::dice::Dice;
use life::{Life, Offer};
use std::time::Duration;

/// One kind of fault.
pub(crate) struct Fault {
    /// For people.
    pub(crate) name: &'static str,
    /// Lets it happen, and looks at what is said of it.
    pub(crate) happens: fn(&mut Life, &mut Dice),
}

/// All kinds.
pub(crate) const FAULTS: [Fault; 18] = [
    Fault { name: "none: a new network is taken", happens: none },
    Fault { name: "none: a new catalogue is taken, and taken back by hand", happens: catalogue },
    Fault { name: "the network before is wanted back", happens: rolled_back },
    Fault { name: "a power cut while a network is installed", happens: cut_while_installing },
    Fault { name: "a power cut while a catalogue is imported", happens: cut_while_importing },
    Fault { name: "a power cut while the network is on trial", happens: cut_on_trial },
    Fault { name: "a network that ends the program", happens: crashes },
    Fault { name: "a network that hangs", happens: hangs },
    Fault { name: "a network whose file is spoiled before its trial", happens: spoiled_before_trial },
    Fault { name: "golden answers that are wrong", happens: wrong_answers },
    Fault { name: "a torn file", happens: torn },
    Fault { name: "an altered file", happens: altered },
    Fault { name: "an altered index", happens: altered_index },
    Fault { name: "a torn index", happens: torn_index },
    Fault { name: "a key that nobody trusts", happens: unknown_key },
    Fault { name: "an index from before", happens: replayed },
    Fault { name: "another board's update", happens: other_board },
    Fault { name: "a full disk", happens: full_disk },
];

fn none(life: &mut Life, _: &mut Dice) {
    let name = life.publish(Offer::Network);
    life.install(0);
    life.wait_until_current(&name);
    life.says(&name);
}

fn catalogue(life: &mut Life, _: &mut Dice) {
    let name = life.publish(Offer::Catalogue);
    life.install(0);
    assert!(life.titles().contains(&name), "the new catalogue is in place");
    life.says(&name);
    let _done = life.update(&["rollback", "catalogue"]).expect_code(0);
    assert!(!life.titles().contains(&name), "the catalogue is as before");
    life.says("taken back by hand");
}

fn rolled_back(life: &mut Life, dice: &mut Dice) {
    let before = life.current();
    none(life, dice);
    let _done = life.update(&["rollback", "network"]).expect_code(0);
    life.wait_until_current(&before);
    life.says("going back by hand");
}

fn cut_while_installing(life: &mut Life, dice: &mut Dice) {
    let name = life.publish(Offer::Network);
    life.install_cut_after(Duration::from_millis(dice.number() % 1500));
    life.is_well("the power came back");
    life.install(0);
    life.wait_until_current(&name);
}

fn cut_while_importing(life: &mut Life, dice: &mut Dice) {
    let name = life.publish(Offer::Catalogue);
    life.install_cut_after(Duration::from_millis(dice.number() % 1500));
    life.is_well("the power came back");
    life.install(0);
    assert!(life.titles().contains(&name), "the new catalogue is in place");
    let _done = life.update(&["rollback", "catalogue"]).expect_code(0);
}

fn cut_on_trial(life: &mut Life, dice: &mut Dice) {
    let name = life.publish(Offer::Network);
    life.install(0);
    life.wait_until_it_runs(&name);
    std::thread::sleep(Duration::from_millis(dice.number() % 10_000));
    life.cut();
    life.wait_until_current(&name);
}

fn crashes(life: &mut Life, dice: &mut Dice) {
    let before = life.current();
    let name = life.publish(Offer::Network);
    life.install(0);
    for _ in 0..2 {
        life.wait_until_it_runs(&name);
        std::thread::sleep(Duration::from_millis(dice.number() % 2000));
        life.cut();
    }
    life.wait_until_it_runs(&before);
    assert_eq!(life.current(), before);
    life.says(&name);
    // It is not taken again by itself.
    life.install(0);
    assert_eq!(life.current(), before);
}

fn hangs(life: &mut Life, _: &mut Dice) {
    let before = life.current();
    let name = life.publish(Offer::Network);
    life.install(0);
    for _ in 0..2 {
        life.wait_until_it_runs(&name);
        // systemd's watchdog ends what does not feed it.
        life.demo().running.signal("STOP");
        std::thread::sleep(Duration::from_millis(500));
        life.cut();
    }
    life.wait_until_it_runs(&before);
    assert_eq!(life.current(), before);
    life.says(&name);
}

fn spoiled_before_trial(life: &mut Life, dice: &mut Dice) {
    let before = life.current();
    let name = life.publish(Offer::Network);
    life.end();
    life.install(0);
    life.spoil_trial(dice);
    life.start();
    life.wait_until_it_runs(&before);
    assert_eq!(life.current(), before);
    life.says(&name);
}

fn wrong_answers(life: &mut Life, _: &mut Dice) {
    let before = life.current();
    let name = life.publish(Offer::WrongAnswers);
    life.install(1);
    assert_eq!(life.current(), before);
    life.says(&name);
    life.says("golden answers");
}

fn torn(life: &mut Life, dice: &mut Dice) {
    let name = life.publish(Offer::Network);
    let whole = life.change_file(|bytes| bytes.truncate(dice.below(bytes.len())));
    life.install(1);
    life.says("ends after");
    life.change_file(|bytes| *bytes = whole);
    life.install(0);
    life.wait_until_current(&name);
}

fn altered(life: &mut Life, dice: &mut Dice) {
    let name = life.publish(Offer::Network);
    let whole = life.change_file(|bytes| {
        let place = dice.below(bytes.len());
        bytes[place] ^= 1 << dice.below(8);
    });
    life.install(1);
    life.says("is not the file that the index names");
    life.change_file(|bytes| *bytes = whole);
    life.install(0);
    life.wait_until_current(&name);
}

fn altered_index(life: &mut Life, _: &mut Dice) {
    life.publish(Offer::Network);
    let whole = life.change("updates.toml", |bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).expect("text");
        *bytes = text.replacen("serial = ", "serial = 9", 1).into_bytes();
    });
    life.install(1);
    life.says("updates.toml");
    life.change("updates.toml", |bytes| *bytes = whole);
}

fn torn_index(life: &mut Life, dice: &mut Dice) {
    life.publish(Offer::Network);
    let whole = life.change("updates.toml", |bytes| bytes.truncate(dice.below(bytes.len())));
    life.install(1);
    life.says("updates.toml");
    life.change("updates.toml", |bytes| *bytes = whole);
}

fn unknown_key(life: &mut Life, _: &mut Dice) {
    life.publish_elsewhere();
    let _refused = life.update(&["install", "elsewhere", "--now"]).expect_code(1);
    life.says("which is not trusted here");
}

fn replayed(life: &mut Life, dice: &mut Dice) {
    let old = ["updates.toml", "updates.toml.minisig"].map(|file| life.change(file, |_| {}));
    let before = life.current();
    none(life, dice);
    let new = ["updates.toml", "updates.toml.minisig"].map(|file| life.change(file, |_| {}));
    let put = |life: &Life, [index, signature]: [Vec<u8>; 2]| {
        life.change("updates.toml", |bytes| *bytes = index);
        life.change("updates.toml.minisig", |bytes| *bytes = signature);
    };
    put(life, old);
    life.install(1);
    assert_ne!(life.current(), before, "the new network stays");
    life.says("an older one is not taken");
    put(life, new);
}

fn other_board(life: &mut Life, _: &mut Dice) {
    let before = life.current();
    life.publish(Offer::OtherBoard);
    let refused = life.update(&["install", "--now", "--kind", "system"]).expect_code(1);
    assert!((refused.stdout + &refused.stderr).contains("is for `raspberry-pi-5`"));
    life.says("is for `raspberry-pi-5`");
    assert_eq!(life.current(), before);
}

fn full_disk(life: &mut Life, _: &mut Dice) {
    life.publish(Offer::Network);
    let said = life.install_on_a_full_disk();
    assert!(said.contains("MiB of room") || said.contains("No space left"), "{said}");
}
