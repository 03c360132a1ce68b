//! Few channels under a large window (a picture's three under 3×3): what a pixel reads is gathered into one row of bytes, so that
//! instructions of four bytes are not a quarter empty and offsets are not looked up for every four.

use crate::network::cpu::rows::Rows;
use std::ops::Range;

/// Bytes that an instruction takes; a row is a multiple of them.
const STEP: usize = 4;
/// Bytes that are copied at once.
const PIECE: usize = 16;

/// How the inputs of a layer are gathered.
pub(super) struct Patches {
    /// Side of the window.
    kernel: usize,
    inputs: usize,
    /// For each output pixel, whether no tap reads the border: a row of the window is then one piece of the input.
    is_inside: Vec<bool>,
}

impl Patches {
    /// For a layer whose inputs should be gathered; none for others.
    pub(super) fn new(rows: &Rows, kernel: usize, inputs: usize, pixels: usize) -> Option<Self> {
        let is_inside = |pixel: usize| {
            (0..rows.taps())
                .filter(|tap| tap % kernel != 0)
                .all(|tap| rows.offset(pixel, tap) == rows.offset(pixel, tap - 1) + inputs)
        };
        let is_worth_it = kernel > 1 && inputs < 2 * STEP;
        is_worth_it.then(|| Self { kernel, inputs, is_inside: (0..pixels).map(is_inside).collect() })
    }

    /// Bytes of a pixel's row.
    pub(super) fn row(&self) -> usize {
        (self.kernel * self.kernel * self.inputs).next_multiple_of(STEP)
    }

    /// Gathers the rows of some pixels, one behind the other. What is behind a row's last input is left over from others: its weights are
    /// zero.
    pub(super) fn gather(&self, rows: &Rows, x: &[u8], pixels: Range<usize>, into: &mut Vec<u8>) {
        let (row, inputs) = (self.row(), self.inputs);
        // A piece that begins inside a row may reach behind it.
        into.resize(pixels.len() * row + PIECE, 0);
        for (place, pixel) in pixels.enumerate() {
            let is_inside = self.is_inside.get(pixel).copied().unwrap_or_default();
            let taps = if is_inside { self.kernel } else { 1 };
            for tap in (0..rows.taps()).step_by(taps) {
                copy(x, rows.offset(pixel, tap), into, place * row + tap * inputs, taps * inputs);
            }
        }
    }
}

/// Copies `count` bytes and up to [`PIECE`] more: the rest is overwritten by the next copy, or never used.
#[inline]
fn copy(x: &[u8], from: usize, into: &mut [u8], to: usize, count: usize) {
    for piece in (0..count).step_by(PIECE) {
        let bytes = x.get(from + piece..).and_then(|x| x.first_chunk::<PIECE>());
        let into = into.get_mut(to + piece..).and_then(|into| into.first_chunk_mut::<PIECE>());
        if let (Some(bytes), Some(into)) = (bytes, into) {
            *into = *bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::plan::{Geometry, Shape};

    #[test]
    fn rows_hold_what_the_window_sees() {
        let geometry = Geometry { kernel: 2, stride: 1, before: 1, after: 0 };
        let shape = Shape { height: 2, width: 2, channels: 3 };
        // Four pixels, the border of 9s, and slack.
        let x = [[1, 2, 3], [11, 12, 13], [21, 22, 23], [31, 32, 33], [9, 9, 9]].concat();
        let x: Vec<u8> = x.into_iter().chain([0; 32]).collect();
        let rows = Rows::new(geometry, shape, shape, 12);
        let patches = Patches::new(&rows, 2, 3, 4).unwrap();
        assert_eq!(patches.is_inside, [false, false, false, true]);
        let mut gathered = Vec::new();
        patches.gather(&rows, &x, 1..4, &mut gathered);
        let of = |place: usize| &gathered[place * 12..][..12];
        assert_eq!(of(0), [9, 9, 9, 9, 9, 9, 1, 2, 3, 11, 12, 13]);
        assert_eq!(of(1), [9, 9, 9, 1, 2, 3, 9, 9, 9, 21, 22, 23]);
        assert_eq!(of(2), [1, 2, 3, 11, 12, 13, 21, 22, 23, 31, 32, 33]);
        assert!(Patches::new(&rows, 2, 8, 4).is_none() && Patches::new(&rows, 1, 3, 4).is_none());
    }
}
