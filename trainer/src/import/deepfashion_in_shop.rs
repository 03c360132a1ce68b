//! Source kind `deepfashion-in-shop`: DeepFashion's In-Shop Clothes Retrieval Benchmark, 52,712 photographs of 7,982 items.
//!
//! Layout as published (see [`super::deepfashion_list`]):
//! - `Img/img/WOMEN/Dresses/id_00000002/02_1_front.jpg`: audience, kind, item, and colour, number and view of the photograph;
//! - `Anno/list_item_inshop.txt`: a count, then one `item_id` a line;
//! - `Anno/list_bbox_inshop.txt`: `image_name clothes_type pose_type x_1 y_1 x_2 y_2`, types 1 to 3, poses 1 to 6;
//! - `Eval/list_eval_partition.txt`: `image_name item_id evaluation_status`, which is `train`, `query` or `gallery`.
//!
//! `query` and `gallery` become the column `split`. An item is one garment in one or more colours, and a group.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::deepfashion_list::Folder;
use super::image_folder::stem;
use super::pictures::Pictures;
use super::{Found, ImportError, LabelMap, Row};

/// The source's own name in the column `source`.
pub const SOURCE: &str = "deepfashion_in_shop";
/// Its words.
pub const WORDS: &str = include_str!("words/deepfashion_in_shop.csv");

const BOX: [&str; 7] = ["image_name", "clothes_type", "pose_type", "x_1", "y_1", "x_2", "y_2"];

/// Reads the benchmark's folder. The boxes are cut into `pictures`.
///
/// # Errors
/// When a list or the photographs' folder is missing.
pub fn read(path: &Path, source: &str, labels: &LabelMap, pictures: &Pictures) -> Result<Found, ImportError> {
    let folder = Folder::open(path)?;
    let (items, boxes) = (folder.list("list_item_inshop.txt")?, folder.list("list_bbox_inshop.txt")?);
    let images = folder.list("list_eval_partition.txt")?;
    let mut found = Found::default();
    let known: HashSet<&str> = items.names(&mut found).into_iter().map(|(_, [item])| item).collect();
    let regions = boxes.by_name(BOX, &mut found);
    let mut side_of: HashMap<&str, (bool, usize)> = HashMap::new();
    let mut named = HashSet::new();
    for (line, [name, item, status]) in images.parse(["image_name", "item_id", "evaluation_status"], &mut found) {
        let mut row = || {
            if !named.insert(name) {
                return Err(format!("`{name}` is named twice"));
            }
            if !known.contains(item) {
                return Err(format!("`{item}` is not in the list of items"));
            }
            if !["train", "query", "gallery"].contains(&status) {
                return Err(format!("`{status}` is no evaluation status: train, query or gallery"));
            }
            let &mut (is_train, first) = side_of.entry(item).or_insert((status == "train", line));
            if is_train != (status == "train") {
                return Err(format!("`{item}` is in train and in the retrieval test: see line {first}"));
            }
            let (at, [_, kind, pose, corners @ ..]) =
                regions.get(name).ok_or_else(|| format!("`{name}` has no box"))?;
            let is_one_of = |value: &str, last: u32| value.parse().is_ok_and(|number| (1..=last).contains(&number));
            if !is_one_of(kind, 3) || !is_one_of(pose, 6) {
                return Err(format!(
                    "`{name}` in line {at} of its boxes: type {kind} and pose {pose}, expected 1 to 3 and 1 to 6"
                ));
            }
            let make = folder.cut(name, (*at, *corners), pictures, (&images.path, line))?;
            let parts: Vec<&str> = name.split('/').collect();
            let ["img", audience, word, _, photo] = parts.as_slice() else {
                return Err(format!("`{name}` is no `img/AUDIENCE/KIND/ITEM/photo`"));
            };
            let Some(keys) = found.keys(labels, word) else { return Ok(None) };
            let item_id = format!("{source}/{item}");
            let row = Row {
                path: make.path()?,
                source: source.to_owned(),
                label: (*word).to_owned(),
                cat14: keys.cat14,
                cat26: keys.cat26,
                group: item_id.clone(),
                item_id,
                view: stem(photo).to_owned(),
                split: if status == "train" { "" } else { status }.to_owned(),
                orig_id: name.to_owned(),
                note: format!("{audience}, partition {status}"),
                ..Row::default()
            };
            Ok(Some((row, make)))
        };
        let outcome = row();
        found.take(outcome, &images.path, line);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{SOURCE, WORDS, read};
    use crate::import::miniature::Miniature;
    use crate::import::{Found, LabelMap};

    const PHOTOS: [(&str, &str, &str); 4] = [
        ("img/WOMEN/Dresses/id_00000002/02_1_front.jpg", "id_00000002", "train"),
        ("img/WOMEN/Dresses/id_00000002/02_2_side.jpg", "id_00000002", "train"),
        ("img/MEN/Denim/id_00000080/01_1_front.jpg", "id_00000080", "query"),
        ("img/MEN/Denim/id_00000080/01_3_back.jpg", "id_00000080", "gallery"),
    ];

    fn miniature() -> Miniature {
        let mini = Miniature::new();
        let (mut boxes, mut status) = (String::new(), String::new());
        for (number, (name, item, side)) in PHOTOS.into_iter().enumerate() {
            mini.photo(&format!("Img/{name}"), 32, 32);
            boxes += &format!("{name}        3 {} 005 00{number} 025 030\n", number + 1);
            status += &format!("{name}                 {item} {side}      \n");
        }
        mini.write("Anno/list_item_inshop.txt", "2\nid_00000002\nid_00000080\n");
        mini.write(
            "Anno/list_bbox_inshop.txt",
            format!("4\nimage_name clothes_type pose_type x_1 y_1 x_2 y_2\n{boxes}"),
        );
        mini.write("Eval/list_eval_partition.txt", format!("4\nimage_name item_id evaluation_status\n{status}"));
        mini
    }

    fn import(mini: &Miniature) -> Found {
        let labels = LabelMap::default().over(WORDS);
        mini.make(read(mini.root(), SOURCE, &labels, &mini.pictures(SOURCE)).unwrap())
    }

    #[test]
    fn a_benchmark_in_the_published_layout_is_imported() {
        let mini = miniature();
        let found = import(&mini);
        assert_eq!(mini.problems(&found), [""; 0]);
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| {
                format!("{} {} {} [{}] {}x{}", row.item_id, row.view, row.cat26, row.split, row.width, row.height)
            })
            .collect();
        assert_eq!(
            rows,
            [
                "deepfashion_in_shop/id_00000002 02_1_front dress [] 20x30",
                "deepfashion_in_shop/id_00000002 02_2_side dress [] 20x29",
                "deepfashion_in_shop/id_00000080 01_1_front  [query] 20x28",
                "deepfashion_in_shop/id_00000080 01_3_back  [gallery] 20x27",
            ]
        );
        assert!(found.unknown_words.is_empty(), "`Denim` is known and fits neither taxonomy");
        assert_eq!(found.rows[3].note, "MEN, partition gallery");
    }

    #[test]
    fn each_kind_of_fault_is_named_by_file_and_line() {
        let (status, boxes) = ("Eval/list_eval_partition.txt", "Anno/list_bbox_inshop.txt");
        for (file, from, to, expected) in [
            (
                status,
                "id_00000080 query",
                "id_00000080 probe",
                "list_eval_partition.txt:5: `probe` is no evaluation status",
            ),
            (
                status,
                "id_00000080 query",
                "id_00000081 query",
                "list_eval_partition.txt:5: `id_00000081` is not in the list",
            ),
            (
                status,
                "id_00000080 query",
                "id_00000080 train",
                "list_eval_partition.txt:6: `id_00000080` is in train and in the retrieval test: see line 5",
            ),
            (
                status,
                "02_2_side",
                "02_1_front",
                "list_eval_partition.txt:4: `img/WOMEN/Dresses/id_00000002/02_1_front.jpg` is named twice",
            ),
            (
                status,
                "01_3_back",
                "01_4_full",
                "list_eval_partition.txt:6: `img/MEN/Denim/id_00000080/01_4_full.jpg` has no box",
            ),
            (status, "item_id ", "", "list_eval_partition.txt:2: 2 columns instead of 3"),
            (
                boxes,
                "3 4 005",
                "3 7 005",
                "list_eval_partition.txt:6: `img/MEN/Denim/id_00000080/01_3_back.jpg` in line 6 of its boxes: type 3 and pose 7",
            ),
            (
                boxes,
                "3 4 005",
                "3 4 5x",
                "list_eval_partition.txt:6: `img/MEN/Denim/id_00000080/01_3_back.jpg` in line 6 of its boxes: `5x` is no",
            ),
            ("Anno/list_item_inshop.txt", "2\n", "3\n", "list_item_inshop.txt:1: `3` names are announced, 2 follow"),
        ] {
            let mini = miniature();
            mini.change(file, from, to);
            let problems = mini.problems(&import(&mini));
            assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
        }
        let mini = miniature();
        mini.write(&format!("Img/{}", PHOTOS[1].0), "no photograph");
        let found = import(&mini);
        assert_eq!(found.rows.len(), 3);
        assert!(mini.problems(&found)[0].starts_with("list_eval_partition.txt:4: `"), "{:?}", mini.problems(&found));
    }
}
