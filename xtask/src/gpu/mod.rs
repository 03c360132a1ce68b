//! `cargo xtask gpu`: a study carried to a machine with an NVIDIA GPU, and its records brought back.
//!
//! [`pack`](mod@pack) writes a folder that needs nothing but bash, Python with a CUDA build of the torch that the program was linked with, and
//! `sha256sum`: no Rust, no network, no root. [`collect`](mod@collect) takes what came back.

#[expect(
    clippy::disallowed_methods,
    reason = "xtask has the standard library alone; each file is renamed when it is whole"
)]
mod collect;
#[expect(
    clippy::disallowed_methods,
    reason = "xtask has the standard library alone; a folder that is not whole fails its sums"
)]
mod pack;

use std::process::ExitCode;

use crate::report::Report;

/// For people who typed something else.
pub(crate) const USAGE: &str =
    "cargo xtask gpu pack DIR --pack PACK [--recipe FILE]… [--weights BACKBONE=FILE]… | gpu collect DIR";

/// Runs `gpu pack` or `gpu collect`.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    match rest.split_first() {
        Some((verb, rest)) if verb == "pack" => pack::run(rest),
        Some((verb, rest)) if verb == "collect" => collect::run(rest),
        _ => Err(Report::usage(format!("`gpu` wants to know what: {USAGE}"))),
    }
}
