//! Reading a file at any place, by several threads at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// Bytes read ahead. The entries of a ZIP's directory have some hundred bytes, and each is read in four pieces.
const HELD: usize = 16 << 10;

/// Bytes that can be read at any place, and from several threads: there is no position that they would share.
pub trait ReadAt: Send + Sync {
    /// How many there are.
    ///
    /// # Errors
    /// That cannot be said.
    fn byte_len(&self) -> io::Result<u64>;

    /// Fills the front of `buffer` with what stands at `at`; 0 bytes at the end and beyond it.
    ///
    /// # Errors
    /// They cannot be read.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn byte_len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, at)
    }
}

impl ReadAt for Vec<u8> {
    fn byte_len(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        rest.read(buffer)
    }
}

/// One reader's place in such bytes, with what it has read ahead: unlike a `BufReader`, it keeps that when it is moved.
pub(super) struct Window<'a, S> {
    source: &'a S,
    at: u64,
    held: Vec<u8>,
    held_at: u64,
}

impl<'a, S: ReadAt> Window<'a, S> {
    pub(super) fn new(source: &'a S, at: u64) -> Self {
        Self { source, at, held: Vec::new(), held_at: 0 }
    }

    /// What is held from the place on; nothing where it is not held.
    fn rest(&self) -> &[u8] {
        let offset = self.at.checked_sub(self.held_at).and_then(|offset| usize::try_from(offset).ok());
        offset.and_then(|offset| self.held.get(offset..)).unwrap_or_default()
    }
}

impl<S: ReadAt> Read for Window<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.rest().is_empty() && buffer.len() >= HELD {
            self.source.read_at(buffer, self.at)?
        } else {
            if self.rest().is_empty() {
                self.held.resize(HELD, 0);
                let read = self.source.read_at(&mut self.held, self.at);
                self.held.truncate(*read.as_ref().unwrap_or(&0));
                self.held_at = self.at;
                read?;
            }
            self.rest().read(buffer)?
        };
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl<S: ReadAt> Seek for Window<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.source.byte_len()?.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As a cursor over the same bytes, whatever is read and wherever it goes.
        #[test]
        fn it_reads_as_a_cursor_does(byte_len in 0_usize..50_000, moves in prop::collection::vec((0_u64..60_000, 0_usize..40_000), 1..20)) {
            let bytes: Vec<u8> = (0..byte_len).map(|i| (i * 31 % 251).to_le_bytes()[0]).collect();
            let mut cursor = io::Cursor::new(&bytes);
            let mut window = Window::new(&bytes, 0);
            for (to, count) in moves {
                prop_assert_eq!(window.seek(SeekFrom::Start(to)).unwrap(), cursor.seek(SeekFrom::Start(to)).unwrap());
                let (mut read, mut expected) = (Vec::new(), Vec::new());
                (&mut window).take(count as u64).read_to_end(&mut read).unwrap();
                (&mut cursor).take(count as u64).read_to_end(&mut expected).unwrap();
                prop_assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn there_is_no_place_before_the_first_byte() {
        let bytes = vec![1, 2, 3];
        let mut window = Window::new(&bytes, 0);
        assert_eq!(window.seek(SeekFrom::End(-1)).unwrap(), 2);
        assert!(window.seek(SeekFrom::Current(-3)).is_err() && window.seek(SeekFrom::End(-4)).is_err());
        assert_eq!(window.read(&mut [0]).unwrap(), 1);
    }
}
