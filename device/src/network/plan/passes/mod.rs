//! Fusions: each file finds one pattern in the list of layers and makes it one layer that gives the same bytes.
//!
//! - [`residual`]: a convolution whose only reader is a sum.
//!
//! Bias, requantisation and clamp need no pass: the file's form has them at the convolution, and lowering reads them there.

pub(super) mod residual;
