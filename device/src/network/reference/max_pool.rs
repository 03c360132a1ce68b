//! `y[p, c] = max x[q, c]` over the window of `p` that lies inside the input.

use crate::network::plan::{Pooling, Shape};

/// The largest byte of each window.
pub(in crate::network) fn max_pool(x: &[u8], from: Shape, pooling: Pooling, to: Shape) -> Vec<u8> {
    let mut y = Vec::with_capacity(to.len());
    for pixel in 0..to.pixels() {
        for channel in 0..to.channels {
            let mut largest = 0;
            for row in pooling.window(pixel / to.width, from.height) {
                for column in pooling.window(pixel % to.width, from.width) {
                    largest = largest.max(x[(row * from.width + column) * from.channels + channel]);
                }
            }
            y.push(largest);
        }
    }
    y
}
