//! What can go wrong with an update: in what is offered, on the way, on the disk, and while the appliance changes over.

use super::board::Board;
use super::office::{Base, Office};
use clothingid_device::update::Kind;
use clothingid_shared::files;
use clothingid_tests::dice::Dice;
use clothingid_tests::{Run, rig};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    TornFile,
    AlteredFile,
    TornIndex,
    AlteredIndex,
    UnknownKey,
    ReplayedIndex,
    Downgrade,
    WrongBoard,
    FullDisk,
    WrongGoldenAnswers,
    NoNetworkInside,
    AlteredOnTheDisk,
    KilledWhileInstalling,
    KilledWhileImporting,
    KilledWhileChangingOver,
    HangsOnTrial,
}

impl Fault {
    pub(crate) const ALL: [Self; 16] = [
        Self::TornFile,
        Self::AlteredFile,
        Self::TornIndex,
        Self::AlteredIndex,
        Self::UnknownKey,
        Self::ReplayedIndex,
        Self::Downgrade,
        Self::WrongBoard,
        Self::FullDisk,
        Self::WrongGoldenAnswers,
        Self::NoNetworkInside,
        Self::AlteredOnTheDisk,
        Self::KilledWhileInstalling,
        Self::KilledWhileImporting,
        Self::KilledWhileChangingOver,
        Self::HangsOnTrial,
    ];

    /// Makes it happen. What is refused leaves network and catalogue as they were.
    pub(crate) fn happens(self, board: &mut Board, office: &Office, dice: &mut Dice) {
        let name = format!("n{}", dice.number() % 1_000_000);
        match self {
            Self::TornFile => {
                let file = offered(office, &name);
                let bytes = std::fs::read(&file).expect("the file");
                write(&file, &bytes[..dice.below(bytes.len())]);
                refused(board, &[], "ends after");
            }
            Self::AlteredFile => {
                let file = offered(office, &name);
                let mut bytes = std::fs::read(&file).expect("the file");
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
                write(&file, &bytes);
                refused(board, &[], "is not the file that the index names");
            }
            Self::TornIndex => spoiled(board, office, |bytes| bytes[..bytes.len() / 2].to_vec()),
            Self::AlteredIndex => spoiled(board, office, |bytes| {
                let text = String::from_utf8_lossy(bytes);
                text.replacen("serial = ", "serial = 9", 1).into_bytes()
            }),
            Self::UnknownKey => {
                let own = office.sign_with(&office.next_key());
                let stranger = office.index();
                office.sign(&stranger);
                refused(board, &[], "is not trusted here");
                office.sign_with(&own);
                office.sign(&stranger);
            }
            Self::ReplayedIndex => {
                let _told = board.install(&[]);
                let old = office.index();
                office.publish(&[]);
                let _told = board.install(&[]);
                let new = office.index();
                office.sign(&old);
                refused(board, &[], "an older one is not taken");
                office.sign(&new);
            }
            Self::Downgrade => {
                office.offer_network(Base::Own, &name);
                let good = office.index();
                let _told = board.install(&[]);
                let mut old = good.clone();
                old.serial += 1;
                for update in old.updates.iter_mut().filter(|update| update.kind == Kind::Network) {
                    update.serial -= 1;
                }
                // The first network of all has nothing before it.
                if old.updates.iter().all(|update| update.serial > 0) {
                    office.sign(&old);
                    // The one that is there may be the older one, where the newer one was given up.
                    let told = board.install(&["--kind", "network"]);
                    let said = format!("{}{}", told.stdout, told.stderr);
                    assert!(said.contains("an older one is not taken") || said.contains("nothing new"), "{said}");
                }
                office.sign(&clothingid_device::update::Index { serial: old.serial, ..good });
            }
            Self::WrongBoard => {
                let good = office.index();
                let mut other = good.clone();
                office.offer_network(Base::Own, &name);
                let mut offered = office.index();
                for update in offered.updates.iter_mut().filter(|update| update.kind == Kind::Network) {
                    update.boards = vec!["another-board".to_owned()];
                }
                office.sign(&offered);
                refused(board, &["--kind", "network"], "is for `another-board`");
                other.serial = offered.serial;
                office.sign(&other);
            }
            Self::FullDisk => {
                let _file = offered(office, &name);
                // No file may grow beyond this: a disk that fills up while the update is received.
                let blocks = dice.below(5000);
                let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
                let program = rig::program("clothingid").display().to_string();
                let run =
                    Run::new("sh").args(["-c", &script, &program, "update", "install", "--config", "config.toml"]);
                let outcome = board.rig().surrounded(run).env("RUNTIME_DIRECTORY", board.rig().path("run")).run();
                assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
            }
            Self::WrongGoldenAnswers => {
                let mut bundle = office.bundle(Base::Own, &name);
                let at = dice.below(bundle.golden.len());
                for answer in bundle.golden[at].answers.values_mut() {
                    answer.category14[0] += 5.0;
                }
                office.offer(&bundle);
                refused(board, &[], "is not taken: its golden answers");
                assert!(board.install(&[]).expect_code(0).stdout.contains("was here before"));
            }
            Self::NoNetworkInside => {
                let mut bundle = office.bundle(Base::Own, &name);
                let half = bundle.network.len() / 2;
                bundle.network.truncate(half);
                office.offer(&bundle);
                refused(board, &[], "is not taken: its golden answers");
            }
            Self::AlteredOnTheDisk => {
                office.offer_network(Base::Own, &name);
                // Staged, and spoiled before the appliance starts with it.
                board.signal("STOP");
                let _told = board.install(&[]).expect_code(0);
                let file = newest(&board.rig().state().join("update"));
                let mut bytes = std::fs::read(&file).expect("the file");
                let at = dice.below(bytes.len());
                bytes[at] ^= 1;
                write(&file, &bytes);
                board.signal("CONT");
                board.wait_for_status("it is refused", |status| status.contains("is not what was verified"));
            }
            Self::KilledWhileInstalling => {
                office.offer_network(base(dice), &name);
                let running = board.start_update(&["install"]);
                std::thread::sleep(Duration::from_millis(dice.below(400) as u64));
                let _said = running.kill();
                board.restart();
                board.answers();
                let told = board.install(&[]).expect_code(0).stdout;
                assert!(told.contains("waits until") || told.contains("nothing new"), "{told}");
            }
            Self::KilledWhileImporting => {
                let products = if board.catalogue().lines().count() == 20 { 78 } else { 20 };
                office.offer_catalogue(board.rig(), products);
                let running = board.start_update(&["install", "--kind", "catalogue"]);
                std::thread::sleep(Duration::from_millis(dice.below(600) as u64));
                let _said = running.kill();
                board.restart();
                board.answers();
                let told = board.install(&["--kind", "catalogue"]).expect_code(0).stdout;
                assert!(told.contains("is in place") || told.contains("nothing new"), "{told}");
                assert_eq!(board.catalogue().lines().count(), products);
            }
            Self::KilledWhileChangingOver => {
                office.offer_network(base(dice), &name);
                let _told = board.install(&[]).expect_code(0);
                std::thread::sleep(Duration::from_millis(dice.below(4000) as u64));
                board.restart();
                board.answers();
                board.settle();
            }
            Self::HangsOnTrial => {
                board.settle();
                office.offer_network(Base::Own, &name);
                let _told = board.install(&[]).expect_code(0);
                for start in 1..=2 {
                    board.wait_for_status("it is on trial", |status| status.contains(&format!(": start {start}")));
                    // It hangs, and the watchdog ends it.
                    board.signal("STOP");
                    std::thread::sleep(Duration::from_millis(300));
                    board.restart();
                }
                board.wait_for_status("it is given up", |status| {
                    status.contains(&format!("the network {name} (number"))
                        && status.contains("is given up; the network")
                });
                assert_ne!(board.bundle(), name);
            }
        }
    }
}

fn base(dice: &mut Dice) -> Base {
    if dice.coin() { Base::Own } else { Base::Other }
}

fn write(path: &Path, bytes: &[u8]) {
    files::write_atomic(path, bytes).expect("a file");
}

/// A network that is offered; its file.
fn offered(office: &Office, name: &str) -> PathBuf {
    office.offer_network(Base::Own, name);
    let index = office.index();
    let update = index.updates.iter().find(|update| update.version == name).expect("what is offered");
    office.updates().join(&update.file)
}

/// It is not taken, the board says why now and later, and has the network and catalogue that it had.
fn refused(board: &Board, arguments: &[&str], why: &str) {
    let catalogue = board.catalogue();
    let outcome = board.install(arguments).expect_code(1);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains(why), "{why}: {said}");
    let status = board.status();
    assert!(status.contains(why), "{why}: {status}");
    assert_eq!(board.catalogue(), catalogue);
}

fn spoiled(board: &Board, office: &Office, spoil: impl Fn(&[u8]) -> Vec<u8>) {
    office.publish(&[]);
    let path = office.updates().join("updates.toml");
    let good = std::fs::read(&path).expect("the index");
    write(&path, &spoil(&good));
    refused(board, &[], "is not what the holder of this key has signed");
    write(&path, &good);
}

/// The network that came last into the folder of updates.
fn newest(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).expect("updates").flatten();
    let networks = files.filter(|entry| entry.file_name().to_string_lossy().starts_with("network-"));
    networks.max_by_key(|entry| entry.metadata().and_then(|facts| facts.modified()).ok()).expect("a network").path()
}
