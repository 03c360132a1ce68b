//! From a network's outputs to numbers that mean something: probabilities by temperature, and the score of "a garment is the subject".
//! The trainer fits what the device applies; both call these functions.

mod rejection;
mod temperature;

pub use rejection::{RejectionScore, rejection_features};
pub use temperature::{probabilities, probabilities_into};
