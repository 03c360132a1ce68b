//! `y[p, ..] = [a[p, ..], b[p, ..], …]`, each part in the result's steps.

use crate::network::plan::Value;
use clothingid_shared::quantisation::{Quantisation, table};

/// The channels of all parts behind each other.
pub(in crate::network) fn concat(parts: &[(&[u8], &Value)], to: Quantisation) -> Vec<u8> {
    let tables: Vec<[u8; 256]> = parts.iter().map(|(_, value)| table(value.form.quantisation(), to)).collect();
    let mut y = Vec::new();
    for pixel in 0..parts[0].1.shape.pixels() {
        for ((bytes, value), table) in parts.iter().zip(&tables) {
            let channels = value.shape.channels;
            y.extend(bytes[pixel * channels..(pixel + 1) * channels].iter().map(|byte| table[usize::from(*byte)]));
        }
    }
    y
}
