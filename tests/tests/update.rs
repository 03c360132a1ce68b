//! Signed updates on the real programs: what goes well, and faults of every kind, after each of which the appliance answers with a working network,
//! catalogue and settings are whole, and the board says what happened.

#[path = "update/board.rs"]
mod board;
#[path = "update/faults.rs"]
mod faults;
#[path = "update/office.rs"]
mod office;
#[path = "update/server.rs"]
mod server;

use board::{Board, START};
use clothingid_tests::dice::Dice;
use faults::Fault;
use office::{Base, Office};
use server::Server;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Faults, and the seed of their order and moments.
fn size() -> (usize, u64) {
    let seed = std::env::var("CLOTHINGID_UPDATE_SEED").ok().and_then(|seed| seed.parse().ok());
    if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() {
        let of_time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        (50, seed.unwrap_or_else(of_time))
    } else {
        (Fault::ALL.len(), seed.unwrap_or(41))
    }
}

#[test]
fn a_network_comes_is_well_and_goes_again() {
    let board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    let before = board.catalogue();
    let number = office.offer_network(Base::Other, "spring");
    let told = board.install(&[]).expect_code(0).stdout;
    assert!(told.contains("is verified and waits"), "{told}");
    board.wait_for_status("it is well", |status| status.contains("is well and stays"));
    let status = board.status();
    assert!(status.contains(&format!("network     the network spring (number {number})")), "{status}");
    assert_eq!(board.bundle(), "spring");
    board.answers();
    assert_eq!(board.catalogue(), before, "the catalogue is embedded anew and else as before");
    assert!(board.install(&[]).expect_code(0).stdout.contains("nothing new"));

    let back = board.update(&["rollback", "network"]).expect_code(0).stdout;
    assert!(back.contains("going back by hand to the network inside the program"), "{back}");
    board.wait_for_status("it is back", |status| status.contains("the network inside the program is well and stays"));
    board.answers();
    assert!(board.install(&[]).expect_code(0).stdout.contains("was here before"), "a board goes back and stays");
    assert_eq!(board.catalogue(), before);
}

#[test]
fn a_catalogue_comes_and_is_taken_back() {
    let board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    let before = board.catalogue();
    office.offer_catalogue(board.rig(), 20);
    assert!(board.install(&[]).expect_code(0).stdout.contains("is in place"));
    let after = board.catalogue();
    assert_ne!(after, before);
    assert_eq!(after.lines().count(), 20);
    board.answers();
    let _told = board.update(&["rollback", "catalogue"]).expect_code(0);
    assert_eq!(board.catalogue(), before);
    assert!(
        board.update(&["rollback", "catalogue"]).expect_code(1).stderr.contains("there is no catalogue from before")
    );
}

/// From a server, whose line breaks: the next look goes on where it was, and all of it is hashed.
#[test]
fn an_update_comes_by_https_through_a_broken_line() {
    let board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    office.offer_network(Base::Own, "by-https");
    let server = Server::start(office.updates(), &board.rig().path("server"));
    let install = |address: &str, certificate: &std::path::Path| {
        let run = board.rig().clothingid(["update", "install", address, "--config", "config.toml"]);
        run.env("CURL_CA_BUNDLE", certificate).run()
    };
    let stranger = install(&server.address, &office.public_key()).expect_code(1).stderr;
    assert!(stranger.contains("cannot be fetched"), "a certificate that is not trusted: {stranger}");
    let open = install(&server.address.replace("https", "http"), &server.certificate).expect_code(1).stderr;
    assert!(open.contains("begins with `https://`"), "{open}");
    let nothing = install(&format!("{}/none", server.address), &server.certificate).expect_code(1).stderr;
    assert!(nothing.contains("404"), "{nothing}");

    let _before = server.asked();
    server.break_after(1_000_000);
    let broken = install(&server.address, &server.certificate).expect_code(1).stdout;
    assert!(broken.contains("network-1.bundle` cannot be fetched"), "{broken}");
    let _told = install(&server.address, &server.certificate).expect_code(0);
    let asked: Vec<String> = server.asked().into_iter().filter(|name| name.starts_with("network-1")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let from: usize = asked[1].rsplit(' ').next().and_then(|from| from.parse().ok()).expect("a number");
    assert!(asked[0].ends_with("from 0") && (1..=1_000_000).contains(&from), "{asked:?}");
    board.wait_for_status("it comes", |status| status.contains("the network by-https (number 1)"));
    board.answers();
}

/// A customer who is there is not disturbed; the command waits, and `--now` does not.
#[test]
fn a_customer_is_waited_for() {
    let mut board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    board.set_quiet(1440);
    board.restart();
    board.answers();
    office.offer_network(Base::Own, "patient");
    let _told = board.install(&[]).expect_code(0);
    office.offer_catalogue(board.rig(), 20);
    let before = board.catalogue();
    board.wait_until_used();
    let mut waits = board.start_update(&["install"]);
    let _line = waits.wait_for("waiting until no customer is there", START);
    std::thread::sleep(Duration::from_secs(5));
    drop(waits);
    assert_eq!(board.catalogue(), before);
    assert!(board.status().contains("waits for its turn"), "{}", board.status());
    let _told = board.install(&["--now"]).expect_code(0);
    assert_ne!(board.catalogue(), before);
    board.wait_for_status("the network, too", |status| status.contains(": start 1"));
}

#[test]
fn keys_follow_one_another() {
    let board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    let next = office.next_key();
    office.publish(&["--add-key", &format!("{next}.pub")]);
    assert!(board.install(&[]).expect_code(0).stdout.contains("the keys that are trusted have changed"));
    // From now on the new one signs, and retires the old one.
    let old = office.sign_with(&next);
    office.publish(&["--signed-by", &format!("{old}.pub"), "--retire-key", &format!("{old}.pub")]);
    let _told = board.install(&[]).expect_code(0);
    office.sign_with(&old);
    office.publish(&["--signed-by", &format!("{next}.pub")]);
    let refused = board.install(&[]).expect_code(1).stderr;
    assert!(refused.contains("which is retired"), "{refused}");
    board.answers();
}

#[test]
fn after_every_fault_the_board_answers_and_says_what_happened() {
    let (count, seed) = size();
    println!("{count} faults, seed {seed} (`CLOTHINGID_UPDATE_SEED={seed}` has the same order and moments)");
    let mut dice = Dice::new(seed);
    let mut faults: Vec<Fault> = Fault::ALL.into_iter().cycle().take(count).collect();
    for left in (1..faults.len()).rev() {
        faults.swap(left, dice.below(left + 1));
    }
    let mut board = Board::new();
    let office = Office::new(&board.rig().path("office"));
    board.trust(&office);
    for (number, fault) in faults.into_iter().enumerate() {
        println!("fault {}: {fault:?}", number + 1);
        fault.happens(&mut board, &office, &mut dice);
        board.answers();
        board.is_whole();
    }
    board.settle();
    board.answers();
    board.is_whole();
    println!("{}", board.status());
}
