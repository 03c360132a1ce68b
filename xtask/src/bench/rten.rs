//! rten in the turns of `bench engines`: a crate outside the workspace, so that none of our programs waits for it or is audited with it.
//!
//! It reads ONNX files, and these and the picture come from `engines.py`: the same bytes that ONNX Runtime gets.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::samples::Contender;
use super::{ask, outside};
use crate::report::Report;

/// Both forms of the network, as `engines.py` calls them.
const FORMS: [&str; 2] = ["float", "int8"];

/// The network for pictures of one side, in one form.
pub(super) struct Network {
    form: &'static str,
    file: PathBuf,
}

/// Builds the program.
pub(super) fn build() -> Result<PathBuf, Report> {
    outside("rten", &[])
}

/// Has the files made; `script` starts `engines.py` with a runtime and a form.
pub(super) fn networks(script: impl Fn(&str, &str) -> Command) -> Result<Vec<Network>, Report> {
    let made = FORMS.map(|form| {
        let printed = ask(&mut script("onnx", form))?;
        Ok(Network { form, file: printed.trim().into() })
    });
    made.into_iter().collect()
}

/// The network's turn.
pub(super) fn contender(program: &Path, network: &Network, side: &str, threads: &str, samples: &str) -> Contender {
    let mut command = Command::new(program);
    command.arg(&network.file).arg("--picture").arg(network.file.with_extension("picture"));
    command.args(["--side", side, "--threads", threads, "--samples", samples, "--form", network.form]);
    Contender { name: format!("rten {}", network.form), command }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No suite builds the program.
    #[test]
    fn the_program_takes_each_flag_that_it_is_given() {
        let network = Network { form: "int8", file: "int8-160.onnx".into() };
        let Contender { command, .. } = contender(Path::new("rten-bench"), &network, "160", "1", "300");
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words[..3], ["int8-160.onnx", "--picture", "int8-160.picture"]);
        let flags: Vec<_> = words.iter().filter(|word| word.starts_with("--")).collect();
        assert_eq!(flags.len(), 5);
        for flag in flags {
            let taken = format!("\"{flag}\" =>");
            assert!(include_str!("../../bench/rten/src/main.rs").contains(&taken), "`{flag}`");
        }
    }
}
