//! Where in a picture the answer comes from: a box from the activations before the pool, weighed as the head of the finer categories weighs them.
//!
//! **Source** Zhou et al. 2016, "Learning Deep Features for Discriminative Localization". The map says how much a cell speaks for the category that it
//! speaks for most, against the mean of all: what was said of the whole may be wrong. `clothingid-train evaluate --composites` measures how well the box
//! fits, and what a look at it is worth.

use super::plan::{Operation, Plan, Shape, ValueId};
#[cfg(test)]
use clothingid_shared::picture::Picture;
use clothingid_shared::picture::region::THRESHOLD;
use clothingid_shared::picture::{Locator, Region};

/// Finds boxes; keeps its memory between them.
#[derive(Debug)]
pub struct Localiser {
    /// Place of the layer before the pool.
    layer: usize,
    shape: Shape,
    zero_point: u8,
    /// `[26, C]`, in the unit of the logits but for a factor that all share.
    weights: Vec<f32>,
    /// `[C]`
    cell: Vec<f32>,
    /// `[H, W]`
    map: Vec<f32>,
    locator: Locator,
}

impl Localiser {
    /// Finds the pool and the head of the finer categories behind it; nothing where a network has another form.
    #[must_use]
    pub fn new(plan: &Plan) -> Option<Self> {
        let made_by = |value: ValueId| plan.layers.iter().position(|layer| layer.output == value);
        let layer_of = |value: ValueId| plan.layers.get(made_by(value)?);
        let [_, finer, _] = plan.outputs;
        let head = layer_of(finer)?;
        let Operation::Dense(convolution) = &head.operation else { return None };
        let pool = layer_of(*head.inputs.first()?).filter(|pool| pool.operation == Operation::Mean)?;
        let before = *pool.inputs.first()?;
        let value = plan.values.get(before.0)?;
        let is_head = convolution.geometry.taps() == 1
            && convolution.weights_oihw.len() == value.shape.channels * convolution.bias.len();
        let rows = convolution.rows().zip(&convolution.scales);
        let weights = rows.flat_map(|(row, scale)| row.iter().map(move |weight| f32::from(*weight) * scale)).collect();
        is_head.then_some(())?;
        Some(Self {
            layer: made_by(before)?,
            shape: value.shape,
            zero_point: value.form.zero_point(),
            weights,
            cell: vec![0.0; value.shape.channels],
            map: Vec::with_capacity(value.shape.pixels()),
            locator: Locator::default(),
        })
    }

    /// The layer whose result it looks at.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The box, in shares of the network's square, from that result, `[H, W, C]`. The whole square where nothing stands out.
    pub fn locate(&mut self, activations: &[u8]) -> Region {
        let Self { shape, zero_point, weights, cell, map, locator, .. } = self;
        map.clear();
        for bytes in activations.chunks_exact(shape.channels.max(1)).take(shape.pixels()) {
            for (value, byte) in cell.iter_mut().zip(bytes) {
                *value = f32::from(*byte) - f32::from(*zero_point);
            }
            let (mut most, mut sum, mut count) = (f32::NEG_INFINITY, 0.0, 0.0_f32);
            for row in weights.chunks_exact(shape.channels.max(1)) {
                let speaks = dot(row, cell);
                most = most.max(speaks);
                sum += speaks;
                count += 1.0;
            }
            map.push(most - sum / count.max(1.0));
        }
        locator.locate(map, shape.height, shape.width, THRESHOLD)
    }
}

/// Sixteen sums side by side, which the compiler puts into registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest = a.as_chunks::<16>().1.iter().zip(b.as_chunks::<16>().1).map(|(a, b)| a * b).sum::<f32>();
    sums.iter().sum::<f32>() + rest
}

/// A photograph at one side of a grey wall that is three times as wide, and so many times as high, in the middle of its height.
#[cfg(test)]
pub(crate) fn on_a_wall(photo: &Picture, heights: u32, is_left: bool) -> Picture {
    let mut wall = Picture::filled(3 * photo.width(), heights * photo.height(), [150, 148, 144]);
    let (row, full) = (3 * photo.width() as usize, 9 * photo.width() as usize);
    let start = if is_left { 0 } else { full - row };
    let above = (heights - 1) * photo.height() / 2;
    let rows = wall.rgb_mut().chunks_exact_mut(full).skip(above as usize);
    for (to, from) in rows.zip(photo.rgb().chunks_exact(row)) {
        to[start..start + row].copy_from_slice(from);
    }
    wall
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::reference;
    use crate::network::{Answer, EngineChoice, open, read_bundle};
    use clothingid_shared::picture::{PictureMaker, decode};

    #[test]
    fn the_engine_keeps_what_the_definition_makes_and_the_box_lies_where_the_garment_is() {
        let bundle = read_bundle(None).unwrap();
        let plan = Plan::new(&bundle.network).unwrap();
        let mut localiser = Localiser::new(&plan).unwrap();
        let mut engine = open(EngineChoice::Cpu, &bundle, 1).unwrap().engine;
        let mut maker = PictureMaker::new(bundle.manifest.picture.clone());
        let (mut right_side, mut garments) = (0, 0);
        for golden in bundle.golden.iter().take(6) {
            let photo = decode(&golden.photo).unwrap();
            for at_left in [true, false] {
                let wall = on_a_wall(&photo, 2, at_left);
                let mut input = Picture::default();
                maker.make_into(&wall, &mut input).unwrap();
                engine.run(&input, &mut Answer::default()).unwrap();
                let kept = engine.bytes_of(localiser.layer()).unwrap();
                reference::run(&plan, input.rgb(), |place, elements| {
                    if place == localiser.layer() {
                        assert_eq!(kept, elements.bytes());
                    }
                });
                let region = localiser.locate(kept);
                assert!(region.area() > 0.0 && region.area() <= 1.0, "{region:?}");
                let middle = f64::midpoint(region.left, region.right);
                right_side += usize::from((middle < 0.5) == at_left);
                garments += 1;
            }
        }
        assert!(right_side * 4 >= garments * 3, "{right_side} of {garments}");
    }

    #[test]
    fn an_engine_without_layers_of_the_plan_has_nothing_to_show() {
        let bundle = read_bundle(None).unwrap();
        let engine = open(EngineChoice::Tract, &bundle, 1).unwrap().engine;
        assert_eq!(engine.bytes_of(0), None);
    }
}
