//! libjpeg-turbo, and what its smaller pictures would do to the network's input.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use turbojpeg::{Decompressor, PixelFormat, ScalingFactor};

use crate::{Result, SIZE, encoded};

/// What a frame of [`SIZE`] becomes for the network.
const INPUT: (u32, u32) = (160, 90);

/// Stripes of fabrics: their width in pixels, both colours of a pair together.
const PERIODS: [u32; 11] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 24];

/// Pairs of colours: black and white, red and light grey, navy and cream.
const PAIRS: [[[u8; 3]; 2]; 3] =
    [[[255; 3], [0; 3]], [[200, 30, 30], [240; 3]], [[20, 20, 120], [250, 250, 240]]];

/// Decodes a frame; how many bytes the picture has.
pub(crate) fn bytes(frame: &[u8], factor: ScalingFactor) -> Result<usize> {
    Ok(decoded(frame, factor)?.len())
}

fn decoded(frame: &[u8], factor: ScalingFactor) -> Result<RgbImage> {
    let mut decoder = Decompressor::new()?;
    decoder.set_scaling_factor(factor)?;
    let header = decoder.read_header(frame)?.scaled(factor);
    let mut pixels = vec![0; header.width * header.height * 3];
    let picture = turbojpeg::Image {
        pixels: pixels.as_mut_slice(),
        width: header.width,
        pitch: header.width * 3,
        height: header.height,
        format: PixelFormat::RGB,
    };
    decoder.decompress(frame, picture)?;
    RgbImage::from_raw(u32::try_from(header.width)?, u32::try_from(header.height)?, pixels).ok_or_else(|| "no picture".into())
}

/// Tells how far the network's input is from that of the whole picture when a frame is decoded smaller: of each kind of frames the largest mean and the
/// largest 99th percentile, in grey levels, and how many frames are beyond 1.5 or 6.
pub(crate) fn differences(photos: &[Vec<u8>]) -> Result<()> {
    let stripes: Vec<Vec<u8>> =
        PERIODS.iter().flat_map(|period| PAIRS.iter().map(|pair| encoded(&striped(*period, pair)))).collect::<Result<_>>()?;
    for (size, factor) in [("half", ScalingFactor::ONE_HALF), ("quarter", ScalingFactor::ONE_QUARTER)] {
        for (kind, frames) in [("photographs", photos), ("striped fabrics", &stripes)] {
            let (mut mean, mut p99, mut beyond) = (0.0_f64, 0_u8, 0);
            for frame in frames {
                let (m, p) = difference(frame, factor)?;
                (mean, p99, beyond) = (mean.max(m), p99.max(p), beyond + u32::from(m > 1.5 || p > 6));
            }
            println!(
                "{{\"size\":\"{size}\",\"kind\":\"{kind}\",\"frames\":{},\"mean\":{mean:.3},\"p99\":{p99},\"beyond\":{beyond}}}",
                frames.len()
            );
        }
    }
    Ok(())
}

/// Mean and 99th percentile.
fn difference(frame: &[u8], factor: ScalingFactor) -> Result<(f64, u8)> {
    let input = |factor| -> Result<RgbImage> {
        Ok(imageops::resize(&decoded(frame, factor)?, INPUT.0, INPUT.1, FilterType::Triangle))
    };
    let (whole, smaller) = (input(ScalingFactor::ONE)?, input(factor)?);
    let mut all: Vec<u8> = whole.iter().zip(smaller.iter()).map(|(a, b)| a.abs_diff(*b)).collect();
    all.sort_unstable();
    let mean = all.iter().map(|value| f64::from(*value)).sum::<f64>() / all.len() as f64;
    Ok((mean, all[all.len() * 99 / 100]))
}

fn striped(period: u32, [first, second]: &[[u8; 3]; 2]) -> RgbImage {
    RgbImage::from_fn(SIZE.0, SIZE.1, |x, _| Rgb(if (x % period) * 2 < period { *first } else { *second }))
}
