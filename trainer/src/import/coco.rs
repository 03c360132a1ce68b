//! Source kinds `coco`, `fashionpedia` and `deepfashion2`: photographs with boxes in the form of COCO, one JSON file and a folder.
//!
//! Layout as published: `images` with `id` and `file_name`, `categories` with `id` and `name`, `annotations` with `id`, `image_id`,
//! `category_id` and `bbox` = `[left, top, width, height]` in pixels. Fashionpedia has `instances_attributes_train2020.json` beside a
//! folder `train/`; DeepFashion2's own script writes one more pair of fields, `pair_id` and `style`: boxes of one pair and one style
//! above 0 show the same garment.
//!
//! Each box becomes a picture and an item; a photograph is a group, with DeepFashion2 the pair of photographs is. A box that covers a
//! crowd is left out. In a JSON file the number of the annotation stands for the line.
//!
//! **Source**: T.-Y. Lin et al., "Microsoft COCO" (2014), data format "Object Detection"; M. Jia et al., "Fashionpedia" (2020); Y. Ge et
//! al., "DeepFashion2" (2019), `evaluation/deepfashion2_to_coco.py`.
//!
//! Promise: no bytes make it panic, memory is in proportion to the file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clothingid_shared::files;
use serde::Deserialize;

use super::data_folder::absolute;
use super::manifest::prefix;
use super::pictures::{Make, Origin, Pictures, Region, inside};
use super::{Found, ImportError, LabelMap, Row};

/// Fashionpedia's own name in the column `source`, and its words.
pub const FASHIONPEDIA: (&str, &str) = ("fashionpedia", include_str!("words/fashionpedia.csv"));
/// DeepFashion2's own name in the column `source`, and its words.
pub const DEEPFASHION2: (&str, &str) = ("deepfashion2", include_str!("words/deepfashion2.csv"));

/// The JSON file, as far as it is used. Polygons, landmarks and attributes are passed over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Annotated {
    /// Photographs.
    images: Vec<Image>,
    /// Categories.
    categories: Vec<Category>,
    /// Boxes.
    annotations: Vec<Annotation>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    category_id: u64,
    #[serde(default)]
    bbox: Vec<f64>,
    #[serde(default)]
    iscrowd: u64,
    pair_id: Option<u64>,
    style: Option<u64>,
}

/// Reads the bytes of the JSON file. The error says what is wrong, with line and column.
///
/// # Errors
/// No JSON, or no `images`, `categories` and `annotations` of the published form.
pub fn parse(bytes: &[u8]) -> Result<Annotated, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The pixels that `[left, top, width, height]` touches. The error says what is wrong.
///
/// # Errors
/// Another number of values, one that is negative or no number, or nothing inside.
pub fn region(bbox: &[f64]) -> Result<Region, String> {
    let &[left, top, width, height] = bbox else { return Err(format!("a box of {} values instead of 4", bbox.len())) };
    let is_pixel = |value: f64| (0.0..=f64::from(1 << 20)).contains(&value);
    if !bbox.iter().all(|value| is_pixel(*value)) {
        return Err(format!("the box {bbox:?} has a value that is no pixel"));
    }
    if width <= 0.0 || height <= 0.0 {
        return Err(format!("the box {bbox:?} is empty"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2 to the 21st")]
    let pixel = |value: f64| value as u32;
    Ok(Region {
        left: pixel(left.floor()),
        top: pixel(top.floor()),
        right: pixel((left + width).ceil()),
        bottom: pixel((top + height).ceil()),
    })
}

/// Reads a JSON file. Photographs lie in `photos`, or beside the file. The boxes are cut into `pictures`.
///
/// # Errors
/// When the file or the folder cannot be read, or the file is not in the form of COCO.
pub fn read(
    path: &Path,
    photos: Option<&Path>,
    source: &str,
    labels: &LabelMap,
    pictures: &Pictures,
) -> Result<Found, ImportError> {
    let json = absolute(path)?;
    if !json.is_file() {
        return Err(ImportError::NotASource { path: json, expected: "JSON file in the form of COCO" });
    }
    let folder = match photos {
        Some(folder) => absolute(folder)?,
        None => json.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let Annotated { images, categories, annotations } = parse(&files::read(&json)?)
        .map_err(|reason| ImportError::Form { path: json.clone(), form: "a JSON file in the form of COCO", reason })?;
    let list: Arc<Path> = json.into();
    let mut found = Found::default();
    let mut names: HashMap<u64, &str> = HashMap::new();
    for image in &images {
        if names.insert(image.id, &image.file_name).is_some() {
            found.problems.push(&list, format!("image {} is named twice", image.id));
        }
    }
    let words: HashMap<u64, &str> = categories.iter().map(|category| (category.id, category.name.as_str())).collect();
    let cutter = Cutter { folder, source, pictures, list: Arc::clone(&list) };
    let mut seen = HashSet::new();
    for annotation in &annotations {
        let mut row = || {
            if !seen.insert(annotation.id) {
                return Err("it is there twice".to_owned());
            }
            let name = names.get(&annotation.image_id);
            let name = name.ok_or_else(|| format!("there is no image {}", annotation.image_id))?;
            let word = words.get(&annotation.category_id);
            let word = word.ok_or_else(|| format!("there is no category {}", annotation.category_id))?;
            if annotation.iscrowd != 0 {
                found.leave_out("a crowd");
                return Ok(None);
            }
            let Some(keys) = found.keys(labels, word) else { return Ok(None) };
            cutter.row(annotation, name).map(|(row, make)| {
                let item_id = format!("{}{}", prefix(keys.subject), row.item_id);
                Some((Row { label: (*word).to_owned(), cat14: keys.cat14, cat26: keys.cat26, item_id, ..row }, make))
            })
        };
        match row() {
            Ok(Some((row, make))) => {
                found.rows.push(row);
                found.to_make.push(make);
            }
            Ok(None) => {}
            Err(reason) => found.problems.push(&list, format!("annotation {}: {reason}", annotation.id)),
        }
    }
    // Boxes of a photograph together, whatever the order of the file: it is then decoded once.
    found.to_make.sort_by(|a, b| photo(a).cmp(&photo(b)));
    Ok(found)
}

fn photo(make: &Make) -> Option<&PathBuf> {
    match &make.origin {
        Origin::Cut { photo, .. } => Some(photo),
        Origin::Grey { .. } => None,
    }
}

struct Cutter<'a> {
    folder: PathBuf,
    source: &'a str,
    pictures: &'a Pictures,
    list: Arc<Path>,
}

impl Cutter<'_> {
    /// A row without its category, and its picture.
    fn row(&self, annotation: &Annotation, name: &str) -> Result<(Row, Make), String> {
        let Self { source, .. } = self;
        let region = region(&annotation.bbox)?;
        let file = self.pictures.file(&format!("{name}.{}", annotation.id));
        let (Some(photo), Some(file)) = (inside(&self.folder, name), file) else {
            return Err(format!("`{name}` leads out of the folder"));
        };
        let own = format!("{source}/{name}/{}", annotation.id);
        let (item_id, group) = match (annotation.pair_id, annotation.style) {
            (Some(pair), Some(style)) if style > 0 => {
                // A style is counted within a category: a shirt and a skirt of one photograph may both have style 1.
                (format!("{source}/{pair}/{}/{style}", annotation.category_id), format!("{source}/{pair}"))
            }
            (Some(pair), _) => (own, format!("{source}/{pair}")),
            (None, _) => (own, format!("{source}/{name}")),
        };
        let row = Row {
            path: file.to_str().ok_or("the folder of the import is not UTF-8")?.to_owned(),
            source: (*source).to_owned(),
            item_id,
            group,
            orig_id: format!("{name}#{}", annotation.id),
            ..Row::default()
        };
        Ok((row, Make { file, origin: Origin::Cut { photo, region }, list: Arc::clone(&self.list), line: None }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{DEEPFASHION2, FASHIONPEDIA, parse, read, region};
    use crate::import::miniature::Miniature;
    use crate::import::pictures::Region;
    use crate::import::{Found, ImportError, LabelMap};

    /// Fashionpedia's layout: its own fields, and its file beside the folder of photographs.
    fn fashionpedia() -> Value {
        let annotation = |id: u32, category: u32, bbox: [f64; 4]| {
            json!({ "id": id, "image_id": 23, "category_id": category, "attribute_ids": [115, 136],
                    "segmentation": [[1.0, 2.0, 3.0, 4.0]], "bbox": bbox, "area": 9, "iscrowd": 0 })
        };
        json!({
            "info": { "year": "2020", "version": "1.0" },
            "licenses": [{ "id": 1, "name": "Attribution-NonCommercial-ShareAlike License" }],
            "categories": [
                { "id": 8, "name": "skirt", "supercategory": "lowerbody", "level": 2, "taxonomy_id": "obj8" },
                { "id": 10, "name": "dress", "supercategory": "wholebody", "level": 2, "taxonomy_id": "obj10" },
                { "id": 31, "name": "sleeve", "supercategory": "garment parts", "level": 2, "taxonomy_id": "obj31" },
            ],
            "attributes": [],
            "images": [{ "id": 23, "width": 60, "height": 90, "file_name": "cdab3160.jpg", "license": 1 }],
            "annotations": [
                annotation(1, 10, [10.5, 20.0, 29.6, 60.0]),
                annotation(2, 31, [10.0, 20.0, 5.0, 9.0]),
                annotation(3, 8, [0.0, 50.0, 80.0, 40.0]),
            ],
        })
    }

    fn miniature(value: &Value) -> Miniature {
        let mini = Miniature::new();
        mini.photo("train/cdab3160.jpg", 60, 90);
        mini.write("instances.json", value.to_string());
        mini
    }

    fn import(mini: &Miniature, (source, words): (&str, &str)) -> Result<Found, ImportError> {
        let labels = LabelMap::default().over(words);
        let (json, photos) = (mini.root().join("instances.json"), mini.root().join("train"));
        read(&json, Some(&photos), source, &labels, &mini.pictures(source)).map(|found| mini.make(found))
    }

    #[test]
    fn fashionpedia_in_the_published_layout_is_imported() {
        let mini = miniature(&fashionpedia());
        let found = import(&mini, FASHIONPEDIA).unwrap();
        assert_eq!(mini.problems(&found), [""; 0]);
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| {
                format!("{} {} {} {} {}x{}", row.item_id, row.group, row.cat14, row.cat26, row.width, row.height)
            })
            .collect();
        assert_eq!(
            rows,
            [
                "fashionpedia/cdab3160.jpg/1 fashionpedia/cdab3160.jpg dress dress 31x60",
                "fashionpedia/cdab3160.jpg/3 fashionpedia/cdab3160.jpg  skirt 60x40",
            ]
        );
        assert_eq!(found.left_out.into_iter().collect::<Vec<_>>(), [("sleeve".to_owned(), 1)]);
    }

    /// As DeepFashion2's own script writes it: two photographs of one pair, boxes of one style and of none.
    #[test]
    fn deepfashion2_joins_the_boxes_of_one_style_of_a_pair() {
        let annotation = |id: u32, image: u32, category: u32, style: u32| {
            json!({ "area": 400, "bbox": [5, 5, 20, 20], "category_id": category, "id": id, "pair_id": 7, "image_id": image,
                    "iscrowd": 0, "style": style, "num_keypoints": 0, "keypoints": [0, 0, 0], "segmentation": [[]] })
        };
        let image = |id: u32| {
            json!({ "coco_url": "", "date_captured": "", "file_name": format!("{id:06}.jpg"), "flickr_url": "", "id": id,
                    "license": 0, "width": 40, "height": 50 })
        };
        let value = json!({ "info": {}, "licenses": [], "images": [image(1), image(2)],
            "categories": [
                { "id": 9, "name": "skirt", "supercategory": "clothes", "keypoints": ["1"], "skeleton": [] },
                { "id": 13, "name": "sling_dress", "supercategory": "clothes", "keypoints": ["1"], "skeleton": [] },
            ],
            "annotations": [annotation(1, 1, 13, 1), annotation(2, 1, 9, 0), annotation(3, 2, 13, 1), annotation(4, 2, 9, 1)] });
        let mini = miniature(&value);
        for name in ["000001", "000002"] {
            mini.photo(&format!("train/{name}.jpg"), 40, 50);
        }
        let found = import(&mini, DEEPFASHION2).unwrap();
        assert_eq!(mini.problems(&found), [""; 0]);
        let items: Vec<&str> = found.rows.iter().map(|row| row.item_id.as_str()).collect();
        assert_eq!(
            items,
            ["deepfashion2/7/13/1", "deepfashion2/000001.jpg/2", "deepfashion2/7/13/1", "deepfashion2/7/9/1"]
        );
        assert!(found.rows.iter().all(|row| row.group == "deepfashion2/7"));
        assert_eq!((found.rows[0].cat14.as_str(), found.rows[1].cat26.as_str()), ("dress", "skirt"));
    }

    #[test]
    fn each_kind_of_fault_is_named_by_its_annotation() {
        for (pointer, value, expected) in [
            ("/annotations/0/image_id", json!(9), "annotation 1: there is no image 9"),
            ("/annotations/0/category_id", json!(99), "annotation 1: there is no category 99"),
            ("/annotations/0/bbox", json!([1, 2, 3]), "annotation 1: a box of 3 values instead of 4"),
            ("/annotations/0/bbox", json!([1, 2, 0, 3]), "annotation 1: the box [1.0, 2.0, 0.0, 3.0] is empty"),
            (
                "/annotations/0/bbox",
                json!([-1, 2, 5, 3]),
                "annotation 1: the box [-1.0, 2.0, 5.0, 3.0] has a value that is no pixel",
            ),
            ("/annotations/0/bbox", json!([70, 2, 5, 3]), "the box 70,2 to 75,5 lies outside of `"),
            ("/annotations/2/id", json!(1), "annotation 1: it is there twice"),
            ("/images/0/file_name", json!("../x.jpg"), "annotation 1: `../x.jpg` leads out of the folder"),
            ("/images/0/file_name", json!("gone.jpg"), "gone.jpg`: missing"),
        ] {
            let mut spoiled = fashionpedia();
            *spoiled.pointer_mut(pointer).unwrap() = value;
            let mini = miniature(&spoiled);
            let problems = mini.problems(&import(&mini, FASHIONPEDIA).unwrap());
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
        }
        let mut twice = fashionpedia();
        let image = twice["images"][0].clone();
        twice["images"].as_array_mut().unwrap().push(image);
        let mini = miniature(&twice);
        assert_eq!(mini.problems(&import(&mini, FASHIONPEDIA).unwrap()), ["instances.json: image 23 is named twice"]);
        let mut unnamed = fashionpedia();
        unnamed["categories"][0]["name"] = json!("toga");
        let mini = miniature(&unnamed);
        let found = import(&mini, FASHIONPEDIA).unwrap();
        assert_eq!((found.unknown_words["toga"], found.rows[1].cat26.as_str()), (1, ""));
        let mut missing = fashionpedia();
        missing.as_object_mut().unwrap().remove("categories");
        let error = import(&miniature(&missing), FASHIONPEDIA).unwrap_err().to_string();
        assert!(
            error.contains("is not a JSON file in the form of COCO: missing field `categories` at line 1"),
            "{error}"
        );
    }

    #[test]
    fn a_box_touches_whole_pixels() {
        assert_eq!(region(&[10.5, 20.0, 29.6, 60.0]), Ok(Region { left: 10, top: 20, right: 41, bottom: 80 }));
        assert!(region(&[f64::NAN, 0.0, 1.0, 1.0]).is_err() && region(&[0.0, 0.0, 1e12, 1.0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_numbers_make_it_panic(at in any::<prop::sample::Index>(), value in any::<u8>(), bbox in prop::collection::vec(any::<f64>(), 0..6)) {
            let mut bytes = fashionpedia().to_string().into_bytes();
            prop_assert!(parse(&bytes).is_ok());
            let at = at.index(bytes.len());
            bytes[at] = value;
            let _ = (parse(&bytes), parse(&bytes[at..]), region(&bbox));
        }
    }
}
