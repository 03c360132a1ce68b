//! The same integers, many photographs at a time, through libtorch.
//!
//! A float32 holds every integer up to 2²⁴ exactly, so a convolution of integers whose sums cannot pass that bound has one result,
//! in whatever order and with whatever instructions libtorch adds. Each layer's bound is checked from its weights; a layer beyond it is
//! computed in float64. The plain loops of [`Simulation`] stay the definition: a test holds both equal, value by value.
//!
//! Activations are `q - zero_point` in float32, `[N, C, H, W]` or `[N, C]`.

use tch::{Kind, Tensor};

use super::{Activation, Simulation};
use crate::export::answers::NamedAnswers;
use crate::export::error::ExportError;
use crate::export::float::max_pool;
use crate::export::fused::Operation;
use crate::export::quantised::{Quantisation, QuantisedNetwork, of_picture};
use crate::export::workers;

/// Integers up to this magnitude are exact in float32.
const EXACT: i64 = 1 << 24;
/// Photographs of one batch.
const BATCH: usize = 16;

/// Parameters of one layer in libtorch.
#[derive(Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
    /// `[1, C, 1, 1]` or `[1, C]`.
    multipliers: Tensor,
    kind: Kind,
}

/// A quantised network for batches of photographs.
#[derive(Debug)]
pub struct Batched {
    simulation: Simulation,
    layers: Vec<Option<Layer>>,
}

#[expect(clippy::cast_possible_wrap, reason = "sides, channels and counts are small")]
fn int(value: usize) -> i64 {
    value as i64
}

impl Batched {
    /// Copies the parameters to libtorch.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn new(simulation: Simulation) -> Result<Self, ExportError> {
        let count = simulation.network.graph.nodes.len();
        let mut batched = Self { simulation, layers: (0..count).map(|_| None).collect() };
        for place in 0..count {
            batched.load(place)?;
        }
        Ok(batched)
    }

    /// What is simulated.
    #[must_use]
    pub fn network(&self) -> &QuantisedNetwork {
        self.simulation.network()
    }

    /// The plain loops on the same network.
    #[must_use]
    pub fn plain(&self) -> &Simulation {
        &self.simulation
    }

    /// Whether nothing after `place` reads the result of `node`.
    #[must_use]
    pub fn is_done(&self, node: usize, place: usize) -> bool {
        self.simulation.is_done(node, place)
    }

    fn load(&mut self, place: usize) -> Result<(), ExportError> {
        let network = self.simulation.network();
        let node = &network.graph.nodes[place];
        let Some(layer) = network.weights.get(&place) else { return Ok(()) };
        let (shape, spread) = match node.operation {
            Operation::Convolution(g) => {
                (vec![int(g.outputs), int(g.inputs / g.groups), int(g.kernel), int(g.kernel)], vec![1, -1, 1, 1])
            }
            _ => (vec![int(layer.bias.len()), -1], vec![1, -1]),
        };
        let per_output = layer.weights_oihw.len() / layer.bias.len().max(1);
        let zero = network.activations[node.inputs[0]].map_or(0, |q| i64::from(q.zero_point));
        // The sum of any of the products lies between those of the negative and of the positive ones at their largest.
        let largest = |(row, bias): (&[i8], &i32)| {
            let (mut low, mut high) = (0, 0);
            for &w in row {
                let (first, last) = (i64::from(w) * -zero, i64::from(w) * (255 - zero));
                low += first.min(last);
                high += first.max(last);
            }
            high.max(-low) + i64::from(bias.unsigned_abs())
        };
        let bound = layer.weights_oihw.chunks(per_output.max(1)).zip(&layer.bias).map(largest).max().unwrap_or(0);
        let kind = if bound < EXACT { Kind::Float } else { Kind::Double };
        let make = || -> Result<Layer, tch::TchError> {
            Ok(Layer {
                weight: Tensor::f_from_slice(&layer.weights_oihw)?.f_reshape(shape.as_slice())?.f_to_kind(kind)?,
                bias: Tensor::f_from_slice(&layer.bias)?.f_reshape(spread.as_slice())?.f_to_kind(kind)?,
                multipliers: Tensor::f_from_slice(&self.simulation.prepared[place].multipliers)?
                    .f_reshape(spread.as_slice())?,
                kind,
            })
        };
        let made =
            make().map_err(|source| ExportError::Torch { layer: node.name.clone(), source: Box::new(source) })?;
        self.layers[place] = Some(made);
        Ok(())
    }

    /// Pictures as the first activation.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn pictures<P: AsRef<[u8]>>(&self, pictures: &[P]) -> Result<Tensor, ExportError> {
        let side = int(self.network().graph.side);
        let bytes: Vec<u8> = pictures.iter().flat_map(|p| p.as_ref().iter().copied()).collect();
        let make = || {
            let nhwc = Tensor::f_from_slice(&bytes)?.f_reshape([int(pictures.len()), side, side, 3])?;
            let centred = nhwc.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?;
            centred.f_sub_scalar(i64::from(of_picture().zero_point))?.f_contiguous()
        };
        make().map_err(|source| ExportError::Torch { layer: "picture".to_owned(), source: Box::new(source) })
    }

    /// The integer sums of a layer, bias included, before they are requantised; none where the layer has no weights.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn sums(&self, place: usize, x: &Tensor) -> Result<Option<Tensor>, ExportError> {
        let node = &self.network().graph.nodes[place];
        let Some(layer) = &self.layers[place] else { return Ok(None) };
        let make = || {
            let x = x.f_to_kind(layer.kind)?;
            let sums = match node.operation {
                Operation::Convolution(g) => {
                    let (before, after, stride) = (int(g.before), int(g.after), int(g.stride));
                    let is_even = before == after;
                    let x = if is_even { x } else { x.f_constant_pad_nd([before, after, before, after])? };
                    let padding = if is_even { before } else { 0 };
                    x.f_conv2d(
                        &layer.weight,
                        None::<&Tensor>,
                        [stride, stride],
                        [padding, padding],
                        [1, 1],
                        int(g.groups),
                    )?
                }
                _ => x.f_linear(&layer.weight, None::<&Tensor>)?,
            };
            sums.f_add(&layer.bias)
        };
        make().map(Some).map_err(|source| ExportError::Torch { layer: node.name.clone(), source: Box::new(source) })
    }

    /// One layer on the results of its inputs.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn step(&self, place: usize, inputs: &[&Tensor]) -> Result<Tensor, ExportError> {
        let sums = if inputs.is_empty() { None } else { self.sums(place, inputs[0])? };
        self.finish(place, inputs, sums).map_err(|source| ExportError::Torch {
            layer: self.network().graph.nodes[place].name.clone(),
            source: Box::new(source),
        })
    }

    fn finish(&self, place: usize, inputs: &[&Tensor], sums: Option<Tensor>) -> Result<Tensor, tch::TchError> {
        let network = self.network();
        let node = &network.graph.nodes[place];
        let q = |p: usize| network.activations[p].unwrap_or(Quantisation { scale: 1.0, zero_point: 0 });
        let to = q(place);
        let zero = i64::from(to.zero_point);
        let round = |real: Tensor| real.f_clamp(-zero, 255 - zero)?.f_round();
        if let (Some(sums), Some(layer)) = (sums, &self.layers[place]) {
            let real = sums.f_to_kind(Kind::Float)?.f_mul(&layer.multipliers)?;
            return if network.activations[place].is_some() { round(real) } else { Ok(real) };
        }
        match node.operation {
            Operation::Add => {
                let ratio = |p: usize| f64::from(q(node.inputs[p]).scale / to.scale);
                round(inputs[0].f_mul_scalar(ratio(0))?.f_add(&inputs[1].f_mul_scalar(ratio(1))?)?)
            }
            Operation::Concat => {
                let requantised: Result<Vec<Tensor>, tch::TchError> = inputs
                    .iter()
                    .zip(&node.inputs)
                    .map(|(x, &p)| {
                        let steps = x.f_mul_scalar(f64::from(q(p).scale))?.f_div_scalar(f64::from(to.scale))?;
                        steps.f_round()?.f_clamp(-zero, 255 - zero)
                    })
                    .collect();
                Tensor::f_cat(&requantised?, 1)
            }
            Operation::MaxPool(pooling) => max_pool(inputs[0], pooling),
            Operation::GlobalAveragePool => {
                let from = network.graph.nodes[node.inputs[0]].shape;
                #[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
                let multiplier = q(node.inputs[0]).scale / (to.scale * (from.height * from.width) as f32);
                round(
                    inputs[0]
                        .f_sum_dim_intlist([2i64, 3].as_slice(), false, Kind::Float)?
                        .f_mul_scalar(f64::from(multiplier))?,
                )
            }
            _ => Ok(inputs[0].shallow_clone()),
        }
    }

    /// Adds `correction`, in real numbers, to a layer's biases.
    ///
    /// # Errors
    /// [`ExportError::Torch`].
    pub fn correct_bias(&mut self, place: usize, correction: &[f64]) -> Result<(), ExportError> {
        self.simulation.correct_bias(place, correction);
        self.load(place)
    }

    /// The answers to one batch.
    fn batch<P: AsRef<[u8]>>(&self, pictures: &[P]) -> Result<Vec<NamedAnswers>, ExportError> {
        let _guard = tch::no_grad_guard();
        let graph = &self.network().graph;
        let mut live: Vec<Option<Tensor>> = (0..graph.nodes.len()).map(|_| None).collect();
        let mut floats: Vec<Vec<Activation>> = vec![Vec::new(); graph.nodes.len()];
        let mut answers = vec![NamedAnswers::new(); pictures.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            if self.network().activations[place].is_some() {
                let result = match node.operation {
                    Operation::Picture => self.pictures(pictures)?,
                    _ => self.step(place, &node.inputs.iter().filter_map(|&p| live[p].as_ref()).collect::<Vec<_>>())?,
                };
                live[place] = Some(result);
            } else if let Some(input) = live[node.inputs[0]].as_ref() {
                let result = self.step(place, &[input])?;
                floats[place] =
                    rows(&result, pictures.len(), node.shape.len()).into_iter().map(Activation::Floats).collect();
            } else {
                // The normalisation, by the definition itself.
                floats[place] =
                    floats[node.inputs[0]].iter().map(|values| self.simulation.step(place, &[values])).collect();
            }
            for (name, _) in graph.outputs.iter().filter(|(_, output)| *output == place) {
                for (answer, values) in answers.iter_mut().zip(&floats[place]) {
                    answer.insert(name.clone(), values.floats().to_vec());
                }
            }
            for &input in &node.inputs {
                if self.is_done(input, place) {
                    live[input] = None;
                }
            }
        }
        Ok(answers)
    }

    /// The same tensors, for another thread.
    fn share(&self) -> Self {
        let share = |layer: &Layer| Layer {
            weight: layer.weight.shallow_clone(),
            bias: layer.bias.shallow_clone(),
            multipliers: layer.multipliers.shallow_clone(),
            kind: layer.kind,
        };
        Self {
            simulation: self.simulation.clone(),
            layers: self.layers.iter().map(|layer| layer.as_ref().map(share)).collect(),
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
        workers::in_batches(pictures, BATCH, copies, |batched, pictures| batched.batch(pictures), done)
    }
}

/// The rows of a `[N, C]` tensor.
fn rows(tensor: &Tensor, count: usize, width: usize) -> Vec<Vec<f32>> {
    let tensor = tensor.to_kind(Kind::Float).contiguous();
    let mut values = vec![0f32; count * width];
    let len = values.len();
    tensor.copy_data(&mut values, len);
    values.chunks_exact(width.max(1)).map(<[f32]>::to_vec).collect()
}
