//! `clothingid-train weights`: makes weight files and times training. Hidden, for those who maintain `models/imagenet/` and recipes.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};
use tch::{Device, Kind, Tensor};

use super::{ExitStatus, Report};
use crate::network::torch::{Memory, TrainOptions};
use crate::network::{Network, Pass, Statistics, Weights, heads, imagenet};

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
    /// Time forward and backward passes on random pictures
    Bench(Bench),
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
        Command::Bench(bench) => time(bench),
    }
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
    let wanted: Vec<_> = network.graph().outputs.iter().map(|(_, node)| *node).collect();
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
    println!("{}", serde_json::json!({"bench": "train", "side": bench.side, "batch": bench.batch, "threads": bench.threads,
        "memory": format!("{:?}", bench.memory), "statistics": format!("{:?}", bench.statistics), "freeze": bench.freeze,
        "forward_only": bench.forward, "median_ms": median * 1e3, "photos_per_second": rate}));
    Ok(ExitStatus::Done)
}
