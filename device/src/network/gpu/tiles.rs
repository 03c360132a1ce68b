//! How much of a layer one invocation makes: the only thing about kernels that depends on the adapter.

use clothingid_shared::embedding::ArithmeticClass;
use serde::{Deserialize, Serialize};

/// Tile shapes of all kernels that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::network) struct Tiles {
    /// Of dense and pointwise convolutions.
    pub(super) dense: Tile,
    /// Neighbours of a row that one invocation of a depthwise convolution makes.
    pub(super) depthwise_pixels: usize,
    /// How integers are multiplied and added.
    pub(super) products: Products,
}

/// What one invocation of a dense convolution makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tile {
    /// What neighbouring invocations are.
    pub(super) lanes_over: LanesOver,
    /// Output pixels.
    pub(super) pixels: usize,
    /// Quads of output channels.
    pub(super) quads: usize,
}

/// What the invocations of a workgroup are dealt along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LanesOver {
    /// Pixels: all read one weight.
    Pixels,
    /// Output channels: all read one pixel.
    Channels,
}

/// How products of bytes are summed; all are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Products {
    /// Four at once, with `dot4I8Packed`: one instruction where the adapter has it.
    Packed,
    /// One by one in 32-bit integers.
    Integers,
    /// One by one in float32, which holds every integer up to 2²⁴; layers that could pass that take integers.
    Floats,
}

/// What is taken where nothing is measured: narrow enough for every adapter's registers.
#[cfg(test)]
pub(super) const DEFAULT: Tiles = Tiles {
    dense: Tile { lanes_over: LanesOver::Pixels, pixels: 4, quads: 2 },
    depthwise_pixels: 4,
    products: Products::Floats,
};

/// What suits Mesa's llvmpipe: its loads are made lane by lane, so that long tiles pay (measured: `times_of_tiles` in `on_adapter`).
pub(super) const OF_SOFTWARE: Tiles = Tiles {
    dense: Tile { lanes_over: LanesOver::Pixels, pixels: 8, quads: 2 },
    depthwise_pixels: 4,
    products: Products::Floats,
};

/// What is measured at first start.
pub(super) fn candidates(class: ArithmeticClass) -> Vec<Tiles> {
    let shapes = [
        (LanesOver::Pixels, 4, 2),
        (LanesOver::Channels, 4, 1),
        (LanesOver::Channels, 4, 2),
        (LanesOver::Channels, 2, 1),
        (LanesOver::Pixels, 8, 2),
    ];
    let products: &[Products] = match class {
        ArithmeticClass::Int8 => &[Products::Packed, Products::Floats, Products::Integers],
        ArithmeticClass::Float => &[Products::Floats],
    };
    let of_shape = |(lanes_over, pixels, quads)| {
        let dense = Tile { lanes_over, pixels, quads };
        products.iter().map(move |products| Tiles { dense, depthwise_pixels: 4, products: *products })
    };
    shapes.into_iter().flat_map(of_shape).collect()
}

impl Tiles {
    /// In one line, for people.
    pub(super) fn line(&self) -> String {
        let over = match self.dense.lanes_over {
            LanesOver::Pixels => "pixels",
            LanesOver::Channels => "channels",
        };
        let products = match self.products {
            Products::Packed => "packed",
            Products::Integers => "integer",
            Products::Floats => "float",
        };
        format!(
            "{} pixels x {} quads, lanes over {over}, depthwise {} pixels, {products} products",
            self.dense.pixels, self.dense.quads, self.depthwise_pixels
        )
    }
}
