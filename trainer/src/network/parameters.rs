//! The trainable arrays of a network as one flat tensor.
//!
//! The optimiser, the running average of the weights and the checkpoint then each are one more tensor of the same length, and a step of
//! the optimiser is a handful of operations instead of a handful for each of 160 arrays. The layers see views into the flat tensor; the
//! gradient of a split is one concatenation.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use super::graph::ArraySpec;
use super::weights::{Array, Weights, WeightsError};

/// Where one array lies in the flat tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// `features.0.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// First value.
    pub offset: i64,
    /// Number of values.
    pub len: i64,
}

/// The order of the arrays in the flat tensor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    slots: Vec<Slot>,
    places: HashMap<String, usize>,
}

/// `usize` shapes to torch's.
fn signed(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MAX)).collect()
}

/// Torch's shapes to `usize`.
fn unsigned(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect()
}

impl Layout {
    /// The arrays one behind the other.
    #[must_use]
    pub fn new(arrays: &[ArraySpec]) -> Self {
        let mut layout = Self::default();
        let mut offset = 0;
        for array in arrays {
            let shape = signed(&array.shape);
            let len = shape.iter().product();
            layout.places.insert(array.name.clone(), layout.slots.len());
            layout.slots.push(Slot { name: array.name.clone(), shape, offset, len });
            offset += len;
        }
        layout
    }

    /// The arrays in order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Values in all arrays together.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.slots.last().map_or(0, |slot| slot.offset + slot.len)
    }

    /// Whether there is no array.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The arrays of `weights` as one flat tensor.
    ///
    /// # Errors
    /// An array is missing or has another shape.
    pub fn gather(&self, weights: &Weights, device: Device) -> Result<Tensor, WeightsError> {
        let mut values = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        for slot in &self.slots {
            values.extend_from_slice(&weights.get_shaped(&slot.name, &unsigned(&slot.shape))?.values);
        }
        Ok(Tensor::from_slice(&values).to_device(device))
    }

    /// A flat tensor as arrays with their names.
    #[must_use]
    pub fn scatter(&self, flat: &Tensor) -> Weights {
        let values = to_vec(flat);
        let array = |slot: &Slot| {
            let start = usize::try_from(slot.offset).unwrap_or(0);
            let end = start + usize::try_from(slot.len).unwrap_or(0);
            let values = values.get(start..end).unwrap_or_default().to_vec();
            (slot.name.clone(), Array { shape: unsigned(&slot.shape), values })
        };
        self.slots.iter().map(array).collect()
    }

    /// The arrays as views into a flat tensor; gradients flow through them.
    pub fn views(&self, flat: &Tensor) -> Views<'_> {
        if self.slots.is_empty() {
            return Views { layout: self, pieces: Vec::new() };
        }
        let lengths: Vec<i64> = self.slots.iter().map(|slot| slot.len).collect();
        let pieces = flat.split_with_sizes(lengths, 0);
        let pieces = pieces.iter().zip(&self.slots).map(|(piece, slot)| piece.view(slot.shape.as_slice())).collect();
        Views { layout: self, pieces }
    }

    /// A flat tensor that holds `value(array)` at each value of that array: the masks and factors of the optimiser.
    pub fn constants(&self, device: Device, value: impl Fn(&Slot) -> f32) -> Tensor {
        let mut values = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        for slot in &self.slots {
            values.extend(std::iter::repeat_n(value(slot), usize::try_from(slot.len).unwrap_or(0)));
        }
        Tensor::from_slice(&values).to_device(device)
    }
}

/// The arrays of one flat tensor.
#[derive(Debug)]
pub struct Views<'a> {
    layout: &'a Layout,
    pieces: Vec<Tensor>,
}

impl Views<'_> {
    /// The array of that name, if it is among the trained ones.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.layout.places.get(name).and_then(|&place| self.pieces.get(place))
    }
}

/// The values of a tensor in row-major order, wherever it lies.
#[must_use]
pub fn to_vec(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous().view([-1]);
    let mut values = vec![0.0; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

/// A tensor as an array.
#[must_use]
pub fn to_array(tensor: &Tensor) -> Array {
    Array { shape: unsigned(&tensor.size()), values: to_vec(tensor) }
}

/// An array as a tensor.
pub fn to_tensor(array: &Array, device: Device) -> Tensor {
    Tensor::from_slice(&array.values).view(signed(&array.shape).as_slice()).to_device(device)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::{ArraySpec, Layout};
    use crate::network::weights::{Array, Weights};

    #[test]
    fn gathered_arrays_scatter_back_and_gradients_reach_them() {
        let spec = |name: &str, shape: &[usize]| ArraySpec { name: name.to_owned(), shape: shape.to_vec() };
        let layout = Layout::new(&[spec("b", &[2, 3]), spec("scalar", &[]), spec("a", &[4])]);
        assert_eq!(layout.len(), 11);
        let weights: Weights = [
            ("a".to_owned(), Array { shape: vec![4], values: vec![7.0, 8.0, 9.0, 10.0] }),
            ("b".to_owned(), Array { shape: vec![2, 3], values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0] }),
            ("scalar".to_owned(), Array { shape: vec![], values: vec![6.0] }),
        ]
        .into_iter()
        .collect();
        let flat = layout.gather(&weights, Device::Cpu).unwrap();
        assert_eq!(super::to_vec(&flat), (0_u8..11).map(f32::from).collect::<Vec<_>>());
        assert_eq!(layout.scatter(&flat), weights);

        let flat = flat.set_requires_grad(true);
        let views = layout.views(&flat);
        assert!(views.get("none").is_none());
        let loss = views.get("a").unwrap().sum(tch::Kind::Float) * 2.0;
        let gradient = Tensor::run_backward(&[loss], &[&flat], false, false);
        assert_eq!(super::to_vec(&gradient[0]), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
    }

    use tch::Tensor;
}
