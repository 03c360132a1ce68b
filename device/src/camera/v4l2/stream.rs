//! The kernel's buffers, going round: the driver fills one while others wait to be read.

use super::node::{Filled, Mapped, Node};
use std::io;
use std::time::Duration;

/// Buffers in flight: one is being filled, one waits, and two bridge a moment in which nobody reads.
const BUFFERS: u32 = 4;

/// A running stream of a node.
///
/// What the driver says at the end is of no use to anybody, a camera that is gone answers nothing but errors, and so a drop never fails.
#[derive(Debug)]
pub(super) struct Stream {
    node: Node,
    buffers: Vec<Mapped>,
    /// The driver's count of the picture before.
    sequence: Option<u32>,
}

/// What was waited for.
pub(super) enum Next {
    /// A picture was read, and so many before it were lost in the driver.
    Picture { filled: Filled, lost: u64 },
    /// None came in time.
    Nothing,
}

impl Stream {
    /// Asks for buffers, hands them all to the driver and starts.
    pub(super) fn start(node: Node) -> io::Result<Self> {
        let count = node.request_buffers(BUFFERS)?;
        let mut stream = Self { node, buffers: Vec::new(), sequence: None };
        for index in 0..count {
            let mapped = stream.node.map_buffer(index)?;
            stream.buffers.push(mapped);
            stream.node.queue(index)?;
        }
        if stream.buffers.is_empty() {
            return Err(io::Error::other("the driver has no buffers to give"));
        }
        stream.node.start_stream()?;
        Ok(stream)
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Waits for a picture, hands its bytes to `read`, and gives the buffer back to the driver.
    pub(super) fn next(&mut self, patience: Duration, read: impl FnOnce(&Filled, &[u8])) -> io::Result<Next> {
        if !self.node.wait(patience)? {
            return Ok(Next::Nothing);
        }
        let filled = match self.node.dequeue() {
            Ok(filled) => filled,
            // Readable, and then not: another thread of the driver was quicker.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::Nothing),
            Err(error) => return Err(error),
        };
        let buffer = usize::try_from(filled.index).ok().and_then(|index| self.buffers.get(index));
        let Some(buffer) = buffer else {
            return Err(io::Error::other(format!("the driver filled buffer {}, which it never gave", filled.index)));
        };
        read(&filled, buffer.bytes(filled.byte_len));
        self.node.queue(filled.index)?;
        let lost = self.sequence.map_or(0, |before| lost_between(before, filled.sequence));
        self.sequence = Some(filled.sequence);
        Ok(Next::Picture { filled, lost })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.node.stop_stream();
        self.buffers.clear();
        let _ = self.node.request_buffers(0);
    }
}

/// Pictures that a driver counted and did not hand over; drivers that do not count say the same number always.
fn lost_between(before: u32, now: u32) -> u64 {
    let step = now.wrapping_sub(before);
    // A count that goes back has begun anew.
    if (1..=u32::MAX / 2).contains(&step) { u64::from(step - 1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_and_odd_counts_are_not() {
        for (before, now, lost) in [(1, 2, 0), (1, 5, 3), (7, 7, 0), (9, 0, 0), (u32::MAX, 0, 0), (u32::MAX, 2, 2)] {
            assert_eq!(lost_between(before, now), lost, "{before} {now}");
        }
    }
}
