//! The whole network on every instruction set of this machine.

use super::*;
use crate::network::plan::Plan;
use crate::network::{Answer, Engine, read_bundle};
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::decode;

#[test]
fn every_instruction_set_gives_the_golden_answers() {
    let bundle = read_bundle(None).unwrap();
    let plan = Plan::new(&bundle.network).unwrap();
    for set in InstructionSet::of_this_machine() {
        for threads in [1, 3] {
            let mut engine = CpuEngine::with(&plan, set, threads).unwrap();
            let mut answer = Answer::default();
            for photo in &bundle.golden {
                let picture = bundle.manifest.picture.make(&decode(&photo.photo).unwrap()).unwrap();
                engine.run(&picture, &mut answer).unwrap();
                let expected = &photo.answers[&ArithmeticClass::Int8];
                assert_eq!(answer.category14, expected.category14, "{set} {}", photo.name);
                assert_eq!(answer.category26, expected.category26, "{set} {}", photo.name);
                let cosine = clothingid_shared::embedding::cosine(&answer.embedding, &expected.embedding);
                assert!(cosine > 1.0 - 1e-6, "{set} {}: {cosine}", photo.name);
            }
        }
    }
}

/// Not a test of speed: prints where the time goes (`--ignored --nocapture`).
#[test]
#[ignore = "prints times"]
fn times_by_layer() {
    let bundle = read_bundle(None).unwrap();
    let plan = Plan::new(&bundle.network).unwrap();
    let picture = vec![100; (plan.side * plan.side * 3) as usize];
    for set in InstructionSet::of_this_machine() {
        let mut engine = CpuEngine::with(&plan, set, 1).unwrap();
        let times = engine.profile(&picture, 300);
        let total: std::time::Duration = times.iter().map(|(_, time)| *time).sum();
        println!("{set}: {total:?}");
        for (layer, (kind, time)) in plan.layers.iter().zip(&times) {
            let macs = plan.multiply_adds(layer) as f64;
            println!("{kind:10} {:24} {time:10.1?} {:6.1} G/s", layer.name, macs / time.as_secs_f64() / 1e9);
        }
    }
}
