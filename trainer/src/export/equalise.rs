//! Channels of one tensor brought to like ranges, so that one scale for all of them wastes fewer steps.
//!
//! A layer may give `x_c / s_c` where its readers multiply their weights of input `c` by `s_c`: the network computes the same, and the
//! range of the tensor is no longer that of its widest channel. A ReLU and a max pool let the factor through; a ReLU6 does not, so that
//! of MobileNetV2 only the linear bottlenecks take part. Residual sums and pools tie their inputs together, so a whole stage shares one
//! vector of factors. The rows of the readers' weights grow more uneven for it, which is why the strength is chosen by
//! measurement. **Source**: Nagel et al. 2019 (cross-layer equalisation), with the exponent of Xiao et al. 2023 (SmoothQuant).

use super::calibrate::Observations;
use super::fused::{Clamp, FusedGraph, Operation};
use super::quantised::FloatNetwork;

/// Largest factor, and one over the smallest: dead channels must not blow up.
const FACTOR_MAX: f32 = 16.0;

/// Nodes that share one vector of factors, and the convolutions that read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Group {
    members: Vec<usize>,
    readers: Vec<usize>,
}

/// Whether a node's result scales with its inputs, channel by channel: nothing in it knows a number other than zero.
fn is_homogeneous(graph: &FusedGraph, place: usize) -> bool {
    let node = &graph.nodes[place];
    node.clamp != Clamp::Relu6
        && matches!(node.operation, Operation::Convolution(_) | Operation::Add | Operation::MaxPool(_))
}

/// Whether a node has no weights that could take a factor, so that its inputs must bear the one of its result.
fn ties(operation: Operation) -> bool {
    matches!(operation, Operation::Add | Operation::MaxPool(_))
}

/// Finds the groups all of whose readers can take the factors.
fn groups(graph: &FusedGraph) -> Vec<Group> {
    let mut group_of: Vec<usize> = (0..graph.nodes.len()).collect();
    for (place, node) in graph.nodes.iter().enumerate().filter(|(_, node)| ties(node.operation)) {
        for joined in std::iter::once(place).chain(node.inputs.iter().copied()) {
            let (from, to) = (group_of[joined], group_of[place]);
            group_of.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
        }
    }
    let mut found = Vec::new();
    for group in 0..graph.nodes.len() {
        let members: Vec<usize> = (0..graph.nodes.len()).filter(|&place| group_of[place] == group).collect();
        let is_output = |place: &usize| graph.outputs.iter().any(|(_, output)| output == place);
        let all_scale = members.iter().all(|&place| is_homogeneous(graph, place));
        if members.is_empty() || !all_scale || members.iter().any(is_output) {
            continue;
        }
        let reads = |place: &usize| graph.nodes[*place].inputs.iter().any(|input| members.contains(input));
        let readers: Vec<usize> =
            (0..graph.nodes.len()).filter(|place| !members.contains(place)).filter(reads).collect();
        let takes = |place: &usize| matches!(graph.nodes[*place].operation, Operation::Convolution(g) if g.groups == 1);
        if !readers.is_empty() && readers.iter().all(takes) {
            found.push(Group { members, readers });
        }
    }
    found
}

/// Equalises a network; `strength` 0 changes nothing, 1 gives every channel of a group the same range.
#[must_use]
pub fn equalise(network: &FloatNetwork, observations: &Observations, strength: f32) -> FloatNetwork {
    let mut equalised = network.clone();
    for group in groups(&network.graph) {
        let channels = network.graph.nodes[group.members[0]].shape.channels;
        let range = |c: usize| group.members.iter().map(|&m| observations.channel_extremes[m][c]).fold(0f32, f32::max);
        let ranges: Vec<f32> = (0..channels).map(range).collect();
        let factors = factors(&ranges, strength);
        for member in &group.members {
            let Some(layer) = equalised.weights.get_mut(member) else { continue };
            let row = (layer.weights_oihw.len() / channels.max(1)).max(1);
            for ((weights, bias), factor) in layer.weights_oihw.chunks_mut(row).zip(&mut layer.bias).zip(&factors) {
                weights.iter_mut().for_each(|w| *w /= factor);
                *bias /= factor;
            }
        }
        for reader in &group.readers {
            let Operation::Convolution(geometry) = network.graph.nodes[*reader].operation else { continue };
            let Some(layer) = equalised.weights.get_mut(reader) else { continue };
            for (index, weights) in layer.weights_oihw.chunks_mut(geometry.kernel * geometry.kernel).enumerate() {
                weights.iter_mut().for_each(|w| *w *= factors[index % channels]);
            }
        }
    }
    equalised
}

/// `(range / geometric mean)^strength`, within bounds.
#[expect(clippy::cast_precision_loss, reason = "a count of channels")]
fn factors(ranges: &[f32], strength: f32) -> Vec<f32> {
    let mean = ranges.iter().map(|r| r.max(1e-6).ln()).sum::<f32>() / ranges.len().max(1) as f32;
    ranges.iter().map(|r| ((r.max(1e-6).ln() - mean) * strength).exp().clamp(1.0 / FACTOR_MAX, FACTOR_MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_even_out_the_ranges() {
        let ranges = [1.0, 4.0, 0.25];
        assert_eq!(factors(&ranges, 0.0), [1.0; 3]);
        let even: Vec<f32> = ranges.iter().zip(factors(&ranges, 1.0)).map(|(r, f)| r / f).collect();
        assert!(even.iter().all(|r| (r - even[0]).abs() < 1e-5), "{even:?}");
        assert!(factors(&[0.0, 1.0], 1.0).iter().all(|f| f.is_finite() && *f > 0.0));
    }
}
