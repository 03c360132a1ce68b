//! Which ONNX operator becomes what: the one table from the graph to the plan. `docs/supported-ops.md` is its page.

use super::lower::Lowering;
use crate::network::EngineError;
use tract_onnx::pb::NodeProto;

/// One row.
pub(super) struct Row {
    /// The ONNX operator, opset 17.
    pub(super) operator: &'static str,
    /// What becomes of it, for the documentation.
    pub(super) becomes: &'static str,
    /// Lowers a node of this operator.
    pub(super) lower: fn(&mut Lowering, &NodeProto) -> Result<(), EngineError>,
}

/// All rows, by name.
pub(super) const TABLE: [Row; 13] = [
    Row { operator: "Add", becomes: "a sum of two activations", lower: Lowering::add },
    Row { operator: "Clip", becomes: "the clamp to 0…6 of the layer before it", lower: Lowering::clip },
    Row { operator: "Concat", becomes: "a concatenation along the channels", lower: Lowering::concat },
    Row { operator: "Conv", becomes: "a dense or depthwise convolution", lower: Lowering::conv },
    Row {
        operator: "DequantizeLinear",
        becomes: "scale and zero point of a parameter or an activation",
        lower: Lowering::dequantize,
    },
    Row { operator: "Flatten", becomes: "nothing, behind a mean", lower: Lowering::flatten },
    Row { operator: "Gemm", becomes: "a dense convolution of one pixel", lower: Lowering::gemm },
    Row { operator: "GlobalAveragePool", becomes: "a mean over all pixels", lower: Lowering::mean },
    Row { operator: "LpNormalization", becomes: "the division by the Euclidean norm", lower: Lowering::normalise },
    Row { operator: "MaxPool", becomes: "a square max pooling", lower: Lowering::max_pool },
    Row { operator: "QuantizeLinear", becomes: "scale and zero point of an activation", lower: Lowering::quantize },
    Row { operator: "Relu", becomes: "the clamp to 0… of the layer before it", lower: Lowering::relu },
    Row { operator: "Transpose", becomes: "nothing: pictures are channel-last", lower: Lowering::picture },
];

/// The row of an operator.
pub(super) fn find(operator: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.operator == operator)
}
