//! A system image is handed to RAUC, which checks its own signature, writes it to the slot that does not run, and makes that one the next to start.

use super::error::UpdateError;
use super::program;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// Hands over an image, `title` to people, whose size and hash are those of the signed index.
///
/// # Errors
/// There is no RAUC, or it refuses.
pub fn install(image: &Path, title: &str) -> Result<(), UpdateError> {
    let refused = |cause| UpdateError::System { title: title.to_owned(), cause };
    match program::run(Command::new("rauc").arg("install").arg(image), None) {
        Ok(ran) if ran.is_well() => Ok(()),
        Ok(ran) => Err(refused(format!("`rauc install`: {}", ran.why()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(refused("the program `rauc` is missing".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}
