//! Where the appliance keeps what must survive a restart.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The state folder cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Neither a service nor a user with a home.
    #[error("no state folder: none of `STATE_DIRECTORY`, `XDG_DATA_HOME` and `HOME` is set to an absolute path")]
    Nowhere,
}

/// The state folder: `$STATE_DIRECTORY` (set by systemd to `/var/lib/clothingid`), else `$XDG_DATA_HOME/clothingid`,
/// else `$HOME/.local/share/clothingid`. It need not exist yet. Empty and relative values are passed over, as the
/// XDG base directory specification asks.
///
/// # Errors
/// [`StateError::Nowhere`] when no variable names a place.
pub fn folder() -> Result<PathBuf, StateError> {
    folder_from(|name| std::env::var_os(name))
}

/// The catalogue's name in the state folder.
pub const CATALOGUE: &str = "catalogue.db";

/// The catalogue's place in the state folder.
///
/// # Errors
/// As [`folder`].
pub fn catalogue() -> Result<PathBuf, StateError> {
    Ok(folder()?.join(CATALOGUE))
}

fn folder_from(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, StateError> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|p: &PathBuf| p.is_absolute());
    // systemd joins several state folders with colons; ours has one.
    if let Some(of_service) = absolute("STATE_DIRECTORY") {
        let text = of_service.to_string_lossy();
        return Ok(match text.split_once(':') {
            Some((first, _)) => PathBuf::from(first),
            None => of_service,
        });
    }
    absolute("XDG_DATA_HOME")
        .map(|p| p.join("clothingid"))
        .or_else(|| absolute("HOME").map(|p| p.join(Path::new(".local/share/clothingid"))))
        .ok_or(StateError::Nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<PathBuf, StateError> {
        folder_from(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn the_service_comes_first_then_xdg_then_home() {
        let all = [("STATE_DIRECTORY", "/var/lib/clothingid"), ("XDG_DATA_HOME", "/data"), ("HOME", "/home/ada")];
        assert_eq!(with(&all), Ok("/var/lib/clothingid".into()));
        assert_eq!(with(&all[1..]), Ok("/data/clothingid".into()));
        assert_eq!(with(&all[2..]), Ok("/home/ada/.local/share/clothingid".into()));
        assert_eq!(with(&[]), Err(StateError::Nowhere));
    }

    #[test]
    fn empty_and_relative_values_are_passed_over() {
        assert_eq!(
            with(&[("XDG_DATA_HOME", ""), ("HOME", "/home/ada")]),
            Ok("/home/ada/.local/share/clothingid".into())
        );
        assert_eq!(with(&[("XDG_DATA_HOME", "data"), ("HOME", "ada")]), Err(StateError::Nowhere));
        assert_eq!(with(&[("STATE_DIRECTORY", "/a:/b")]), Ok("/a".into()));
    }
}
