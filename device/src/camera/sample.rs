//! YUYV and NV12 frames straight into the network's input, without a full-size RGB picture in between.
//!
//! The picture contract's triangle filter is applied to the samples as they came, and only what is left is made into RGB: a frame of 1280×720
//! becomes 160×90 pixels, so that 1.5 % of the conversions are done and two thirds of the memory traffic is gone.
//! The filter is linear and so is the conversion, except where it saturates; sums keep their fractions until the end. So the result differs
//! from that of the [decoder](super::FrameDecoder) followed by the [maker](clothingid_shared::picture::PictureMaker) by [`BOUND`] grey levels at
//! most, but where single samples stand for colours that RGB does not have (sharp edges beside pure colours: one value of ten thousand in
//! photographs): there the decoder cuts each off before they are averaged, and this way after.

use super::decode::{FrameError, check};
use super::{Frame, PixelFormat};
use crate::resample::{Taps, WEIGHT_BITS, Weights};
use clothingid_shared::picture::{Filter, Picture, PictureContract, paste, placement};

/// Grey levels by which a sampled picture may differ from a decoded and resized one.
pub const BOUND: u8 = 2;

/// Bits behind the point between the two passes, so that a sum fits into 16 bits.
const BETWEEN_BITS: u32 = 7;
/// Bits behind the point of a sample that is made into RGB.
const SAMPLE_BITS: u32 = 6;

/// A plane of samples: rows of `row` bytes, `stride` bytes apart.
struct Plane<'a> {
    bytes: &'a [u8],
    stride: usize,
    row: usize,
}

/// What the weights were made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    format: PixelFormat,
    width: u32,
    height: u32,
}

/// Samples frames by one picture contract; keeps its memory between frames.
#[derive(Debug)]
pub struct Sampler {
    contract: PictureContract,
    shape: Option<Shape>,
    across: Weights,
    down: Weights,
    across_chroma: Weights,
    /// Of NV12, whose chroma has half the rows.
    down_chroma: Weights,
    sums: Vec<u32>,
    between: Vec<u16>,
    resized: Picture,
}

impl Sampler {
    /// A sampler for one contract.
    #[must_use]
    pub fn new(contract: PictureContract) -> Self {
        Self {
            contract,
            shape: None,
            across: Weights::default(),
            down: Weights::default(),
            across_chroma: Weights::default(),
            down_chroma: Weights::default(),
            sums: Vec::new(),
            between: Vec::new(),
            resized: Picture::default(),
        }
    }

    /// Whether frames of this format and size can be sampled: others are decoded and resized.
    #[must_use]
    pub fn takes(&self, frame: &Frame) -> bool {
        let side = self.contract.side;
        matches!(frame.format, PixelFormat::Yuyv | PixelFormat::Nv12)
            && self.contract.filter == Filter::Bilinear
            // Enlarged, the two ways place colours differently.
            && frame.width >= 2 * side
            && frame.height >= side
    }

    /// The network's input, `[side, side, 3]`, from a frame that [it takes](Self::takes). Allocates nothing once a frame of this size has been seen.
    ///
    /// **Errors** [`FrameError`] when the bytes are too few or of an impossible shape.
    pub fn sample(&mut self, frame: &Frame, input: &mut Picture) -> Result<(), FrameError> {
        check(frame)?;
        let place = placement(&self.contract, frame.width, frame.height);
        let (to_width, to_height) = (place.to_width as usize, place.to_height as usize);
        let (width, height, stride) = (frame.width as usize, frame.height as usize, frame.stride as usize);
        let shape = Shape { format: frame.format, width: frame.width, height: frame.height };
        if self.shape != Some(shape) {
            self.across.fit(width, place.left, place.width, to_width);
            self.down.fit(height, place.top, place.height, to_height);
            self.across_chroma.fold(&self.across);
            self.down_chroma.fold(&self.down);
            self.shape = Some(shape);
        }
        self.resized.reset(place.to_width, place.to_height, [0; 3]);
        let (luma, chroma) = match frame.format {
            PixelFormat::Nv12 => frame.bytes.split_at((stride * height).min(frame.bytes.len())),
            _ => (frame.bytes.as_slice(), &[][..]),
        };
        let luma = Plane { bytes: luma, stride, row: if chroma.is_empty() { width * 2 } else { width } };
        let chroma = Plane { bytes: chroma, stride, row: width };
        let is_packed = chroma.bytes.is_empty();
        let rows = self.resized.rgb_mut().chunks_exact_mut(to_width * 3);
        for ((row, taps), chroma_taps) in rows.zip(self.down.taps()).zip(self.down_chroma.taps()) {
            let pixels = row.as_chunks_mut::<3>().0;
            // The sums of both planes lie one after the other.
            self.between.clear();
            down(&luma, taps, self.down.of(taps), &mut self.sums, &mut self.between);
            let places = if is_packed {
                Places { luma: 2, chroma: 4, u: 1, v: 3 }
            } else {
                down(&chroma, chroma_taps, self.down_chroma.of(chroma_taps), &mut self.sums, &mut self.between);
                Places { luma: 1, chroma: 2, u: width, v: width + 1 }
            };
            let (across, across_chroma) = (&self.across, &self.across_chroma);
            for ((pixel, taps), chroma_taps) in pixels.iter_mut().zip(across.taps()).zip(across_chroma.taps()) {
                let y = mean(&self.between, taps.first * places.luma, places.luma, across.of(taps));
                let weights = across_chroma.of(chroma_taps);
                let at = chroma_taps.first * places.chroma;
                let u = mean(&self.between, at + places.u, places.chroma, weights);
                let v = mean(&self.between, at + places.v, places.chroma, weights);
                *pixel = to_rgb(y, u, v);
            }
        }
        paste(&self.resized, input, self.contract.side, self.contract.background);
        Ok(())
    }
}

/// Where samples lie in a row: the distance of two of a kind, and where the first of chroma is.
struct Places {
    luma: usize,
    chroma: usize,
    u: usize,
    v: usize,
}

/// The mean of some rows, with [`BETWEEN_BITS`] behind the point, at the end of `between`.
fn down(plane: &Plane<'_>, taps: &Taps, weights: &[u32], sums: &mut Vec<u32>, between: &mut Vec<u16>) {
    sums.clear();
    sums.resize(plane.row, 0);
    let rows = plane.bytes.chunks(plane.stride).skip(taps.first);
    for (row, &weight) in rows.zip(weights) {
        add(sums, row, weight);
    }
    #[expect(clippy::cast_possible_truncation, reason = "255 << 14 >> 7 fits into 15 bits")]
    between.extend(sums.iter().map(|sum| (sum >> (WEIGHT_BITS - BETWEEN_BITS)) as u16));
}

/// The mean of every `step`th sample from `first` on, with [`SAMPLE_BITS`] behind the point.
fn mean(between: &[u16], first: usize, step: usize, weights: &[u32]) -> i32 {
    const SHIFT: u32 = WEIGHT_BITS + BETWEEN_BITS - SAMPLE_BITS;
    let samples = between.get(first..).unwrap_or_default().iter().step_by(step);
    let sum: u32 = samples.zip(weights).map(|(&sample, &weight)| u32::from(sample) * weight).sum();
    i32::try_from((sum + (1 << (SHIFT - 1))) >> SHIFT).unwrap_or(i32::MAX)
}

/// Adds a row with a weight: the one loop that touches each byte of a frame.
fn add(sums: &mut [u32], row: &[u8], weight: u32) {
    for (sum, &sample) in sums.iter_mut().zip(row) {
        *sum += u32::from(sample) * weight;
    }
}

/// One pixel of BT.601 limited range; samples have [`SAMPLE_BITS`] behind the point.
fn to_rgb(y: i32, u: i32, v: i32) -> [u8; 3] {
    const ONE: i32 = 1 << SAMPLE_BITS;
    let (y, u, v) = (298 * (y - 16 * ONE), u - 128 * ONE, v - 128 * ONE);
    let byte = |value: i32| {
        let rounded = (value + (128 << SAMPLE_BITS)) >> (8 + SAMPLE_BITS);
        u8::try_from(rounded.clamp(0, 255)).unwrap_or(u8::MAX)
    };
    [byte(y + 409 * v), byte(y - 100 * u - 208 * v), byte(y + 516 * u)]
}

#[cfg(test)]
mod tests {
    use super::super::FrameDecoder;
    use super::*;
    use clothingid_shared::picture::{Fit, PictureMaker, decode};
    use proptest::prelude::*;

    /// A photograph as a camera would give it. Colours are kept within what exists in RGB: each pair or square has its mean colour.
    fn frame(picture: &Picture, format: PixelFormat, padding: u32) -> Frame {
        let (width, height) = (picture.width() & !1, picture.height() & !1);
        let (w, h) = (width as usize, height as usize);
        let at = |x: usize, y: usize| {
            let start = (y * picture.width() as usize + x) * 3;
            [0, 1, 2].map(|c| i32::from(picture.rgb()[start + c]))
        };
        let luma = |[r, g, b]: [i32; 3]| (66 * r + 129 * g + 25 * b + 128) / 256 + 16;
        let blue = |[r, g, b]: [i32; 3]| (-38 * r - 74 * g + 112 * b + 128) / 256 + 128;
        let red = |[r, g, b]: [i32; 3]| (112 * r - 94 * g - 18 * b + 128) / 256 + 128;
        let mut bytes = Vec::new();
        let byte = |value: i32| value.clamp(0, 255) as u8;
        let stride = match format {
            PixelFormat::Yuyv => {
                for y in 0..h {
                    for x in (0..w).step_by(2) {
                        let (left, right) = (at(x, y), at(x + 1, y));
                        let mean = [0, 1, 2].map(|c| (left[c] + right[c]) / 2);
                        bytes.extend([luma(left), blue(mean), luma(right), red(mean)].map(byte));
                    }
                    bytes.extend(vec![0xaa; padding as usize]);
                }
                width * 2 + padding
            }
            _ => {
                for y in 0..h {
                    bytes.extend((0..w).map(|x| byte(luma(at(x, y)))));
                    bytes.extend(vec![0xaa; padding as usize]);
                }
                for y in (0..h).step_by(2) {
                    for x in (0..w).step_by(2) {
                        let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
                        let mean = [0, 1, 2].map(|c| four.iter().map(|pixel| pixel[c]).sum::<i32>() / 4);
                        bytes.extend([blue(mean), red(mean)].map(byte));
                    }
                    bytes.extend(vec![0xaa; padding as usize]);
                }
                width + padding
            }
        };
        Frame { format, width, height, stride, bytes, ..Frame::empty() }
    }

    /// Differences between the two ways: the largest, and how many of how many are over the bound.
    fn difference(frame: &Frame, contract: &PictureContract) -> (u8, usize, usize) {
        let (mut sampled, mut decoder) = (Picture::default(), FrameDecoder::new());
        let mut sampler = Sampler::new(contract.clone());
        assert!(sampler.takes(frame));
        sampler.sample(frame, &mut sampled).unwrap();
        let mut made = Picture::default();
        PictureMaker::new(contract.clone()).make_into(decoder.decode(frame).unwrap(), &mut made).unwrap();
        assert_eq!((sampled.width(), sampled.height()), (made.width(), made.height()));
        let differences: Vec<u8> = sampled.rgb().iter().zip(made.rgb()).map(|(a, b)| a.abs_diff(*b)).collect();
        let over = differences.iter().filter(|difference| **difference > BOUND).count();
        (differences.iter().copied().max().unwrap(), over, differences.len())
    }

    #[test]
    fn photographs_are_sampled_as_they_are_decoded_and_resized() {
        let bundle = crate::network::read_bundle(None).unwrap();
        let (mut seen, mut all_over, mut all, mut largest) = (0, 0, 0, 0);
        for golden in &bundle.golden {
            let picture = decode(&golden.photo).unwrap();
            for fit in [Fit::Letterbox, Fit::CentreCrop] {
                let contract = PictureContract { fit, side: 96, ..bundle.manifest.picture.clone() };
                for format in [PixelFormat::Yuyv, PixelFormat::Nv12] {
                    let frame = frame(&picture, format, 32);
                    if frame.width >= 2 * contract.side && frame.height >= contract.side {
                        let (most, over, of) = difference(&frame, &contract);
                        (seen, all_over, all, largest) = (seen + 1, all_over + over, all + of, most.max(largest));
                    }
                }
            }
        }
        assert!(seen > 50, "{seen} frames");
        assert!(all_over * 8000 <= all, "{all_over} of {all} values are over {BOUND}");
        assert!(largest <= 12, "{largest}");
    }

    #[test]
    fn a_spoiled_weight_is_noticed() {
        let bundle = crate::network::read_bundle(None).unwrap();
        let picture = decode(&bundle.golden[0].photo).unwrap();
        let frame = frame(&picture, PixelFormat::Yuyv, 0);
        let contract = PictureContract { side: 64, ..PictureContract::default() };
        let (mut right, mut wrong) = (Picture::default(), Picture::default());
        let mut sampler = Sampler::new(contract);
        sampler.sample(&frame, &mut right).unwrap();
        sampler.down.spoil();
        sampler.sample(&frame, &mut wrong).unwrap();
        assert!(right.rgb().iter().zip(wrong.rgb()).any(|(a, b)| a.abs_diff(*b) > BOUND));
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic(
            width in 0_u32..700, height in 0_u32..300, stride in 0_u32..1500, byte_len in 0_usize..400_000, is_nv12 in any::<bool>(),
        ) {
            let format = if is_nv12 { PixelFormat::Nv12 } else { PixelFormat::Yuyv };
            let frame = Frame { format, width, height, stride, bytes: vec![77; byte_len], ..Frame::empty() };
            let mut input = Picture::default();
            let _ = Sampler::new(PictureContract::default()).sample(&frame, &mut input);
        }
    }
}
