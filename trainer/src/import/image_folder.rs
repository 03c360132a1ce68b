//! Source kind `imagefolder`: `CLASS/photo.jpg`, where each file is an item, or `CLASS/ITEM/photo.jpg`, where each folder is one.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use clothingid_shared::files;

use super::data_folder::absolute;
use super::labels::{LabelMap, Subject};
use super::manifest::prefix;
use super::{Found, ImportError, Row};

/// Reads a folder of classes. `source` is the word for the column `source`.
///
/// An item with several photographs becomes a retrieval test: its first photograph by name is the gallery, the others are queries.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(folder: &Path, source: &str, labels: &LabelMap) -> Result<Found, ImportError> {
    let folder = absolute(folder)?;
    if !folder.is_dir() {
        return Err(ImportError::NotASource { path: folder, expected: "folder of class folders" });
    }
    let mut found = Found::default();
    for file in files::photos_in(&folder)? {
        let relative = file.strip_prefix(&folder).unwrap_or(&file);
        let Some(parts) = names(relative) else {
            found.problems.push(&file, "the name is not UTF-8");
            continue;
        };
        let (class, item, view) = match parts.as_slice() {
            [class, photo] => (*class, stem(photo), ""),
            [class, item, photo] => (*class, *item, stem(photo)),
            [_] => {
                found.problems.push(&file, "lies outside of a class folder");
                continue;
            }
            _ => {
                found.problems.push(&file, "lies deeper than `CLASS/ITEM/photo`");
                continue;
            }
        };
        let Some(keys) = labels.keys(class) else {
            found.problems.push(&file, labels.unknown_label(class));
            continue;
        };
        if keys.subject == Subject::LeaveOut {
            found.leave_out(class);
            continue;
        }
        let prefix = prefix(keys.subject);
        let item_id = format!("{prefix}{source}/{class}/{item}");
        found.rows.push(Row {
            path: file.to_str().unwrap_or_default().to_owned(),
            source: source.to_owned(),
            label: class.to_owned(),
            cat14: keys.cat14,
            cat26: keys.cat26,
            group: item_id.clone(),
            item_id,
            view: view.to_owned(),
            orig_id: relative.to_str().unwrap_or_default().to_owned(),
            ..Row::default()
        });
    }
    mark_views(&mut found.rows);
    Ok(found)
}

/// Makes a retrieval test of each garment with several photographs that has none yet: the first is the gallery, the rest are queries.
pub(crate) fn mark_views(rows: &mut [Row]) {
    let mut counts: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    for row in rows.iter() {
        let entry = counts.entry(row.item_id.clone()).or_default();
        entry.0 += 1;
        entry.1 |= !row.split.is_empty();
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let (count, marked) = counts.get(&row.item_id).copied().unwrap_or_default();
        if count < 2 || marked || !row.is_garment() {
            continue;
        }
        let before = seen.entry(row.item_id.clone()).or_default();
        row.split = if *before == 0 { "gallery" } else { "query" }.into();
        *before += 1;
    }
}

/// The names of the folders and the file of a relative path.
pub(crate) fn names(path: &Path) -> Option<Vec<&str>> {
    path.components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect()
}

/// A file's name without its ending.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::read;
    use crate::import::LabelMap;

    #[test]
    fn files_are_items_or_folders_are() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        };
        for name in [
            "dress/one.jpg",
            "dress/two.JPG",
            "jeans/blue/front.png",
            "jeans/blue/back.png",
            "no_garment/cat.jpg",
            "Hat/h.jpg",
            "loose.jpg",
            "dress/a/b/c.jpg",
        ] {
            put(name);
        }
        let found = read(root.path(), "mine", &LabelMap::default()).unwrap();
        let lines: Vec<_> = found
            .rows
            .iter()
            .map(|row| format!("{} {} {} {}{}", row.orig_id, row.cat14, row.cat26, row.item_id, row.split))
            .collect();
        assert_eq!(
            lines,
            [
                "dress/one.jpg dress dress mine/dress/one",
                "dress/two.JPG dress dress mine/dress/two",
                "jeans/blue/back.png  jeans mine/jeans/bluegallery",
                "jeans/blue/front.png  jeans mine/jeans/bluequery",
                "no_garment/cat.jpg   none_mine/no_garment/cat",
            ]
        );
        assert!(!found.rows[4].is_garment());
        assert_eq!(found.problems.len(), 3);
    }
}
