//! Every text that a plan can lead to is valid WGSL, by naga and without any adapter.

use crate::network::gpu::arithmetic::ALL;
use crate::network::gpu::recording::Recording;
use crate::network::gpu::tests::{made_up, made_up_layers};
use crate::network::gpu::tiles::{DEFAULT, LanesOver, Products, SEARCH, Tile, Tiles};
use crate::network::plan::Plan;
use crate::network::read_bundle;
use std::collections::BTreeSet;
use wgpu::naga::front::wgsl;
use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};
use wgpu::naga::{AddressSpace, StorageAccess};

/// Number of each binding, and whether the kernel writes it.
fn bindings(module: &wgpu::naga::Module) -> BTreeSet<(u32, bool)> {
    let is_written = |space| match space {
        AddressSpace::Storage { access } => Some(access.contains(StorageAccess::STORE)),
        _ => None,
    };
    let variables = module.global_variables.iter().map(|(_, variable)| variable);
    variables.filter_map(|variable| Some((variable.binding.as_ref()?.binding, is_written(variable.space)?))).collect()
}

/// Parameters, result, then what is read: as `engine/device.rs` lays them out.
fn expected_bindings(reads: usize) -> BTreeSet<(u32, bool)> {
    (0..).map(|binding| (binding, binding == 1)).take(2 + reads).collect()
}

/// Validates all texts; their files.
fn validate(recording: &Recording) -> BTreeSet<&'static str> {
    for text in &recording.texts {
        let module = wgsl::parse_str(&text.wgsl)
            .unwrap_or_else(|error| panic!("{}: {}", text.file, error.emit_to_string(&text.wgsl)));
        // `unpack2x16float`, which every Vulkan adapter has; float16 itself is asked for, and nothing else.
        let float16 = if text.needs_f16 { Capabilities::SHADER_FLOAT16 } else { Capabilities::empty() };
        Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32 | float16)
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}: {}", text.file, error.emit_to_string(&text.wgsl)));
        assert_eq!(bindings(&module), expected_bindings(text.reads), "{}", text.file);
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
