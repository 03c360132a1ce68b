//! What dense kernels read that multiply bytes four by four: the inputs of a pixel where they lie, or gathered ([`Patches`]).

use super::LayerForm;
use super::patches::Patches;
use crate::network::cpu::rows::Rows;
use crate::network::plan::Convolution;
use std::cell::RefCell;
use std::ops::Range;

/// Pixels whose results are computed for all channels before the next ones: their inputs stay in the first cache.
const CHUNK: usize = 48;

/// The inputs of a layer in steps of four.
pub(super) struct Inputs {
    rows: Rows,
    /// Inputs of a tap where they lie.
    channels: usize,
    /// How the inputs of all taps are gathered, where they are; they are then those of one tap.
    patches: Option<Patches>,
    /// Taps.
    pub(super) taps: usize,
    /// Steps of four inputs of each.
    pub(super) steps: usize,
    /// Bytes of the input's buffer that are read.
    reads: usize,
}

impl Inputs {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (window, channels) = (layer.rows.taps(), layer.from.shape.channels);
        let pixels = layer.to.shape.pixels();
        let patches = Patches::new(&layer.rows, layer.convolution.geometry.kernel, channels, pixels);
        let (taps, steps) =
            patches.as_ref().map_or((window, channels.div_ceil(4)), |patches| (1, patches.row().div_ceil(4)));
        let reads = layer.rows.furthest(pixels) + channels.next_multiple_of(4);
        Self { channels, patches, taps, steps, reads, rows: layer.rows }
    }

    /// The weights of one step; zeros where there is no input or channel.
    pub(super) fn weights(&self, c: &Convolution, channel: usize, tap: usize, step: usize) -> [u8; 4] {
        std::array::from_fn(|k| {
            let input = 4 * step + k;
            let is_gathered = self.patches.is_some();
            let (input, tap) = if is_gathered { (input % self.channels, input / self.channels) } else { (input, tap) };
            c.weight(channel, input, tap).cast_unsigned()
        })
    }

    /// Hands out a range of pixels, some at a time, and where they are read: every tap and step of theirs lies inside `x`, or what was
    /// gathered of it.
    ///
    /// # Panics
    /// Never for the buffers of the plan.
    pub(super) fn chunks(&self, x: &[u8], pixels: Range<usize>, mut see: impl FnMut(&Source<'_>, Range<usize>)) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let rows = Some(&self.rows).filter(|rows| !rows.is_plain());
        let in_place = Source { x: x.as_ptr(), stride: self.channels, rows };
        GATHERED.with_borrow_mut(|gathered| {
            for first in pixels.clone().step_by(CHUNK) {
                let chunk = first..pixels.end.min(first + CHUNK);
                if let Some(patches) = &self.patches {
                    patches.gather(&self.rows, x, chunk.clone(), gathered);
                    let stride = patches.row();
                    see(&Source { x: gathered.as_ptr().wrapping_sub(first * stride), stride, rows: None }, chunk);
                } else {
                    see(&in_place, chunk);
                }
            }
        });
    }
}

thread_local! {
    /// Gathered inputs of a chunk, kept between frames.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where pixels are read.
pub(super) struct Source<'a> {
    x: *const u8,
    /// Bytes from one pixel to the next, where there is no table.
    stride: usize,
    rows: Option<&'a Rows>,
}

impl Source<'_> {
    /// The first bytes of one tap of some pixels.
    #[inline]
    pub(super) fn pixels<const P: usize>(&self, first: usize, tap: usize) -> [*const u8; P] {
        match self.rows {
            Some(rows) => std::array::from_fn(|p| self.x.wrapping_add(rows.offset(first + p, tap))),
            None => std::array::from_fn(|p| self.x.wrapping_add((first + p) * self.stride)),
        }
    }
}
