//! The parts of a frame's way, each measured alone.
//!
//! A frame of a camera comes to a processor that has slept since the last one, its clock down and its caches given to others; the same work in a
//! loop finds everything warm. Both are told: the first says what the appliance itself adds, the second what the rest costs.

use super::super::{measure, quantile_ms};
use crate::camera::{Camera, Film, Frame, FrameDecoder};
use crate::catalogue::{Gallery, Search};
use crate::cli::Report;
use crate::network::{Answer, PhotoPath};
use crate::pipeline::Shop;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::picture::{Picture, PictureMaker};
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Frames that are not counted, and those that are.
const WARM_UP: usize = 20;
const SAMPLES: usize = 150;

/// How often a part is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// So many times a second, asleep between.
    Frames(f64),
    /// Again and again.
    Loop,
}

/// Medians of the parts alone, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Parts {
    decode_ms: f64,
    picture_ms: f64,
    network_ms: f64,
    search_ms: f64,
}

impl Parts {
    /// How many times their sum this is, to the thousandth.
    pub(super) fn share_of(&self, whole_ms: f64) -> f64 {
        let sum = self.decode_ms + self.picture_ms + self.network_ms + self.search_ms;
        (whole_ms / sum * 1000.0).round() / 1000.0
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decode_ms, picture_ms, network_ms, search_ms } = self;
        write!(f, "decode {decode_ms:.2}, picture {picture_ms:.2}, network {network_ms:.2}, search {search_ms:.2} ms")
    }
}

/// Measures each part alone, on the film's frames.
///
/// **Errors** what the part says.
pub(super) fn measured(
    path: &mut PhotoPath,
    bundle: &Bundle,
    shop: &Shop,
    film: &Path,
    pace: Pace,
) -> Result<Parts, Report> {
    let mut film = Film::open(film, 120.0)?;
    let mut frames = Vec::new();
    for _ in 0..24 {
        let mut frame = Frame::empty();
        film.next(&mut frame)?;
        frames.push(frame);
    }
    let (mut decoder, mut turn) = (FrameDecoder::new(), frames.iter().cycle());
    let decode_ms = pace.median_ms(|| {
        let frame = turn.next().ok_or_else(|| Report::new("the film is empty"))?;
        std::hint::black_box(decoder.decode(frame)?);
        Ok(())
    })?;
    let first = frames.first().ok_or_else(|| Report::new("the film is empty"))?;
    let decoded = decoder.decode(first)?.clone();
    let (mut maker, mut input) = (PictureMaker::new(bundle.manifest.picture.clone()), Picture::default());
    let picture_ms = pace.median_ms(|| Ok(maker.make_into(&decoded, &mut input)?))?;
    let mut answer = Answer::default();
    let network_ms = pace.median_ms(|| Ok(path.engine_mut().run(&input, &mut answer)?))?;
    let search_ms = pace.median_ms(|| {
        std::hint::black_box(shop.search(&Search::of(&answer.embedding, 5))?);
        Ok(())
    })?;
    Ok(Parts { decode_ms, picture_ms, network_ms, search_ms })
}

impl Pace {
    fn median_ms(self, work: impl FnMut() -> Result<(), Report>) -> Result<f64, Report> {
        let mut times = match self {
            Self::Frames(rate) => paced(Duration::from_secs_f64(1.0 / rate), work)?,
            Self::Loop => measure(work)?.samples,
        };
        times.sort_unstable();
        Ok(quantile_ms(&times, 0.5))
    }
}

/// Does the work once a period.
fn paced(period: Duration, mut work: impl FnMut() -> Result<(), Report>) -> Result<Vec<Duration>, Report> {
    let mut times = Vec::with_capacity(SAMPLES);
    let mut due = Instant::now();
    for turn in 0..WARM_UP + SAMPLES {
        due += period;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let started = Instant::now();
        work()?;
        if turn >= WARM_UP {
            times.push(started.elapsed());
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paced_work_waits_and_is_counted_after_the_warm_up() {
        let (mut done, begun) = (0, Instant::now());
        let times = paced(Duration::from_micros(100), || {
            done += 1;
            Ok(())
        });
        assert_eq!((times.map(|times| times.len()).ok(), done), (Some(SAMPLES), WARM_UP + SAMPLES));
        assert!(begun.elapsed() >= Duration::from_micros(100) * u32::try_from(WARM_UP + SAMPLES).unwrap());
    }

    #[test]
    fn the_whole_is_told_as_a_share_of_the_sum() {
        let parts = Parts { decode_ms: 2.0, picture_ms: 0.5, network_ms: 1.0, search_ms: 0.5 };
        assert!((parts.share_of(5.0) - 1.25).abs() < 1e-9);
        assert_eq!(parts.to_string(), "decode 2.00, picture 0.50, network 1.00, search 0.50 ms");
    }
}
