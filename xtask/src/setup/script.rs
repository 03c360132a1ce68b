//! Scripts of ours that make a folder in the user's cache.

use std::path::Path;
use std::process::Command;

use crate::cargo::workspace;
use crate::report::Report;

/// Runs a script of the workspace, which puts `what` into `folder`.
pub(super) fn make(what: &str, script: &str, folder: &Path) -> Result<(), Report> {
    eprintln!("making {what} in `{}`", folder.display());
    let script = workspace().join(script);
    let status = Command::new(&script).arg(folder).status();
    let failed = || {
        let hint = format!("run it by hand to see why: `{} {}`", script.display(), folder.display());
        Report::failure(format!("{what} could not be made"), hint)
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed().caused_by(status)),
        Err(error) => Err(failed().caused_by(error)),
    }
}

/// Whether a file of the folder is, byte for byte, a file of the workspace: another version of a script makes another folder.
pub(super) fn is_of(made: &Path, source: &str) -> bool {
    let wanted = std::fs::read(workspace().join(source));
    wanted.is_ok_and(|wanted| std::fs::read(made).is_ok_and(|made| made == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_fails_or_is_not_there_is_named_with_the_folder() {
        for script in ["xtask/Cargo.toml", "xtask/nothing.sh"] {
            let report = make("the thing", script, Path::new("/nowhere/of")).expect_err("no script").to_string();
            assert!(report.starts_with("error: the thing could not be made\n  cause: "), "{report}");
            assert!(report.contains(&format!("{script} /nowhere/of`")), "{report}");
        }
    }

    #[test]
    fn a_file_of_another_version_and_a_missing_one_are_told() {
        let own = workspace().join("xtask/Cargo.toml");
        assert!(is_of(&own, "xtask/Cargo.toml"));
        assert!(!is_of(&own, "Cargo.toml"));
        assert!(!is_of(Path::new("/nowhere/file"), "Cargo.toml") && !is_of(&own, "nothing"));
    }
}
