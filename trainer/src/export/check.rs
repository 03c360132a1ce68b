//! Other engines on what was exported: tract on the float form, and the comparison of any two engines' answers.

use tract_onnx::pb;
use tract_onnx::prelude::*;

use super::answers::NamedAnswers;
use super::error::ExportError;

/// Largest difference of any output between libtorch and tract on the same float network: sums of up to 1,280 products in another
/// order, 52 layers deep; 4e-5 was measured on 500 photographs.
pub const FLOAT_TOLERANCE: f32 = 1e-4;

/// What tract answers to pictures of the network's side.
///
/// # Errors
/// [`ExportError::Tract`].
pub fn tract_answers<P: AsRef<[u8]>>(
    model: &pb::ModelProto,
    side: usize,
    pictures: &[P],
) -> Result<Vec<NamedAnswers>, ExportError> {
    let fail = |step: &'static str| move |error: TractError| ExportError::Tract { step, message: format!("{error:#}") };
    let names: Vec<String> =
        model.graph.iter().flat_map(|graph| &graph.output).map(|output| output.name.clone()).collect();
    let inference = tract_onnx::onnx().model_for_proto_model(model).map_err(fail("reading it"))?;
    let runnable =
        inference.into_optimized().map_err(fail("optimising it"))?.into_runnable().map_err(fail("planning it"))?;
    let mut answers = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let input = Tensor::from_shape(&[1, side, side, 3], picture.as_ref()).map_err(fail("taking a picture"))?;
        let results = runnable.run(tvec!(input.into())).map_err(fail("running it"))?;
        let mut answer = NamedAnswers::new();
        for (name, result) in names.iter().zip(results) {
            let view = result.to_plain_array_view::<f32>().map_err(fail("reading its answer"))?;
            answer.insert(name.clone(), view.iter().copied().collect());
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// The largest difference of any value of two engines' answers, which must not pass a bound.
///
/// # Errors
/// [`ExportError::Parity`] with the photograph and output where they differ most; [`ExportError::MissingOutput`].
pub fn compare(
    (left, a): (&'static str, &[NamedAnswers]),
    (right, b): (&'static str, &[NamedAnswers]),
    allowed: f32,
) -> Result<f32, ExportError> {
    let mut worst = (0f32, 0usize, String::new());
    for (photo, (a, b)) in a.iter().zip(b).enumerate() {
        for (output, values) in a {
            let missing = || ExportError::MissingOutput { output: output.clone(), found: b.keys().cloned().collect() };
            let others = b.get(output).filter(|others| others.len() == values.len()).ok_or_else(missing)?;
            for (x, y) in values.iter().zip(others) {
                let difference = if (x - y).is_nan() { f32::INFINITY } else { (x - y).abs() };
                if difference > worst.0 {
                    worst = (difference, photo, output.clone());
                }
            }
        }
    }
    let (found, photo, output) = worst;
    if found > allowed { Err(ExportError::Parity { left, right, output, photo, found, allowed }) } else { Ok(found) }
}
