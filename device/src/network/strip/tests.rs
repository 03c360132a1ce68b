//! The shipped network, networks of another form, and altered bytes.

use super::*;
use crate::network::read_bundle;
use proptest::prelude::*;
use tract_onnx::prelude::Framework;

fn shipped() -> ModelProto {
    tract_onnx::onnx().proto_model_for_read(&mut read_bundle(None).unwrap().network.as_slice()).unwrap()
}

/// What is said of the shipped network after a change.
fn said(change: impl FnOnce(&mut GraphProto)) -> String {
    let mut model = shipped();
    change(model.graph.as_mut().unwrap());
    strip_model(model).err().unwrap().to_string()
}

#[test]
fn the_shipped_network_becomes_float() {
    let stripped = strip_model(shipped()).unwrap();
    let graph = stripped.model.graph.unwrap();
    assert!(graph.node.iter().all(|node| !node.op_type.contains("Quantize") && node.op_type != "LpNormalization"));
    assert!(
        graph.initializer.iter().all(|t| t.data_type != DataType::Int8 as i32 && t.data_type != DataType::Uint8 as i32)
    );
    assert_eq!(graph.output.len(), 3);
    assert!(stripped.pixel.is_sorted() && stripped.pixel[128].abs() < 1e-6);
}

#[test]
fn integers_stand_for_floats_by_channel() {
    let constant = |name: &str, dims: &[i64], data_type: DataType, raw_data: Vec<u8>| {
        let (name, data_type) = (name.to_string(), data_type as i32);
        (name.clone(), TensorProto { name, data_type, dims: dims.to_vec(), raw_data, ..TensorProto::default() })
    };
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let strip = Strip {
        constants: HashMap::from([
            constant("w", &[2, 3], DataType::Int8, vec![1, 2, 0xff, 4, 0x80, 127]),
            constant("of rows", &[2], DataType::Float, floats(&[0.5, 2.0])),
            constant("of columns", &[3], DataType::Float, floats(&[1.0, 2.0, 3.0])),
            constant("negative", &[2], DataType::Float, floats(&[0.5, -2.0])),
        ]),
        ..Strip::default()
    };
    let dequantise = |scale: &str, axis: i64| {
        let attribute = tract_onnx::pb::AttributeProto { name: "axis".into(), i: axis, ..Default::default() };
        let node =
            NodeProto { input: vec!["w".into(), scale.into()], attribute: vec![attribute], ..Default::default() };
        strip.dequantise(&node, "w", "float").map(|tensor| floats_of(&tensor).unwrap())
    };
    assert_eq!(dequantise("of rows", 0).unwrap(), [0.5, 1.0, -0.5, 8.0, -256.0, 254.0]);
    assert_eq!(dequantise("of rows", -2).unwrap(), [0.5, 1.0, -0.5, 8.0, -256.0, 254.0]);
    assert_eq!(dequantise("of columns", 1).unwrap(), [1.0, 4.0, -3.0, 4.0, -256.0, 381.0]);
    for (scale, axis) in [("of rows", 1), ("of rows", 7), ("of rows", i64::MIN), ("negative", 0), ("nowhere", 0)] {
        assert!(dequantise(scale, axis).is_err(), "{scale} on axis {axis}");
    }
}

#[test]
fn a_network_of_another_form_is_refused_by_name() {
    assert!(said(|graph| graph.input[0].name = "image".into()).contains("expected `picture uint8 [1, side, side, 3]`"));
    assert!(
        said(|graph| graph.output[0].name = "logits".into()).contains("expected `category14, category26, embedding`")
    );
    assert!(
        said(|graph| graph.node.last_mut().unwrap().op_type = "If".into())
            .contains("our networks have no such operator")
    );
    assert!(
        said(|graph| graph.node[1].input[0] = "thin air".into()).contains("its input `thin air` comes from nowhere")
    );
    assert!(
        said(|graph| {
            graph.node.remove(0);
        })
        .contains("comes from nowhere")
    );
    let text = said(|graph| {
        let weights =
            graph.initializer.iter_mut().find(|t| t.data_type == DataType::Int8 as i32 && t.raw_data.len() > 8);
        weights.unwrap().raw_data.pop();
    });
    assert!(text.contains("do not fill its shape"), "{text}");
    let text = said(|graph| {
        let weights =
            graph.initializer.iter_mut().find(|t| t.data_type == DataType::Int8 as i32 && t.raw_data.len() > 8);
        weights.unwrap().dims[0] = -1;
    });
    assert!(text.contains("negative dimension"), "{text}");
    assert!(strip(b"").is_err() && strip(b"not an onnx file").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The parser's promise: no panic on any bytes.
    #[test]
    fn altered_bytes_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40), cut in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
        let mut network = read_bundle(None).unwrap().network;
        for (at, byte) in changes {
            let at = at.index(network.len());
            network[at] = byte;
        }
        if is_cut {
            network.truncate(cut.index(network.len()));
        }
        let _ = strip(&network);
    }
}
