//! The components of Rust that the tests use beside the compiler: its formatter and its lints.

use std::process::Command;

use crate::cargo::is_in_path;
use crate::report::Report;

/// Program and component of `rustup`.
const COMPONENTS: [(&str, &str); 2] = [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")];

/// Whether a component's program runs. `rustup` has a file of its name for a component that is not there, too.
pub(crate) fn works(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Adds the components that are missing; nothing when both are there.
pub(crate) fn add_components() -> Result<(), Report> {
    add_missing(works, |component| {
        if !is_in_path("rustup") {
            return Err(Report::failure(
                format!("Rust's component `{component}` is missing, and there is no `rustup` to add it"),
                format!("install `{component}` from where this Rust came from"),
            ));
        }
        let shown = format!("rustup component add {component}");
        eprintln!("{shown}");
        let failed =
            || Report::failure(format!("`{shown}` failed"), "run it as the user who owns this Rust, with a network");
        match Command::new("rustup").args(["component", "add", component]).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed().caused_by(status)),
            Err(error) => Err(failed().caused_by(error)),
        }
    })
}

/// Adds what does not work. A failure counts only where the component does not work after it; both are tried.
fn add_missing(works: impl Fn(&str) -> bool, mut add: impl FnMut(&str) -> Result<(), Report>) -> Result<(), Report> {
    let mut failure = None;
    for (program, component) in COMPONENTS {
        if works(program) {
            continue;
        }
        if let Err(report) = add(component) {
            if works(program) {
                eprint!("{report}");
            } else {
                failure.get_or_insert(report);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn asked(there: &[&str], add: impl Fn(&str) -> Result<(), Report>) -> (Vec<String>, bool) {
        let asked = RefCell::new(Vec::new());
        let outcome = add_missing(
            |program| there.contains(&program),
            |component| {
                asked.borrow_mut().push(component.to_owned());
                add(component)
            },
        );
        (asked.into_inner(), outcome.is_ok())
    }

    #[test]
    fn only_what_is_missing_is_added_and_one_failure_does_not_hide_the_other() {
        let fails = |component: &str| Err(Report::failure(format!("no `{component}`"), "a network"));
        assert_eq!(asked(&["cargo-fmt", "cargo-clippy"], fails), (vec![], true));
        assert_eq!(asked(&["cargo-fmt"], |_| Ok(())), (vec!["clippy".to_owned()], true));
        assert_eq!(asked(&[], fails), (vec!["rustfmt".to_owned(), "clippy".to_owned()], false));
    }

    #[test]
    fn a_failure_after_which_the_component_works_is_none() {
        let tried = RefCell::new(false);
        let outcome = add_missing(
            |_| *tried.borrow(),
            |component| {
                *tried.borrow_mut() = true;
                Err(Report::failure(format!("no `{component}`"), "a network"))
            },
        );
        assert!(outcome.is_ok());
    }
}
