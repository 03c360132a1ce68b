//! Systems that come in as bundles: a virtual board takes a new one, is interrupted, gets ones that are not well, and always ends in one that works.

#[path = "board_update/bundles.rs"]
mod bundles;
#[path = "board_update/faults.rs"]
mod faults;

use std::path::Path;
use std::time::Instant;

use bundles::{Unwell, strangers};
use clothingid_tests::dice::Dice;
use clothingid_tests::virtual_board::made;
use clothingid_tests::{VirtualBoard, clerk, stick};
use faults::{Ends, Fault, take_good};

/// What goes wrong, in this order; at full size fifty faults of chance, of which the log has each. They take two hours: `CLOTHINGID_UPDATE_FAULTS=11-20`
/// takes some of them, so that they can be had in parts.
fn planned(dice: &mut Dice) -> Vec<Fault> {
    if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() {
        let all: Vec<Fault> = (0..50).map(|_| Fault::thrown(dice)).collect();
        let part = std::env::var("CLOTHINGID_UPDATE_FAULTS").unwrap_or_else(|_| "1-50".to_owned());
        let ends = part.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        let (first, last): (usize, usize) =
            ends.unwrap_or_else(|| panic!("`CLOTHINGID_UPDATE_FAULTS={part}`: FIRST-LAST"));
        let part: Vec<Fault> = all.into_iter().take(last).skip(first.saturating_sub(1)).collect();
        assert!(!part.is_empty(), "there are faults 1 to 50");
        return part;
    }
    vec![Fault::AlteredBit, Fault::OtherBoard, Fault::OtherKey, Fault::CutWhileWriting, Fault::Unwell(Unwell::Crashes)]
}

/// The slot that runs.
fn slot(board: &mut VirtualBoard) -> String {
    let text = board.run("grep -o 'rauc.slot=[AB]' /proc/cmdline");
    text.trim().trim_start_matches("rauc.slot=").to_owned()
}

/// It is well, has its settings and catalogue, and will start the same again; gives the slot that runs.
fn assert_well(board: &mut VirtualBoard) -> String {
    board.soon("systemctl is-active --quiet clothingid-good.service");
    let slot = slot(board);
    let page = "http://127.0.0.1:8080";
    assert!(board.run(&format!("curl -s --max-time 20 {page}/readyz")).contains("\"ready\":true"));
    assert!(board.run("cat /etc/clothingid/config.toml").contains("shop = \"Corner\""), "settings");
    let article = board.run(&format!("curl -s --max-time 20 {page}/api/v1/catalogue/A-1"));
    assert!(article.contains("Linen shirt"), "the catalogue: {article}");
    let order = board.run("efibootmgr");
    let first = order.lines().find_map(|line| line.strip_prefix("BootOrder: ")).and_then(|line| line.split(',').next());
    let first = format!("Boot{}* {slot}", first.unwrap_or_default());
    assert!(order.lines().any(|line| line.starts_with(&first)), "{order}");
    slot
}

/// Gives a new board settings and a catalogue.
fn fit_out(board: &mut VirtualBoard) {
    board.soon("systemctl is-active --quiet clothingid-good.service");
    // The first line: the file of a board ends in a table.
    board.run("sed -i '1i shop = \"Corner\"' /etc/clothingid/config.toml");
    board.soon("mountpoint -q /run/media/system/STICK");
    let state = "/var/lib/private/clothingid";
    board.run(&format!(
        "systemctl stop clothingid && cp /run/media/system/STICK/catalogue.db {state}/ && \
         chown --reference={state} {state}/catalogue.db && chmod 600 {state}/catalogue.db && sync && systemctl start clothingid clothingid-good"
    ));
}

#[test]
fn a_board_takes_a_new_system_survives_cuts_of_power_and_comes_back_from_one_that_is_not_well() {
    let seed = std::env::var("CLOTHINGID_UPDATE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let mut dice = Dice::new(seed);
    let planned = planned(&mut dice);
    let place = tempfile::tempdir().expect("a folder");
    let [other_board, other_key] = strangers(place.path());
    let shop = clerk::shop();
    let good = made(".raucb");
    let mut files = vec![
        (good, "good.raucb"),
        (other_board, "other-board.raucb"),
        (other_key, "other-key.raucb"),
        (shop.state().join("catalogue.db"), "catalogue.db"),
    ];
    for which in [Unwell::Crashes, Unwell::Hangs, Unwell::AnswersWrongly] {
        if planned.contains(&Fault::Unwell(which)) {
            files.push((which.bundle(place.path()), which.file()));
        }
    }
    let files: Vec<(&Path, &str)> = files.iter().map(|(path, name)| (path.as_path(), *name)).collect();
    let stick = stick::made(place.path(), &files);

    let mut board = VirtualBoard::flashed();
    board.plug(&stick);
    board.power_on();
    fit_out(&mut board);
    let mut before = assert_well(&mut board);
    assert_eq!(before, "A");
    let start = Instant::now();
    for (number, fault) in planned.iter().enumerate() {
        println!("fault {} of {}, seed {seed}, after {:.0?}: {fault:?}", number + 1, planned.len(), start.elapsed());
        let ends = fault.happen(&mut board, &mut dice);
        let after = assert_well(&mut board);
        assert!(ends == Ends::InEither || after == before, "{fault:?}: slot {after} after {before}");
        before = after;
        // In the middle of it all a good one is taken as a whole.
        if number == planned.len() / 2 {
            take_good(&mut board);
            let after = assert_well(&mut board);
            assert_ne!(after, before, "the new system is started");
            before = after;
        }
    }
}
