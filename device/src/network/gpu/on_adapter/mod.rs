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

/// Whether the adapter multiplies float16. Mesa's does, so that without a person to read this it must.
fn has_float16() -> bool {
    let has = device().limits().shader_f16;
    if !has {
        println!("the adapter has no `shader-f16`: products in float16 are not tested on it");
        assert!(std::env::var_os("CI").is_none(), "products in float16 were not tested");
    }
    has
}

/// One device for all tests of layers: opening it takes longer than they do.
fn device() -> Arc<Device> {
    static DEVICE: OnceLock<Arc<Device>> = OnceLock::new();
    DEVICE.get_or_init(|| Arc::new(Device::open(&choice()).unwrap())).clone()
}
