//! What a stage will cost, before it starts: its time from a few steps of the real network on the real photographs, its memory from the
//! sizes of what it keeps.
//!
//! The memory is a formula and not a measurement, because a step that needs more than there is takes the machine down with it. Its terms
//! are those that grow with the recipe; a test holds the sum to what a run took at most.

use std::path::Path;
use std::time::{Duration, Instant};

use clothingid_shared::files;
use tch::Tensor;

use super::LearnError;
use super::ask::ask;
use super::identify::{self, EVALUATION_BATCH};
use super::pairs::{Pairs, Pull};
use super::recipe::Stage;
use super::select;
use super::step::Optimiser;
use super::training::Setup;
use crate::import::Part;
use crate::load::Loader;
use crate::network::graph::{Layer, Node};
use crate::network::heads::EMBEDDING_DIMS;
use crate::network::{Graph, Statistics, Weights};

/// Steps that are timed, after one that is not.
const TIMED: usize = 3;
/// Bytes of a value.
const VALUE: u64 = 4;
/// What libtorch, its threads and the allocator take beside, in bytes.
const BESIDE: u64 = 160 << 20;

/// Bytes that the stage will need beyond what this process has already.
#[must_use]
pub fn memory(setup: &Setup<'_>, graph: &Graph) -> u64 {
    let stage = setup.stage;
    let (_, prototypes) = identify::prototype_rows(setup.pack);
    let prototypes = if stage.loss.identification > 0.0 { prototypes } else { 0 };
    let trained: usize = graph.parameters().iter().map(|array| array.shape.iter().product::<usize>()).sum();
    let threads = setup.threads.max(1);
    // Weights, two averages of gradients, the average of weights, two masks and what a step works in; a gradient a thread and their sum.
    let arrays = (trained + prototypes * EMBEDDING_DIMS) * (11 + threads);
    let pictures = stage.batch * stage.views;
    let Activations { kept, largest } = Activations::of(graph, stage, stage.side);
    // Logits over all garments with their softmax and both gradients; the pairs of a batch with the memory, masks included.
    let logits = pictures * prototypes * 4;
    let pairs = if stage.loss.metric.weight > 0.0 { pictures * (pictures + stage.loss.metric.memory) * 8 } else { 0 };
    let learning = pictures * (kept + 3 * largest) + logits + pairs;
    // Nothing is kept there, but batches have a size of their own.
    let answering = EVALUATION_BATCH * 3 * Activations::of(graph, stage, stage.select_side).largest;
    let square = |side: u32| side as usize * side as usize * 3;
    let loaders = threads.div_ceil(2);
    let photo = setup.pack.rows().iter().map(|row| row.width as usize * row.height as usize * 3).max().unwrap_or(0);
    // Two batches a loader's thread and the one in use as bytes, and each thread's photographs, before and after their changes.
    let loading = (2 * loaders + 1) * pictures * square(stage.side) + loaders * 3 * photo;
    (arrays + learning.max(answering)) as u64 * VALUE + loading as u64 + BESIDE
}

/// Values of one picture's activations.
#[derive(Debug, PartialEq)]
struct Activations {
    /// Kept from the pass forwards for the one backwards.
    kept: usize,
    /// The largest of all.
    largest: usize,
}

impl Activations {
    /// Activations are kept from the first layer on that is trained. A convolution and a batch norm of running statistics are one.
    /// ReLU works in place, and so does ReLU6, but libtorch keeps what that was given for the way back.
    fn of(graph: &Graph, stage: &Stage, side: u32) -> Self {
        let is_trained = |node: &Node| {
            let is_frozen = |name: &str| stage.freeze.iter().any(|prefix| name.starts_with(prefix.as_str()));
            node.parameters().iter().any(|array| !is_frozen(&array.name))
        };
        let first = graph.nodes.iter().position(is_trained).unwrap_or(graph.nodes.len());
        // A network that the pictures are too small for keeps nothing: recipes that ask for it are refused.
        let shapes = graph.shapes(side as usize).unwrap_or_default();
        let (mut kept, mut largest) = (0, 0);
        for (place, (node, (channels, side))) in graph.nodes.iter().zip(shapes).enumerate() {
            let values = channels * side * side;
            let is_new = match node.layer {
                Layer::BatchNorm { .. } => stage.statistics != Statistics::Running,
                Layer::Relu => false,
                _ => true,
            };
            largest = largest.max(values);
            kept += if is_new && place >= first { values } else { 0 };
        }
        Self { kept, largest }
    }
}

/// Whether the machine has the memory for it; on a graphics card nothing is said, whose memory is another.
///
/// # Errors
/// It has not.
pub fn check_memory(setup: &Setup<'_>, graph: &Graph) -> Result<(), LearnError> {
    let needed = memory(setup, graph);
    match available() {
        Some(available) if setup.device == tch::Device::Cpu && needed > available => {
            Err(LearnError::Memory { needed, available })
        }
        _ => Ok(()),
    }
}

/// Bytes of memory that programs may still take, as the kernel and this process's control group have it.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = kilobytes("/proc/meminfo", "MemAvailable:")?;
    let limit = files::read_text(Path::new("/sys/fs/cgroup/memory.max")).ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(machine, |limit| machine.min(limit.saturating_sub(resident().unwrap_or(0)))))
}

/// Bytes of memory that this process has.
#[must_use]
pub fn resident() -> Option<u64> {
    kilobytes("/proc/self/status", "VmRSS:")
}

/// Bytes of memory that this process has had at most.
#[must_use]
pub fn peak() -> Option<u64> {
    kilobytes("/proc/self/status", "VmHWM:")
}

fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = files::read_text(Path::new(path)).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

/// The time that the stage will take from step `done` on. A network of its own does the steps, which is dropped again. None on a graphics
/// card, where photographs are not decoded as they are needed.
///
/// # Errors
/// A photograph cannot be read, or an array is missing.
pub fn time(setup: &Setup<'_>, graph: &Graph, start: &Weights, done: u64) -> Result<Option<Duration>, LearnError> {
    if setup.device != tch::Device::Cpu {
        return Ok(None);
    }
    let stage = setup.stage;
    let mut start = start.clone();
    if stage.loss.identification > 0.0 {
        setup.leave_room_for_prototypes(&mut start);
    }
    let (network, objective, shards) = setup.put_up(graph, &start)?;
    let mut pairs = Pairs::new(&stage.loss.metric, setup.device);
    let mut optimiser = Optimiser::new(&network, &stage.optimiser);
    let loader = Loader::new(setup.pack, setup.loader())?;
    let steps = u64::try_from(loader.batches()).unwrap_or(u64::MAX).saturating_mul(stage.epochs);
    let steps = steps.min(setup.stop_after.unwrap_or(u64::MAX)).saturating_sub(done);
    let (mut began, mut times) = (Instant::now(), Vec::new());
    for made in loader.take(1 + TIMED) {
        let batch = made?;
        let targets = objective.targets(setup.pack, &batch.rows, batch.views).mix(&batch.mixed);
        let garments = targets.prototypes.clone();
        let mut pull = |embeddings: &Tensor| pairs.pull(embeddings, &garments, true);
        let pull = (stage.loss.metric.weight > 0.0).then_some(&mut pull as &mut dyn FnMut(&Tensor) -> Pull);
        let gradient = shards.learn(&identify::pictures(&batch, setup.device), targets, pull)?;
        optimiser.step(&network, &gradient.gradient, stage.optimiser.rate);
        times.push(began.elapsed().as_secs_f64());
        began = Instant::now();
    }
    // The first waits for the loader's first batch and for libtorch to find its kernels.
    let steady = times.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(&times);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let learning = steady.iter().sum::<f64>() / steady.len().max(1) as f64 * steps as f64;

    let mut rows = select::rows(setup.pack);
    let judged = rows.len() as u64 * stage.epochs;
    rows.truncate(EVALUATION_BATCH);
    began = Instant::now();
    ask(setup.pack, graph, &shards, &rows, stage.select_side, (setup.device, setup.threads))?;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let a_photo = began.elapsed().as_secs_f64() / rows.len().max(1) as f64;
    let garments = setup.pack.rows().iter().filter(|row| row.part == Part::Train && row.is_garment).count();
    let prototypes = if stage.loss.is_embedding() && done == 0 { garments } else { 0 };
    let smaller = (f64::from(stage.prototype_side) / f64::from(stage.select_side.max(1))).powi(2);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let answering = a_photo * (judged as f64 + prototypes as f64 * smaller);
    Ok(Some(Duration::try_from_secs_f64(learning + answering).unwrap_or(Duration::MAX)))
}

/// A size for people.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
pub fn in_words(bytes: u64) -> String {
    if bytes < 1 << 30 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
    }
}

/// A time for people.
#[must_use]
pub fn time_in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60) {
        (0, 0) => format!("{} s", seconds.max(1)),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Activations, available, in_words, peak, resident, time_in_words};
    use crate::learn::recipe::Recipe;
    use crate::network::Statistics;
    use crate::network::graph::{Graph, Layer, Padding};

    /// Picture 8 × 8, convolution to 4 channels at half the side, batch norm, ReLU6, mean, 5 outputs.
    fn graph() -> Graph {
        let mut graph = Graph::new("small");
        let convolution = Layer::Convolution {
            inputs: 3,
            outputs: 4,
            kernel: 3,
            stride: 2,
            groups: 1,
            padding: Padding::Same,
            bias: false,
        };
        let mut last = graph.picture();
        for (name, layer) in [
            ("features.0.0", convolution),
            ("features.0.1", Layer::BatchNorm { channels: 4 }),
            ("features.0.2", Layer::Relu6),
            ("pooled", Layer::GlobalAveragePool),
            ("heads.a", Layer::Linear { inputs: 4, outputs: 5 }),
        ] {
            last = graph.push(name, layer, &[last]);
        }
        graph
    }

    #[test]
    fn what_is_kept_hangs_on_what_is_trained_and_on_batch_norm() {
        let recipe: Recipe = toml::from_str(include_str!("../../recipes/clothingid.toml")).unwrap();
        let mut stage = recipe.finetune;
        let kept = |stage: &crate::learn::recipe::Stage, side| Activations::of(&graph(), stage, side);
        (stage.freeze, stage.statistics) = (Vec::new(), Statistics::Running);
        assert_eq!(kept(&stage, 8), Activations { kept: 64 + 64 + 4 + 5, largest: 192 });
        stage.statistics = Statistics::Pieces;
        assert_eq!(kept(&stage, 8).kept, 3 * 64 + 4 + 5);
        assert_eq!(kept(&stage, 16).kept, 3 * 256 + 4 + 5);
        stage.freeze = vec!["features.".to_owned()];
        assert_eq!(kept(&stage, 8).kept, 5);
    }

    #[test]
    fn the_kernel_says_what_there_is() {
        let (resident, peak, available) = (resident().unwrap(), peak().unwrap(), available().unwrap());
        assert!(1 << 20 < resident && resident <= peak, "{resident} {peak}");
        assert!(available > 1 << 20, "{available}");
    }

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!([300 << 20, 1 << 30, 5 << 29].map(in_words), ["300 MiB", "1.0 GiB", "2.5 GiB"]);
        let times = [0, 59, 61, 3600, 7500].map(|seconds| time_in_words(Duration::from_secs(seconds)));
        assert_eq!(times, ["1 s", "59 s", "1 min", "1 h 0 min", "2 h 5 min"]);
    }
}
