//! What may go wrong with the update of a system, each on a board that was well.

use std::time::Duration;

use clothingid_tests::VirtualBoard;
use clothingid_tests::dice::Dice;

use super::bundles::Unwell;

/// Where sticks are mounted.
const STICK: &str = "/run/media/system/STICK";

/// A copy of the good bundle on the board, to be spoiled.
const COPY: &str = "/var/lib/rauc/copy.raucb";

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// One bit of the system in the bundle is another.
    AlteredBit,
    /// The bundle ends too early.
    Torn,
    /// It is for another kind of board.
    OtherBoard,
    /// It is signed by somebody else.
    OtherKey,
    /// There is no room on the data partition.
    FullDisk,
    /// Power goes while it is written.
    CutWhileWriting,
    /// It is written, and power goes while the board starts it.
    CutWhileStarting,
    /// It is whole and signed, and not well.
    Unwell(Unwell),
}

/// Which slot a board runs after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// That of before.
    InTheSame,
    /// One of them.
    InEither,
}

impl Fault {
    /// The kinds, as often as each is thrown in 28: those that take a start or more less often than those that take none.
    const KINDS: [(Self, usize); 10] = [
        (Self::AlteredBit, 6),
        (Self::Torn, 5),
        (Self::OtherBoard, 2),
        (Self::OtherKey, 2),
        (Self::FullDisk, 2),
        (Self::CutWhileWriting, 5),
        (Self::CutWhileStarting, 2),
        (Self::Unwell(Unwell::Crashes), 2),
        (Self::Unwell(Unwell::AnswersWrongly), 1),
        (Self::Unwell(Unwell::Hangs), 1),
    ];

    /// One of chance.
    pub(crate) fn thrown(dice: &mut Dice) -> Self {
        let all: Vec<Self> = Self::KINDS.iter().flat_map(|&(kind, often)| std::iter::repeat_n(kind, often)).collect();
        all[dice.below(all.len())]
    }

    /// Lets it happen. The board runs afterwards, and has said what happened.
    pub(crate) fn happen(self, board: &mut VirtualBoard, dice: &mut Dice) -> Ends {
        wait_for_stick(board);
        match self {
            Self::AlteredBit => {
                let (size, bit) = (copied(board), dice.below(8));
                // Its middle half is data of the system's root, all of which is read.
                let at = size / 4 + dice.below(size / 2);
                let byte = format!("od -An -tu1 -j{at} -N1 {COPY}");
                board.run(&format!(
                    "printf \"\\\\$(printf %03o $(( $({byte}) ^ {} )))\" | dd of={COPY} bs=1 seek={at} conv=notrunc status=none",
                    1 << bit
                ));
                refused(board, COPY, "");
                board.run(&format!("rm {COPY}"));
                Ends::InTheSame
            }
            Self::Torn => {
                let size = copied(board);
                board.run(&format!("truncate -s {} {COPY}", dice.below(size)));
                refused(board, COPY, "");
                board.run(&format!("rm {COPY}"));
                Ends::InTheSame
            }
            Self::OtherBoard => {
                refused(board, &format!("{STICK}/other-board.raucb"), "ompatible");
                Ends::InTheSame
            }
            Self::OtherKey => {
                refused(board, &format!("{STICK}/other-key.raucb"), "signature");
                Ends::InTheSame
            }
            Self::FullDisk => {
                let _ = board.try_run("dd if=/dev/zero of=/var/lib/rauc/full bs=1M status=none; sync");
                let (status, told) = board.try_run(&format!("rauc install {STICK}/good.raucb 2>&1"));
                assert!(status == 0 || told.contains("failed"), "it is not said why nothing was installed: {told}");
                board.run("rm /var/lib/rauc/full && sync");
                restart(board);
                Ends::InEither
            }
            Self::CutWhileWriting => {
                board.run(&format!("(rauc install {STICK}/good.raucb > /tmp/install.txt 2>&1 &)"));
                cut(board, dice.below(8000));
                // An emulated board is slow, but the bundle may have been written as a whole.
                Ends::InEither
            }
            Self::CutWhileStarting => {
                board.run(&format!("rauc install {STICK}/good.raucb"));
                board.tell("/usr/lib/clothingid/restart");
                cut(board, dice.below(90_000));
                Ends::InEither
            }
            Self::Unwell(which) => {
                board.run(&format!("rauc install {STICK}/{}", which.file()));
                board.tell("/usr/lib/clothingid/restart");
                // It is tried, given up, and said so.
                board.started(2);
                board.soon("systemctl is-active --quiet clothingid-good.service");
                let told = board.run("journalctl --no-pager -o cat -b -1 -u clothingid-fallback.service");
                assert!(told.contains("this system is not well and never was: the one before is started"), "{told}");
                Ends::InTheSame
            }
        }
    }
}

/// A stick is there by itself.
fn wait_for_stick(board: &mut VirtualBoard) {
    board.soon(&format!("mountpoint -q {STICK}"));
}

/// Copies the good bundle to the board, and gives its size.
fn copied(board: &mut VirtualBoard) -> usize {
    board.run(&format!("cp {STICK}/good.raucb {COPY}"));
    board.run(&format!("stat -c %s {COPY}")).trim().parse().expect("a size")
}

/// It is not installed, and said why.
fn refused(board: &mut VirtualBoard, bundle: &str, why: &str) {
    let (status, told) = board.try_run(&format!("rauc install {bundle} 2>&1"));
    assert!(status != 0 && told.contains("failed") && told.contains(why), "{status}: {told}");
}

/// Takes the power away in so many milliseconds, and gives it back.
fn cut(board: &mut VirtualBoard, milliseconds: usize) {
    std::thread::sleep(Duration::from_millis(u64::try_from(milliseconds).expect("a number")));
    board.cut_power();
    board.power_on();
}

/// Installs the good system, and starts it.
pub(crate) fn take_good(board: &mut VirtualBoard) {
    wait_for_stick(board);
    board.run(&format!("rauc install {STICK}/good.raucb"));
    restart(board);
}

fn restart(board: &mut VirtualBoard) {
    board.tell("/usr/lib/clothingid/restart");
    board.started(1);
}
