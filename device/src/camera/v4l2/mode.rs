//! Which format, size and rate a camera is asked for.
//!
//! The size that is wanted comes first, then whether the rate is reached, then what a frame costs to be made into a picture, measured here
//! and now: over USB 2 a camera gives 1280×720 thirty times a second as MJPEG and ten times as YUYV, which costs less to read.

use super::FourCc;
use super::node::{Node, Sizes};
use crate::camera::{Frame, FrameDecoder, PixelFormat, Sampler, jpeg};
use clothingid_shared::picture::{Picture, PictureContract, PictureMaker};
use std::time::{Duration, Instant};

/// What is wanted of a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModeWish {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames a second.
    pub frames_per_second: f64,
    /// The one format to take; otherwise the one that costs least.
    pub format: Option<PixelFormat>,
}

impl Default for ModeWish {
    fn default() -> Self {
        Self { width: 1280, height: 720, frames_per_second: 30.0, format: None }
    }
}

/// A format, size and rate that a camera has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mode {
    /// The format.
    pub format: FourCc,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The most frames a second, where the driver says.
    pub fastest: Option<f64>,
}

impl Mode {
    /// For people: `MJPG 1280×720`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {}×{}", self.format, self.width, self.height)
    }

    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Whether it gives nearly as many frames as are wanted: 29.97 are 30.
    fn keeps_up(&self, wish: &ModeWish) -> bool {
        self.fastest.is_none_or(|fastest| fastest * 1.05 >= wish.frames_per_second)
    }
}

/// What a frame of each format costs, by the million pixels.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    jpeg: Duration,
    yuyv: Duration,
    nv12: Duration,
    rgb: Duration,
}

/// Side of the picture that costs are measured with: large enough for the caches not to matter, quick enough for a start.
const SIDE: u32 = 512;

impl Costs {
    /// Measures what it costs here to make a picture of a frame. Some tens of milliseconds.
    #[must_use]
    pub fn measured() -> Self {
        let picture = busy_picture();
        let of = |format, stride, bytes: Vec<u8>| {
            let frame = Frame { format, width: SIDE, height: SIDE, stride, bytes, ..Frame::empty() };
            cost(&frame)
        };
        let pixels = (SIDE * SIDE) as usize;
        let mut file = Vec::new();
        // Of a picture that cannot be encoded there is no file, which is never read: its cost is without end.
        let _ = jpeg::append(&picture, &mut file);
        let bytes = |count: usize| picture.rgb().iter().copied().cycle().take(count).collect();
        Self {
            jpeg: of(PixelFormat::Jpeg, 0, file),
            yuyv: of(PixelFormat::Yuyv, SIDE * 2, bytes(pixels * 2)),
            nv12: of(PixelFormat::Nv12, SIDE, bytes(pixels * 3 / 2)),
            rgb: of(PixelFormat::Rgb, SIDE * 3, picture.rgb().to_vec()),
        }
    }

    /// What a frame of this mode costs.
    #[must_use]
    pub fn of(&self, mode: &Mode) -> Duration {
        let million = match mode.format.pixel_format() {
            Some(PixelFormat::Jpeg) => self.jpeg,
            Some(PixelFormat::Yuyv) => self.yuyv,
            Some(PixelFormat::Nv12) => self.nv12,
            Some(PixelFormat::Rgb) => self.rgb,
            None => Duration::MAX,
        };
        Duration::try_from_secs_f64(million.as_secs_f64() * mode.pixels() as f64 / 1e6).unwrap_or(Duration::MAX)
    }
}

/// The least of three ways to the network's input, by the million pixels.
fn cost(frame: &Frame) -> Duration {
    let contract = PictureContract::default();
    let (mut decoder, mut sampler) = (FrameDecoder::new(), Sampler::new(contract.clone()));
    let (mut maker, mut input) = (PictureMaker::new(contract), Picture::default());
    let times = (0..3).filter_map(|_| {
        let started = Instant::now();
        let is_made = if sampler.takes(frame) {
            sampler.sample(frame, &mut input).is_ok()
        } else {
            decoder.decode(frame).is_ok_and(|picture| maker.make_into(picture, &mut input).is_ok())
        };
        is_made.then(|| started.elapsed())
    });
    times.min().map_or(Duration::MAX, |least| least.mul_f64(1e6 / f64::from(SIDE * SIDE)))
}

/// Stripes and noise: as costly to decode as a garment.
fn busy_picture() -> Picture {
    let mut picture = Picture::filled(SIDE, SIDE, [0; 3]);
    let mut state = 1_u32;
    for (index, value) in picture.rgb_mut().iter_mut().enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let stripe = if (index / 48) % 2 == 0 { 60 } else { 170 };
        *value = stripe + (state >> 27) as u8;
    }
    picture
}

/// All modes of a camera that we read, near the size that is wanted.
pub(super) fn modes(node: &Node, formats: &[FourCc], wish: &ModeWish) -> Vec<Mode> {
    let mut modes = Vec::new();
    for &format in formats {
        let sizes = node.sizes(format);
        let mut push = |width, height| {
            modes.push(Mode { format, width, height, fastest: node.fastest(format, width, height) });
        };
        if sizes.is_empty() {
            // The driver does not say: it will take what is nearest.
            push(wish.width, wish.height);
        }
        for size in sizes {
            match size {
                Sizes::One(width, height) => push(width, height),
                Sizes::Range { least, most, step } => {
                    push(within(wish.width, least.0, most.0, step.0), within(wish.height, least.1, most.1, step.1));
                }
            }
        }
    }
    modes
}

/// The value nearest to `wanted` that a range has.
fn within(wanted: u32, least: u32, most: u32, step: u32) -> u32 {
    let bounded = wanted.clamp(least.min(most), most.max(least));
    bounded - (bounded - least.min(bounded)) % step.max(1)
}

/// The modes to be tried, the best first: those that keep up, of the size nearest to the one that is wanted, of the least cost.
#[must_use]
pub fn in_order(mut modes: Vec<Mode>, wish: &ModeWish, costs: &Costs) -> Vec<Mode> {
    if let Some(format) = wish.format {
        modes.retain(|mode| mode.format.pixel_format() == Some(format));
    }
    let wanted = u64::from(wish.width) * u64::from(wish.height);
    // A size within a factor of four is better than one frame of a second; beyond that the garment is too small to be seen.
    let is_useful = |mode: &Mode| mode.pixels() * 4 >= wanted;
    modes.sort_by_key(|mode| {
        let distance = (mode.pixels().max(1) as f64 / wanted.max(1) as f64).ln().abs();
        // Distances in hundredths, so that costs decide between sizes that are all but equal.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a hundred million")]
        let hundredths = (distance.min(1e6) * 100.0).round() as u64;
        (!is_useful(mode), !mode.keeps_up(wish), hundredths, costs.of(mode))
    });
    modes
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        jpeg: Duration::from_millis(4),
        yuyv: Duration::from_millis(1),
        nv12: Duration::from_millis(1),
        rgb: Duration::from_micros(300),
    };

    fn mode(format: &[u8; 4], width: u32, height: u32, fastest: f64) -> Mode {
        Mode { format: FourCc(*format), width, height, fastest: Some(fastest) }
    }

    fn best(modes: &[Mode], wish: &ModeWish) -> String {
        let mode = in_order(modes.to_vec(), wish, &COSTS)[0];
        mode.describe()
    }

    #[test]
    fn a_usb_camera_gives_mjpeg_where_yuyv_is_too_slow_and_yuyv_where_it_is_not() {
        let camera = [
            mode(b"YUYV", 640, 480, 30.0),
            mode(b"YUYV", 1280, 720, 10.0),
            mode(b"YUYV", 1920, 1080, 5.0),
            mode(b"MJPG", 640, 480, 30.0),
            mode(b"MJPG", 1280, 720, 30.0),
            mode(b"MJPG", 1920, 1080, 30.0),
        ];
        let wish = ModeWish::default();
        assert_eq!(best(&camera, &wish), "MJPG 1280×720");
        assert_eq!(best(&camera, &ModeWish { frames_per_second: 10.0, ..wish }), "YUYV 1280×720");
        assert_eq!(best(&camera, &ModeWish { width: 640, height: 480, ..wish }), "YUYV 640×480");
        assert_eq!(best(&camera, &ModeWish { format: Some(PixelFormat::Yuyv), ..wish }), "YUYV 640×480", "30 of those");
        assert_eq!(best(&camera, &ModeWish { width: 4000, height: 3000, ..wish }), "MJPG 1920×1080");
        assert!(in_order(camera.to_vec(), &ModeWish { format: Some(PixelFormat::Nv12), ..wish }, &COSTS).is_empty());
    }

    #[test]
    fn a_useful_size_comes_before_the_rate_and_29_97_are_30() {
        let slow = [mode(b"YUYV", 1280, 720, 5.0), mode(b"YUYV", 160, 120, 60.0)];
        assert_eq!(best(&slow, &ModeWish::default()), "YUYV 1280×720");
        let ntsc = [mode(b"YUYV", 1280, 720, 29.97), mode(b"YUYV", 640, 480, 30.0)];
        assert_eq!(best(&ntsc, &ModeWish::default()), "YUYV 1280×720");
        let silent = Mode { fastest: None, ..mode(b"NV12", 1280, 720, 0.0) };
        assert_eq!(best(&[silent, mode(b"MJPG", 1280, 720, 30.0)], &ModeWish::default()), "NV12 1280×720");
    }

    #[test]
    fn sizes_fit_into_ranges() {
        assert_eq!(within(1280, 16, 4096, 16), 1280);
        assert_eq!(within(1285, 16, 4096, 16), 1280);
        assert_eq!(within(8, 16, 4096, 16), 16);
        assert_eq!(within(9000, 16, 4096, 0), 4096);
        assert_eq!(within(5, 10, 3, 1), 5, "a range that is upside down");
    }

    #[test]
    fn every_format_costs_something() {
        let costs = Costs::measured();
        for format in [b"MJPG", b"YUYV", b"NV12", b"RGB3"] {
            let cost = costs.of(&mode(format, 1000, 1000, 30.0));
            assert!(!cost.is_zero() && cost < Duration::from_secs(10), "{cost:?}");
        }
        let others = costs.of(&mode(b"H264", 1000, 1000, 30.0));
        assert!(others > Duration::from_secs(1 << 40), "never chosen: {others:?}");
    }
}
