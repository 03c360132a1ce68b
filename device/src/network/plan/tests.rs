//! The shipped network's plan, its printed form, and files that are not of our form.

use super::*;
use crate::network::onnx::read_model;
use crate::network::plan::lower::{lower, lower_graph};
use crate::network::{read_bundle, reference};
use clothingid_shared::embedding::ArithmeticClass;
use proptest::prelude::*;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, type_proto};

fn shipped() -> GraphProto {
    read_model(&read_bundle(None).unwrap().network).unwrap().graph.unwrap()
}

/// The lengths of the network's input.
fn dims(graph: &mut GraphProto) -> &mut Vec<Dimension> {
    let Some(type_proto::Value::TensorType(tensor)) = graph.input[0].r#type.as_mut().unwrap().value.as_mut() else {
        panic!("no tensor")
    };
    &mut tensor.shape.as_mut().unwrap().dim
}

/// What is said of the shipped network after a change.
fn said(change: impl FnOnce(&mut GraphProto)) -> String {
    let mut graph = shipped();
    change(&mut graph);
    lower_graph(graph).err().unwrap().to_string()
}

#[test]
fn the_shipped_network_is_57_layers_with_all_sums_fused() {
    let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
    let count = |name: &str| plan.layers.iter().filter(|layer| layer.operation.name() == name).count();
    assert_eq!([count("dense"), count("depthwise"), count("add"), count("mean"), count("normalise")], [1, 17, 0, 1, 1]);
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    assert!(plan.layers.len() <= 60, "{}", plan.layers.len());
    insta::assert_snapshot!("plan", plan.to_string());
}

#[test]
fn no_layer_writes_where_it_reads_and_nothing_is_lost() {
    let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
    for (place, layer) in plan.layers.iter().enumerate() {
        let output = plan.value(layer.output);
        assert!(layer.inputs.iter().all(|input| plan.value(*input).slot != output.slot), "{}", layer.name);
        assert!(plan.slots[output.slot] >= output.shape.len());
        for input in &layer.inputs {
            // Between its making and this reading, nobody wrote into its slot.
            let made = plan.layers.iter().position(|l| l.output == *input).map_or(0, |made| made + 1);
            let between = &plan.layers[made..place];
            assert!(between.iter().all(|l| plan.value(l.output).slot != plan.value(*input).slot), "{}", layer.name);
        }
    }
}

#[test]
fn the_reference_gives_the_golden_answers_fused_or_not() {
    let bundle = read_bundle(None).unwrap();
    let plans = [Plan::new(&bundle.network).unwrap(), lower(&bundle.network).unwrap()];
    assert!(plans[0].layers.len() < plans[1].layers.len());
    for photo in bundle.golden.iter().step_by(16) {
        let decoded = clothingid_shared::picture::decode(&photo.photo).unwrap();
        let picture = bundle.manifest.picture.make(&decoded).unwrap();
        let expected = &photo.answers[&ArithmeticClass::Int8];
        for plan in &plans {
            let found = reference::run(plan, picture.rgb(), |_, _| {});
            assert_eq!(found.category14, expected.category14, "{}", photo.name);
            assert_eq!(found.category26, expected.category26, "{}", photo.name);
            let cosine = clothingid_shared::embedding::cosine(&found.embedding, &expected.embedding);
            assert!(cosine > 1.0 - 1e-6, "{}: {cosine}", photo.name);
        }
    }
}

#[test]
fn the_page_of_operators_is_the_table() {
    let page = include_str!("../../../../docs/supported-ops.md");
    let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(listed, table::TABLE.map(|(operator, _)| operator));
}

#[test]
fn what_no_engine_runs_is_named() {
    insta::assert_snapshot!(
        "refusals",
        [
            said(|graph| graph.node[3].op_type = "Softplus".into()),
            said(|graph| graph.node.retain(|node| node.op_type != "LpNormalization")),
            said(|graph| graph.node[3].input[0] = "nowhere".into()),
            said(|graph| graph.output.truncate(2)),
            said(|graph| graph.initializer.retain(|tensor| tensor.data_type != DataType::Int8 as i32)),
            said(|graph| {
                let weights = graph.initializer.iter_mut().find(|t| t.data_type == DataType::Int8 as i32).unwrap();
                weights.dims = vec![1 << 31, 1, 1, 1];
            }),
            said(|graph| graph.input[0] =
                tract_onnx::pb::ValueInfoProto { name: "picture".into(), ..Default::default() }),
            said(|graph| dims(graph)[1].value = None),
            said(|graph| dims(graph)[2].value = Some(Value::DimValue(99))),
            said(|graph| dims(graph)
                .iter_mut()
                .skip(1)
                .take(2)
                .for_each(|dim| dim.value = Some(Value::DimValue(1 << 20)))),
            said(|graph| {
                let weights = graph.initializer.iter_mut().find(|t| t.data_type == DataType::Int8 as i32).unwrap();
                weights.raw_data.truncate(7);
            }),
            said(|graph| {
                let scale = graph.initializer.iter_mut().find(|t| t.name.ends_with(".weight.scale")).unwrap();
                scale.raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
            }),
            said(|graph| {
                let bias = graph.initializer.iter_mut().find(|t| t.name.ends_with(".bias.scale")).unwrap();
                bias.raw_data[..4].copy_from_slice(&1f32.to_le_bytes());
            }),
            said(|graph| {
                let conv = graph.node.iter_mut().find(|node| node.op_type == "Conv").unwrap();
                conv.attribute.iter_mut().find(|a| a.name == "strides").unwrap().ints = vec![1, 2];
            }),
            said(|graph| {
                let conv = graph.node.iter_mut().find(|node| node.op_type == "Conv").unwrap();
                conv.attribute.iter_mut().find(|a| a.name == "group").unwrap().i = 2;
            }),
        ]
        .join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Altered bytes give a plan or an error, never a panic.
    #[test]
    fn altered_bytes_never_panic(at in 0usize..3_000_000, with: u8, cut in prop::option::of(0usize..3_000_000)) {
        let mut network = read_bundle(None).unwrap().network;
        let at = at % network.len();
        network[at] ^= with;
        if let Some(cut) = cut {
            network.truncate(cut % network.len());
        }
        drop(Plan::new(&network));
    }
}
