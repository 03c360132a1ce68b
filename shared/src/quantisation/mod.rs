//! Integers that stand for real numbers, and the one rounding between layers: the arithmetic class `int8`, written down once.
//!
//! The exporter's simulation and every integer engine of the device call or reproduce these functions, bit for bit:
//! - activations are `uint8` with one scale and zero point a tensor ([`Quantisation`]), weights `int8`, symmetric, one scale an output
//!   channel, biases `int32` in steps of `x_scale · w_scale[c]`;
//! - sums are exact in `int32`; [`requantise`] turns a sum into a byte: one float multiplication, a clamp, ties to even;
//! - [`residual`] adds two bytes, [`table`] moves bytes from one scale to another; a mean over pixels is a sum that is requantised by
//!   [`mean_multiplier`].
//!
//! A ReLU or ReLU6 costs nothing: its layer has zero point 0 and reaches at most 6, so that saturation does the clamping.

mod quantisation;
mod requantise;

pub use quantisation::Quantisation;
pub use requantise::{mean_multiplier, requantise, residual, round_to_byte, table};
