//! Memory that begins on a cache line, so that no vector load is split over two.

/// Bytes of a cache line and of the longest vector.
pub(super) const LINE: usize = 64;

/// A fixed number of bytes that begin on a cache line.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// `byte_len` zeros.
    pub(super) fn zeros(byte_len: usize) -> Self {
        let bytes = vec![0; byte_len + LINE];
        let start = bytes.as_ptr().align_offset(LINE).min(LINE);
        let mut buffer = Self { bytes, start };
        buffer.bytes.truncate(start + byte_len);
        buffer
    }

    /// These bytes.
    pub(super) fn of(bytes: impl ExactSizeIterator<Item = u8>) -> Self {
        let mut buffer = Self::zeros(bytes.len());
        for (into, byte) in buffer.bytes_mut().iter_mut().zip(bytes) {
            *into = byte;
        }
        buffer
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// All bytes, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_on_a_line() {
        for byte_len in [0, 1, 63, 64, 1000] {
            let buffer = Buffer::of(vec![7; byte_len].into_iter());
            assert_eq!(buffer.bytes().len(), byte_len);
            assert_eq!(buffer.bytes().as_ptr().align_offset(LINE), 0);
            assert!(buffer.bytes().iter().all(|byte| *byte == 7));
        }
    }
}
