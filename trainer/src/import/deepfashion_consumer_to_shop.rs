//! Source kind `deepfashion-consumer-to-shop`: DeepFashion's Consumer-to-Shop Clothes Retrieval Benchmark, 239,557 photographs.
//!
//! Layout as published (see [`super::deepfashion_list`]):
//! - `Img/img/TOPS/T_Shirt/id_00000218/comsumer_01.jpg` (so spelled) and `shop_01.jpg`;
//! - `Anno/list_item_consumer2shop.txt`: a count, then one `item_id` a line;
//! - `Anno/list_bbox_consumer2shop.txt`: `image_name clothes_type source_type x_1 y_1 x_2 y_2`, source 1 shop, 2 consumer;
//! - `Eval/list_eval_partition.txt`: `image_pair_name_1 image_pair_name_2 item_id evaluation_status`: a consumer's photograph, the
//!   shop's, their item, and `train`, `val` or `test`.
//!
//! A photograph stands in many pairs and becomes one row. Outside of `train` a consumer's photograph is a query and a shop's the gallery,
//! as the benchmark has it. An item is a group.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::deepfashion_list::Folder;
use super::image_folder::stem;
use super::pictures::Pictures;
use super::{Found, ImportError, LabelMap, Row};

/// The source's own name in the column `source`.
pub const SOURCE: &str = "deepfashion_consumer_to_shop";
/// Its words.
pub const WORDS: &str = include_str!("words/deepfashion_consumer_to_shop.csv");

const BOX: [&str; 7] = ["image_name", "clothes_type", "source_type", "x_1", "y_1", "x_2", "y_2"];
const PAIR: [&str; 4] = ["image_pair_name_1", "image_pair_name_2", "item_id", "evaluation_status"];

/// Reads the benchmark's folder. The boxes are cut into `pictures`.
///
/// # Errors
/// When a list or the photographs' folder is missing.
pub fn read(path: &Path, source: &str, labels: &LabelMap, pictures: &Pictures) -> Result<Found, ImportError> {
    let folder = Folder::open(path)?;
    let (items, boxes) = (folder.list("list_item_consumer2shop.txt")?, folder.list("list_bbox_consumer2shop.txt")?);
    let pairs = folder.list("list_eval_partition.txt")?;
    let mut found = Found::default();
    let known: HashSet<&str> = items.names(&mut found).into_iter().map(|(_, [item])| item).collect();
    let regions = boxes.by_name(BOX, &mut found);
    // What was said of each photograph first, and of each item.
    let mut named: HashMap<&str, ([&str; 3], usize)> = HashMap::new();
    let mut status_of: HashMap<&str, (&str, usize)> = HashMap::new();
    for (line, [consumer, shop, item, status]) in pairs.parse(PAIR, &mut found) {
        let mut pair = || {
            if !known.contains(item) {
                return Err(format!("`{item}` is not in the list of items"));
            }
            if !["train", "val", "test"].contains(&status) {
                return Err(format!("`{status}` is no evaluation status: train, val or test"));
            }
            let &mut (held, first) = status_of.entry(item).or_insert((status, line));
            if held != status {
                return Err(format!("`{item}` is in {held} and in {status}: see line {first}"));
            }
            let mut rows = Vec::new();
            for (name, side) in [(consumer, "query"), (shop, "gallery")] {
                let &mut (held, first) = named.entry(name).or_insert(([item, status, side], line));
                if held != [item, status, side] {
                    return Err(format!("`{name}` is of `{}` as {} too: see line {first}", held[0], held[2]));
                }
                if first != line {
                    continue;
                }
                let (at, [_, kind, from, corners @ ..]) =
                    regions.get(name).ok_or_else(|| format!("`{name}` has no box"))?;
                if !["1", "2", "3"].contains(kind) || !["1", "2"].contains(from) {
                    return Err(format!(
                        "`{name}` in line {at} of its boxes: type {kind} and source {from}, expected 1 to 3 and 1 or 2"
                    ));
                }
                let make = folder.cut(name, (*at, *corners), pictures, (&pairs.path, line))?;
                let parts: Vec<&str> = name.split('/').collect();
                let ["img", _, word, _, photo] = parts.as_slice() else {
                    return Err(format!("`{name}` is no `img/KIND/KIND/ITEM/photo`"));
                };
                let Some(keys) = found.keys(labels, word) else { continue };
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
                    split: if status == "train" { "" } else { side }.to_owned(),
                    orig_id: name.to_owned(),
                    note: format!("partition {status}"),
                    ..Row::default()
                };
                rows.push((row, make));
            }
            Ok(rows)
        };
        match pair() {
            Ok(rows) => {
                for (row, make) in rows {
                    found.rows.push(row);
                    found.to_make.push(make);
                }
            }
            Err(reason) => found.problems.push_line(&pairs.path, line, reason),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{SOURCE, WORDS, read};
    use crate::import::miniature::Miniature;
    use crate::import::{Found, LabelMap};

    fn miniature() -> Miniature {
        let mini = Miniature::new();
        let mut boxes = String::new();
        for (item, photos) in [
            ("img/TOPS/T_Shirt/id_00000218", &["comsumer_01", "comsumer_02", "shop_01"][..]),
            ("img/DRESSES/Lace_Dress/id_00000300", &["comsumer_01", "shop_01", "shop_02"]),
        ] {
            for photo in photos {
                mini.photo(&format!("Img/{item}/{photo}.jpg"), 30, 40);
                let from = if photo.starts_with("shop") { 1 } else { 2 };
                boxes += &format!("{item}/{photo}.jpg     1 {from} 002 003 022 033\n");
            }
        }
        mini.write("Anno/list_item_consumer2shop.txt", "2\nid_00000218\nid_00000300\n");
        mini.write(
            "Anno/list_bbox_consumer2shop.txt",
            format!("6\nimage_name clothes_type source_type x_1 y_1 x_2 y_2\n{boxes}"),
        );
        let (tee, dress) = ("img/TOPS/T_Shirt/id_00000218", "img/DRESSES/Lace_Dress/id_00000300");
        mini.write(
            "Eval/list_eval_partition.txt",
            format!(
                "4\nimage_pair_name_1 image_pair_name_2 item_id evaluation_status\n\
                 {tee}/comsumer_01.jpg {tee}/shop_01.jpg id_00000218 test\n\
                 {tee}/comsumer_02.jpg {tee}/shop_01.jpg id_00000218 test\n\
                 {dress}/comsumer_01.jpg {dress}/shop_01.jpg id_00000300 train\n\
                 {dress}/comsumer_01.jpg {dress}/shop_02.jpg id_00000300 train\n"
            ),
        );
        mini
    }

    fn import(mini: &Miniature) -> Found {
        let labels = LabelMap::default().over(WORDS);
        mini.make(read(mini.root(), SOURCE, &labels, &mini.pictures(SOURCE)).unwrap())
    }

    #[test]
    fn a_benchmark_in_the_published_layout_is_imported_with_one_row_a_photograph() {
        let mini = miniature();
        let found = import(&mini);
        assert_eq!(mini.problems(&found), [""; 0]);
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| format!("{} {} [{}] {}x{}", row.view, row.cat14, row.split, row.width, row.height))
            .collect();
        assert_eq!(
            rows,
            [
                "comsumer_01 tshirt [query] 20x30",
                "shop_01 tshirt [gallery] 20x30",
                "comsumer_02 tshirt [query] 20x30",
                "comsumer_01 dress [] 20x30",
                "shop_01 dress [] 20x30",
                "shop_02 dress [] 20x30",
            ]
        );
        assert!(found.rows.iter().all(|row| row.group == row.item_id));
        assert_eq!(found.rows[0].item_id, "deepfashion_consumer_to_shop/id_00000218");
    }

    #[test]
    fn each_kind_of_fault_is_named_by_file_and_line() {
        let (pairs, boxes) = ("Eval/list_eval_partition.txt", "Anno/list_bbox_consumer2shop.txt");
        for (file, from, to, expected) in [
            (
                pairs,
                "comsumer_02.jpg img/TOPS/T_Shirt/id_00000218/shop_01.jpg id_00000218 test",
                "comsumer_02.jpg img/TOPS/T_Shirt/id_00000218/shop_01.jpg id_00000218 val",
                "list_eval_partition.txt:4: `id_00000218` is in test and in val: see line 3",
            ),
            (
                pairs,
                "id_00000300 train",
                "id_00000301 train",
                "list_eval_partition.txt:5: `id_00000301` is not in the list of items",
            ),
            (
                pairs,
                "id_00000218 test",
                "id_00000218 exam",
                "list_eval_partition.txt:3: `exam` is no evaluation status",
            ),
            (
                pairs,
                "T_Shirt/id_00000218/comsumer_02.jpg",
                "T_Shirt/id_00000218/shop_01.jpg",
                "list_eval_partition.txt:4: `img/TOPS/T_Shirt/id_00000218/shop_01.jpg` is of `id_00000218` as gallery too: see line 3",
            ),
            (
                boxes,
                "shop_02.jpg     1 1",
                "shop_02.jpg     1 3",
                "list_eval_partition.txt:6: `img/DRESSES/Lace_Dress/id_00000300/shop_02.jpg` in line 8 of its boxes: type 1 and source 3",
            ),
            (boxes, "6\nimage", "five\nimage", "list_bbox_consumer2shop.txt:1: `five` is no count of lines"),
            (
                "Anno/list_item_consumer2shop.txt",
                "2\n",
                "1\n",
                "list_item_consumer2shop.txt:1: `1` names are announced, 2 follow",
            ),
        ] {
            let mini = miniature();
            mini.change(file, from, to);
            let problems = mini.problems(&import(&mini));
            assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
        }
        let mini = miniature();
        mini.remove("Img/img/TOPS/T_Shirt/id_00000218/shop_01.jpg");
        let found = import(&mini);
        assert!(found.rows.len() == 5 && mini.problems(&found)[0].starts_with("list_eval_partition.txt:3: "));
    }
}
