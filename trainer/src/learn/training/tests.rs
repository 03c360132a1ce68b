//! Whole runs on a small pack of drawn photographs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tch::Device;

use super::{Ended, Event, Setup, StageName, train};
use crate::learn::LearnError;
use crate::learn::finetune;
use crate::learn::recipe::{Recipe, Stage};
use crate::learn::record::{Entry, Record};
use crate::learn::step::Method;
use crate::load::Augmentation;
use crate::network::backbones::BackboneName;
use crate::network::{Weights, heads, imagenet};
use crate::pack::{Pack, sample};

fn pack(folder: &Path) -> Arc<Pack> {
    let out = folder.join("pack");
    sample::pack(&sample::manifest(folder, 40), &out).unwrap();
    Arc::new(Pack::open(&out).unwrap())
}

/// The shipped recipe, small: 32-pixel pictures, few samples, photographs as they are.
fn stage() -> Stage {
    let recipe: Recipe = toml::from_str(include_str!("../../../recipes/clothingid.toml")).unwrap();
    small(recipe.finetune)
}

fn small(mut stage: Stage) -> Stage {
    (stage.side, stage.select_side, stage.prototype_side) = (32, 32, 32);
    (stage.epochs, stage.batch) = (6, 8);
    stage.sampling.samples = Some(80);
    stage.augment = Augmentation::none();
    stage
}

/// What each recipe beside the shipped one is there to show, small.
fn shown() -> [(&'static str, Stage); 4] {
    let read = |text: &str| toml::from_str::<Recipe>(text).unwrap();
    let [arcface, softmax, metric] = [
        include_str!("../../../recipes/arcface.toml"),
        include_str!("../../../recipes/softmax.toml"),
        include_str!("../../../recipes/metric.toml"),
    ]
    .map(|text| small(read(text).identify));
    let mixup = small(read(include_str!("../../../recipes/mixup.toml")).finetune);
    [("arcface", arcface), ("softmax", softmax), ("metric", metric), ("mixup", mixup)]
}

struct Bench {
    pack: Arc<Pack>,
    stage: Stage,
    interrupted: AtomicBool,
}

impl Bench {
    fn run(&self, folder: &Path, threads: usize, stop_after: Option<u64>, seed: u64) -> Result<Ended, LearnError> {
        self.watched(folder, threads, stop_after, seed, |_| ())
    }

    fn watched(
        &self,
        folder: &Path,
        threads: usize,
        stop_after: Option<u64>,
        seed: u64,
        watch: impl FnMut(Event<'_>),
    ) -> Result<Ended, LearnError> {
        let graph = heads::clothingid();
        let start = finetune::start(&graph, imagenet::weights().unwrap(), 1);
        let setup = Setup {
            name: StageName::Finetune,
            stage: &self.stage,
            pack: &self.pack,
            seed,
            device: Device::Cpu,
            threads,
            folder,
            resume: true,
            stop_after,
            interrupted: &self.interrupted,
        };
        train(&setup, graph, start, watch)
    }
}

fn losses(folder: &Path) -> Vec<f64> {
    let entries = Record::read(folder).unwrap().entries;
    entries.iter().filter_map(|entry| if let Entry::Steps { loss, .. } = entry { Some(*loss) } else { None }).collect()
}

#[test]
fn the_loss_falls_and_an_interrupted_run_gives_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { pack: pack(folder.path()), stage: stage(), interrupted: AtomicBool::new(false) };
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    assert_eq!(bench.run(&whole, 2, None, 1).unwrap(), Ended::Finished);
    let losses = losses(&whole);
    assert_eq!(losses.len(), 3, "60 steps, one entry each 20");
    assert!(losses[2] < 0.85 * losses[0], "{losses:?}");

    // Stopped within an epoch, at its end, and at the very last step.
    for stop in [7, 20, 60] {
        assert_eq!(bench.run(&cut, 2, Some(stop), 1).unwrap(), Ended::Interrupted);
    }
    assert_eq!(bench.run(&cut, 2, None, 1).unwrap(), Ended::Finished);
    let read = |folder: &Path| Weights::read(&folder.join("last.safetensors")).unwrap();
    assert_eq!(read(&cut), read(&whole), "the same numbers to the last bit");

    let error = bench.run(&cut, 2, None, 2).unwrap_err();
    assert!(matches!(error, LearnError::OtherRun { what: "the seed", .. }), "{error}");
}

/// Among them the memory of embeddings, which a checkpoint must hold, and mixing, which hangs on the place in the epoch.
#[test]
fn every_shown_recipe_learns_and_an_interrupted_run_of_it_gives_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    for (name, mut stage) in shown() {
        (stage.epochs, stage.sampling.samples) = (3, Some(96));
        let bench = Bench { pack: Arc::clone(&pack), stage, interrupted: AtomicBool::new(false) };
        let [whole, cut] = ["whole", "cut"].map(|run| folder.path().join(format!("{name}-{run}")));
        let mut losses = Vec::new();
        let watch = |event: Event<'_>| {
            if let Event::Step { loss, .. } = event {
                losses.push(loss);
            }
        };
        assert_eq!(bench.watched(&whole, 2, None, 1, watch).unwrap(), Ended::Finished, "{name}");
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        assert_eq!(losses.len(), 36);
        let (first, last) = (mean(&losses[..9]), mean(&losses[27..]));
        assert!(last < 0.95 * first, "{name}: {first} to {last} in {losses:?}");

        for stop in [5, 17] {
            assert_eq!(bench.run(&cut, 2, Some(stop), 1).unwrap(), Ended::Interrupted);
        }
        assert_eq!(bench.run(&cut, 2, None, 1).unwrap(), Ended::Finished);
        let read = |folder: &Path| Weights::read(&folder.join("last.safetensors")).unwrap();
        assert_eq!(read(&cut), read(&whole), "{name}: the same numbers to the last bit");
    }
}

#[test]
fn pieces_of_a_batch_give_the_gradient_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    for (name, mut stage) in shown().into_iter().chain([("clothingid", stage())]) {
        // AdamW, whose first average is the gradient.
        (stage.epochs, stage.optimiser.method) = (1, Method::Adamw);
        let bench = Bench { pack: Arc::clone(&pack), stage, interrupted: AtomicBool::new(false) };
        let lengths = [1, 3].map(|threads| {
            let out = folder.path().join(format!("{name}-{threads}"));
            assert_eq!(bench.run(&out, threads, Some(1), 1).unwrap(), Ended::Interrupted);
            let arrays = Weights::read(&out.join("checkpoint-1.safetensors")).unwrap();
            arrays.get("flat.first").unwrap().values.clone()
        });
        let [one, three] = &lengths;
        let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let difference: Vec<f32> = one.iter().zip(three).map(|(a, b)| a - b).collect();
        // Sums in another order: f32 over some 1e4 terms.
        assert!(norm(&difference) < 1e-4 * norm(one), "{name}: {} of {}", norm(&difference), norm(one));
        assert!(norm(one) > 0.0);
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_at_once_and_names_the_batch_and_its_photographs() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    // The first step leaves weights of 1e12, of which the second batch's answers overflow.
    for (skipped, batch_found) in [(0, 2), (2, 4)] {
        let mut stage = stage();
        (stage.optimiser.rate, stage.optimiser.warm_up, stage.optimiser.skip_overflows) = (1e12, 0.0, skipped);
        let bench = Bench { pack: Arc::clone(&pack), stage, interrupted: AtomicBool::new(false) };
        let error = bench.run(&folder.path().join(format!("skips-{skipped}")), 2, None, 1).unwrap_err();
        let LearnError::NotFinite { epoch: 1, batch, photos } = &error else { panic!("{error}") };
        assert_eq!((*batch, photos.len()), (batch_found, 8), "{error}");
        assert!(photos.iter().all(|photo| pack.rows().iter().any(|row| row.path == *photo)), "{error}");
        assert!(error.to_string().contains(&format!("epoch 1, batch {batch_found}")), "{error}");
    }
}

#[test]
fn a_stage_that_needs_more_memory_than_there_is_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = stage();
    stage.batch = 10_000_000;
    let bench = Bench { pack: pack(folder.path()), stage, interrupted: AtomicBool::new(false) };
    let out = folder.path().join("run");
    let error = bench.run(&out, 1, None, 1).unwrap_err();
    assert!(matches!(error, LearnError::Memory { needed, available } if needed > available), "{error}");
    assert!(!out.exists());
}

#[test]
fn an_interruption_saves_and_a_second_run_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { pack: pack(folder.path()), stage: stage(), interrupted: AtomicBool::new(true) };
    let out = folder.path().join("run");
    assert_eq!(bench.run(&out, 1, None, 1).unwrap(), Ended::Interrupted);
    assert!(out.join("checkpoint.json").exists() && out.join("checkpoint-1.safetensors").exists());
    let graph = heads::clothingid();
    let setup = Setup {
        name: StageName::Finetune,
        stage: &bench.stage,
        pack: &bench.pack,
        seed: 1,
        device: Device::Cpu,
        threads: 1,
        folder: &out,
        resume: false,
        stop_after: None,
        interrupted: &bench.interrupted,
    };
    let start = finetune::start(&graph, imagenet::weights().unwrap(), 1);
    assert!(matches!(train(&setup, graph, start, |_| ()), Err(LearnError::RunExists { .. })));

    let other = heads::with_heads(BackboneName::Squeezenet.build(), heads::CLOTHING);
    let error = train(&Setup { resume: true, ..setup }, other.clone(), heads::random(&other, 1), |_| ()).unwrap_err();
    let expected = "of another run: the network was `mobilenet_v2`, now it is `squeezenet";
    assert!(error.to_string().contains(expected), "{error}");
}
