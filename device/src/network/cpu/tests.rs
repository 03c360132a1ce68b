//! The whole network on every instruction set of this machine.

use super::CpuEngine;
use crate::network::plan::Plan;
use crate::network::{Answer, Engine, read_bundle, reference};
use crate::processor::InstructionSet;
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

#[test]
fn its_layers_are_those_of_the_reference() {
    let bundle = read_bundle(None).unwrap();
    let plan = Plan::new(&bundle.network).unwrap();
    let picture = bundle.manifest.picture.make(&decode(&bundle.golden[0].photo).unwrap()).unwrap();
    let mut expected = Vec::new();
    reference::run(&plan, picture.rgb(), |place, elements| {
        expected.push((plan.layers[place].name.clone(), elements.clone()))
    });
    for set in InstructionSet::of_this_machine() {
        let mut found = Vec::new();
        let mut engine = CpuEngine::with(&plan, set, 2).unwrap();
        engine.run_by_node(&picture, &mut |name, elements| found.push((name.to_string(), elements.clone()))).unwrap();
        assert!(found == expected, "{set}");
        assert_eq!(engine.layer_times(&picture).unwrap().len(), plan.layers.len());
    }
}
