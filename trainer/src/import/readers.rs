//! The readers of outside bytes of the import, each as a function that may return anything but must not panic.
//!
//! The fuzz targets of the same names and the replay test call the same functions. (Those of the appliance stand with the end-to-end tests,
//! which are built without libtorch.)

use super::{coco, deepfashion_list, idx};

/// One reader.
pub type Reader = fn(&[u8]);

/// All readers by the names of their fuzz targets.
pub const READERS: [(&str, Reader); 3] =
    [("import_idx", read_idx), ("import_deepfashion_list", read_deepfashion_list), ("import_coco", read_coco)];

/// A file of thumbnails or of labels. Every thumbnail of an accepted file is there.
pub fn read_idx(bytes: &[u8]) {
    for dimensions in [1, 3] {
        if let Ok(idx) = idx::parse(bytes, dimensions) {
            let count = idx.dimensions.first().copied().unwrap_or_default();
            assert!(count == 0 || idx.entry(count - 1).is_some());
            assert!(idx.entry(count).is_none());
        }
    }
}

/// A list of DeepFashion, of each number of columns that there is.
pub fn read_deepfashion_list(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = deepfashion_list::parse_names(text);
    let _ = deepfashion_list::parse(text, [""; 2]);
    let _ = deepfashion_list::parse(text, [""; 3]);
    let _ = deepfashion_list::parse(text, [""; 4]);
    for (_, [_, corners @ ..]) in deepfashion_list::parse(text, [""; 5]).lines {
        let _ = deepfashion_list::region(corners);
    }
}

/// A JSON file in the form of COCO.
pub fn read_coco(bytes: &[u8]) {
    let _ = coco::parse(bytes);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::READERS;

    #[test]
    fn inputs_that_were_once_a_fault_are_none_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/saved");
        for (name, read) in READERS {
            let Ok(entries) = std::fs::read_dir(folder.join(name)) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                read(&std::fs::read(path).unwrap());
            }
        }
    }

    #[test]
    fn each_reader_has_its_fuzz_target_which_is_told_to_cargo() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for (name, _) in READERS {
            // No suite builds these targets, and one line is all that can be wrong with them.
            let target = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
            let reader = name.replacen("import_", "read_", 1);
            let called = format!("fuzz_target!(|bytes: &[u8]| clothingid_trainer::import::readers::{reader}(bytes));");
            assert!(target.contains(&called), "{name}");
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
    }
}
