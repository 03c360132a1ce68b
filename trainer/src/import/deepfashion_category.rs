//! Source kind `deepfashion-category`: DeepFashion's Category and Attribute Prediction Benchmark, 289,222 photographs of 50 categories.
//!
//! Layout as published (see [`super::deepfashion_list`]):
//! - `Img/img/NAME/img_00000001.jpg`, `NAME` being the title of the product (`Sheer_Pleated-Front_Blouse`);
//! - `Anno/list_category_cloth.txt`: `category_name category_type`, in the order of the category's number, type 1 upper body, 2 lower, 3 full;
//! - `Anno/list_category_img.txt`: `image_name category_label`, a number from 1;
//! - `Anno/list_bbox.txt`: `image_name x_1 y_1 x_2 y_2`;
//! - `Eval/list_eval_partition.txt`: `image_name evaluation_status`, which is `train`, `val` or `test`.
//!
//! Each photograph is an item of its own (photographs of one title need not show one garment), each title a group. The published
//! partition goes into the note: it divides by photograph, ours by group.

use std::path::Path;

use super::deepfashion_list::Folder;
use super::pictures::Pictures;
use super::{Found, ImportError, LabelMap, Row};

/// The source's own name in the column `source`.
pub const SOURCE: &str = "deepfashion_category";
/// Its words.
pub const WORDS: &str = include_str!("words/deepfashion_category.csv");

const BOX: [&str; 5] = ["image_name", "x_1", "y_1", "x_2", "y_2"];

/// Reads the benchmark's folder. The boxes are cut into `pictures`.
///
/// # Errors
/// When a list or the photographs' folder is missing.
pub fn read(path: &Path, source: &str, labels: &LabelMap, pictures: &Pictures) -> Result<Found, ImportError> {
    let folder = Folder::open(path)?;
    let (cloth, boxes) = (folder.list("list_category_cloth.txt")?, folder.list("list_bbox.txt")?);
    let (images, status) = (folder.list("list_category_img.txt")?, folder.list("list_eval_partition.txt")?);
    let mut found = Found::default();
    let words = cloth.parse(["category_name", "category_type"], &mut found);
    for (line, [_, kind]) in &words {
        if !["1", "2", "3"].contains(kind) {
            found.problems.push_line(&cloth.path, *line, format!("`{kind}` is no category type: 1, 2 or 3"));
        }
    }
    let partition = status.by_name(["image_name", "evaluation_status"], &mut found);
    let regions = boxes.by_name(BOX, &mut found);
    for (line, [name, category]) in images.parse(["image_name", "category_label"], &mut found) {
        let mut row = || {
            let word = category.parse::<usize>().ok().and_then(|number| words.get(number.checked_sub(1)?));
            let (_, [word, _]) = word.ok_or_else(|| format!("`{category}` is no category: 1 to {}", words.len()))?;
            let (_, [_, status]) = partition.get(name).ok_or_else(|| format!("`{name}` has no evaluation status"))?;
            if !["train", "val", "test"].contains(status) {
                return Err(format!("`{name}` has the evaluation status `{status}`: expected train, val or test"));
            }
            let (at, [_, corners @ ..]) = regions.get(name).ok_or_else(|| format!("`{name}` has no box"))?;
            let make = folder.cut(name, (*at, *corners), pictures, (&images.path, line))?;
            let Some(keys) = found.keys(labels, word) else { return Ok(None) };
            let title = name.rsplit_once('/').map_or(*word, |(title, _)| title);
            let row = Row {
                path: make.path()?,
                source: source.to_owned(),
                label: (*word).to_owned(),
                cat14: keys.cat14,
                cat26: keys.cat26,
                item_id: format!("{source}/{name}"),
                group: format!("{source}/{title}"),
                orig_id: name.to_owned(),
                note: format!("partition {status}"),
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

    const BLOUSE: &str = "img/Sheer_Pleated-Front_Blouse/img_00000001.jpg";
    const TEE: &str = "img/Plain_Tee/img_00000001.jpg";

    /// The published layout with two photographs of one title and one of another.
    fn miniature() -> Miniature {
        let mini = Miniature::new();
        let second = BLOUSE.replace("01.jpg", "02.jpg");
        for (number, name) in [BLOUSE, &second, TEE].into_iter().enumerate() {
            mini.photo(&format!("Img/{name}"), 40 + u32::try_from(number).unwrap(), 60);
        }
        mini.write(
            "Anno/list_category_cloth.txt",
            "3\ncategory_name  category_type\nAnorak         1\nBlouse         1\nTee            1\n",
        );
        mini.write(
            "Anno/list_category_img.txt",
            format!("3\nimage_name        category_label\n{BLOUSE}      2\n{second}      2\n{TEE}     3\n"),
        );
        mini.write(
            "Anno/list_bbox.txt",
            format!("3\nimage_name    x_1  y_1  x_2  y_2\n{BLOUSE}  004 010 034 055\n{second} 000 000 041 060\n{TEE} 1 2 20 30\n"),
        );
        mini.write(
            "Eval/list_eval_partition.txt",
            format!("3\nimage_name    evaluation_status\n{BLOUSE}  train\n{second} val\n{TEE} test\n"),
        );
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
            .map(|row| format!("{} {}|{} {}x{} {}", row.label, row.cat14, row.cat26, row.width, row.height, row.note))
            .collect();
        assert_eq!(
            rows,
            [
                "Blouse blouse_top|blouse_top 30x45 partition train",
                "Blouse blouse_top|blouse_top 41x60 partition val",
                "Tee tshirt| 19x28 partition test"
            ]
        );
        assert_eq!(found.rows[0].group, found.rows[1].group);
        assert_ne!(found.rows[0].item_id, found.rows[1].item_id);
        assert_ne!(found.rows[0].group, found.rows[2].group);
        assert!(found.rows[0].path.ends_with("img/Sheer_Pleated-Front_Blouse/img_00000001.jpg.png"));
    }

    #[test]
    fn each_kind_of_fault_is_named_by_file_and_line() {
        for (file, from, to, expected) in [
            (
                "Anno/list_category_img.txt",
                "3\nimage",
                "4\nimage",
                "list_category_img.txt:1: 4 lines are announced, 3 follow",
            ),
            ("Anno/list_category_img.txt", "      2\n", "\n", "list_category_img.txt:3: 1 columns instead of 2"),
            (
                "Anno/list_category_img.txt",
                "     3\n",
                "  51\n",
                "list_category_img.txt:5: `51` is no category: 1 to 3",
            ),
            (
                "Anno/list_category_img.txt",
                TEE,
                "../x.jpg",
                "list_category_img.txt:5: `../x.jpg` has no evaluation status",
            ),
            (
                "Anno/list_category_cloth.txt",
                "Tee            1",
                "Tee 4",
                "list_category_cloth.txt:5: `4` is no category type",
            ),
            ("Anno/list_bbox.txt", "004 010 034 055", "004 010 004 055", "list_category_img.txt:3: `img/Sheer"),
            ("Anno/list_bbox.txt", "1 2 20 30", "1 2 20", "list_bbox.txt:5: 4 columns instead of 5"),
            (
                "Anno/list_bbox.txt",
                "1 2 20 30",
                "1 200 20 300",
                "list_category_img.txt:5: the box 1,200 to 20,300 lies outside",
            ),
            (
                "Eval/list_eval_partition.txt",
                " test",
                " tset",
                "list_category_img.txt:5: `img/Plain_Tee/img_00000001.jpg` has the evaluation",
            ),
            ("Eval/list_eval_partition.txt", TEE, BLOUSE, "list_eval_partition.txt:5: `img/Sheer"),
        ] {
            let mini = miniature();
            mini.change(file, from, to);
            let problems = mini.problems(&import(&mini));
            assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
        }
        let mini = miniature();
        mini.remove(&format!("Img/{TEE}"));
        let found = import(&mini);
        assert!(found.rows.len() == 2 && mini.problems(&found)[0].ends_with("missing"));
        mini.remove("Anno/list_bbox.txt");
        let error = read(mini.root(), SOURCE, &LabelMap::default(), &mini.pictures(SOURCE)).unwrap_err().to_string();
        assert!(error.contains("has no `list_bbox.txt`, neither itself nor in `Anno`"), "{error}");
    }

    #[test]
    fn a_word_of_no_map_is_counted_and_stays_empty() {
        let mini = miniature();
        mini.change("Anno/list_category_cloth.txt", "Blouse", "Toga");
        let found = import(&mini);
        assert_eq!(found.unknown_words.into_iter().collect::<Vec<_>>(), [("Toga".to_owned(), 2)]);
        assert_eq!((found.rows.len(), found.rows[0].cat14.as_str(), found.rows[0].label.as_str()), (3, "", "Toga"));
    }
}
