//! Checksums of `photos.bin` by block, so that damage is found where it lies and at the speed of memory.
//!
//! `blocks.csv` has one line a block of [`BLOCK_BYTE_LEN`] bytes (the last one may be shorter): its number and its CRC-32 in eight
//! hexadecimal digits. It stands beside the index and not in it, so that a pack's identity is that of packs without it.
//!
//! **Source**: CRC-32 of ISO 3309, the one of gzip and PNG: every change within 32 bits is found, any other with 1 in 4 thousand
//! million missed. It guards against disks, not against forgers; photographs keep their SHA-256 in the index.

use std::io::{self, Write};

/// Name of the file in a pack's folder.
pub const BLOCKS_FILE: &str = "blocks.csv";
/// Bytes of a block.
pub const BLOCK_BYTE_LEN: usize = 1 << 20;

const HEADER: &str = "block,crc32";

/// Passes bytes on and sums them by block on the way.
#[derive(Debug)]
pub struct BlockWriter<W> {
    inner: W,
    hasher: crc32fast::Hasher,
    filled: usize,
    sums: Vec<u32>,
}

impl<W: Write> BlockWriter<W> {
    /// Starts at the first block.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: crc32fast::Hasher::new(), filled: 0, sums: Vec::new() }
    }

    /// The inner writer and the checksum of each block.
    pub fn finish(mut self) -> (W, Vec<u32>) {
        if self.filled > 0 {
            self.sums.push(self.hasher.finalize());
        }
        (self.inner, self.sums)
    }
}

impl<W: Write> Write for BlockWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BLOCK_BYTE_LEN - self.filled;
        let written = self.inner.write(bytes.get(..room).unwrap_or(bytes))?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        self.filled += written;
        if self.filled == BLOCK_BYTE_LEN {
            let full = std::mem::replace(&mut self.hasher, crc32fast::Hasher::new());
            self.sums.push(full.finalize());
            self.filled = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The bytes of `blocks.csv`.
#[must_use]
pub fn to_csv(sums: &[u32]) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for (block, sum) in sums.iter().enumerate() {
        text += &format!("{block},{sum:08x}\n");
    }
    text.into_bytes()
}

/// The checksums in the bytes of `blocks.csv`, for a file of `byte_len` bytes. The error says what is wrong.
///
/// # Errors
/// A line that is none of ours, or another number of blocks than the file has.
pub fn parse(bytes: &[u8], byte_len: u64) -> Result<Vec<u32>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(format!("line 1: expected `{HEADER}`"));
    }
    let mut sums = Vec::new();
    for (number, line) in lines.enumerate() {
        let sum = line
            .split_once(',')
            .filter(|(block, sum)| *block == number.to_string() && sum.len() == 8)
            .and_then(|(_, sum)| u32::from_str_radix(sum, 16).ok())
            .ok_or_else(|| format!("line {}: expected `{number},` and eight hexadecimal digits", number + 2))?;
        sums.push(sum);
    }
    let expected = byte_len.div_ceil(BLOCK_BYTE_LEN as u64);
    if sums.len() as u64 != expected {
        return Err(format!("{} blocks instead of {expected}", sums.len()));
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::{BLOCK_BYTE_LEN, BlockWriter, parse, to_csv};

    #[test]
    fn blocks_do_not_depend_on_how_the_bytes_came() {
        let bytes: Vec<u8> = (0..2 * BLOCK_BYTE_LEN + 77).map(|at| at.to_le_bytes()[1] ^ at.to_le_bytes()[0]).collect();
        let sums: Vec<u32> = bytes.chunks(BLOCK_BYTE_LEN).map(crc32fast::hash).collect();
        for piece in [1 << 12, BLOCK_BYTE_LEN, 3 * BLOCK_BYTE_LEN, 999_983] {
            let mut writer = BlockWriter::new(Vec::new());
            for chunk in bytes.chunks(piece) {
                writer.write_all(chunk).unwrap();
            }
            let (through, found) = writer.finish();
            assert!(through == bytes);
            assert_eq!(found, sums, "in pieces of {piece}");
        }
        assert_eq!(sums.len(), 3);
        assert!(BlockWriter::new(Vec::new()).finish().1.is_empty());
        // The check value of ISO 3309.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_list_that_does_not_fit_its_file_is_refused() {
        let three = to_csv(&[1, 0xffff_ffff, 3]);
        assert_eq!(parse(&three, 3 << 20), Ok(vec![1, 0xffff_ffff, 3]));
        assert_eq!(parse(&three, (2 << 20) + 1).map(|sums| sums.len()), Ok(3));
        for (bytes, byte_len) in
            [(&three[..], 2 << 20), (&three, (3 << 20) + 1), (b"", 0), (&three[..three.len() - 2], 3 << 20)]
        {
            assert!(parse(bytes, byte_len).is_err());
        }
        assert!(parse(b"block,crc32\n1,00000000\n", 1).unwrap_err().starts_with("line 2: expected `0,`"));
    }

    proptest! {
        #[test]
        fn lists_come_back_and_no_bytes_make_it_panic(sums in prop::collection::vec(any::<u32>(), 0..20), at in any::<prop::sample::Index>(), value in any::<u8>()) {
            let byte_len = sums.len() as u64 * BLOCK_BYTE_LEN as u64;
            let mut bytes = to_csv(&sums);
            prop_assert_eq!(parse(&bytes, byte_len), Ok(sums));
            let at = at.index(bytes.len());
            bytes[at] = value;
            let _ = parse(&bytes, byte_len);
        }
    }
}
