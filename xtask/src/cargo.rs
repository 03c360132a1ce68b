//! The workspace's place, and cargo called from inside `cargo xtask`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::report::Report;

/// The workspace's root folder.
pub(crate) fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    workspace().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The cargo that runs this program, in the workspace, with the environment that its user has.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    // The outer cargo has set this from `.cargo/config.toml`; handing it on would look like a change to the inner one,
    // which would then build libtorch's bindings again. A folder that the user chose stays.
    let ours = workspace().join("third_party/libtorch/torch");
    if std::env::var_os("LIBTORCH").is_some_and(|set| Path::new(&set) == ours) {
        command.env_remove("LIBTORCH");
    }
    command
}

/// Runs a program of the workspace, built for release, and takes over its exit code.
pub(crate) fn run_release(package: &str, first: &[&str], rest: &[String]) -> Result<ExitCode, Report> {
    let status = cargo().args(["run", "--release", "--package", package, "--"]).args(first).args(rest).status();
    let status = status
        .map_err(|error| Report::failure("cannot start cargo", "run this as `cargo xtask …`").caused_by(error))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Whether a program of this name is in the search path.
pub(crate) fn is_in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
