//! `clothingid-train weights`: makes weight files and times training. Hidden, for those who maintain `models/imagenet/` and recipes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};
use tch::{Device, Kind, Tensor};

use super::{ExitStatus, Report};
use crate::export::size::Size;
use crate::learn::balance::Frequencies;
use crate::learn::finetune;
use crate::learn::objective::Objective;
use crate::learn::recipe::Recipe;
use crate::learn::select::Answers;
use crate::learn::shards::Shards;
use crate::network::backbones::BackboneName;
use crate::network::{Memory, TrainOptions};
use crate::network::{Network, NodeId, Pass, Statistics, Weights, heads, imagenet};
use crate::pack::Pack;

/// Make weight files and time training.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rewrite a safetensors file in the lossless int8 form
    Import {
        /// File of `F32` arrays.
        from: PathBuf,
        /// File to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Print what each backbone with its heads costs, one JSON object a line
    Sizes {
        /// Side of the pictures.
        #[arg(long, default_value_t = 160)]
        side: usize,
    },
    /// Time forward and backward passes on random pictures
    Bench(Bench),
    /// Print the figures by which training chooses an epoch, and retrieval with the pooled features for comparison
    Measure(Measure),
}

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Measure {
    /// Folder written by `pack`.
    #[arg(long)]
    pack: PathBuf,
    /// Recipe whose sampling says how often the heads saw each category.
    #[arg(long)]
    recipe: PathBuf,
    /// Weights; without: ImageNet's, whose heads are random.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Side of the pictures.
    #[arg(long, default_value_t = 160)]
    side: u32,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Take the frequencies of the categories out of the heads and write the weights so.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What is timed.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// Side of the pictures.
    #[arg(long, default_value_t = 128)]
    side: i64,
    /// Pictures a batch.
    #[arg(long, default_value_t = 64)]
    batch: i64,
    /// Threads of libtorch.
    #[arg(long, default_value_t = 2)]
    threads: i32,
    /// Passes timed, after two that are not.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Order of activations in memory.
    #[arg(long, value_enum, default_value = "channels-last")]
    memory: MemoryArg,
    /// What batch norm divides by.
    #[arg(long, value_enum, default_value = "batch")]
    statistics: StatisticsArg,
    /// Prefixes of layers that stay as they are.
    #[arg(long)]
    freeze: Vec<String>,
    /// Forward only.
    #[arg(long)]
    forward: bool,
}

/// See [`Memory`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum MemoryArg {
    ChannelsLast,
    Plain,
}

/// See [`Statistics`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatisticsArg {
    Batch,
    Running,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read or written.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    match &args.command {
        Command::Import { from, out } => {
            let weights = Weights::read(from)?;
            weights.write_compact(out)?;
            let again = Weights::read(out)?;
            if again != weights {
                return Err(Report::new(format!("`{}` does not read back as it was written", out.display())));
            }
            let values: usize = weights.iter().map(|(_, array)| array.values.len()).sum();
            eprintln!("wrote {}: {} arrays, {values} values, equal to the last bit", out.display(), weights.len());
            Ok(ExitStatus::Done)
        }
        Command::Sizes { side } => {
            for name in BackboneName::all() {
                println!(
                    "{}",
                    serde_json::to_string(&Size::of(&heads::with_heads(name.build(), heads::CLOTHING), *side)?)?
                );
            }
            Ok(ExitStatus::Done)
        }
        Command::Bench(bench) => time(bench),
        Command::Measure(measure) => figures(measure),
    }
}

/// Prints the figures as one JSON object.
fn figures(args: &Measure) -> Result<ExitStatus, Report> {
    let pack = Arc::new(Pack::open(&args.pack)?);
    let recipe = Recipe::read(&args.recipe)?;
    let weights = match &args.weights {
        Some(path) => Weights::read(path)?,
        None => imagenet::weights()?,
    };
    let graph = heads::with_heads(BackboneName::of(&weights).unwrap_or_default().build(), pack.taxonomies().classes());
    let mut weights = finetune::start(&graph, weights, 0);
    let network = Network::load(graph.clone(), &weights, Device::Cpu)?;
    let shards = Shards::new(&network, &Objective::none(), Statistics::Running, args.threads)?;
    let mut with_features = graph.clone();
    if let (Some(place), Some(output)) =
        (graph.nodes.iter().position(|node| node.name == "pooled"), with_features.outputs.last_mut())
    {
        output.1 = NodeId(place);
    }
    let resources = (Device::Cpu, args.threads);
    let frequencies = Frequencies::of(&pack, &recipe.finetune.sampling)?;
    let as_it_is = Frequencies::even(pack.taxonomies().classes());
    let answers = Answers::ask(&pack, &graph, &shards, args.side, resources)?;
    let pooled = Answers::ask(&pack, &with_features, &shards, args.side, resources)?.figures(&as_it_is);
    let balanced = answers.figures(&frequencies);
    println!(
        "{}",
        serde_json::json!({"side": args.side, "as_it_is": answers.figures(&as_it_is), "balanced": balanced,
            "pooled_recall_at_1": pooled.recall_at_1, "pooled_recall_at_5": pooled.recall_at_5})
    );
    if let Some(out) = &args.out {
        balanced.balance.apply(&mut weights, &frequencies)?;
        weights.write(out)?;
    }
    Ok(ExitStatus::Done)
}

/// Prints the rate of training passes as one JSON object.
fn time(bench: &Bench) -> Result<ExitStatus, Report> {
    tch::set_num_threads(bench.threads);
    let graph = heads::clothingid();
    let mut weights = imagenet::weights()?;
    heads::initialise_missing(&graph, &mut weights, 0);
    let memory = match bench.memory {
        MemoryArg::ChannelsLast => Memory::ChannelsLast,
        MemoryArg::Plain => Memory::Plain,
    };
    let statistics = match bench.statistics {
        StatisticsArg::Batch => Statistics::Batch,
        StatisticsArg::Running => Statistics::Running,
    };
    let options = TrainOptions { memory, frozen: bench.freeze.clone(), ..TrainOptions::default() };
    let network = Network::for_training(graph, &weights, Device::Cpu, &options)?;
    let wanted = network.graph().output_nodes();
    let pictures = Tensor::randint(256, [bench.batch, bench.side, bench.side, 3], (Kind::Uint8, Device::Cpu));
    let mut seconds = Vec::new();
    for _ in 0..bench.rounds + 2 {
        let start = Instant::now();
        if bench.forward {
            let _ = network.evaluate_nodes(&pictures, &wanted);
        } else {
            let views = network.layout().views(network.flat());
            let results = network.run(&views, &pictures, Pass::Train { statistics }, &wanted);
            let loss = results.iter().map(|r| r.square().mean(Kind::Float)).sum::<Tensor>();
            let _ = Tensor::run_backward(&[loss], &[network.flat()], false, false);
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let mut timed = seconds.split_off(2);
    timed.sort_by(f64::total_cmp);
    let median = timed.get(timed.len() / 2).copied().unwrap_or(f64::NAN);
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    let rate = bench.batch as f64 / median;
    println!(
        "{}",
        serde_json::json!({"bench": "train", "side": bench.side, "batch": bench.batch, "threads": bench.threads,
        "memory": format!("{:?}", bench.memory), "statistics": format!("{:?}", bench.statistics), "freeze": bench.freeze,
        "forward_only": bench.forward, "median_ms": median * 1e3, "photos_per_second": rate})
    );
    Ok(ExitStatus::Done)
}
