//! Source kind `fashion-mnist`: 70,000 grey thumbnails of 28×28 pixels with ten labels.
//!
//! Layout as published: `train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`, and the same with `t10k`, also unpacked (without
//! `.gz`), in one folder ([`super::idx`]). Each thumbnail becomes a PNG of the import and is an item of its own; the published partition
//! goes into the note.
//!
//! **Source**: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST" (2017); the labels by number are those of its page.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clothingid_shared::files;

use super::data_folder::absolute;
use super::idx::{Idx, MOST_IDX_BYTES, parse};
use super::manifest::prefix;
use super::pictures::{Make, Origin, Pictures};
use super::{Found, ImportError, LabelMap, Row};

/// The source's own name in the column `source`.
pub const SOURCE: &str = "fashion_mnist";
/// Its words.
pub const WORDS: &str = include_str!("words/fashion_mnist.csv");

/// The labels by number.
const LABELS: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Partitions with the beginning of their files' names.
const PARTITIONS: [(&str, &str); 2] = [("train", "train"), ("test", "t10k")];

/// Reads the folder; one partition is enough. The thumbnails go into `pictures`.
///
/// # Errors
/// When neither partition is there, or a file is not in its form.
pub fn read(path: &Path, source: &str, labels: &LabelMap, pictures: &Pictures) -> Result<Found, ImportError> {
    let folder = absolute(path)?;
    let mut found = Found::default();
    let mut is_there = false;
    for (partition, start) in PARTITIONS {
        let Some(images) = file(&folder, &format!("{start}-images-idx3-ubyte")) else { continue };
        let list = format!("{start}-labels-idx1-ubyte");
        let Some(numbers) = file(&folder, &list) else {
            return Err(ImportError::NotASource { path: folder, expected: "folder with the labels of its images" });
        };
        is_there = true;
        let thumbnails = open(&images, 3, "a file of thumbnails")?;
        let numbers_of = open(&numbers, 1, "a file of labels")?;
        read_partition(&mut found, partition, source, labels, pictures, (&thumbnails, &numbers_of, &numbers))?;
    }
    if is_there {
        Ok(found)
    } else {
        Err(ImportError::NotASource {
            path: folder, expected: "folder with `train-images-idx3-ubyte.gz` or `t10k-…`"
        })
    }
}

fn file(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

fn open(path: &Path, dimensions: usize, form: &'static str) -> Result<Idx, ImportError> {
    let bytes = files::read_at_most(path, MOST_IDX_BYTES)?;
    parse(&bytes, dimensions).map_err(|reason| ImportError::Form { path: path.to_path_buf(), form, reason })
}

fn read_partition(
    found: &mut Found,
    partition: &str,
    source: &str,
    labels: &LabelMap,
    pictures: &Pictures,
    (thumbnails, numbers, list): (&Idx, &Idx, &Path),
) -> Result<(), ImportError> {
    let size = |at: usize| thumbnails.dimensions.get(at).and_then(|size| u32::try_from(*size).ok()).unwrap_or_default();
    let (height, width) = (size(1), size(2));
    if thumbnails.dimensions.first() != numbers.dimensions.first() {
        let reason = format!("{:?} labels for {:?} thumbnails", numbers.dimensions, thumbnails.dimensions);
        return Err(ImportError::Form { path: list.to_path_buf(), form: "the list of its thumbnails", reason });
    }
    let list: Arc<Path> = list.into();
    for (number, label) in numbers.values.iter().enumerate() {
        let Some(word) = LABELS.get(usize::from(*label)) else {
            found.problems.push(&list, format!("label {number} of {partition}: `{label}` is no label: 0 to 9"));
            continue;
        };
        let name = format!("{partition}/{number:05}");
        let picture = pictures.file(&name).and_then(|file| Some((file.to_str()?.to_owned(), file)));
        let (Some((path, file)), Some(pixels)) = (picture, thumbnails.entry(number)) else {
            found.problems.push(&list, format!("label {number} of {partition}: the folder of the import is not UTF-8"));
            continue;
        };
        let Some(keys) = found.keys(labels, word) else { continue };
        let item_id = format!("{}{source}/{name}", prefix(keys.subject));
        found.rows.push(Row {
            path,
            source: source.to_owned(),
            label: (*word).to_owned(),
            cat14: keys.cat14,
            cat26: keys.cat26,
            group: item_id.clone(),
            item_id,
            orig_id: name,
            note: format!("partition {partition}"),
            ..Row::default()
        });
        let origin = Origin::Grey { width, height, pixels: pixels.to_vec() };
        found.to_make.push(Make { file, origin, list: Arc::clone(&list), line: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clothingid_shared::picture;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{SOURCE, WORDS, read};
    use crate::import::idx::write;
    use crate::import::miniature::Miniature;
    use crate::import::{Found, ImportError, LabelMap};

    fn import(mini: &Miniature) -> Result<Found, ImportError> {
        let labels = LabelMap::default().over(WORDS);
        read(mini.root(), SOURCE, &labels, &mini.pictures(SOURCE)).map(|found| mini.make(found))
    }

    fn thumbnails(count: u32) -> Vec<u8> {
        let values: Vec<u8> = (0..count * 28 * 28).map(|at| (at * 7 % 251).to_le_bytes()[0]).collect();
        write(&[count, 28, 28], &values)
    }

    fn miniature(labels: &[u8]) -> Miniature {
        let mini = Miniature::new();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&thumbnails(3)).unwrap();
        mini.write("train-images-idx3-ubyte.gz", packed.finish().unwrap());
        mini.write("train-labels-idx1-ubyte", write(&[u32::try_from(labels.len()).unwrap()], labels));
        mini.write("t10k-images-idx3-ubyte", thumbnails(1));
        mini.write("t10k-labels-idx1-ubyte", write(&[1], &[6]));
        mini
    }

    #[test]
    fn files_in_the_published_form_are_imported_packed_or_not() {
        let mini = miniature(&[0, 9, 4]);
        let found = import(&mini).unwrap();
        assert_eq!(mini.problems(&found), [""; 0]);
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| format!("{} {} {} {}x{} {}", row.item_id, row.label, row.cat14, row.width, row.height, row.note))
            .collect();
        assert_eq!(
            rows,
            [
                "fashion_mnist/train/00000 T-shirt/top tshirt 28x28 partition train",
                "none_fashion_mnist/train/00001 Ankle boot  28x28 partition train",
                "fashion_mnist/train/00002 Coat coat 28x28 partition train",
                "fashion_mnist/test/00000 Shirt shirt 28x28 partition test",
            ]
        );
        let picture = picture::decode(&std::fs::read(&found.rows[2].path).unwrap()).unwrap();
        let grey: Vec<u8> = picture.rgb().iter().step_by(3).copied().collect();
        assert_eq!(grey, thumbnails(3)[16 + 2 * 28 * 28..]);
    }

    #[test]
    fn each_kind_of_fault_is_named() {
        let mini = miniature(&[0, 10, 4]);
        let found = import(&mini).unwrap();
        assert_eq!(mini.problems(&found), ["train-labels-idx1-ubyte: label 1 of train: `10` is no label: 0 to 9"]);
        assert_eq!(found.rows.len(), 3);
        let refused = |mini: &Miniature| import(mini).unwrap_err().to_string();
        assert!(refused(&miniature(&[0, 1])).ends_with("[2] labels for [3, 28, 28] thumbnails"));
        let torn = miniature(&[0, 1, 2]);
        torn.write("t10k-images-idx3-ubyte", &thumbnails(1)[..100]);
        assert!(refused(&torn).ends_with("is not a file of thumbnails: 84 values instead of 1 × 28 × 28"));
        torn.remove("t10k-labels-idx1-ubyte");
        assert!(refused(&torn).ends_with("is no folder with the labels of its images"));
        assert!(refused(&Miniature::new()).contains("is no folder with `train-images-idx3-ubyte.gz`"));
    }
}
