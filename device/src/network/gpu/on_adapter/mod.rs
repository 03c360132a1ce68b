//! What needs a Vulkan adapter: suite `gpu` of `cargo xtask test`. Mesa's software adapter is enough; `CLOTHINGID_GPU_ADAPTER` names another.
//!
//! - [`layers`]: every kernel against the reference, in integers, and against plain loops in double precision.
//! - [`network`]: the whole network against tract, the reference and the golden answers; what a frame creates; a lost device.
//! - [`endurance`]: many frames, memory flat.

mod endurance;
mod layers;
mod network;

use super::AdapterChoice;
use super::engine::Device;
use std::sync::{Arc, OnceLock};

/// The adapter that tests run on.
fn choice() -> AdapterChoice {
    match AdapterChoice::from_environment() {
        AdapterChoice::Hardware => AdapterChoice::Named("llvmpipe".to_string()),
        named => named,
    }
}

/// One device for all tests of layers: opening it takes longer than they do.
fn device() -> Arc<Device> {
    static DEVICE: OnceLock<Arc<Device>> = OnceLock::new();
    DEVICE.get_or_init(|| Arc::new(Device::open(&choice()).unwrap())).clone()
}
