//! Source kind `item-folders`: one folder an item, `ITEM/photo.jpg`, or `CLASS/ITEM/photo.jpg` where a parent folder says the category.
//!
//! It differs from [`super::image_folder`] in that a category need not be known: folders of a shop's articles are enough to learn to tell
//! garments apart. A class that is no category is listed and stays empty.

use std::path::Path;

use clothingid_shared::files;

use super::data_folder::absolute;
use super::image_folder::{mark_views, names, stem};
use super::labels::{Keys, LabelMap};
use super::manifest::prefix;
use super::{Found, ImportError, Row};

/// Reads a folder of item folders. `source` is the word for the column `source`.
///
/// Of an item with several photographs the first by name is the gallery, the others are queries.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(folder: &Path, source: &str, labels: &LabelMap) -> Result<Found, ImportError> {
    let folder = absolute(folder)?;
    if !folder.is_dir() {
        return Err(ImportError::NotASource { path: folder, expected: "folder of item folders" });
    }
    let mut found = Found::default();
    for file in files::photos_in(&folder)? {
        let relative = file.strip_prefix(&folder).unwrap_or(&file);
        let (Some(parts), Some(path)) = (names(relative), file.to_str()) else {
            found.problems.push(&file, "the name is not UTF-8");
            continue;
        };
        let (class, item, photo) = match parts.as_slice() {
            [item, photo] => ("", *item, *photo),
            [class, item, photo] => (*class, *item, *photo),
            [_] => {
                found.problems.push(&file, "lies outside of an item's folder");
                continue;
            }
            _ => {
                found.problems.push(&file, "lies deeper than `CLASS/ITEM/photo`");
                continue;
            }
        };
        let keys = if class.is_empty() { Some(Keys::default()) } else { found.keys(labels, class) };
        let Some(keys) = keys else { continue };
        let place = if class.is_empty() { item.to_owned() } else { format!("{class}/{item}") };
        let item_id = format!("{}{source}/{place}", prefix(keys.subject));
        found.rows.push(Row {
            path: path.to_owned(),
            source: source.to_owned(),
            label: class.to_owned(),
            cat14: keys.cat14,
            cat26: keys.cat26,
            group: item_id.clone(),
            item_id,
            view: stem(photo).to_owned(),
            orig_id: relative.to_str().unwrap_or_default().to_owned(),
            ..Row::default()
        });
    }
    mark_views(&mut found.rows);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::import::LabelMap;
    use crate::import::miniature::Miniature;

    #[test]
    fn a_folder_is_an_item_with_or_without_a_class() {
        let mini = Miniature::new();
        for (number, name) in (0..).zip([
            "4711/back.jpg",
            "4711/front.jpg",
            "dress/0815/1.jpg",
            "toga/1/1.jpg",
            "no_garment/cat/1.jpg",
            "loose.jpg",
            "a/b/c/d.jpg",
        ]) {
            mini.photo(&format!("photos/{name}"), 30 + number, 40);
        }
        mini.write("photos/dress/0815/2.jpg", "no photograph");
        let found = mini.make(read(&mini.root().join("photos"), "mine", &LabelMap::default()).unwrap());
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| format!("{} {} [{}] {}", row.item_id, row.cat14, row.split, row.is_garment()))
            .collect();
        assert_eq!(
            rows,
            [
                "mine/4711  [gallery] true",
                "mine/4711  [query] true",
                "mine/dress/0815 dress [gallery] true",
                "none_mine/no_garment/cat  [] false",
                "mine/toga/1  [] true",
            ]
        );
        assert_eq!(found.unknown_words.keys().collect::<Vec<_>>(), ["toga"]);
        let problems = mini.problems(&found);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("d.jpg: lies deeper") && problems[1].starts_with("loose.jpg: lies outside"));
        assert!(read(&mini.root().join("photos/loose.jpg"), "mine", &LabelMap::default()).is_err());
    }
}
