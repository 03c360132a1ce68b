//! Runs a [`FloatNetwork`] in libtorch, photograph by photograph or in batches, and lets the calibration look at every layer.
//!
//! It walks the fused graph and not the trained one: that both give the same answers is what the fold's parity test holds.

use tch::{Kind, Tensor};

use crate::network::graph::{PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT, Pooling, Rounding};

use super::answers::NamedAnswers;
use super::error::ExportError;
use super::fused::{Clamp, FusedNode, Operation};
use super::quantised::FloatNetwork;
use super::workers;

/// Photographs of one batch.
const BATCH: usize = 16;

/// A float network whose parameters are libtorch's.
#[derive(Debug)]
pub struct FloatRunner {
    network: FloatNetwork,
    /// Weight and bias of each node that has them.
    parameters: Vec<Option<(Tensor, Tensor)>>,
}

#[expect(clippy::cast_possible_wrap, reason = "sides, channels and counts are small")]
fn int(value: usize) -> i64 {
    value as i64
}

impl FloatRunner {
    /// Copies the parameters to libtorch.
    ///
    /// # Errors
    /// [`ExportError::MissingParameter`], [`ExportError::Torch`].
    pub fn new(network: FloatNetwork) -> Result<Self, ExportError> {
        let mut parameters = Vec::new();
        for (place, node) in network.graph.nodes.iter().enumerate() {
            let shape = match node.operation {
                Operation::Convolution(g) => {
                    vec![int(g.outputs), int(g.inputs / g.groups), int(g.kernel), int(g.kernel)]
                }
                Operation::Linear { inputs, outputs } => vec![int(outputs), int(inputs)],
                _ => {
                    parameters.push(None);
                    continue;
                }
            };
            let missing = || ExportError::MissingParameter {
                layer: node.name.clone(),
                parameter: format!("{}.weight", node.name),
            };
            let layer = network.weights.get(&place).ok_or_else(missing)?;
            let weight = Tensor::f_from_slice(&layer.weights_oihw)
                .and_then(|t| t.f_reshape(shape))
                .map_err(torch(&node.name))?;
            let bias = Tensor::f_from_slice(&layer.bias).map_err(torch(&node.name))?;
            parameters.push(Some((weight, bias)));
        }
        Ok(Self { network, parameters })
    }

    /// What is run.
    #[must_use]
    pub fn network(&self) -> &FloatNetwork {
        &self.network
    }

    /// Runs one batch; `visit` gets each node's result before and after its clamp, `[N, C, H, W]` or `[N, C]`.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn visit<P: AsRef<[u8]>>(
        &self,
        pictures: &[P],
        mut visit: impl FnMut(usize, &Tensor, &Tensor),
    ) -> Result<Vec<NamedAnswers>, ExportError> {
        let _guard = tch::no_grad_guard();
        let graph = &self.network.graph;
        let side = int(graph.side);
        let bytes: Vec<u8> = pictures.iter().flat_map(|p| p.as_ref().iter().copied()).collect();
        let picture = || -> Result<Tensor, tch::TchError> {
            let nhwc = Tensor::f_from_slice(&bytes)?.f_reshape([int(pictures.len()), side, side, 3])?;
            let nchw = nhwc.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?;
            let centred = nchw.f_sub_scalar(f64::from(PIXEL_ZERO_POINT))?;
            centred.f_div_scalar(f64::from(PIXEL_SCALE_DIVISOR))?.f_contiguous()
        };
        let picture = picture().map_err(torch("picture"))?;
        let mut live: Vec<Option<Tensor>> = (0..graph.nodes.len()).map(|_| None).collect();
        let mut answers = vec![NamedAnswers::new(); pictures.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|&p| live[p].as_ref()).collect();
            let before = match node.operation {
                Operation::Picture => picture.shallow_clone(),
                _ => self.layer(place, node, &inputs).map_err(torch(&node.name))?,
            };
            let after = match node.clamp {
                Clamp::None => before.shallow_clone(),
                Clamp::Relu => before.f_relu().map_err(torch(&node.name))?,
                Clamp::Relu6 => before.f_clamp(0.0, 6.0).map_err(torch(&node.name))?,
            };
            visit(place, &before, &after);
            for (name, _) in graph.outputs.iter().filter(|(_, output)| *output == place) {
                let width = node.shape.len();
                let mut values = vec![0f32; width * pictures.len()];
                let count = values.len();
                after.f_contiguous().and_then(|t| t.f_copy_data(&mut values, count)).map_err(torch(&node.name))?;
                for (answer, row) in answers.iter_mut().zip(values.chunks_exact(width)) {
                    answer.insert(name.clone(), row.to_vec());
                }
            }
            live[place] = Some(after);
            for &input in &node.inputs {
                if !graph.nodes[place + 1..].iter().any(|later| later.inputs.contains(&input)) {
                    live[input] = None;
                }
            }
        }
        Ok(answers)
    }

    /// One layer without its clamp.
    fn layer(&self, place: usize, node: &FusedNode, inputs: &[&Tensor]) -> Result<Tensor, tch::TchError> {
        let x = inputs[0];
        match (node.operation, &self.parameters[place]) {
            (Operation::Convolution(g), Some((weight, bias))) => {
                let (before, after) = (int(g.before), int(g.after));
                let stride = int(g.stride);
                let padded = if before == after {
                    x.shallow_clone()
                } else {
                    x.f_constant_pad_nd([before, after, before, after])?
                };
                let padding = if before == after { before } else { 0 };
                padded.f_conv2d(weight, Some(bias), [stride, stride], [padding, padding], [1, 1], int(g.groups))
            }
            (Operation::Linear { .. }, Some((weight, bias))) => x.f_linear(weight, Some(bias)),
            (Operation::Add, _) => x.f_add(inputs[1]),
            (Operation::Concat, _) => Tensor::f_cat(inputs, 1),
            (Operation::MaxPool(pooling), _) => max_pool(x, pooling),
            (Operation::GlobalAveragePool, _) => x.f_mean_dim([2i64, 3].as_slice(), false, Kind::Float),
            (Operation::L2Normalise, _) => {
                let norm = x.f_square()?.f_sum_dim_intlist([1i64].as_slice(), true, Kind::Float)?.f_sqrt()?;
                x.f_div(&norm.f_clamp_min(1e-30)?)
            }
            (Operation::Picture | Operation::Convolution(_) | Operation::Linear { .. }, _) => Ok(x.shallow_clone()),
        }
    }

    /// The same tensors, for another thread.
    fn share(&self) -> Self {
        let share = |(weight, bias): &(Tensor, Tensor)| (weight.shallow_clone(), bias.shallow_clone());
        Self {
            network: self.network.clone(),
            parameters: self.parameters.iter().map(|p| p.as_ref().map(share)).collect(),
        }
    }

    /// The answers for many pictures, in their order; `done` is called with the number of pictures after each batch.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn run_all<P: AsRef<[u8]> + Sync>(
        &self,
        pictures: &[P],
        done: impl Fn(usize) + Sync,
    ) -> Result<Vec<NamedAnswers>, ExportError> {
        let copies = (0..workers::threads()).map(|_| self.share()).collect();
        workers::in_batches(pictures, BATCH, copies, |runner, pictures| runner.visit(pictures, |_, _, _| {}), done)
    }
}

/// The largest value of each window of `[N, C, H, W]`; of bytes less their zero point too, as no border ever wins.
pub(super) fn max_pool(x: &Tensor, pooling: Pooling) -> Result<Tensor, tch::TchError> {
    let square = |n: usize| [int(n); 2];
    let Pooling { kernel, stride, border, rounding } = pooling;
    x.f_max_pool2d(square(kernel), square(stride), square(border), [1, 1], rounding == Rounding::Up)
}

/// Names the layer at which libtorch failed.
fn torch(layer: &str) -> impl FnOnce(tch::TchError) -> ExportError {
    let layer = layer.to_owned();
    move |source| ExportError::Torch { layer, source: Box::new(source) }
}
