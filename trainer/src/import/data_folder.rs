//! Source kind `manifest`: folders that already hold a `manifest.csv` in our form, as the project's own data folders do.

use std::path::Path;

use clothingid_shared::taxonomy::Taxonomies;

use super::manifest::{MANIFEST_FILE, read_rows};
use super::{Found, ImportError, LabelMap};

/// Reads the manifest of one folder, or of each folder directly below it where it has none itself. Row paths become absolute.
///
/// # Errors
/// When the folder holds no manifest, one that cannot be read as a whole, or one of other taxonomies than those of `labels`.
pub fn read(source: &Path, labels: &LabelMap) -> Result<Found, ImportError> {
    let folder = absolute(source)?;
    let mut folders = Vec::new();
    if folder.join(MANIFEST_FILE).is_file() {
        folders.push(folder);
    } else {
        let entries =
            std::fs::read_dir(&folder).map_err(|cause| ImportError::NoFolder { path: folder.clone(), cause })?;
        folders.extend(
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.join(MANIFEST_FILE).is_file()),
        );
        folders.sort();
    }
    if folders.is_empty() {
        return Err(ImportError::NotASource {
            path: source.to_path_buf(),
            expected: "folder with a `manifest.csv`, nor one of such folders",
        });
    }
    let mut found = Found::default();
    for folder in folders {
        // A table without taxonomies beside it is of whatever the import is of: its keys are looked up below.
        let own = Taxonomies::beside(&folder)?;
        let difference = labels.taxonomies().difference(&own.keys()).filter(|_| !own.is_clothing());
        if let Some(difference) = difference {
            return Err(ImportError::OtherTaxonomies { path: folder, difference });
        }
        let (rows, problems) = read_rows(&folder.join(MANIFEST_FILE), labels)?;
        found.problems.append(problems);
        for mut row in rows {
            let file = folder.join(&row.path);
            match file.to_str() {
                Some(text) => {
                    row.path = text.to_owned();
                    found.rows.push(row);
                }
                None => found.problems.push(&file, "the name is not UTF-8"),
            }
        }
    }
    Ok(found)
}

/// The full name of a folder that must exist.
pub(crate) fn absolute(path: &Path) -> Result<std::path::PathBuf, ImportError> {
    path.canonicalize().map_err(|cause| ImportError::NoFolder { path: path.to_path_buf(), cause })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::read;
    use crate::import::LabelMap;

    #[test]
    fn one_folder_or_several_below_it() {
        let root = tempfile::tempdir().unwrap();
        assert!(read(root.path(), &LabelMap::default()).unwrap_err().to_string().contains("manifest.csv"));
        for name in ["b", "a"] {
            let folder = root.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("manifest.csv"), format!("path,source,item_id,group\n{name}.jpg,s,i,g\n"))
                .unwrap();
        }
        let found = read(root.path(), &LabelMap::default()).unwrap();
        let names: Vec<_> = found.rows.iter().map(|row| row.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.jpg", "b.jpg"]);
        assert_eq!(read(&root.path().join("b"), &LabelMap::default()).unwrap().rows.len(), 1);
        assert!(read(&root.path().join("gone"), &LabelMap::default()).is_err());
    }
}
