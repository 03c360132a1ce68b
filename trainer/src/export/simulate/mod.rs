//! The exporter's integer simulation: every layer of the quantised network in integers, rounded layer by layer as ONNX Runtime does.
//!
//! It is the definition of the arithmetic class `int8`: it gives the bundle's golden answers, and `clothingid-train evaluate --bundle`
//! runs it. Plain loops (`kernels.rs`), parallel over photographs; [`batched`] gives the same integers faster, through libtorch.

pub mod batched;
mod kernels;

use std::collections::BTreeMap;

use clothingid_shared::quantisation::{requantise, table};
use rayon::prelude::*;

use self::kernels::{Epilogue, Kernel};
use super::answers::NamedAnswers;
use super::error::ExportError;
use super::fused::{Geometry, Operation, Shape};
use super::quantised::{Quantisation, QuantisedNetwork};

/// The result of one layer for one photograph, channel-last.
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    /// Quantised bytes.
    Integers(Vec<u8>),
    /// What stays float: logits and the embedding.
    Floats(Vec<f32>),
}

impl Activation {
    fn integers(&self) -> &[u8] {
        match self {
            Self::Integers(values) => values,
            Self::Floats(_) => &[],
        }
    }

    fn floats(&self) -> &[f32] {
        match self {
            Self::Floats(values) => values,
            Self::Integers(_) => &[],
        }
    }
}

/// One layer, prepared.
#[derive(Debug, Clone)]
struct Prepared {
    kernel: Option<Kernel>,
    /// `x_scale · w_scale[c] / y_scale`, or without `y_scale` where the result is float.
    multipliers: Vec<f32>,
}

/// A quantised network, ready to run.
#[derive(Debug, Clone)]
pub struct Simulation {
    network: QuantisedNetwork,
    prepared: Vec<Prepared>,
    /// The last reader of each node's result.
    last_use: Vec<usize>,
}

fn as_convolution(operation: Operation) -> Option<Geometry> {
    match operation {
        Operation::Convolution(geometry) => Some(geometry),
        Operation::Linear { inputs, outputs } => {
            Some(Geometry { inputs, outputs, kernel: 1, stride: 1, groups: 1, before: 0, after: 0 })
        }
        _ => None,
    }
}

impl Simulation {
    /// Checks the network once, so that running it cannot fail.
    ///
    /// # Errors
    /// [`ExportError::Layer`] where a quantisation or parameter is missing or has the wrong length.
    pub fn new(network: QuantisedNetwork) -> Result<Self, ExportError> {
        let graph = &network.graph;
        let mut prepared = Vec::new();
        for (place, node) in graph.nodes.iter().enumerate() {
            let fail = |reason: &str| ExportError::Layer { layer: node.name.clone(), reason: reason.to_owned() };
            let quantisation = |p: usize| network.activations.get(p).copied().flatten();
            let floats_only = matches!(node.operation, Operation::L2Normalise);
            let reads_integers = node.inputs.iter().all(|&p| p < place && quantisation(p).is_some());
            if !floats_only && !reads_integers {
                return Err(fail("an input is not quantised"));
            }
            if !floats_only && quantisation(place).is_none() && !matches!(node.operation, Operation::Linear { .. }) {
                return Err(fail("its result is not quantised"));
            }
            let Some(geometry) = as_convolution(node.operation) else {
                prepared.push(Prepared { kernel: None, multipliers: Vec::new() });
                continue;
            };
            let weights = network.weights.get(&place).ok_or_else(|| fail("it has no integer weights"))?;
            let expected = (geometry.outputs * geometry.weights_per_output(), geometry.outputs, geometry.outputs);
            if (weights.weights_oihw.len(), weights.scales.len(), weights.bias.len()) != expected {
                return Err(fail("its integer weights have another length than the layer"));
            }
            let x_scale = quantisation(node.inputs[0]).map_or(1.0, |q| q.scale);
            let y_scale = quantisation(place).map_or(1.0, |q| q.scale);
            let multipliers = weights.scales.iter().map(|&w| x_scale * w / y_scale).collect();
            let kernel = Some(Kernel::new(&weights.weights_oihw, &weights.bias, &geometry));
            prepared.push(Prepared { kernel, multipliers });
        }
        let mut last_use = vec![0; graph.nodes.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last_use[input] = place;
            }
        }
        for (_, output) in &graph.outputs {
            last_use[*output] = graph.nodes.len();
        }
        Ok(Self { network, prepared, last_use })
    }

    /// What is simulated.
    #[must_use]
    pub fn network(&self) -> &QuantisedNetwork {
        &self.network
    }

    /// Whether nothing after `place` reads the result of `node`.
    #[must_use]
    pub fn is_done(&self, node: usize, place: usize) -> bool {
        self.last_use[node] <= place
    }

    /// One layer on the results of its inputs, in their order; the picture takes the network's input bytes.
    ///
    /// # Panics
    /// If the inputs are not those of the node.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the same conversion as in ONNX Runtime")]
    pub fn step(&self, place: usize, inputs: &[&Activation]) -> Activation {
        let node = &self.network.graph.nodes[place];
        let shapes: Vec<Shape> = node.inputs.iter().map(|&p| self.network.graph.nodes[p].shape).collect();
        let q = |p: usize| self.network.activations[p].unwrap_or(Quantisation { scale: 1.0, zero_point: 0 });
        let prepared = &self.prepared[place];
        let bytes = match (node.operation, &prepared.kernel) {
            (Operation::Convolution(geometry), Some(kernel)) => {
                let end = Epilogue { multipliers: &prepared.multipliers, zero_point: q(place).zero_point };
                let run = if geometry.is_depthwise() { kernels::depthwise } else { kernels::dense };
                run(inputs[0].integers(), shapes[0], q(node.inputs[0]).zero_point, &geometry, kernel, node.shape, &end)
            }
            (Operation::Linear { .. }, Some(kernel)) => {
                let sums = self.sums(place, inputs[0], kernel);
                let multipliers = &prepared.multipliers;
                match self.network.activations[place] {
                    None => {
                        return Activation::Floats(
                            sums.iter().zip(multipliers).map(|(&sum, m)| sum as f32 * m).collect(),
                        );
                    }
                    Some(to) => {
                        sums.iter().zip(multipliers).map(|(&sum, &m)| requantise(sum, m, to.zero_point)).collect()
                    }
                }
            }
            (Operation::Add, _) => {
                let (a, b) = (node.inputs[0], node.inputs[1]);
                kernels::add(inputs[0].integers(), q(a), inputs[1].integers(), q(b), q(place))
            }
            (Operation::Concat, _) => {
                let tables: Vec<[u8; 256]> = node.inputs.iter().map(|&p| table(q(p), q(place))).collect();
                let mut bytes = Vec::with_capacity(node.shape.len());
                for pixel in 0..node.shape.height * node.shape.width {
                    for ((input, shape), table) in inputs.iter().zip(&shapes).zip(&tables) {
                        let row = &input.integers()[pixel * shape.channels..(pixel + 1) * shape.channels];
                        bytes.extend(row.iter().map(|&byte| table[usize::from(byte)]));
                    }
                }
                bytes
            }
            (Operation::MaxPool(pooling), _) => kernels::max_pool(inputs[0].integers(), shapes[0], pooling, node.shape),
            (Operation::GlobalAveragePool, _) => {
                kernels::global_average_pool(inputs[0].integers(), shapes[0], q(node.inputs[0]), q(place))
            }
            (Operation::L2Normalise, _) => {
                let values = inputs[0].floats();
                let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
                let scale = if norm > 0.0 { norm } else { 1.0 };
                return Activation::Floats(values.iter().map(|v| v / scale).collect());
            }
            (Operation::Picture | Operation::Convolution(_) | Operation::Linear { .. }, _) => {
                inputs[0].integers().to_vec()
            }
        };
        Activation::Integers(bytes)
    }

    /// Sums of a linear layer, bias included.
    fn sums(&self, place: usize, input: &Activation, kernel: &Kernel) -> Vec<i32> {
        let node = &self.network.graph.nodes[place];
        let mut sums = vec![0; node.shape.channels];
        if let Some(geometry) = as_convolution(node.operation) {
            let from = self.network.graph.nodes[node.inputs[0]].shape;
            let zero = self.network.activations[node.inputs[0]].map_or(0, |q| q.zero_point);
            kernels::sums_of_dense(input.integers(), from, zero, &geometry, kernel, node.shape, |_, channel, sum| {
                sums[channel] = sum
            });
        }
        sums
    }

    /// Adds `correction`, in real numbers, to a layer's biases.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what a bias beyond i32 needs")]
    pub fn correct_bias(&mut self, place: usize, correction: &[f64]) {
        for (channel, &real) in correction.iter().enumerate() {
            let Some(scale) = self.network.bias_scale(place, channel) else { continue };
            let Some(layer) = self.network.weights.get_mut(&place) else { continue };
            let Some(bias) = layer.bias.get_mut(channel) else { continue };
            *bias = bias.saturating_add((real / f64::from(scale)).round_ties_even() as i32);
            if let Some(kernel) = &mut self.prepared[place].kernel {
                kernel.bias[channel] = *bias;
            }
        }
    }

    /// All layers for one photograph, each given to `visit` with its place.
    pub fn visit(&self, picture: &[u8], mut visit: impl FnMut(usize, &Activation)) -> NamedAnswers {
        let graph = &self.network.graph;
        let picture = Activation::Integers(picture.to_vec());
        let mut live: Vec<Option<Activation>> = vec![None; graph.nodes.len()];
        let mut answers = BTreeMap::new();
        for (place, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<&Activation> = match node.operation {
                Operation::Picture => vec![&picture],
                _ => node.inputs.iter().filter_map(|&p| live[p].as_ref()).collect(),
            };
            let result = self.step(place, &inputs);
            visit(place, &result);
            for (name, _) in graph.outputs.iter().filter(|(_, output)| *output == place) {
                answers.insert(name.clone(), result.floats().to_vec());
            }
            live[place] = Some(result);
            for &input in &node.inputs {
                if self.is_done(input, place) {
                    live[input] = None;
                }
            }
        }
        answers
    }

    /// The answers for one picture of `side · side · 3` bytes.
    #[must_use]
    pub fn run(&self, picture: &[u8]) -> NamedAnswers {
        self.visit(picture, |_, _| {})
    }

    /// The answers for many pictures, in their order; `done` is called after each.
    pub fn run_all<P: AsRef<[u8]> + Sync>(&self, pictures: &[P], done: impl Fn() + Sync) -> Vec<NamedAnswers> {
        let one = |picture: &P| {
            let answers = self.run(picture.as_ref());
            done();
            answers
        };
        pictures.par_iter().map(one).collect()
    }
}
