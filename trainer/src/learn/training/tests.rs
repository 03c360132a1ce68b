//! Whole runs on a small pack of drawn photographs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tch::Device;

use super::{Ended, Setup, StageName, train};
use crate::learn::LearnError;
use crate::learn::finetune;
use crate::learn::recipe::{Recipe, Stage};
use crate::learn::record::{Entry, Record};
use crate::load::Augmentation;
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
    let mut stage = recipe.finetune;
    (stage.side, stage.select_side, stage.prototype_side) = (32, 32, 32);
    (stage.epochs, stage.batch) = (6, 8);
    stage.sampling.samples = Some(80);
    stage.augment = Augmentation::none();
    stage
}

struct Bench {
    pack: Arc<Pack>,
    stage: Stage,
    interrupted: AtomicBool,
}

impl Bench {
    fn run(&self, folder: &Path, threads: usize, stop_after: Option<u64>, seed: u64) -> Result<Ended, LearnError> {
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
        train(&setup, graph, start, |_| ())
    }
}

fn losses(folder: &Path) -> Vec<f64> {
    let entries = Record::resume(folder, u64::MAX).unwrap().entries;
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

#[test]
fn pieces_of_a_batch_give_the_gradient_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = stage();
    stage.epochs = 1;
    let bench = Bench { pack: pack(folder.path()), stage, interrupted: AtomicBool::new(false) };
    let lengths = [1, 3].map(|threads| {
        let out = folder.path().join(threads.to_string());
        assert_eq!(bench.run(&out, threads, Some(1), 1).unwrap(), Ended::Interrupted);
        let arrays = Weights::read(&out.join("checkpoint-1.safetensors")).unwrap();
        arrays.get("flat.first").unwrap().values.clone()
    });
    let [one, three] = &lengths;
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let difference: Vec<f32> = one.iter().zip(three).map(|(a, b)| a - b).collect();
    // Sums in another order: f32 over some 1e4 terms.
    assert!(norm(&difference) < 1e-4 * norm(one), "{} of {}", norm(&difference), norm(one));
    assert!(norm(one) > 0.0);
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
}
