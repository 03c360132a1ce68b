//! `cargo xtask`: prepares a machine, runs every suite, the benchmarks and the demo.
//!
//! 1. [`setup`]: libtorch, ONNX Runtime and cargo-fuzz into the user's cache; with `--system` the system's packages.
//! 2. [`test`](mod@test): the suites, how they are counted and what they need.
//! 3. [`bench`]: the device's engines beside ONNX Runtime, ncnn and rten, its search beside faiss, usearch and Qdrant Edge, the trainer
//!    beside PyTorch.
//! 4. [`gpu`]: a study carried to a machine with a GPU and back.
//! 5. [`package`]: the appliance as a Debian package and as an archive.
//! 6. [`arm64`]: the appliance for boards, built on x86-64.
//! 7. [`units`]: a board's units and settings of the system, out of its file, which [`boards`] reads as the appliance does.
//! 8. [`image`]: a board's system to flash, and the same as a bundle that running boards install.
//! 9. [`flash`]: whether all is well for flashing a Jetson, and NVIDIA's commands that do it.
//! 10. [`cargo`]: how the programs of the workspace are built and started from here.
//!
//! The standard library, a reader of TOML for the boards and a writer of JSON: the first call on a new machine starts after seconds of building.

mod arm64;
mod bench;
mod boards;
mod cargo;
mod flash;
mod gpu;
mod image;
mod package;
mod report;
mod setup;
mod test;
mod units;

use std::process::ExitCode;

use report::Report;

const HELP: &str = "\
cargo xtask: everything around the programs

usage: cargo xtask COMMAND

  demo [ARGUMENTS]              the whole appliance on the demo shop, page on http://localhost:8080
  setup                         put libtorch, ONNX Runtime and cargo-fuzz into your cache folder (no root needed)
  setup --system                also install a browser, Node.js, QEMU, Rust for arm64 and more on Debian or Ubuntu (as root)
  test                          every suite but arm64 and image at its CI size; what is missing is skipped
  test --suite NAME             one suite: unit, programs, fuzz, train, browser, gpu, camera, arm64, update, image
  test --all                    every suite at its full counts
  bench                         measure network and whole path
  bench search                  our search beside faiss, usearch and Qdrant Edge: [--embeddings CATALOGUE] [--python PROGRAM]
                                [--rounds N] [--rows A,B] [--dims A,B] [--profile NAME] [--keep FILE]
  bench engines                 our engines beside ONNX Runtime, ncnn and rten: [--bundle FILE] [--python PROGRAM]
                                [--rounds N] [--sides A,B] [--threads A,B] [--gpu] [--profile NAME] [--keep FILE]
  bench decoders                decoders of a camera's JPEG frames: [--photos DIR] [--rounds N]
  bench trainer PACK            the trainer beside PyTorch: [--python PROGRAM] [--turns N]
  gpu pack DIR --pack PACK      a study for a machine with an NVIDIA GPU: program, photographs, script
  gpu collect DIR               take the records that came back into studies/
  arm64 [--release]             the appliance for boards with 64-bit Arm, on Debian 12 for x86-64: quick to build, or to ship
  package DIR                   the appliance as a Debian package and as an archive: [--arch amd64|arm64] [--program FILE]
  image --board NAME --out DIR  a system to flash, and the same as a signed bundle: [--program FILE] [--cert FILE --key FILE];
                                to try things out also [--kernel-options TEXT] [--patience SECONDS]
  units --board NAME --out DIR  units, udev rules and settings of the system for a board, as a tree of files
  flash --board NAME --l4t DIR  is all well for flashing a Jetson, and NVIDIA's commands for it: [--package FILE.deb] [--run]

With `CI=true` in the environment a skipped suite is a failure.
Exit status: 0 all well, 1 something failed, 2 wrong use.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(report) => {
            eprint!("{report}");
            report.exit_code()
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let (command, rest) = match arguments.split_first() {
        None => ("help", arguments),
        Some((command, rest)) => (command.as_str(), rest),
    };
    match command {
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        "arm64" => arm64::run(rest),
        "demo" => cargo::run_release("clothingid-device", &["demo"], rest),
        "bench" => bench::run(rest),
        "setup" => {
            match rest {
                [] => setup::user()?,
                [flag] if flag == "--system" => setup::system()?,
                _ => {
                    return Err(Report::usage(format!("`setup` does not take `{}`", rest.join(" "))));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        "gpu" => gpu::run(rest),
        "package" => package::run(rest),
        "units" => units::run(rest),
        "image" => image::run(rest),
        "flash" => flash::run(rest),
        "test" => test::run(&test::Request::parse(rest)?),
        other => Err(Report::usage(format!("there is no command `{other}`"))),
    }
}
