//! Where the results of a range of pixels go, for kernels that store through pointers: all lengths are checked here, once a layer.

#![expect(unsafe_code, reason = "hands out pointers into slices that it has checked and holds")]

use super::{End, Output, SLACK};
use std::marker::PhantomData;
use std::ops::Range;

/// One pixel's results.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pixel {
    /// As many bytes as the layer has outputs.
    Bytes(*mut u8),
    /// As many floats.
    Floats(*mut f32),
}

/// The results of some pixels, and what is added to them.
pub(super) struct Results<'a> {
    first: Pixel,
    other: *const u8,
    outputs: usize,
    held: PhantomData<&'a mut [u8]>,
}

impl<'a> Results<'a> {
    /// Of `pixels`, which `y` holds alone; `other` is the summand's whole buffer.
    ///
    /// # Panics
    /// Never for the buffers of the plan.
    pub(super) fn new(y: Output<'a>, other: &'a [u8], outputs: usize, pixels: &Range<usize>, end: &End) -> Self {
        let elements = pixels.len() * outputs;
        let needs_other = matches!(end, End::Residual(_));
        assert!(!needs_other || other.len() >= pixels.end * outputs + SLACK, "the summand's buffer is the plan's");
        let first = match y {
            Output::Bytes(y) => {
                assert!(y.len() >= elements && *end != End::Floats, "the result's buffer is the plan's");
                Pixel::Bytes(y.as_mut_ptr())
            }
            Output::Floats(y) => {
                assert!(y.len() >= elements && *end == End::Floats, "the result's buffer is the plan's");
                Pixel::Floats(y.as_mut_ptr())
            }
        };
        Self { first, other: other.as_ptr().wrapping_add(pixels.start * outputs), outputs, held: PhantomData }
    }

    /// The results of one pixel, counted from the range's first.
    ///
    /// # Safety
    /// `place` is one of the range.
    #[inline]
    pub(super) unsafe fn pixel(&self, place: usize) -> Pixel {
        // SAFETY: inside the results, by the caller.
        unsafe {
            match self.first {
                Pixel::Bytes(y) => Pixel::Bytes(y.add(place * self.outputs)),
                Pixel::Floats(y) => Pixel::Floats(y.add(place * self.outputs)),
            }
        }
    }

    /// The summand's bytes of one pixel, readable for its outputs and [`SLACK`] more; of a layer without a residual, nothing to be read.
    #[inline]
    pub(super) fn other(&self, place: usize) -> *const u8 {
        self.other.wrapping_add(place * self.outputs)
    }
}
