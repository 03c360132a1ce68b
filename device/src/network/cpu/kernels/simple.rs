//! Layers without products: a few per cent of a network's time, so that one form for all processors does.

use super::Sum;
use crate::network::plan::{Pooling, Shape};
use clothingid_shared::quantisation::{requantise, residual};

/// A sum of two activations that was not fused.
pub(in crate::network::cpu) fn add(sum: &Sum, a: &[u8], b: &[u8], y: &mut [u8]) {
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        *y = residual((*a, sum.own_zero, sum.own_ratio), (*b, sum.other_zero, sum.other_ratio), sum.zero_point);
    }
}

/// One part of a concatenation: `channels` bytes a pixel into rows of `all` bytes, from byte `first` on.
pub(in crate::network::cpu) fn concat(
    table: &[u8; 256],
    x: &[u8],
    y: &mut [u8],
    (first, channels, all): (usize, usize, usize),
) {
    for (row, pixel) in y.chunks_exact_mut(all).zip(x.chunks_exact(channels)) {
        if let Some(into) = row.get_mut(first..first + channels) {
            for (y, x) in into.iter_mut().zip(pixel) {
                *y = table.get(usize::from(*x)).copied().unwrap_or_default();
            }
        }
    }
}

/// The largest byte of each window.
pub(in crate::network::cpu) fn max_pool(pooling: Pooling, x: &[u8], from: Shape, y: &mut [u8], to: Shape) {
    for (pixel, into) in y.chunks_exact_mut(to.channels).enumerate() {
        into.fill(0);
        for row in pooling.window(pixel / to.width, from.height) {
            let columns = pooling.window(pixel % to.width, from.width);
            let at = |column: usize| (row * from.width + column) * from.channels;
            let bytes = x.get(at(columns.start)..at(columns.end)).unwrap_or_default();
            for pixel in bytes.chunks_exact(from.channels) {
                for (y, x) in into.iter_mut().zip(pixel) {
                    *y = (*y).max(*x);
                }
            }
        }
    }
}

/// The mean over all pixels; `sums` has one place for each channel.
pub(in crate::network::cpu) fn mean(
    x: &[u8],
    zero: u8,
    multiplier: f32,
    zero_point: u8,
    sums: &mut [i32],
    y: &mut [u8],
) {
    let pixels = x.len() / sums.len().max(1);
    // At most 2^26 elements: their sum fits.
    sums.fill(i32::try_from(pixels).unwrap_or(i32::MAX).wrapping_mul(-i32::from(zero)));
    for pixel in x.chunks_exact(sums.len().max(1)) {
        for (sum, byte) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(i32::from(*byte));
        }
    }
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = requantise(*sum, multiplier, zero_point);
    }
}
