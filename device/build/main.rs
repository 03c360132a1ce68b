//! What must be right before the program is compiled: the bundle that it carries is there, and its kernels are valid WGSL.

mod kernels;
#[path = "../src/network/gpu/kernels/template.rs"]
mod template;
#[path = "../src/network/gpu/kernels/unrolled.rs"]
mod unrolled;

use std::path::Path;

fn main() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed={}", manifest.join("build").display());
    bundle(&manifest.join("../models/clothingid.bundle"));
    kernels(&manifest.join("src/network/gpu/kernels"));
}

/// Names the bundle, so that `include_bytes!` finds it.
fn bundle(bundle: &Path) {
    println!("cargo::rerun-if-changed={}", bundle.display());
    if bundle.is_file() {
        println!("cargo::rustc-env=CLOTHINGID_BUNDLE={}", bundle.display());
    } else {
        println!(
            "cargo::error=`models/clothingid.bundle` is missing: the program carries it. Check the file out, or make one \
             with `clothingid-train export --out models/clothingid.bundle`"
        );
    }
}

/// Validates every kernel of the folder.
fn kernels(folder: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder).expect("the folder of the kernels is read") {
        let path = entry.expect("the folder of the kernels is read").path();
        if path.extension().is_some_and(|extension| extension == "wgsl") {
            let file = std::fs::read_to_string(&path).expect("a kernel's file is read");
            // A file without an entry point is part of others.
            let is_kernel = file.contains("@compute");
            if let Err(error) = if is_kernel { kernels::validate(&file) } else { Ok(0) } {
                let error = format!("{}: {error}", path.display());
                println!("cargo::error={}", error.trim_end().replace('\n', "\ncargo::error="));
            }
        }
    }
}
