//! The engine: pictures in, answers out, and everything built again when the device is lost.

use super::adapter::AdapterChoice;
use super::device::Device;
use super::loaded::Loaded;
use crate::network::engine::check_side;
use crate::network::gpu::arithmetic::Arithmetic;
use crate::network::gpu::recording::Recording;
use crate::network::gpu::{GpuError, tiles, tune};
use crate::network::plan::Plan;
use crate::network::{Answer, Engine, EngineError};
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::Picture;
use std::path::Path;
use std::sync::Arc;

/// The plan on a graphics processor.
pub(in crate::network) struct GpuEngine {
    name: String,
    choice: AdapterChoice,
    recording: Recording,
    /// None after the device was lost, until it is built again.
    loaded: Option<Loaded>,
    rebuilt: u64,
}

impl GpuEngine {
    /// Opens an adapter and loads the plan, with the tiles that were measured on it before; without such, they are measured now
    /// and remembered in `state`. A software adapter takes tiles that are known to suit it.
    ///
    /// # Errors
    /// There is no such adapter, or it cannot run the plan.
    pub(in crate::network) fn new(
        plan: &Plan,
        arithmetic: Arithmetic,
        choice: AdapterChoice,
        state: Option<&Path>,
    ) -> Result<Self, GpuError> {
        let device = Arc::new(Device::open(&choice)?);
        let tiles = if device.is_software() { tiles::DEFAULT } else { tune::tiles(&device, plan, arithmetic, state)? };
        let recording = Recording::new(plan, arithmetic, &tiles)?;
        let loaded = Loaded::new(device.clone(), &recording)?;
        let name = format!("gpu: {} {}", recording.arithmetic.name(), device.adapter());
        Ok(Self { name, choice, recording, loaded: Some(loaded), rebuilt: 0 })
    }

    /// What is run, for people.
    #[cfg(test)]
    pub(in crate::network::gpu) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What is on the device.
    #[cfg(test)]
    pub(in crate::network::gpu) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }

    /// Runs a picture on what is loaded; loads first when a loss has left nothing.
    fn compute(&mut self, rgb: &[u8], answer: &mut Answer) -> Result<(), GpuError> {
        let mut loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => {
                let device = Arc::new(Device::open(&self.choice)?);
                let loaded = Loaded::new(device.clone(), &self.recording)?;
                self.name = format!("gpu: {} {}", self.recording.arithmetic.name(), device.adapter());
                self.rebuilt += 1;
                loaded
            }
        };
        loaded.run(rgb, answer)?;
        // Only what gave an answer is kept.
        self.loaded = Some(loaded);
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> &str {
        &self.name
    }

    fn arithmetic(&self) -> ArithmeticClass {
        self.recording.arithmetic.class()
    }

    fn side(&self) -> u32 {
        self.recording.side
    }

    fn threads(&self) -> usize {
        1
    }

    fn rebuilt(&self) -> u64 {
        self.rebuilt
    }

    fn run(&mut self, picture: &Picture, answer: &mut Answer) -> Result<(), EngineError> {
        check_side(picture, self.recording.side)?;
        // A lost device is built again once a picture; a second loss is the caller's to know.
        self.compute(picture.rgb(), answer).or_else(|_| self.compute(picture.rgb(), answer))?;
        answer.check()
    }
}
