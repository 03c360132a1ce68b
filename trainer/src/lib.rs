//! ClothingID's trainer, in the order of a training run:
//! `photographs → import → manifest → pack → load → learn (identify → fine-tune) → evaluate → export → bundle`;
//! `report` is what people and machines read of it.
//!
//! The device never knows of training; what both must agree on lives in `clothingid_shared`.

pub mod cli;
pub mod evaluate;
pub mod export;
pub mod import;
pub mod learn;
pub mod load;
pub mod network;
pub mod pack;
pub mod report;
pub mod study;
