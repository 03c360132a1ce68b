//! ZIP files made byte by byte, good ones and bad ones, for the tests here. They are also the saved inputs of the fuzz target.

use flate2::Crc;
use flate2::read::DeflateEncoder;
use std::io::Read;

/// Made by a Unix program, by version 3.0 of the format.
const UNIX: u16 = 3 << 8 | 30;

/// One file, as local header and directory have it.
#[derive(Clone)]
pub(super) struct Packed {
    pub(super) name: Vec<u8>,
    pub(super) packed: Vec<u8>,
    pub(super) byte_len: u32,
    pub(super) crc32: u32,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) mode: u32,
}

impl Packed {
    pub(super) fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        let byte_len = u32::try_from(bytes.len()).unwrap();
        let (name, packed) = (name.as_bytes().to_vec(), bytes.to_vec());
        Self { name, packed, byte_len, crc32: crc.sum(), method: 0, flags: 0, mode: 0o100_644 }
    }

    pub(super) fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut packed = Vec::new();
        DeflateEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
        Self { packed, method: 8, ..Self::stored(name, bytes) }
    }

    /// From the flags to the name's length, as both headers have it.
    fn middle(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend([self.flags, self.method, 0, 0x21].map(u16::to_le_bytes).concat());
        let packed_len = u32::try_from(self.packed.len()).unwrap();
        bytes.extend([self.crc32, packed_len, self.byte_len].map(u32::to_le_bytes).concat());
        bytes.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        bytes
    }
}

fn local(file: &Packed) -> Vec<u8> {
    [b"PK\x03\x04".as_slice(), &20_u16.to_le_bytes(), &file.middle(), &[0; 2], &file.name, &file.packed].concat()
}

fn central(file: &Packed, at: u64) -> Vec<u8> {
    let (at, extra) = match u32::try_from(at) {
        Ok(at) => (at, Vec::new()),
        // The place stands in an extra field for large archives.
        Err(_) => (u32::MAX, [[1_u16, 8].map(u16::to_le_bytes).concat(), at.to_le_bytes().to_vec()].concat()),
    };
    let mut bytes = [b"PK\x01\x02".as_slice(), &UNIX.to_le_bytes(), &20_u16.to_le_bytes(), &file.middle()].concat();
    bytes.extend([u16::try_from(extra.len()).unwrap(), 0, 0, 0].map(u16::to_le_bytes).concat());
    bytes.extend([file.mode << 16, at].map(u32::to_le_bytes).concat());
    bytes.extend(&file.name);
    bytes.extend(extra);
    bytes
}

/// The files, and their directory apart, for a place in a file.
fn files_and_directory(files: &[Packed], at: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        directory.extend(central(file, at + bytes.len() as u64));
        bytes.extend(local(file));
    }
    (bytes, directory)
}

/// The end of the directory.
fn end(disk: u16, count: u16, directory_len: u32, directory_at: u32) -> Vec<u8> {
    let mut bytes = b"PK\x05\x06".to_vec();
    bytes.extend([disk, disk, count, count].map(u16::to_le_bytes).concat());
    bytes.extend([directory_len, directory_at].map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

/// An archive of these files.
pub(super) fn archive(files: &[Packed]) -> Vec<u8> {
    on_disk(0, files)
}

/// One of several parts.
fn on_disk(disk: u16, files: &[Packed]) -> Vec<u8> {
    let (mut bytes, directory) = files_and_directory(files, 0);
    let [at, len] = [bytes.len(), directory.len()].map(|n| u32::try_from(n).unwrap());
    bytes.extend(directory);
    bytes.extend(end(disk, u16::try_from(files.len()).unwrap(), len, at));
    bytes
}

/// An archive whose end is in the form for large ones (ZIP64) and says that it has `count` files, for the place `at` in a file.
pub(super) fn archive64(files: &[Packed], count: u64, at: u64) -> Vec<u8> {
    let (mut bytes, directory) = files_and_directory(files, at);
    let (directory_at, len) = (at + bytes.len() as u64, directory.len() as u64);
    bytes.extend(directory);
    let end64 = at + bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45_u16, 45].map(u16::to_le_bytes).concat());
    bytes.extend([0; 8]);
    bytes.extend([count, count, len, directory_at].map(u64::to_le_bytes).concat());
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(end64.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(end(0, u16::MAX, u32::MAX, u32::MAX));
    bytes
}

/// Archives of each kind that a shop could hand over, or an attacker.
pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let a = || Packed::stored("a.jpg", b"aaa");
    let named = |name: &[u8]| Packed { name: name.to_vec(), ..a() };
    let good = archive(&[a(), Packed::deflated("in/b.jpg", &[b'b'; 5000]), named(b"in/")]);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let bomb = Packed { byte_len: 9, ..Packed::deflated("a.jpg", &[0; 100_000]) };
    vec![
        ("good", good.clone()),
        ("one-folder", archive(&[named(b"photos/"), named(b"photos/a.jpg"), named(b"photos/in/b.jpg")])),
        ("mac", archive(&[named(b"photos/a.jpg"), named(b"__MACOSX/photos/._a.jpg")])),
        ("backslashes", archive(&[named(b"in\\a.jpg"), named(b".\\b.jpg")])),
        ("code-page-437", archive(&[named(b"Bl\x81tentop.jpg")])),
        ("utf-8", archive(&[Packed { flags: 1 << 11, ..named("Blütentop.jpg".as_bytes()) }])),
        ("capitals", archive(&[named(b"photos/A.JPG"), named(b"photos/b.jpg")])),
        ("in-front", [b"#!/bin/sh\n", good.as_slice()].concat()),
        ("large-form", archive64(&[a()], 1, 0)),
        ("empty", archive(&[])),
        ("absolute", archive(&[named(b"/a.jpg"), named(b"C:\\a.jpg")])),
        ("above", archive(&[named(b"../a.jpg"), named(b"in/../../a.jpg")])),
        ("link", archive(&[Packed { mode: 0o120_777, ..a() }])),
        ("pipe", archive(&[Packed { mode: 0o010_644, ..a() }])),
        ("encrypted", archive(&[Packed { flags: 1, ..a() }])),
        ("other-method", archive(&[Packed { method: 93, ..a() }])),
        ("says-too-large", archive(&[Packed { byte_len: (64 << 20) + 1, ..a() }])),
        ("bomb", archive(&[bomb])),
        ("longer-than-it-says", archive(&[Packed { byte_len: 2, ..a() }])),
        ("shorter-than-it-says", archive(&[Packed { byte_len: 4, ..a() }])),
        ("wrong-checksum", archive(&[Packed { crc32: 0, ..a() }])),
        ("not-deflated", archive(&[Packed { method: 8, ..a() }])),
        ("twice", archive(&[a(), Packed::stored("./a.jpg", b"other"), named(b"b.jpg")])),
        ("file-elsewhere", changed(0, b'?')),
        ("cut-in-the-directory", good[..good.len() - 30].to_vec()),
        ("cut-in-a-file", good[..40].to_vec()),
        ("directory-damaged", changed(good.len() - 22 - 49, b'?')),
        ("of-several-parts", on_disk(1, &[a()])),
        ("a-million-files", archive64(&[a()], 1_000_000, 0)),
        ("no-archive", b"\xFF\xD8\xFF\xE0 a photograph".to_vec()),
        ("nothing", Vec::new()),
    ]
}
