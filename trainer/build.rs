//! Where the programs and tests of this package look for libtorch at run time: beside the workspace, relative to themselves.
//!
//! `cargo:rustc-link-arg` is not inherited from `torch-sys`, so every package whose programs link libtorch has to say this itself.

/// Folders below the workspace that hold the shared libraries.
const LIBRARY_FOLDERS: [&str; 2] = ["third_party/libtorch/torch/lib", "third_party/libtorch/nvidia/cu13/lib"];

/// From a program to the workspace: `target/PROFILE/program`, then `target/PROFILE/deps/test`.
const UP_TO_WORKSPACE: [&str; 2] = ["../..", "../../.."];

fn main() {
    for up in UP_TO_WORKSPACE {
        for folder in LIBRARY_FOLDERS {
            println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/{up}/{folder}");
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
}
