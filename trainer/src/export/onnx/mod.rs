//! ONNX, opset 17, by the messages that tract-onnx generated from the standard's own definition.
//!
//! - `messages.rs`: builders and readers of tensors, nodes and attributes.
//! - `write.rs`: a float or a quantised network to a file.
//! - `read.rs`: the quantised file back to a network, checked.

mod messages;
mod read;
mod write;

pub use read::read_quantised;
pub use write::{write_float, write_quantised};

use prost::Message;

/// The bytes of a file.
#[must_use]
pub fn to_bytes(model: &tract_onnx::pb::ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}
