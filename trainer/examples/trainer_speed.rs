//! Our side of `cargo xtask bench trainer`: the loader, one training step, and memory over epochs, one JSON object a line.
//!
//! `trainer_speed PACK loader SIDE PHOTOS | step SIDE BATCH THREADS STATISTICS ROUNDS | memory FOLDER`

mod measure;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clothingid_trainer::import::Part;
use clothingid_trainer::learn::cost;
use clothingid_trainer::learn::finetune;
use clothingid_trainer::learn::objective::{LossOptions, Objective};
use clothingid_trainer::learn::recipe::Recipe;
use clothingid_trainer::learn::shards::Shards;
use clothingid_trainer::learn::step::{Optimiser, OptimiserOptions};
use clothingid_trainer::learn::training::{Event, Setup, StageName, train};
use clothingid_trainer::load::{Augmentation, Loader, LoaderOptions, Mixing, Sampling};
use clothingid_trainer::network::TrainOptions;
use clothingid_trainer::network::{Network, Statistics, heads, imagenet};
use clothingid_trainer::pack::Pack;
use measure::processor_seconds;
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    // As the program does: without it a step touches fresh pages, which costs a third of it.
    clothingid_trainer::network::loader::prepare();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let pack = |folder: &str| Pack::open(Path::new(folder)).map(Arc::new);
    match words.as_slice() {
        [folder, "loader", side, photos] => loader(&pack(folder)?, side.parse()?, photos.parse()?),
        [folder, "step", side, batch, threads, statistics, rounds] => {
            let statistics = serde_json::from_value(serde_json::Value::String((*statistics).to_owned()))?;
            step(&pack(folder)?, (side.parse()?, batch.parse()?), threads.parse()?, statistics, rounds.parse()?)
        }
        [folder, "memory", out] => memory(&pack(folder)?, &PathBuf::from(out)),
        _ => Err("usage: trainer_speed PACK loader|step|memory …, see the source".into()),
    }
}

/// Decode, random resized crop, flip, brightness, contrast and saturation: what the Python side does too. Processor time, so that other
/// work on the machine counts little.
fn loader(pack: &Arc<Pack>, side: u32, photos: usize) -> Outcome {
    let augment = Augmentation {
        scale: [0.45, 1.0],
        stretch: 1.25,
        letterbox: 0.0,
        flip: 0.5,
        brightness: 0.3,
        contrast: 0.3,
        saturation: 0.3,
        ..Augmentation::none()
    };
    let options = LoaderOptions {
        part: Part::Train,
        side,
        batch: 64,
        seed: 1,
        epoch: 0,
        views: 1,
        augment,
        mix: Mixing::default(),
        sampling: Sampling { samples: Some(photos), ..Sampling::default() },
        threads: 1,
        skip_batches: 0,
    };
    let begun = processor_seconds()?;
    let mut pictures = 0;
    for batch in Loader::new(pack, options)? {
        pictures += batch?.rows.len();
    }
    let milliseconds = (processor_seconds()? - begun) * 1e3 / pictures as f64;
    println!("{}", serde_json::json!({"bench": "loader", "ms_a_photo": milliseconds, "photos": pictures}));
    Ok(())
}

/// Forward, both category losses, backward, clipping, AdamW and the running average on one batch, again and again.
fn step(pack: &Arc<Pack>, (side, batch): (i64, i64), threads: usize, statistics: Statistics, rounds: usize) -> Outcome {
    let graph = heads::clothingid();
    let weights = finetune::start(&graph, imagenet::weights()?, 1);
    let network = Network::for_training(graph, &weights, Device::Cpu, &TrainOptions::default())?;
    let recipe: Recipe = toml::from_str(include_str!("../recipes/clothingid.toml"))?;
    let options = LossOptions { identification: 0.0, ..recipe.finetune.loss };
    let objective = Objective { options, prototype_of_item: Vec::new() };
    let shards = Shards::new(&network, &objective, statistics, threads)?;
    let optimiser = OptimiserOptions { rate: 1e-4, ..recipe.finetune.optimiser };
    let mut optimiser = Optimiser::new(&network, &optimiser);
    let rows: Vec<usize> = pack.rows_in(Part::Train).into_iter().take(usize::try_from(batch)?).collect();
    let pictures = Tensor::randint(256, [batch, side, side, 3], (Kind::Uint8, Device::Cpu));
    let mut seconds = Vec::new();
    for _ in 0..rounds + 2 {
        let start = Instant::now();
        let gradient = shards.learn(&pictures, objective.targets(pack, &rows, 1), None)?;
        let _ = optimiser.step(&network, &gradient.gradient, 1e-4);
        seconds.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut timed = seconds.split_off(2);
    timed.sort_by(f64::total_cmp);
    println!(
        "{}",
        serde_json::json!({"bench": "step", "min_ms": timed.first(), "median_ms": timed.get(timed.len() / 2), "samples": timed})
    );
    Ok(())
}

/// Resident memory after each of six epochs of a real run.
fn memory(pack: &Arc<Pack>, folder: &Path) -> Outcome {
    let recipe: Recipe = toml::from_str(include_str!("../recipes/clothingid.toml"))?;
    let mut stage = recipe.finetune;
    (stage.side, stage.select_side, stage.prototype_side, stage.epochs) = (64, 64, 64, 6);
    stage.sampling.samples = Some(1280);
    let graph = heads::clothingid();
    let start = finetune::start(&graph, imagenet::weights()?, 1);
    let setup = Setup {
        name: StageName::Finetune,
        stage: &stage,
        pack,
        seed: 1,
        device: Device::Cpu,
        threads: 2,
        folder,
        resume: false,
        stop_after: None,
        interrupted: &AtomicBool::new(false),
    };
    let mut resident = Vec::new();
    let ended = train(&setup, graph, start, |event| {
        if let Event::Epoch { .. } = event {
            #[expect(clippy::cast_precision_loss, reason = "a few gigabytes")]
            let mib = cost::resident().map_or(f64::NAN, |bytes| bytes as f64 / f64::from(1 << 20));
            resident.push(mib);
        }
    })?;
    println!("{}", serde_json::json!({"bench": "memory", "ended": format!("{ended:?}"), "resident_mib": resident}));
    Ok(())
}
