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
    use std::path::PathBuf;

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

    /// Photographs whose file names give their class, with the number of the class.
    fn photos() -> Vec<(PathBuf, usize)> {
        let folder = std::env::var_os("CLOTHINGID_DATA").map(PathBuf::from).expect("CLOTHINGID_DATA names the data");
        let word = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let classes: Vec<String> = CLASSES.lines().map(|line| word(line.split(',').next().unwrap())).collect();
        let class_of = |path: PathBuf| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let (number, class) = name.split_once('_')?;
            let is_imagenet = number.strip_prefix('n')?.chars().all(|c| c.is_ascii_digit());
            is_imagenet.then(|| (path, classes.iter().position(|c| *c == word(class)).expect("a class of ImageNet")))
        };
        files::photos_in(&folder.join("not_garments/images")).unwrap().into_iter().filter_map(class_of).collect()
    }

    /// Share of right answers on the photographs, cropped to 224 × 224.
    fn top_1(graph: &Graph, weights: &Weights, photos: &[(PathBuf, usize)]) -> f64 {
        let network = Network::load(graph.clone(), weights, Device::Cpu).unwrap();
        let contract = PictureContract { fit: Fit::CentreCrop, ..PictureContract::with_side(224) };
        let mut right = 0;
        for chunk in photos.chunks(20) {
            let read = |path: &PathBuf| contract.read(&files::read(path).unwrap()).unwrap().into_rgb();
            let bytes: Vec<u8> = chunk.iter().flat_map(|(path, _)| read(path)).collect();
            let pictures = Tensor::from_slice(&bytes).view([-1, 224, 224, 3]);
            let answers = network.evaluate(&pictures).remove(0).1.argmax(-1, false);
            right += chunk
                .iter()
                .zip(0_i64..)
                .filter(|((_, class), at)| answers.int64_value(&[*at]) == *class as i64)
                .count();
        }
        right as f64 / photos.len() as f64
    }

    #[test]
    #[ignore = "needs the photographs: CLOTHINGID_DATA=FOLDER"]
    fn imagenet_photographs_get_their_classes_and_the_shifted_zero_point_costs_nothing() {
        let photos = photos();
        assert_eq!(photos.len(), 440);
        let (graph, shifted) = (imagenet_classifier(), weights().unwrap());
        // `x / 127.5 - 1` is our input plus 0.5 / 127.5 everywhere: inside the picture the first convolution gives that times the
        // sum of its weights more, which its batch norm can take off its mean.
        let mut original = shifted.clone();
        let mut mean = original.remove("features.0.1.running_mean").unwrap();
        let offset = (f32::from(PIXEL_ZERO_POINT) - 127.5) / PIXEL_SCALE_DIVISOR;
        let kernels = original.get("features.0.0.weight").unwrap().values.chunks_exact(27);
        mean.values.iter_mut().zip(kernels).for_each(|(mean, kernel)| *mean -= offset * kernel.iter().sum::<f32>());
        original.insert("features.0.1.running_mean", mean);
        // PyTorch's habit for the stride-2 convolutions, which these weights were not trained with.
        let mut symmetric = graph.clone();
        for node in &mut symmetric.nodes {
            if let Layer::Convolution { kernel: 3, padding, .. } = &mut node.layer {
                *padding = Padding::Symmetric(1);
            }
        }
        let ours = top_1(&graph, &shifted, &photos);
        let trained = top_1(&graph, &original, &photos);
        let otherwise = top_1(&symmetric, &shifted, &photos);
        println!("top-1 of {}: {ours:.4} with zero point 128, {trained:.4} as trained", photos.len());
        println!("with symmetric padding {otherwise:.4}");
        // The photographs are 256 pixels long, so that each is enlarged; an independent implementation in numpy, with the pixels as
        // trained, names 107 of every third one's 147 (0.728, ± 0.072 at 95 %).
        assert!(ours > 0.7, "{ours}");
        // One photograph is 0.0023; three either way are no loss that 440 could show.
        assert!((ours - trained).abs() < 0.007, "{ours} against {trained}");
        assert!(otherwise < ours - 0.02, "the wrong padding must show: {otherwise} against {ours}");
    }
}
