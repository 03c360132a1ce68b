//! Where the taps of each output pixel lie in the input's buffer.
//!
//! An input's buffer has a *border* behind its elements: bytes of the zero point, as many as a pixel has channels. A tap outside the picture
//! reads there, so that kernels know no borders.

use crate::network::plan::{Geometry, Shape};

/// Offsets in bytes, for each output pixel and tap.
#[derive(Debug)]
pub(super) struct Rows {
    taps: usize,
    channels: usize,
    /// `[pixels, taps]`; empty where each pixel reads the one in its place.
    table: Vec<u32>,
    has_border: bool,
}

impl Rows {
    /// For a window that moves over `from`; `border` is the offset of the border's bytes.
    pub(super) fn new(geometry: Geometry, from: Shape, to: Shape, border: usize) -> Self {
        let (taps, channels) = (geometry.taps(), from.channels);
        let mut rows = Self { taps, channels, table: Vec::new(), has_border: false };
        if !geometry.is_pointwise() {
            rows.table.reserve_exact(to.pixels() * taps);
            for pixel in 0..to.pixels() {
                for tap in 0..taps {
                    let source = geometry.source(from, to, pixel, tap);
                    rows.has_border |= source.is_none();
                    let offset = source.map_or(border, |source| source * channels);
                    // Activations have at most 2^26 elements, which lowering checks.
                    rows.table.push(u32::try_from(offset).unwrap_or(u32::MAX));
                }
            }
        }
        rows
    }

    /// Taps of each pixel.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// Whether a tap reads the border.
    pub(super) fn has_border(&self) -> bool {
        self.has_border
    }

    /// Whether each pixel reads the one in its place and no other.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_plain(&self) -> bool {
        self.table.is_empty()
    }

    /// The offset of one tap.
    #[inline]
    pub(super) fn offset(&self, pixel: usize, tap: usize) -> usize {
        self.table.get(pixel * self.taps + tap).map_or(pixel * self.channels, |offset| *offset as usize)
    }

    /// The furthest offset of any tap, of a layer with `pixels` output pixels.
    pub(super) fn furthest(&self, pixels: usize) -> usize {
        let pointwise = pixels.saturating_sub(1) * self.channels;
        self.table.iter().max().map_or(pointwise, |offset| *offset as usize)
    }
}
