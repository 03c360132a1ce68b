//! `y = round((a - a_zero) · a_scale / y_scale + (b - b_zero) · b_scale / y_scale) + y_zero`.

use clothingid_shared::quantisation::{Quantisation, residual};

/// The sum of two activations of one shape.
pub(in crate::network) fn add(
    (a, qa): (&[u8], Quantisation),
    (b, qb): (&[u8], Quantisation),
    to: Quantisation,
) -> Vec<u8> {
    let (ratio_a, ratio_b) = (qa.scale / to.scale, qb.scale / to.scale);
    let byte = |(a, b): (&u8, &u8)| residual((*a, qa.zero_point, ratio_a), (*b, qb.zero_point, ratio_b), to.zero_point);
    a.iter().zip(b).map(byte).collect()
}
