//! A disk with two slots: boot partition and root of the first are written, those of the second wait for the first update, and the room behind
//! them becomes the data partition at the first start.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::root::Root;
use super::{Image, call, unwritten, write};
use crate::report::Report;

const MIB: u64 = 1 << 20;

/// A boot partition: today's kernel and what it starts with take a third.
const BOOT_MIB: u64 = 128;

/// A root: today's takes half.
const ROOT_MIB: u64 = 640;

/// What is free before the first partition, and behind the last.
const EDGE_MIB: u64 = 1;

/// What partitions are, in GPT's words: systems that UEFI starts, and roots.
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

/// Two slots' files.
pub(super) struct Slots {
    /// The boot partition, which starts slot A.
    pub(super) boot: PathBuf,
    /// The root.
    pub(super) root: PathBuf,
}

/// Makes the disk, and what it is made of.
pub(super) fn make(image: &Image<'_>, root: &Root, work: &Path) -> Result<Slots, Report> {
    let boot = boot(image, root, work)?;
    let length = std::fs::metadata(&root.squashfs).map_err(|error| unwritten(&root.squashfs, error))?.len();
    if length > ROOT_MIB * MIB {
        let what = format!("the root takes {} MiB, a slot has {ROOT_MIB}", length.div_ceil(MIB));
        return Err(Report::failure(what, "leave packages out: firmware-config/image/packages"));
    }
    let path = work.join("img");
    #[expect(clippy::disallowed_methods, reason = "in a folder that each call makes anew")]
    let file = OpenOptions::new().create_new(true).write(true).open(&path);
    let mut file = file.map_err(|error| unwritten(&path, error))?;
    file.set_len((2 * BOOT_MIB + 2 * ROOT_MIB + 2 * EDGE_MIB) * MIB).map_err(|error| unwritten(&path, error))?;
    let table = work.join("table");
    write(&table, &partitions(image))?;
    let table = File::open(&table).map_err(|error| unwritten(&table, error))?;
    call(Command::new("/sbin/sfdisk").arg("--quiet").arg(&path).stdin(table))?;
    for (from, at) in [(&boot, EDGE_MIB), (&root.squashfs, EDGE_MIB + 2 * BOOT_MIB)] {
        let placed = File::open(from).and_then(|mut from| {
            file.seek(SeekFrom::Start(at * MIB))?;
            std::io::copy(&mut from, &mut file)
        });
        placed.map_err(|error| unwritten(&path, error))?;
    }
    file.sync_all().map_err(|error| unwritten(&path, error))?;
    Ok(Slots { boot, root: root.squashfs.clone() })
}

/// The table of partitions as `sfdisk` reads it. Numbers that are of chance elsewhere follow from the names, so that two builds are one.
fn partitions(image: &Image<'_>) -> String {
    let root = image.firmware().root_type;
    let mut text = format!("label: gpt\nlabel-id: {}\nfirst-lba: 2048\n", number(&image.board.name, 0));
    let parts =
        [("esp-a", BOOT_MIB, ESP), ("esp-b", BOOT_MIB, ESP), ("root-a", ROOT_MIB, root), ("root-b", ROOT_MIB, root)];
    for (index, (name, mib, kind)) in (1..).zip(parts) {
        let uuid = number(&image.board.name, index);
        text.push_str(&format!("size={mib}MiB, type={kind}, name={name}, uuid={uuid}\n"));
    }
    text
}

/// A number of a partition in UUID's form, of the board's name and the partition's place (FNV-1a).
fn number(board: &str, index: u8) -> String {
    let hash = |seed: u64| {
        let bytes = board.bytes().chain([index]);
        bytes.fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142));
    let text = format!("{high:016x}{low:016x}");
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

/// The partition that UEFI starts: systemd's loader, kernel, and an entry for each slot, of which the first is the one that is started.
fn boot(image: &Image<'_>, root: &Root, work: &Path) -> Result<PathBuf, Report> {
    let path = work.join("boot.vfat");
    #[expect(clippy::disallowed_methods, reason = "in a folder that each call makes anew")]
    let file = File::create_new(&path).map_err(|error| unwritten(&path, error))?;
    file.set_len(BOOT_MIB * MIB).map_err(|error| unwritten(&path, error))?;
    let epoch = image.epoch.to_string();
    let vfat = ["-F", "32", "--invariant", "-i", "c107419d", "-n", "CLOTHINGID"];
    call(Command::new("/sbin/mkfs.vfat").env("SOURCE_DATE_EPOCH", &epoch).args(vfat).arg(&path))?;
    let mtools = |program: &str| {
        let mut command = Command::new(program);
        // Its times are those of the files, in no zone.
        command.env("SOURCE_DATE_EPOCH", &epoch).env("TZ", "UTC").arg("-i").arg(&path);
        command
    };
    call(mtools("mmd").args(["::/EFI", "::/EFI/BOOT", "::/loader", "::/loader/entries"]))?;
    let texts = work.join("loader");
    write(&texts.join("loader.conf"), "default slot-a.conf\ntimeout 0\nauto-entries no\neditor no\n")?;
    for slot in ["a", "b"] {
        write(&texts.join(format!("slot-{slot}.conf")), &entry(image, slot))?;
    }
    let files = [
        (root.loader.clone(), format!("::/EFI/BOOT/{}", image.firmware().first)),
        (texts.join("loader.conf"), "::/loader/loader.conf".to_owned()),
        (texts.join("slot-a.conf"), "::/loader/entries/slot-a.conf".to_owned()),
        (texts.join("slot-b.conf"), "::/loader/entries/slot-b.conf".to_owned()),
        (root.kernel.clone(), "::/vmlinuz".to_owned()),
        (root.initrd.clone(), "::/initrd.img".to_owned()),
    ];
    for (from, to) in files {
        call(Command::new("touch").args(["-d", &format!("@{epoch}")]).arg(&from))?;
        call(mtools("mcopy").arg("-m").arg(&from).arg(to))?;
    }
    Ok(path)
}

/// How systemd's loader starts one slot.
fn entry(image: &Image<'_>, slot: &str) -> String {
    let (name, version, more) = (slot.to_uppercase(), &image.version, image.kernel_options);
    format!(
        "title ClothingID {version}, slot {name}\nlinux /vmlinuz\ninitrd /initrd.img\n\
         options root=PARTLABEL=root-{slot} rootfstype=squashfs ro rauc.slot={name} systemd.gpt_auto=no panic=10 quiet{more}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_a_number_of_its_own_that_stays() {
        let numbers: std::collections::BTreeSet<String> = (0..5).map(|index| number("generic-x86-64", index)).collect();
        assert_eq!(numbers.len(), 5);
        assert!(!numbers.contains(&number("generic-arm64", 1)));
        for number in numbers {
            let lengths: Vec<usize> = number.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{number}");
        }
    }

    #[test]
    fn each_slot_starts_its_own_root() {
        let board = crate::boards::open("generic-x86-64").map_err(|report| report.to_string()).expect("a board");
        let (folder, version, kernel_options) = (Path::new("out"), "1.2.3".to_owned(), " console=ttyS0");
        let image = Image { board: &board, folder, version, epoch: 0, kernel_options, patience: 120 };
        let text = entry(&image, "b");
        assert!(text.contains("root=PARTLABEL=root-b ") && text.contains(" rauc.slot=B "), "{text}");
        assert!(text.ends_with(" quiet console=ttyS0\n"), "{text}");
    }
}
