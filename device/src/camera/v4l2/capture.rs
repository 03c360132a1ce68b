//! A V4L2 device as a [`Camera`].

use super::controls::{self, ControlReport, ControlWishes};
use super::discover::{Places, Which};
use super::kind::Kind;
use super::mode::{Costs, Mode, ModeWish, in_order, modes};
use super::node::{Filled, Node, Taken};
use super::stream::{Next, Stream};
use crate::camera::{Camera, CameraError, Frame, PixelFormat};
use clothingid_shared::picture::make_room;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long one call waits for a picture.
const PATIENCE: Duration = Duration::from_millis(500);

/// A camera that is silent for so long is opened anew: some come back by that.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a camera that nobody named has to give its first picture, before the next one is tried.
const FIRST_PICTURE: Duration = Duration::from_secs(2);

/// Nothing but damaged pictures for so long, and the stream is broken. The first after a start often are.
const BROKEN: Duration = Duration::from_secs(2);

/// The largest picture that is taken from a driver, in bytes: 4096×4096 RGB and a little.
const MOST_BYTES: usize = 64 << 20;

/// Which camera, and what it is asked for. Its controls are set by whoever has opened it: see [`ControlDesk`](crate::camera::ControlDesk).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct V4l2Settings {
    /// Which.
    pub which: Which,
    /// Format, size and rate.
    pub mode: ModeWish,
}

impl V4l2Settings {
    /// The source, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        self.which.to_string()
    }
}

/// An open camera that gives pictures.
#[derive(Debug)]
pub struct V4l2Camera {
    stream: Stream,
    name: String,
    taken: Taken,
    format: PixelFormat,
    /// What was done, and what could not be done as wished.
    remarks: Vec<String>,
    silent_since: Instant,
    damaged_since: Option<Instant>,
    lost: u64,
}

impl V4l2Camera {
    /// Opens the camera that is meant and starts it. Between two pictures that are waited for it is asked whether that is still wanted.
    ///
    /// **Errors** [`CameraError`]: none is there, it is none, it is in use, it may not be opened, it gives no picture.
    pub fn open(settings: &V4l2Settings, is_unwanted: &dyn Fn() -> bool) -> Result<Self, CameraError> {
        let nodes = Places::default().nodes_of(&settings.which)?;
        // One that was named is waited for by whoever asks for its pictures; of several, the first that gives one is taken.
        if let [only] = nodes.as_slice() {
            return Self::at(only, settings);
        }
        let mut first_error = None;
        for node in &nodes {
            match Self::at(node, settings).and_then(|camera| camera.with_a_picture(is_unwanted)) {
                Ok(camera) => return Ok(camera),
                Err(error) => first_error = first_error.or(Some(error)),
            }
            if is_unwanted() {
                break;
            }
        }
        Err(first_error.unwrap_or(CameraError::NotThere { which: settings.which.clone() }))
    }

    fn at(path: &Path, settings: &V4l2Settings) -> Result<Self, CameraError> {
        let failed = |error| cannot_open(path, error);
        let node = Node::open(path).map_err(failed)?;
        let (capability, kind) = Kind::of(&node).map_err(failed)?;
        let Kind::Camera(formats) = kind else {
            return Err(CameraError::NotACamera { node: path.to_owned(), kind });
        };
        let modes = modes(&node, &formats, &settings.mode);
        let mut tried = None;
        let mut node = Some(node);
        for mode in in_order(modes, &settings.mode, costs()) {
            // One whose stream did not start is opened anew: nothing of that mode is left.
            let open = match node.take() {
                Some(node) => node,
                None => Node::open(path).map_err(failed)?,
            };
            match start(open, &mode, settings) {
                Ok((stream, taken, format, rate)) => {
                    let remarks = vec![said(&capability.card, &taken, rate)];
                    return Ok(Self {
                        name: path.display().to_string(),
                        stream,
                        taken,
                        format,
                        remarks,
                        silent_since: Instant::now(),
                        damaged_since: None,
                        lost: 0,
                    });
                }
                // Another program has it, or it is gone: another mode changes nothing.
                Err(error) if is_about_the_device(&error) => return Err(failed(error)),
                Err(error) => tried = tried.or(Some(error)),
            }
        }
        Err(tried.map_or_else(
            || CameraError::NoMode { node: path.to_owned(), wanted: settings.mode.format },
            |error| cannot_open(path, error),
        ))
    }

    /// This camera, once it has given a picture.
    fn with_a_picture(mut self, is_unwanted: &dyn Fn() -> bool) -> Result<Self, CameraError> {
        let (mut frame, until) = (Frame::empty(), Instant::now() + FIRST_PICTURE);
        loop {
            match self.next(&mut frame) {
                Ok(()) => return Ok(self),
                Err(error) if error.is_one_frame() && Instant::now() < until && !is_unwanted() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn gone(&self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CameraError {
        CameraError::Gone { camera: self.name.clone(), cause: cause.into() }
    }

    fn corrupt(&self, what: &'static str) -> CameraError {
        CameraError::Corrupt { frame: self.name.clone(), cause: what.into() }
    }
}

impl Camera for V4l2Camera {
    fn describe(&self) -> &str {
        &self.name
    }

    fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn controls(&self) -> Vec<ControlReport> {
        controls::report(self.stream.node())
    }

    fn set_controls(&mut self, wishes: &ControlWishes) -> Vec<String> {
        controls::set(self.stream.node(), wishes)
    }

    fn lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError> {
        let taken = self.taken;
        let next = self.stream.next(PATIENCE, |filled, bytes| fill(frame, &taken, filled, bytes));
        match next {
            Ok(Next::Picture { filled, lost }) => {
                self.lost += lost;
                if filled.is_damaged || frame.bytes.is_empty() {
                    let since = *self.damaged_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= BROKEN {
                        return Err(self.gone("it gives damaged pictures only"));
                    }
                    let what = if filled.is_damaged { "the driver says that it is damaged" } else { "it has no bytes" };
                    return Err(self.corrupt(what));
                }
                self.silent_since = Instant::now();
                self.damaged_since = None;
                frame.format = self.format;
                frame.name.clear();
                frame.name.push_str(&self.name);
                Ok(())
            }
            Ok(Next::Nothing) => {
                let waited = self.silent_since.elapsed();
                if waited < SILENCE {
                    return Err(CameraError::Timeout { camera: self.name.clone(), waited });
                }
                let cause = if self.stream.node().has_no_signal() { "no signal" } else { "no picture" };
                Err(self.gone(format!("{cause} for {} s", SILENCE.as_secs())))
            }
            Err(error) => Err(self.gone(error)),
        }
    }
}

/// What a picture costs here, measured once.
fn costs() -> &'static Costs {
    static COSTS: OnceLock<Costs> = OnceLock::new();
    COSTS.get_or_init(Costs::measured)
}

/// Starts a stream in a mode. A mode that the driver takes may still find no room on the bus: two cameras on one USB hub share it.
fn start(node: Node, mode: &Mode, settings: &V4l2Settings) -> io::Result<(Stream, Taken, PixelFormat, Option<f64>)> {
    let (taken, format) = take(&node, mode)?;
    let rate = node.set_rate(settings.mode.frames_per_second);
    Ok((Stream::start(node)?, taken, format, rate))
}

fn is_about_the_device(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::BUSY | Errno::NODEV | Errno::ACCESS | Errno::PERM))
}

/// Asks for a mode, and says what the driver took, if we read it.
fn take(node: &Node, mode: &Mode) -> io::Result<(Taken, PixelFormat)> {
    let mut taken = node.set_format(mode.format, mode.width, mode.height)?;
    // Some drivers leave the bytes of a row out.
    let needed = match taken.format.pixel_format() {
        Some(PixelFormat::Yuyv) => taken.width.saturating_mul(2),
        Some(PixelFormat::Rgb) => taken.width.saturating_mul(3),
        Some(PixelFormat::Nv12) => taken.width,
        Some(PixelFormat::Jpeg) | None => 0,
    };
    taken.stride = taken.stride.max(needed);
    match taken.format.pixel_format() {
        Some(format) if taken.width > 0 && taken.height > 0 => Ok((taken, format)),
        _ => Err(io::Error::other(format!(
            "asked for {}, the driver took {} {}×{}",
            mode.describe(),
            taken.format,
            taken.width,
            taken.height
        ))),
    }
}

fn said(card: &str, taken: &Taken, rate: Option<f64>) -> String {
    let rate = rate.map_or_else(String::new, |rate| format!(" at {rate:.0} frames/s"));
    format!("{card} gives {} {}×{}{rate}", taken.format, taken.width, taken.height)
}

/// Copies a picture out of the driver's buffer: one read of memory that may be slow for the processor, and the buffer is free again at once, however
/// long the picture is looked at.
fn fill(frame: &mut Frame, taken: &Taken, filled: &Filled, bytes: &[u8]) {
    let bytes = bytes.get(..bytes.len().min(MOST_BYTES)).unwrap_or_default();
    make_room(&mut frame.bytes, bytes.len());
    if !filled.is_damaged {
        frame.bytes.extend_from_slice(bytes);
    }
    frame.width = taken.width;
    frame.height = taken.height;
    frame.stride = taken.stride;
    if taken.format.is_blue_first() {
        swap_red_and_blue(&mut frame.bytes, taken.width, taken.stride);
    }
    frame.captured = filled.taken.and_then(instant).unwrap_or_else(Instant::now);
}

/// Makes rows of blue, green and red those of red, green and blue.
fn swap_red_and_blue(bytes: &mut [u8], width: u32, stride: u32) {
    for line in bytes.chunks_mut(stride.max(1) as usize) {
        for pixel in line.as_chunks_mut::<3>().0.iter_mut().take(width as usize) {
            pixel.swap(0, 2);
        }
    }
}

/// The instant of a time on the system's monotonic clock, if it is a moment ago.
fn instant(taken: Duration) -> Option<Instant> {
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::new(u64::try_from(now.tv_sec).ok()?, u32::try_from(now.tv_nsec).ok()?);
    let age = now.checked_sub(taken)?;
    // Some drivers count from another beginning.
    if age < Duration::from_secs(10) { Instant::now().checked_sub(age) } else { None }
}

/// What it means that a node cannot be opened or started.
pub(super) fn cannot_open(path: &Path, error: io::Error) -> CameraError {
    let node: PathBuf = path.to_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::BUSY) => CameraError::Busy { node, cause: error },
        Some(Errno::ACCESS | Errno::PERM) => CameraError::Forbidden { node, cause: error },
        Some(Errno::NOTTY | Errno::ISDIR) => CameraError::NotADevice { node, cause: error },
        _ => CameraError::Gone { camera: node.display().to_string(), cause: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &str) -> CameraError {
        let settings = V4l2Settings { which: Which::Node(path.into()), ..V4l2Settings::default() };
        V4l2Camera::open(&settings, &|| false).unwrap_err()
    }

    #[test]
    fn blue_comes_first_or_last() {
        let mut rows = [1, 2, 3, 4, 5, 6, 99, 7, 8, 9, 10, 11, 12, 99];
        swap_red_and_blue(&mut rows, 2, 7);
        assert_eq!(rows, [3, 2, 1, 6, 5, 4, 99, 9, 8, 7, 12, 11, 10, 99]);
        // A torn picture, and a row that cannot be.
        let mut torn = [1, 2, 3, 4];
        swap_red_and_blue(&mut torn, 2, 6);
        assert_eq!(torn, [3, 2, 1, 4]);
        swap_red_and_blue(&mut torn, 0, 0);
        assert_eq!(torn, [3, 2, 1, 4]);
    }

    #[test]
    fn what_is_no_camera_is_said_in_words() {
        assert_eq!(open("/dev/null").to_string(), "`/dev/null` is no camera");
        let missing = open("/dev/video-none");
        assert_eq!(missing.to_string(), "camera `/dev/video-none` is gone");
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(open(&folder.path().display().to_string()), CameraError::NotADevice { .. }));
        let busy = cannot_open(Path::new("/dev/video0"), Errno::BUSY.into());
        insta::assert_snapshot!(format!("{busy}\nhint: {}", busy.hint().unwrap()), @r"
        camera `/dev/video0` is in use
        hint: find the program that holds it: `fuser /dev/video0`
        ");
        let forbidden = cannot_open(Path::new("/dev/video0"), Errno::ACCESS.into());
        assert!(forbidden.hint().unwrap().contains("group `video`"));
    }

    #[test]
    fn times_of_the_driver_become_instants_and_odd_ones_do_not() {
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap());
        let age = instant(now - Duration::from_millis(40)).unwrap().elapsed();
        assert!((Duration::from_millis(40)..Duration::from_secs(5)).contains(&age), "{age:?}");
        assert_eq!(instant(now + Duration::from_secs(60)), None);
        assert_eq!(instant(Duration::ZERO), None, "the machine has been on for a while");
    }

    #[test]
    fn a_picture_is_copied_and_a_damaged_one_is_empty() {
        let taken = Taken { format: super::super::FourCc(*b"YUYV"), width: 2, height: 1, stride: 4 };
        let filled = Filled { index: 0, byte_len: 4, is_damaged: false, taken: None, sequence: 0 };
        let mut frame = Frame::empty();
        fill(&mut frame, &taken, &filled, &[1, 2, 3, 4]);
        assert_eq!((frame.width, frame.height, frame.stride, &frame.bytes[..]), (2, 1, 4, &[1, 2, 3, 4][..]));
        fill(&mut frame, &taken, &Filled { is_damaged: true, ..filled }, &[1, 2, 3, 4]);
        assert!(frame.bytes.is_empty());
    }
}
