//! What an engine measured at its first start, as JSON in the state folder: it costs another measurement where it is lost, and nothing else.

use clothingid_shared::files::{create_folder, read_text, write_atomic};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What a file holds; none when it is missing, torn or of another form.
pub(super) fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Option<T> {
    serde_json::from_str(&read_text(&folder.join(file)).ok()?).ok()
}

/// Writes it. Where the folder cannot be written it is measured again at the next start, which is said.
pub(super) fn write<T: Serialize>(folder: &Path, file: &str, value: &T) {
    let Ok(text) = serde_json::to_string_pretty(value) else { return };
    if let Err(error) = create_folder(folder).and_then(|()| write_atomic(&folder.join(file), text.as_bytes())) {
        eprintln!("note: what was measured of the engines is not remembered: {error}");
    }
}
