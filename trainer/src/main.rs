//! `clothingid-train`: see `clothingid-train --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    clothingid_trainer::network::loader::prepare();
    clothingid_trainer::cli::main()
}
