//! Every text that a plan leads to is valid WGSL, by naga and without any adapter; and the build's own check, which does not know the plans,
//! refuses what is not.

#[path = "../../../../build/kernels.rs"]
mod build;

use super::{template, unrolled};
use crate::network::gpu::arithmetic::ALL;
use crate::network::gpu::recording::Recording;
use crate::network::gpu::tests::{made_up, made_up_layers};
use crate::network::gpu::tiles::{DEFAULT, LanesOver, Products, SEARCH, Tile, Tiles};
use crate::network::plan::Plan;
use crate::network::read_bundle;
use std::collections::BTreeSet;

/// Validates all texts; their files.
fn validate(recording: &Recording) -> BTreeSet<&'static str> {
    for text in &recording.texts {
        let bound = build::validate_text(&text.wgsl).unwrap_or_else(|error| panic!("{}: {error}", text.file));
        assert_eq!(bound, 2 + text.reads, "{}: bindings", text.file);
        assert_eq!(text.needs_f16, text.wgsl.contains("enable f16;"), "{}", text.file);
    }
    recording.texts.iter().map(|text| text.file).collect()
}

#[test]
fn the_shipped_network_is_valid_with_every_candidate() {
    let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
    for arithmetic in ALL {
        for tiles in SEARCH.iter().flat_map(|variants| variants(DEFAULT, arithmetic)).chain([DEFAULT]) {
            validate(&Recording::new(&plan, arithmetic, &tiles).unwrap());
        }
    }
}

#[test]
fn every_file_is_valid_for_every_layer() {
    let mut files = BTreeSet::new();
    for case in made_up_layers() {
        for arithmetic in ALL {
            let products = [(Products::Packed, false), (Products::Integers, true), (Products::Floats, false)];
            for (products, half_products) in products {
                let dense = Tile { lanes_over: LanesOver::Channels, pixels: 3, quads: 2, invocations: 300 };
                let tiles = Tiles { dense, depthwise_pixels: 3, products, half_products };
                files.extend(validate(&Recording::new(&made_up(&case).0, arithmetic, &tiles).unwrap()));
            }
        }
    }
    let shared = ["float.wgsl", "int8.wgsl", "window.wgsl"];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/network/gpu/kernels");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_tested = files.contains(name.as_str()) || shared.contains(&name.as_str());
        assert!(is_tested || !name.ends_with(".wgsl"), "no layer leads to {name}");
    }
}

#[test]
fn the_build_refuses_what_is_not_valid() {
    let dense = include_str!("dense_int8.wgsl");
    assert_eq!(build::validate(dense), Ok(2 * 2 * 2 * 3 * 3));
    // Each only with flags of its own: a type, a name, a binding, an instruction that nobody asked the adapter for.
    for (right, wrong, told) in [
        ("?shared         parts[", "?shared         part[", "with shared"),
        ("?in_floats alias Sums = vec4<f32>", "?in_floats alias Sums = vec4<f16>", "in_floats"),
        ("?residual @group(0) @binding(3)", "?residual @group(0) @binding(4)", "residual"),
        ("?to_bytes     y[at$p_$q] = quad_of", "?to_bytes     y[at$p_$q] = rounded", "to_bytes"),
        ("//include int8.wgsl", "", "no definition"),
        ("$pu, PIXELS - 1u", "$zu, PIXELS - 1u", "$z"),
    ] {
        assert!(dense.contains(right), "{right}");
        let error = build::validate(&dense.replace(right, wrong)).unwrap_err();
        assert!(error.contains(told), "{wrong}: {error}");
    }
}
