//! Names the bundle that the program carries, so that `include_bytes!` finds it.

use std::path::Path;

fn main() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/clothingid.bundle");
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
