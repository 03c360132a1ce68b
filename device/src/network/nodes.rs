//! Where an engine first strays from the plan's definition: each layer's result against that of the reference executor.
//!
//! The golden answers say *that* an engine is wrong; this says *where*, which a driver's or a kernel's author wants to know. Integers must
//! be equal; real numbers (logits, embedding, and everything in the class `float`) may differ by the engine's own bound.

use super::engine::{Engine, EngineError};
use super::plan::{Elements, Plan};
use super::reference;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::Picture;
use std::fmt;

/// The first element that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Name of the layer.
    pub node: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its place in the plan.
    pub place: usize,
    /// The element's place in the layer's result, `[H, W, C]`.
    pub element: usize,
    /// What the reference has there.
    pub expected: f32,
    /// What the engine has there.
    pub found: f32,
    /// Elements that differ, of all of the layer's.
    pub differing: usize,
    /// All of the layer's elements.
    pub elements: usize,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "layer {} `{}` ({}): element {} is {}, expected {}; {} of {} differ",
            self.place, self.node, self.kind, self.element, self.found, self.expected, self.differing, self.elements
        )
    }
}

/// Runs a picture on both; none when every layer agrees.
///
/// # Errors
/// The engine does not run the plan, or fails.
pub fn first_difference(
    plan: &Plan,
    engine: &mut dyn Engine,
    picture: &Picture,
) -> Result<Option<Difference>, EngineError> {
    let mut found: Vec<Elements> = Vec::new();
    engine.run_by_node(picture, &mut |_, elements| found.push(elements.clone()))?;
    let (mut first, bound, missing) = (None, engine.float_bound(), Elements::Floats(Vec::new()));
    let mut look = |place: usize, expected: &Elements| {
        if first.is_none() {
            first = compare(plan, place, (expected, bound), found.get(place).unwrap_or(&missing));
        }
    };
    match engine.arithmetic() {
        ArithmeticClass::Int8 => {
            reference::run(plan, picture.rgb(), look);
        }
        ArithmeticClass::Float => reference::real::run(plan, picture.rgb(), |place, reals| {
            #[expect(clippy::cast_possible_truncation, reason = "compared with floats")]
            look(place, &Elements::Floats(reals.iter().map(|real| *real as f32).collect()));
        }),
    }
    Ok(first)
}

fn compare(
    plan: &Plan,
    place: usize,
    (expected, float_bound): (&Elements, f32),
    found: &Elements,
) -> Option<Difference> {
    let numbers = |elements: &Elements| -> Vec<f32> {
        match elements {
            Elements::Bytes(bytes) => bytes.iter().map(|byte| f32::from(*byte)).collect(),
            Elements::Floats(floats) => floats.clone(),
        }
    };
    let bound = match expected {
        Elements::Bytes(_) => 0.0,
        Elements::Floats(floats) => floats.iter().fold(0.0_f32, |most, value| most.max(value.abs())) * float_bound,
    };
    let (mut expected, mut found) = (numbers(expected), numbers(found));
    // What only one of them has differs.
    let longest = expected.len().max(found.len());
    expected.resize(longest, f32::NAN);
    found.resize(longest, f32::NAN);
    let differs = |pair: &(usize, (&f32, &f32))| {
        let distance = (pair.1.0 - pair.1.1).abs();
        distance.is_nan() || distance > bound
    };
    let mut differing = expected.iter().zip(&found).enumerate().filter(differs);
    let (element, (expected_value, found_value)) = differing.next()?;
    let layer = plan.layers.get(place)?;
    Some(Difference {
        node: layer.name.clone(),
        kind: layer.operation.name(),
        place,
        element,
        expected: *expected_value,
        found: *found_value,
        differing: 1 + differing.count(),
        elements: expected.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::plan::Operation;
    use crate::network::{EngineChoice, open, read_bundle};

    #[test]
    fn a_right_engine_agrees_and_a_changed_layer_is_named() {
        let bundle = read_bundle(None).unwrap();
        let mut plan = Plan::new(&bundle.network).unwrap();
        let side = plan.side;
        let picture = Picture::filled(side, side, [200, 30, 90]);
        let mut engine = open(EngineChoice::Cpu, &bundle, 1).unwrap().engine;
        assert_eq!(first_difference(&plan, engine.as_mut(), &picture).unwrap(), None);

        let changed = plan.layers.iter().position(|layer| layer.name == "features.3.conv.2").unwrap();
        if let Operation::Dense(convolution) = &mut plan.layers[changed].operation {
            convolution.bias[5] += 3000;
        }
        let difference = first_difference(&plan, engine.as_mut(), &picture).unwrap().unwrap();
        assert_eq!((difference.place, difference.node.as_str(), difference.element), (changed, "features.3.conv.2", 5));
        assert!(difference.to_string().contains("`features.3.conv.2` (pointwise): element 5 is"), "{difference}");
    }

    #[test]
    fn an_engine_with_layers_of_its_own_says_so() {
        let bundle = read_bundle(None).unwrap();
        let plan = Plan::new(&bundle.network).unwrap();
        let mut engine = open(EngineChoice::Tract, &bundle, 1).unwrap().engine;
        let error =
            first_difference(&plan, engine.as_mut(), &Picture::filled(plan.side, plan.side, [0; 3])).unwrap_err();
        assert!(matches!(error, EngineError::NoNodes(_)), "{error}");
    }
}
