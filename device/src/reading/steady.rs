//! Steadies readings over the frames of a camera: probabilities are averaged, and what is shown changes only when
//! something else is clearly better.

use super::categories::best;
use super::{Reader, ReaderError, Reading};
use crate::network::Answer;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::picture::Picture;

/// Share of the newest frame in the average. At 5 frames a second half of the weight is on the last half second.
const NEWEST: f64 = 0.25;

/// How much likelier another category must be before it takes the place of the one that is shown.
const MARGIN: f64 = 0.08;

/// How far below its threshold a reading that is shown as known may fall before it no longer is.
const SLACK: f64 = 0.08;

/// The reading of a scene, frame by frame.
///
/// **Invariants** the first frame after [`Steady::new`] or [`Steady::reset`] reads as [`Reader::read`] says; equal
/// frames read equal; the label shown is never more than `MARGIN` less likely than the likeliest.
#[derive(Debug, Clone)]
pub struct Steady {
    reader: Reader,
    category14: Shown,
    category26: Shown,
    garment: Option<f64>,
    is_known: bool,
    newest: Vec<f64>,
    features: Vec<f64>,
}

/// The averaged probabilities of one head and the category that is shown of them.
#[derive(Debug, Clone, Default)]
struct Shown {
    mean: Vec<f64>,
    index: usize,
}

impl Shown {
    fn push(&mut self, newest: &[f64]) {
        if self.mean.len() != newest.len() {
            self.mean.clear();
            self.mean.extend_from_slice(newest);
            self.index = best(&self.mean);
            return;
        }
        for (mean, new) in self.mean.iter_mut().zip(newest) {
            *mean += NEWEST * (new - *mean);
        }
        let likeliest = best(&self.mean);
        let at = |index: usize| self.mean.get(index).copied().unwrap_or_default();
        if at(likeliest) - at(self.index) > MARGIN {
            self.index = likeliest;
        }
    }
}

impl Steady {
    /// Begins a scene.
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn new(bundle: &Bundle) -> Result<Self, ReaderError> {
        Ok(Self {
            reader: Reader::new(bundle)?,
            category14: Shown::default(),
            category26: Shown::default(),
            garment: None,
            is_known: false,
            newest: Vec::new(),
            features: Vec::new(),
        })
    }

    /// Forgets the frames so far: another scene begins.
    pub fn reset(&mut self) {
        self.category14.mean.clear();
        self.category26.mean.clear();
        self.garment = None;
        self.is_known = false;
    }

    /// Takes in a frame, as the network saw it, and reads the scene.
    pub fn push(&mut self, picture: &Picture, answer: &Answer) -> Reading {
        let mut reading = Reading::default();
        self.push_into(picture, answer, &mut reading);
        reading
    }

    /// As [`Self::push`], into memory that is used again.
    pub fn push_into(&mut self, picture: &Picture, answer: &Answer, reading: &mut Reading) {
        self.reader.category14.probabilities(&answer.category14, &mut self.newest);
        self.category14.push(&self.newest);
        self.reader.category26.probabilities(&answer.category26, &mut self.newest);
        self.category26.push(&self.newest);
        let newest = self.reader.garment(picture, answer, &mut self.features);
        let garment = self.garment.map_or(newest, |mean| mean + NEWEST * (newest - mean));
        self.garment = Some(garment);

        let (fine, coarse) = (&self.reader.category26, &self.reader.category14);
        coarse.label_into(self.category14.index, &self.category14.mean, &mut reading.category14);
        fine.label_into(self.category26.index, &self.category26.mean, &mut reading.category26);
        let slack = if self.is_known { SLACK } else { 0.0 };
        self.is_known = self.reader.unknown.is_known(garment, reading.category26.probability, slack);
        reading.garment = garment;
        reading.known = self.is_known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;
    use proptest::prelude::*;

    fn answers(frames: usize) -> impl Strategy<Value = Vec<Answer>> {
        let logits = |n| proptest::collection::vec(-6.0f32..6.0, n);
        let one = (logits(14), logits(26)).prop_map(|(category14, category26)| Answer {
            category14,
            category26,
            embedding: vec![1.0 / 16.0; 256],
        });
        proptest::collection::vec(one, 1..frames)
    }

    fn steady() -> Steady {
        Steady::new(&read_bundle(None).unwrap()).unwrap()
    }

    /// A picture of stripes.
    fn thing() -> Picture {
        let mut picture = Picture::filled(64, 64, [90; 3]);
        picture.rgb_mut().chunks_exact_mut(8 * 64 * 3).step_by(2).for_each(|stripe| stripe.fill(180));
        picture
    }

    #[test]
    fn a_plain_surface_is_no_garment_and_is_left_at_once_for_one() {
        let mut steady = steady();
        let wall = Picture::filled(64, 64, [90; 3]);
        let seen = answer(3, 8.0);
        assert!(steady.push(&thing(), &seen).garment > 0.0);
        steady.reset();
        let reading = steady.push(&wall, &seen);
        assert_eq!((reading.garment, reading.known), (0.0, false));
        assert_eq!(reading, steady.reader.read(&wall, &seen));
        steady.reset();
        assert!(steady.push(&thing(), &seen).garment > 0.0);
    }

    fn peak(len: usize, at: usize, height: f32) -> Vec<f32> {
        (0..len).map(|i| if i == at { height } else { 0.0 }).collect()
    }

    fn answer(at: usize, height: f32) -> Answer {
        Answer { category14: peak(14, at, height), category26: peak(26, at, height), embedding: vec![1.0 / 16.0; 256] }
    }

    #[test]
    fn two_labels_that_take_turns_by_a_little_do_not_flicker() {
        let mut steady = steady();
        let first = steady.push(&thing(), &answer(3, 2.0)).category26.label;
        for frame in 0..50 {
            let mut close = answer(3, 2.0);
            close.category26[7] = if frame % 2 == 0 { 2.2 } else { 1.8 };
            assert_eq!(steady.push(&thing(), &close).category26.label, first);
        }
    }

    #[test]
    fn a_clear_change_is_followed_within_ten_frames() {
        let mut steady = steady();
        for _ in 0..30 {
            steady.push(&thing(), &answer(3, 8.0));
        }
        let last = (0..10).map(|_| steady.push(&thing(), &answer(9, 8.0))).last().unwrap();
        assert_eq!(
            last.category14.label,
            Reader::new(&read_bundle(None).unwrap()).unwrap().read(&thing(), &answer(9, 8.0)).category14.label
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_first_frame_reads_as_the_reader_says(frames in answers(6)) {
            let mut steady = steady();
            for frame in &frames {
                steady.push(&thing(), frame);
            }
            steady.reset();
            let last = frames.last().unwrap();
            prop_assert_eq!(steady.push(&thing(), last), steady.reader.read(&thing(), last));
        }

        #[test]
        fn equal_frames_read_equal(frames in answers(2), times in 1usize..20) {
            let mut steady = steady();
            let first = steady.push(&thing(), &frames[0]);
            for _ in 0..times {
                let again = steady.push(&thing(), &frames[0]);
                prop_assert_eq!(&again.category14.label, &first.category14.label);
                prop_assert!((again.category26.probability - first.category26.probability).abs() < 1e-12);
                prop_assert_eq!(again.known, first.known);
            }
        }

        #[test]
        fn what_is_shown_is_never_far_from_the_likeliest(frames in answers(30)) {
            let mut steady = steady();
            for frame in &frames {
                let reading = steady.push(&thing(), frame);
                for shown in [&steady.category14, &steady.category26] {
                    prop_assert!((shown.mean.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    prop_assert!(shown.mean[best(&shown.mean)] - shown.mean[shown.index] <= MARGIN);
                }
                prop_assert!((0.0..=1.0).contains(&reading.garment));
            }
        }
    }
}
