//! tract in float arithmetic: the independent check of the other engines.
//!
//! The network is [stripped](super::strip) of its quantisation, then tract lays its convolutions out channel-last
//! (`conv_nhwc`: a fifth faster here) and optimises. tract works on one thread.

use super::engine::{Answer, Engine, EngineError, check_side};
use super::onnx::OUTPUTS;
use super::strip::strip;
use clothingid_shared::embedding::{ArithmeticClass, l2_normalise};
use clothingid_shared::picture::Picture;
use std::sync::Arc;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    Framework, InferenceModelExt, IntoRunnable, IntoTValue, TValue, Tensor, TractResult, TypedSimpleState, tvec,
};
use tract_onnx::tract_core::transform::get_transform;

/// The network as tract runs it.
pub(super) struct TractEngine {
    side: u32,
    pixel: [f32; 256],
    /// `[1, side, side, 3]`; ours again after each run, so that it is filled and not made anew.
    input: Arc<Tensor>,
    state: TypedSimpleState,
}

impl TractEngine {
    /// Loads the bundle's ONNX.
    pub(super) fn new(network: &[u8]) -> Result<Self, EngineError> {
        let stripped = strip(network)?;
        let state = optimise(&stripped.model).map_err(|e| EngineError::Load(e.into_boxed_dyn_error()))?;
        let side = stripped.side as usize;
        let input =
            Tensor::zero::<f32>(&[1, side, side, 3]).map_err(|e| EngineError::Load(e.into_boxed_dyn_error()))?;
        Ok(Self { side: stripped.side, pixel: stripped.pixel, input: Arc::new(input), state })
    }

    fn fill(&mut self, picture: &Picture) -> TractResult<()> {
        if Arc::get_mut(&mut self.input).is_none() {
            // A run that failed half-way may still hold it.
            self.input = Arc::new(Tensor::zero::<f32>(self.input.shape())?);
        }
        if let Some(input) = Arc::get_mut(&mut self.input) {
            let mut view = input.try_as_plain_ram_mut()?;
            for (float, byte) in view.as_slice_mut::<f32>()?.iter_mut().zip(picture.rgb()) {
                *float = self.pixel.get(usize::from(*byte)).copied().unwrap_or_default();
            }
        }
        Ok(())
    }

    fn compute(&mut self, picture: &Picture, answer: &mut Answer) -> TractResult<()> {
        self.fill(picture)?;
        let outputs = self.state.run(tvec!(self.input.clone().into_tvalue()))?;
        let buffers = [&mut answer.category14, &mut answer.category26, &mut answer.embedding];
        for (buffer, output) in buffers.into_iter().zip(&outputs) {
            copy(buffer, output)?;
        }
        l2_normalise(&mut answer.embedding);
        Ok(())
    }
}

fn copy(buffer: &mut Vec<f32>, output: &TValue) -> TractResult<()> {
    buffer.clear();
    buffer.extend_from_slice(output.try_as_plain_ram()?.as_slice::<f32>()?);
    Ok(())
}

fn optimise(model: &ModelProto) -> TractResult<TypedSimpleState> {
    let mut typed = tract_onnx::onnx().model_for_proto_model(model)?.into_typed()?.into_decluttered()?;
    if let Some(channel_last) = get_transform("conv_nhwc")? {
        channel_last.transform(&mut typed)?;
        typed = typed.into_decluttered()?;
    }
    debug_assert_eq!(typed.outputs.len(), OUTPUTS.len());
    typed.into_optimized()?.into_runnable()?.spawn()
}

impl Engine for TractEngine {
    fn name(&self) -> &str {
        "tract: float"
    }

    fn arithmetic(&self) -> ArithmeticClass {
        ArithmeticClass::Float
    }

    fn side(&self) -> u32 {
        self.side
    }

    fn threads(&self) -> usize {
        1
    }

    fn run(&mut self, picture: &Picture, answer: &mut Answer) -> Result<(), EngineError> {
        check_side(picture, self.side)?;
        self.compute(picture, answer).map_err(|e| EngineError::Run(e.into_boxed_dyn_error()))?;
        answer.check()
    }
}
