//! The bundle inside the program.

use clothingid_shared::bundle::{Bundle, BundleError};
use std::path::Path;

/// `models/clothingid.bundle` of the sources that this program was built from.
static EMBEDDED: &[u8] = include_bytes!(env!("CLOTHINGID_BUNDLE"));

/// Reads and checks the bundle of a file, or the embedded one.
///
/// # Errors
/// The file is missing, torn, altered or newer than this program.
pub fn read_bundle(file: Option<&Path>) -> Result<Bundle, BundleError> {
    match file {
        Some(path) => Bundle::read(path),
        None => Bundle::from_bytes(EMBEDDED)
            .map_err(|problem| BundleError::Refused { path: "the bundle inside the program".into(), problem }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::bundle::LicenceClass;

    /// The class is what a shop must know first: the documents say it, and which sources are the reason.
    #[test]
    fn the_documents_say_what_the_bundle_may_be_used_for() {
        let bundle = read_bundle(None).unwrap();
        let class = serde_json::to_string(&bundle.manifest.licence_class).unwrap().replace('"', "`");
        let licences = include_str!("../../../docs/licences.md");
        for (name, text) in [("licences.md", licences), ("README.md", include_str!("../../../README.md"))] {
            assert!(text.contains(&format!("class {class}")), "{name} does not say the class {class}");
        }
        for source in bundle.manifest.sources.iter().filter(|source| source.class != LicenceClass::Commercial) {
            assert!(licences.contains(&format!("`{}`", source.name)), "licences.md does not name `{}`", source.name);
        }
    }
}
