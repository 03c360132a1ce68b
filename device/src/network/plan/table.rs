//! Which ONNX operator becomes what: the one table from the graph to the plan. `docs/supported-ops.md` is its page.

use super::lower::Lowering;
use crate::network::EngineError;
use tract_onnx::pb::NodeProto;

/// Lowers one node.
pub(super) type Lower = fn(&mut Lowering, &NodeProto) -> Result<(), EngineError>;

/// ONNX operators of opset 17, by name.
pub(super) const TABLE: [(&str, Lower); 13] = [
    ("Add", Lowering::add),
    ("Clip", Lowering::clip),
    ("Concat", Lowering::concat),
    ("Conv", Lowering::conv),
    ("DequantizeLinear", Lowering::dequantize),
    ("Flatten", Lowering::flatten),
    ("Gemm", Lowering::gemm),
    ("GlobalAveragePool", Lowering::mean),
    ("LpNormalization", Lowering::normalise),
    ("MaxPool", Lowering::max_pool),
    ("QuantizeLinear", Lowering::quantize),
    ("Relu", Lowering::relu),
    ("Transpose", Lowering::picture),
];

/// What lowers an operator.
pub(super) fn find(operator: &str) -> Option<Lower> {
    TABLE.iter().find(|(name, _)| *name == operator).map(|(_, lower)| *lower)
}
