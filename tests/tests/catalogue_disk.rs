//! The catalogue on a disk that loses its power, and on one that is full.

mod disk;

use clothingid_device::catalogue::import::{ImportError, Quiet};
use clothingid_device::catalogue::{Gallery, Match, Search, Snapshot, Store};
use clothingid_tests::contents::{Contents, Item};
use clothingid_tests::made_up::{direction, identity};
use clothingid_tests::{Rig, Run, photographs, rig};
use disk::cuts::cut;
use disk::layer::leave_room;
use disk::life::{IDENTITIES, Life, import, live, shop};
use disk::record::Event;
use std::path::Path;

/// Cuts beside those at syncs, and the seed of what becomes of writes.
fn size() -> (usize, u64) {
    (if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { 5000 } else { 250 }, 0xC107)
}

/// A life in a folder that is gone by then: the record is all that is left.
fn recorded() -> Life {
    live(tempfile::tempdir().expect("a folder").path())
}

#[test]
fn a_power_cut_loses_nothing_told_and_leaves_nothing_half() {
    let life = recorded();
    let (more, seed) = size();
    let verdict = cut(&life, more, seed);
    let count = |wanted: fn(&Event) -> bool| life.events.iter().filter(|event| wanted(event)).count();
    println!(
        "seed {seed}: {} cuts in a life of {} states, {} writes and {} syncs ({} of names); after {} cuts more was there than told",
        verdict.cuts,
        life.states.len(),
        count(|event| matches!(event, Event::Write { .. })),
        count(|event| matches!(event, Event::Sync { .. } | Event::SyncNames)),
        count(|event| matches!(event, Event::SyncNames)),
        verdict.untold,
    );
    assert!(verdict.faults.is_empty(), "{} faults:\n{}", verdict.faults.len(), verdict.faults.join("\n"));
    assert!(verdict.untold > 0, "no cut came between a state and the word of it");
}

/// The companion: a disk that takes syncs for done, of files or of names, loses what was told, and is found out.
#[test]
fn a_disk_that_lies_about_its_syncs_is_found_out() {
    let Life { events, states } = recorded();
    let is_sync: [fn(&Event) -> bool; 2] =
        [|event| matches!(event, Event::Sync { .. }), |event| matches!(event, Event::SyncNames)];
    for (what, is_lie) in ["files", "names"].into_iter().zip(is_sync) {
        let events = events.iter().filter(|event| !is_lie(event)).cloned().collect();
        let verdict = cut(&Life { events, states: states.clone() }, 60, 1);
        println!("syncs of {what} left out: {} faults in {} cuts", verdict.faults.len(), verdict.cuts);
        assert!(!verdict.faults.is_empty(), "nobody noticed that syncs of {what} were left out");
    }
}

fn contents(catalogue: &Path) -> Contents {
    let store = Store::open(catalogue).expect("the catalogue");
    assert_eq!(store.check().expect("a check").damage, []);
    Contents::read(&store, &IDENTITIES).expect("contents")
}

#[test]
fn a_full_disk_leaves_the_old_catalogue_answering() {
    let _turn = disk::turn();
    let (old, new) = (shop(0..10, 2, 0), shop(0..40, 3, 1));
    let whose = identity(IDENTITIES[0]);
    let queries: Vec<Vec<f32>> = old.iter().map(|(_, photos)| direction(&whose, &photos[1].1)).collect();
    let answers = |snapshot: &Snapshot| -> Vec<Vec<Match>> {
        queries.iter().map(|query| snapshot.search(&Search::of(query, 5)).expect("an answer")).collect()
    };
    let (mut full, mut as_before) = (0, 0);
    // From no room at all to room for everything; where the disk fills up decides what fails: journal, write-back, or the new file itself.
    for room in [0, 100, 5000, 30_000, 100_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 1_500_000, 1 << 30] {
        let folder = tempfile::tempdir().expect("a folder");
        let catalogue = folder.path().join("shop.db");
        leave_room(Some(room));
        let on_new = import(&catalogue, &old, &whose, &mut Quiet);
        leave_room(None);
        if let Err(error) = on_new {
            assert_says_what_to_do(&error);
            // What was made of it is a catalogue, or there is none.
            assert!(!catalogue.exists() || contents(&catalogue).items.len() <= old.len());
        }
        import(&catalogue, &old, &whose, &mut Quiet).expect("an import with room");
        let before = contents(&catalogue);
        let held = Snapshot::open(&catalogue, &whose).expect("a snapshot");
        let expected = answers(&held);

        leave_room(Some(room));
        let outcome = import(&catalogue, &new, &whose, &mut Quiet);
        // Still no room, and all is answered: by who was there, and by who comes now. As before, where nothing was stored; what was replaced
        // since is left out by who was there.
        let after = contents(&catalogue);
        let fresh = Snapshot::open(&catalogue, &whose).expect("a snapshot");
        let (of_held, of_fresh) = (answers(&held), answers(&fresh));
        if after == before {
            assert_eq!((&of_held, &of_fresh), (&expected, &expected), "room {room}");
            as_before += 1;
        }
        for found in of_held.iter().chain(&of_fresh).flatten() {
            assert!(after.items.contains_key(&found.sku), "room {room}: {found:?}");
        }
        if let Err(error) = outcome {
            full += 1;
            assert_says_what_to_do(&error);
            // Each product is as it was or as it was to be.
            for (product, photos) in &new {
                let wanted = Item::new(product.clone(), photos);
                let item = after.items.get(&product.sku);
                assert!(item == before.items.get(&product.sku) || item == Some(&wanted), "half: {}", product.sku);
            }
        }
        drop((held, fresh));
        leave_room(None);
        import(&catalogue, &new, &whose, &mut Quiet).expect("an import with room");
        assert_eq!(contents(&catalogue).items.len(), new.len());
    }
    println!("{full} imports into a full disk");
    assert!(full >= 8, "{full} imports met a full disk");
    assert!(as_before >= 3, "{as_before} of them stored nothing");
}

fn assert_says_what_to_do(error: &ImportError) {
    assert!(
        error.hints().iter().any(|hint| hint.starts_with("make room on the disk")),
        "{error:?}: {:?}",
        error.hints()
    );
}

/// A limit on the size of files stands for the disk that ends within one: both fail a write half-way.
#[test]
fn the_program_on_a_full_disk_says_what_to_do_and_the_old_catalogue_answers() {
    let rig = Rig::new();
    let shop = photographs::shop();
    let mut csv = "sku,title,photo\n".to_owned();
    for (number, from) in shop.iter().take(40).enumerate() {
        rig.copy(from, format!("photos/{number}.jpg"));
        csv.push_str(&format!("S{number},Product {number},{number}.jpg\n"));
        if number == 2 {
            rig.write("few.csv", &csv);
        }
    }
    rig.write("all.csv", &csv);
    let _few = rig.clothingid(["catalogue", "import", "few.csv", "--photos", "photos"]).run().expect_code(0);
    let search = || rig.clothingid(["search", "--json", "photos/1.jpg"]);
    let before = search().run().expect_code(0).stdout;

    // In blocks of 512 or 1024 bytes, as the shell has it: more than the index of the journal, less than the photographs. The signal that
    // would end the program is ignored, as no disk sends one.
    let program = rig::program("clothingid").display().to_string();
    let limited = |blocks: u32, command: &str| {
        let command = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' {command}");
        Run::new("sh").args(["-c", &command]).current_dir(rig.folder()).env("XDG_DATA_HOME", rig.path("data"))
    };
    let stopped = limited(150, "catalogue import all.csv --photos photos").run().expect_code(1);
    assert!(stopped.stderr.contains("hint: see whether the disk has room"), "{}", stopped.stderr);
    assert_eq!(search().run().expect_code(0).stdout, before);
    let check = rig.clothingid(["catalogue", "check", "--json"]).run().expect_code(0);
    assert_eq!(check.json_lines()[0]["products"], 3, "{}", check.stdout);

    // Not even room for the index: the catalogue is read without it, and who would write is told.
    assert_eq!(limited(8, "search --json photos/1.jpg").run().expect_code(0).stdout, before);
    let _check = limited(8, "catalogue check").run().expect_code(0);
    let refused = limited(8, "catalogue remove S1").run().expect_code(1);
    assert!(refused.stderr.contains("its disk must have room"), "{}", refused.stderr);

    let _all = rig.clothingid(["catalogue", "import", "all.csv", "--photos", "photos"]).run().expect_code(0);
    assert_eq!(rig.clothingid(["catalogue", "check", "--json"]).run().expect_code(0).json_lines()[0]["products"], 40);
}
