//! The engine: pictures in, answers out, and everything built again when the device is lost.

use super::adapter::AdapterChoice;
use super::device::Device;
use super::loaded::Loaded;
use super::progress::Progress;
use crate::network::engine::check_side;
use crate::network::gpu::arithmetic::Arithmetic;
use crate::network::gpu::recording::Recording;
use crate::network::gpu::{GpuError, tiles, tune};
use crate::network::plan::{Elements, Plan};
use crate::network::{Answer, Engine, EngineError};
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::Picture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The plan on a graphics processor.
pub(in crate::network) struct GpuEngine {
    name: String,
    choice: AdapterChoice,
    /// Where compiled kernels are kept.
    state: Option<PathBuf>,
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
        // Only now: kernels that were tried and not taken are not worth keeping.
        device.read_kernels(state);
        let progress = Progress::new(format!("compiling kernels for `{}`", device.adapter()), recording.texts.len());
        let loaded = Loaded::new(device.clone(), &recording, &progress)?;
        device.keep_kernels();
        let name = signature(&recording, &device);
        let state = state.map(Path::to_path_buf);
        Ok(Self { name, choice, state, recording, loaded: Some(loaded), rebuilt: 0 })
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

    /// What is loaded; loads first when a loss has left nothing.
    fn ready(&mut self) -> Result<(&mut Loaded, &Recording), GpuError> {
        let loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => {
                let device = Arc::new(Device::open(&self.choice)?);
                device.read_kernels(self.state.as_deref());
                let loaded = Loaded::new(device.clone(), &self.recording, &Progress::hidden())?;
                self.name = signature(&self.recording, &device);
                self.rebuilt += 1;
                loaded
            }
        };
        Ok((self.loaded.insert(loaded), &self.recording))
    }

    /// Does something with what is loaded. Only what gave an answer is kept.
    fn with<T>(&mut self, work: impl FnOnce(&mut Loaded, &Recording) -> Result<T, GpuError>) -> Result<T, GpuError> {
        let (loaded, recording) = self.ready()?;
        work(loaded, recording).inspect_err(|_| self.loaded = None)
    }
}

/// How answers are signed: what decides about numbers, and the adapter.
fn signature(recording: &Recording, device: &Device) -> String {
    let products = if recording.texts.iter().any(|text| text.needs_f16) { " with float16 products" } else { "" };
    format!("gpu: {}{products} {}", recording.arithmetic.name(), device.adapter())
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
        let mut run = || self.with(|loaded, _| loaded.run(picture.rgb(), answer));
        run().or_else(|_| run())?;
        answer.check()
    }

    fn run_by_node(&mut self, picture: &Picture, see: &mut dyn FnMut(&str, &Elements)) -> Result<(), EngineError> {
        check_side(picture, self.recording.side)?;
        Ok(self.with(|loaded, recording| loaded.run_by_layer(recording, picture.rgb(), see))?)
    }

    fn layer_times(&mut self, picture: &Picture) -> Result<Vec<Duration>, EngineError> {
        check_side(picture, self.recording.side)?;
        let times = self.with(|loaded, recording| {
            loaded.write_picture(picture.rgb());
            loaded.layer_times(recording)
        })?;
        times.ok_or_else(|| EngineError::NoClock(self.name.clone()))
    }

    fn float_bound(&self) -> f32 {
        self.recording.arithmetic.float_bound()
    }
}
