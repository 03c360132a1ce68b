//! A second look at a frame: at the part of it where the garment is, enlarged. It is for garments that are small in the picture, and costs as much as the first.
//!
//! What both looks say is joined: the mean of the probabilities, and the sum of the embeddings. How much that is worth on garments pasted onto other
//! photographs: `clothingid-train evaluate --composites`.

use super::look::LookError;
use crate::camera::{Frame, FrameDecoder};
use crate::network::plan::Plan;
use crate::network::{Answer, Engine, Localiser};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::calibration::probabilities_into;
use clothingid_shared::embedding::l2_normalise;
use clothingid_shared::picture::region::MARGIN;
use clothingid_shared::picture::{Picture, PictureContract, PictureMaker};

/// A part with a shorter side is not worth a look.
const LEAST_PIXELS: u32 = 16;

/// Looks again; keeps all buffers.
pub struct SecondLook {
    localiser: Localiser,
    contract: PictureContract,
    maker: PictureMaker,
    decoder: FrameDecoder,
    part: Picture,
    input: Picture,
    answer: Answer,
    joiner: Joiner,
}

impl SecondLook {
    /// For the bundle's network on this engine.
    ///
    /// **Errors** [`LookError::NoSecondLook`] where the engine does not show where its answers come from, or the network has another form.
    pub fn new(bundle: &Bundle, engine: &dyn Engine) -> Result<Self, LookError> {
        let none = || LookError::NoSecondLook { engine: engine.name().to_owned() };
        let localiser = Localiser::new(&Plan::new(&bundle.network)?).ok_or_else(none)?;
        // An engine that is open has run once.
        let _ = engine.bytes_of(localiser.layer()).ok_or_else(none)?;
        let contract = bundle.manifest.picture.clone();
        Ok(Self {
            localiser,
            maker: PictureMaker::new(contract.clone()),
            contract,
            decoder: FrameDecoder::new(),
            part: Picture::default(),
            input: Picture::default(),
            answer: Answer::default(),
            joiner: Joiner::new(bundle),
        })
    }

    /// Looks at the part of a frame that the engine's last answer comes from, and joins what it sees to that answer. `decoded` is the frame's picture,
    /// where it was made already.
    ///
    /// **Errors** [`LookError`]; see [`LookError::is_the_pictures`].
    pub fn look(
        &mut self,
        frame: &Frame,
        decoded: Option<&Picture>,
        engine: &mut dyn Engine,
        answer: &mut Answer,
    ) -> Result<(), LookError> {
        let Some(activations) = engine.bytes_of(self.localiser.layer()) else {
            return Err(LookError::NoSecondLook { engine: engine.name().to_owned() });
        };
        let region = self.localiser.locate(activations).widened(MARGIN);
        let picture = match decoded {
            Some(picture) => picture,
            None => self.decoder.decode(frame)?,
        };
        let region = region.of_picture(&self.contract, picture.width(), picture.height());
        region.cut_into(picture, &mut self.part);
        // A box in the border of the square is nothing of the picture.
        if self.part.width().min(self.part.height()) < LEAST_PIXELS {
            return Ok(());
        }
        self.maker.make_into(&self.part, &mut self.input)?;
        self.part.let_go_if_large();
        self.decoder.let_go_if_large();
        engine.run(&self.input, &mut self.answer)?;
        self.joiner.join(answer, &self.answer);
        Ok(())
    }
}

/// Joins the answers of two looks.
#[derive(Debug)]
struct Joiner {
    /// Of both heads.
    temperatures: [f64; 2],
    probabilities: [Vec<f64>; 2],
}

impl Joiner {
    fn new(bundle: &Bundle) -> Self {
        let temperatures = [bundle.manifest.category14.temperature, bundle.manifest.category26.temperature];
        Self { temperatures, probabilities: Default::default() }
    }

    /// Makes `first` the answer of both.
    fn join(&mut self, first: &mut Answer, second: &Answer) {
        let [of_14, of_26] = self.temperatures;
        self.join_head(&mut first.category14, &second.category14, of_14);
        self.join_head(&mut first.category26, &second.category26, of_26);
        for (sum, value) in first.embedding.iter_mut().zip(&second.embedding) {
            *sum += value;
        }
        l2_normalise(&mut first.embedding);
    }

    /// The logits whose probabilities are the mean of both.
    fn join_head(&mut self, first: &mut [f32], second: &[f32], temperature: f64) {
        let [a, b] = &mut self.probabilities;
        probabilities_into(first, temperature, a);
        probabilities_into(second, temperature, b);
        for ((logit, a), b) in first.iter_mut().zip(a).zip(b) {
            #[expect(clippy::cast_possible_truncation, reason = "a logit")]
            let joined = (temperature * f64::midpoint(*a, *b).max(f64::MIN_POSITIVE).ln()) as f32;
            *logit = joined;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::PixelFormat;
    use crate::network::localiser::on_a_wall;
    use crate::network::{EngineChoice, PhotoPath, read_bundle};
    use clothingid_shared::calibration::probabilities;
    use clothingid_shared::picture::decode;

    #[test]
    fn what_both_looks_say_is_the_mean_of_their_probabilities() {
        let mut joiner = Joiner { temperatures: [1.5, 0.5], probabilities: Default::default() };
        let of = |category14: &[f32], embedding: &[f32]| Answer {
            category14: category14.to_vec(),
            category26: vec![0.0, 1.0],
            embedding: embedding.to_vec(),
        };
        let (mut first, second) = (of(&[2.0, 0.0, -90.0], &[1.0, 0.0]), of(&[-1.0, 3.0, -90.0], &[0.0, 1.0]));
        let expected: Vec<f64> = [&first, &second]
            .map(|answer| probabilities(&answer.category14, 1.5))
            .iter()
            .fold(vec![0.0; 3], |sums, one| sums.iter().zip(one).map(|(sum, p)| sum + p / 2.0).collect());
        joiner.join(&mut first, &second);
        for (found, expected) in probabilities(&first.category14, 1.5).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!(first.category14.iter().chain(&first.category26).all(|logit| logit.is_finite()));
        assert!(first.embedding.iter().all(|value| (value - 0.5_f32.sqrt()).abs() < 1e-6));
    }

    /// A small garment is more like itself at the second look than at the first one.
    #[test]
    fn a_small_garment_is_seen_better_at_the_second_look() {
        let bundle = read_bundle(None).unwrap();
        let mut path = PhotoPath::new(&bundle, EngineChoice::Cpu, 1).unwrap();
        let mut second = SecondLook::new(&bundle, path.engine()).unwrap();
        let (mut better, mut all) = (0, 0);
        for golden in &bundle.golden {
            let photo = decode(&golden.photo).unwrap();
            let itself = path.answer_picture(&photo).unwrap().embedding.clone();
            let wall = on_a_wall(&photo, 3, true);
            let like = |answer: &Answer| answer.embedding.iter().zip(&itself).map(|(a, b)| a * b).sum::<f32>();
            let mut answer = path.answer_picture(&wall).unwrap().clone();
            let first = like(&answer);
            let frame = Frame {
                format: PixelFormat::Rgb,
                width: wall.width(),
                height: wall.height(),
                stride: 3 * wall.width(),
                bytes: wall.rgb().to_vec(),
                ..Frame::empty()
            };
            second.look(&frame, None, path.engine_mut(), &mut answer).unwrap();
            better += usize::from(like(&answer) > first);
            all += 1;
        }
        assert!(better * 10 >= all * 8, "{better} of {all}");
    }

    #[test]
    fn an_engine_that_shows_nothing_is_said() {
        let bundle = read_bundle(None).unwrap();
        let path = PhotoPath::new(&bundle, EngineChoice::Tract, 1).unwrap();
        let error = SecondLook::new(&bundle, path.engine()).err().unwrap();
        assert!(matches!(&error, LookError::NoSecondLook { engine } if engine.starts_with("tract")), "{error}");
    }
}
