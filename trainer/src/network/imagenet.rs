//! The ImageNet start of MobileNetV2 that ships with the sources: lossless in the int8 form in which it was published.
//!
//! `models/imagenet/README.md` has licence, source and the command that makes the file.

use std::path::Path;

use super::weights::{Weights, WeightsError};

/// The file, in the compact form.
pub const FILE: &[u8] = include_bytes!("../../../models/imagenet/mobilenet_v2.safetensors");

/// Names of the 1,000 classes in order, one a line.
pub const CLASSES: &str = include_str!("../../../models/imagenet/classes.txt");

/// The weights, batch norm and classifier included.
///
/// # Errors
/// None unless the file in the program is broken.
pub fn weights() -> Result<Weights, WeightsError> {
    Weights::from_bytes(FILE, Path::new("models/imagenet/mobilenet_v2.safetensors"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clothingid_shared::files;
    use clothingid_shared::picture::{Fit, PictureContract};
    use tch::{Device, Tensor};

    use super::{CLASSES, weights};
    use crate::network::backbones::mobilenet_v2::imagenet_classifier;
    use crate::network::graph::{PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT};
    use crate::network::{Graph, Layer, Network, Padding, Weights};

    #[test]
    fn the_file_has_every_array_of_the_graph_and_reads_back_the_same() {
        let weights = weights().unwrap();
        let graph = imagenet_classifier();
        for array in graph.parameters().into_iter().chain(graph.state()) {
            weights.get_shaped(&array.name, &array.shape).unwrap();
        }
        assert_eq!(weights.len(), 262);
        assert_eq!(CLASSES.lines().count(), 1000);
        assert_eq!(weights.to_compact_bytes().unwrap(), super::FILE, "the compact form is written as it was read");
    }

    /// A photograph and the classes of ImageNet that are a right answer to it.
    type Photo = (PathBuf, Vec<usize>);

    /// Class of ImageNet by its first name.
    fn class(name: &str) -> usize {
        let of = |line: &str| line.split(',').next().is_some_and(|first| word(first) == word(name));
        CLASSES.lines().position(of).unwrap_or_else(|| panic!("`{name}` is no class of ImageNet"))
    }

    fn word(text: &str) -> String {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    }

    /// Photographs that ship and show what ImageNet has a class for, by the source's own label.
    fn shipped_photos() -> Vec<Photo> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
        let table = files::read_text(&folder.join("manifest.csv")).unwrap();
        let mut lines = csv::Reader::from_reader(table.as_bytes());
        let right = |label: &str, category: &str| -> Vec<usize> {
            let names: &[&str] = match (label, category) {
                ("shoes", _) => &["running shoe", "Loafer", "clog", "sandal", "cowboy boot"],
                ("T-Shirt", _) => &["jersey", "sweatshirt"],
                ("Blazer", _) => &["suit"],
                (_, "jeans") => &["jean"],
                _ => &[],
            };
            names.iter().map(|name| class(name)).collect()
        };
        let rows = lines.records().map(Result::unwrap);
        let photos = rows.map(|row| (folder.join(&row[0]), right(&row[2], &row[4])));
        photos.filter(|(_, classes)| !classes.is_empty()).collect()
    }

    /// The photographs of `CLOTHINGID_DATA` whose file names give their class, where that folder is named.
    fn named_photos() -> Option<Vec<Photo>> {
        let folder = std::env::var_os("CLOTHINGID_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from)?;
        let class_of = |path: PathBuf| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let (number, name) = name.split_once('_')?;
            let is_imagenet = number.strip_prefix('n')?.chars().all(|c| c.is_ascii_digit());
            is_imagenet.then(|| (path, vec![class(name)]))
        };
        Some(files::photos_in(&folder.join("not_garments/images")).unwrap().into_iter().filter_map(class_of).collect())
    }

    /// Share of right answers on the photographs, cropped to 224 × 224.
    fn top_1(graph: &Graph, weights: &Weights, photos: &[Photo]) -> f64 {
        let network = Network::load(graph.clone(), weights, Device::Cpu).unwrap();
        let contract = PictureContract { fit: Fit::CentreCrop, ..PictureContract::with_side(224) };
        let mut right = 0;
        for chunk in photos.chunks(20) {
            let read = |path: &PathBuf| contract.read(&files::read(path).unwrap()).unwrap().into_rgb();
            let bytes: Vec<u8> = chunk.iter().flat_map(|(path, _)| read(path)).collect();
            let pictures = Tensor::from_slice(&bytes).view([-1, 224, 224, 3]);
            let answers = network.evaluate(&pictures).remove(0).1.argmax(-1, false);
            let is_right = |(at, (_, classes)): (i64, &Photo)| {
                usize::try_from(answers.int64_value(&[at])).is_ok_and(|answer| classes.contains(&answer))
            };
            right += (0_i64..).zip(chunk).filter(|&pair| is_right(pair)).count();
        }
        right as f64 / photos.len() as f64
    }

    /// The graph with PyTorch's habit for the stride-2 convolutions, which these weights were not trained with.
    fn with_symmetric_padding(graph: &Graph) -> Graph {
        let mut symmetric = graph.clone();
        for node in &mut symmetric.nodes {
            if let Layer::Convolution { kernel: 3, padding, .. } = &mut node.layer {
                *padding = Padding::Symmetric(1);
            }
        }
        symmetric
    }

    #[test]
    fn photographs_get_their_class_of_the_thousand() {
        let (graph, weights) = (imagenet_classifier(), weights().unwrap());
        let shipped = shipped_photos();
        let ours = top_1(&graph, &weights, &shipped);
        let mut spoilt = weights.clone();
        let mut last = spoilt.remove("features.18.0.weight").unwrap();
        last.values.iter_mut().for_each(|weight| *weight = -*weight);
        spoilt.insert("features.18.0.weight", last);
        let without = top_1(&graph, &spoilt, &shipped);
        println!("right of {} shipped: {ours:.4}; with the last convolution spoilt {without:.4}", shipped.len());
        // 63 of 84 (0.75, ± 0.09 at 95 %); a guess is right for 1 to 5 classes of 1,000.
        assert!(ours > 0.6, "{ours}");
        assert!(without < 0.3, "a spoilt layer must show: {without}");
        let Some(named) = named_photos() else { return };
        assert_eq!(named.len(), 440);
        // `x / 127.5 - 1` is our input plus 0.5 / 127.5 everywhere: inside the picture the first convolution gives that times the
        // sum of its weights more, which its batch norm can take off its mean.
        let mut original = weights.clone();
        let mut mean = original.remove("features.0.1.running_mean").unwrap();
        let offset = (f32::from(PIXEL_ZERO_POINT) - 127.5) / PIXEL_SCALE_DIVISOR;
        let kernels = original.get("features.0.0.weight").unwrap().values.chunks_exact(27);
        mean.values.iter_mut().zip(kernels).for_each(|(mean, kernel)| *mean -= offset * kernel.iter().sum::<f32>());
        original.insert("features.0.1.running_mean", mean);
        let ours = top_1(&graph, &weights, &named);
        let trained = top_1(&graph, &original, &named);
        let otherwise = top_1(&with_symmetric_padding(&graph), &weights, &named);
        println!("top-1 of {}: {ours:.4} with zero point 128, {trained:.4} as trained", named.len());
        println!("with symmetric padding {otherwise:.4}");
        // The photographs are 256 pixels long, so that each is enlarged; an independent implementation in numpy, with the pixels as
        // trained, names 107 of every third one's 147 (0.728, ± 0.072 at 95 %).
        assert!(ours > 0.7, "{ours}");
        // One photograph is 0.0023; three either way are no loss that 440 could show.
        assert!((ours - trained).abs() < 0.007, "{ours} against {trained}");
        assert!(otherwise < ours - 0.02, "the wrong padding must show: {otherwise} against {ours}");
    }
}
