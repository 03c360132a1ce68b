//! Photographs replayed as a camera.
//!
//! A folder (or one file, or photographs in memory) is shown in sorted order, each photograph for some seconds at some
//! frames a second, from the beginning again after the last. The folder is listed anew for each round, so photographs may
//! be added while it runs. A photograph or a sub-folder that cannot be read is one corrupt frame, and the next one follows.

use super::frame::{Frame, PixelFormat};
use super::{Camera, CameraError};
use clothingid_shared::files::{self, FileError};
use clothingid_shared::picture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the photographs are.
#[derive(Debug, Clone)]
pub enum Photos {
    /// A folder, looked through with its sub-folders, or one file.
    Path(PathBuf),
    /// Photographs inside the program: name and bytes.
    Memory(Vec<(String, &'static [u8])>),
}

/// What to replay, and how fast.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// The photographs.
    pub photos: Photos,
    /// Frames a second, 1 to 120.
    pub frames_per_second: f64,
    /// How long each photograph is held.
    pub hold: Duration,
}

impl ReplaySettings {
    /// The source, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.photos {
            Photos::Path(path) => path.display().to_string(),
            Photos::Memory(photos) => format!("{} photographs of the demo", photos.len()),
        }
    }

    /// Frames that one photograph is shown for, at least one.
    fn hold_frames(&self) -> u64 {
        let frames = (self.hold.as_secs_f64() * self.frames_per_second).round();
        if (1.0..1e9).contains(&frames) { format!("{frames:.0}").parse().unwrap_or(1) } else { 1 }
    }
}

/// Lets frames go in time.
#[derive(Debug)]
pub(super) struct Pace {
    period: Duration,
    due: Instant,
}

impl Pace {
    /// So many frames a second, 1 to 120.
    pub(super) fn new(frames_per_second: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / frames_per_second.clamp(1.0, 120.0)), due: Instant::now() }
    }

    /// Sleeps until the next frame is due; when we are late, the schedule starts anew instead of catching up.
    pub(super) fn wait(&mut self) {
        let now = Instant::now();
        match self.due.checked_duration_since(now) {
            Some(rest) => std::thread::sleep(rest),
            None => self.due = now,
        }
        self.due += self.period;
    }
}

/// One photograph of the list.
#[derive(Debug, Clone)]
enum Entry {
    File(PathBuf),
    Memory(String, &'static [u8]),
    /// A sub-folder that cannot be listed.
    Unlisted(Arc<FileError>),
}

/// A camera that shows photographs.
#[derive(Debug)]
pub struct Replay {
    settings: ReplaySettings,
    name: String,
    entries: Vec<Entry>,
    /// Index of the next photograph to load.
    next_entry: usize,
    /// Frames left of the photograph in `shown`.
    frames_left: u64,
    /// Unreadable photographs since the last good one.
    unreadable: usize,
    shown: Frame,
    pace: Pace,
}

impl Replay {
    /// Opens the photographs for replay.
    ///
    /// **Errors** [`CameraError::Files`] when the folder is missing or cannot be read, [`CameraError::Empty`] when no
    /// photograph is in it.
    pub fn open(settings: ReplaySettings) -> Result<Self, CameraError> {
        let entries = list(&settings.photos)?;
        Ok(Self {
            name: settings.describe(),
            entries,
            next_entry: 0,
            frames_left: 0,
            unreadable: 0,
            shown: Frame::empty(),
            pace: Pace::new(settings.frames_per_second),
            settings,
        })
    }

    /// Loads the next photograph into `shown`.
    fn load(&mut self) -> Result<(), CameraError> {
        if self.next_entry >= self.entries.len() {
            self.entries = list(&self.settings.photos)
                .map_err(|cause| CameraError::Gone { camera: self.name.clone(), cause: Box::new(cause) })?;
            self.next_entry = 0;
        }
        let Some(entry) = self.entries.get(self.next_entry).cloned() else {
            return Err(CameraError::Ended { camera: self.name.clone() });
        };
        self.next_entry += 1;
        let frame = match &entry {
            Entry::File(path) => path.display().to_string(),
            Entry::Memory(name, _) => name.clone(),
            Entry::Unlisted(error) => error.path().display().to_string(),
        };
        if let Err(cause) = fill(&entry, &mut self.shown) {
            self.unreadable += 1;
            if self.unreadable >= self.entries.len() {
                return Err(CameraError::NothingReadable { camera: self.name.clone(), photos: self.unreadable });
            }
            return Err(CameraError::Corrupt { frame, cause });
        }
        self.unreadable = 0;
        self.shown.name = frame;
        self.frames_left = self.settings.hold_frames();
        Ok(())
    }
}

impl Camera for Replay {
    fn describe(&self) -> &str {
        &self.name
    }

    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError> {
        self.pace.wait();
        if self.frames_left == 0 {
            self.load()?;
        }
        self.frames_left -= 1;
        frame.copy_from(&self.shown);
        frame.captured = Instant::now();
        Ok(())
    }
}

fn list(photos: &Photos) -> Result<Vec<Entry>, CameraError> {
    match photos {
        Photos::Path(path) => playable(path, files::walk_photos(path)),
        Photos::Memory(photos) if photos.is_empty() => {
            Err(CameraError::Empty { folder: PathBuf::from("photographs of the demo") })
        }
        Photos::Memory(photos) => Ok(photos.iter().map(|(name, bytes)| Entry::Memory(name.clone(), bytes)).collect()),
    }
}

/// What was found in a folder, if a photograph is among it.
fn playable(folder: &Path, found: Vec<Result<PathBuf, FileError>>) -> Result<Vec<Entry>, CameraError> {
    if found.iter().any(Result::is_ok) {
        let entry = |item: Result<_, _>| item.map_or_else(|error| Entry::Unlisted(Arc::new(error)), Entry::File);
        return Ok(found.into_iter().map(entry).collect());
    }
    match found.into_iter().find_map(Result::err) {
        Some(error) => Err(error.into()),
        None => Err(CameraError::Empty { folder: folder.to_owned() }),
    }
}

/// Reads one photograph; it is decoded here once, so that a bad one never reaches the stages after the camera. A JPEG
/// stays as it is, as from an MJPEG camera; PNG and WebP become RGB.
fn fill(entry: &Entry, frame: &mut Frame) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    frame.bytes.clear();
    match entry {
        Entry::File(path) => frame.bytes = files::read_at_most(path, files::MOST_PHOTO_BYTES)?,
        Entry::Memory(_, bytes) => frame.bytes.extend_from_slice(bytes),
        Entry::Unlisted(error) => return Err(Box::new(Arc::clone(error))),
    }
    let picture = picture::decode(&frame.bytes)?;
    frame.width = picture.width();
    frame.height = picture.height();
    if frame.bytes.starts_with(&[0xff, 0xd8]) {
        frame.format = PixelFormat::Jpeg;
        frame.stride = 0;
    } else {
        frame.format = PixelFormat::Rgb;
        frame.stride = frame.width.saturating_mul(3);
        frame.bytes = picture.into_rgb();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    const PNG: &[u8] = &[
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1,
        8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0,
        0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
    ];

    fn settings(photos: Photos, hold_frames: u32) -> ReplaySettings {
        ReplaySettings {
            photos,
            frames_per_second: 120.0,
            hold: Duration::from_secs_f64(f64::from(hold_frames) / 120.0),
        }
    }

    #[test]
    fn holds_sorts_and_loops() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["b.png", "a.PNG"] {
            files::write_atomic(&folder.path().join(name), PNG)?;
        }
        let mut camera = Replay::open(settings(Photos::Path(folder.path().into()), 2))?;
        let mut frame = Frame::empty();
        let mut seen = String::new();
        for _ in 0..6 {
            camera.next(&mut frame)?;
            assert_eq!((frame.width, frame.height, frame.stride, frame.format), (1, 1, 3, PixelFormat::Rgb));
            seen.push(frame.name.chars().rev().nth(4).unwrap_or('?'));
        }
        assert_eq!(seen, "aabbaa");
        Ok(())
    }

    #[test]
    fn a_corrupt_photograph_is_one_lost_frame() -> Result<(), Box<dyn Error>> {
        let mut camera =
            Replay::open(settings(Photos::Memory(vec![("bad".into(), b"GIF89a"), ("good".into(), PNG)]), 1))?;
        let mut frame = Frame::empty();
        for _ in 0..3 {
            let error = camera.next(&mut frame).unwrap_err();
            assert!(
                error.is_one_frame() && matches!(&error, CameraError::Corrupt { frame, .. } if frame == "bad"),
                "{error}"
            );
            camera.next(&mut frame)?;
            assert_eq!(frame.name, "good");
        }
        Ok(())
    }

    #[test]
    fn nothing_to_show_is_said() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let empty = Replay::open(settings(Photos::Path(folder.path().into()), 1)).unwrap_err();
        assert!(matches!(empty, CameraError::Empty { .. }) && empty.hint().is_some(), "{empty}");
        let missing = Replay::open(settings(Photos::Path(folder.path().join("none")), 1)).unwrap_err();
        assert!(matches!(missing, CameraError::Files(_)), "{missing}");
        let mut camera = Replay::open(settings(Photos::Memory(vec![("bad".into(), b"x"), ("worse".into(), b"")]), 1))?;
        let mut frame = Frame::empty();
        assert!(camera.next(&mut frame).unwrap_err().is_one_frame());
        assert!(matches!(camera.next(&mut frame).unwrap_err(), CameraError::NothingReadable { photos: 2, .. }));
        Ok(())
    }

    #[test]
    fn a_sub_folder_that_cannot_be_listed_is_one_lost_frame() -> Result<(), Box<dyn Error>> {
        let unlisted = || Err(FileError::List { path: "private".into(), source: std::io::ErrorKind::NotFound.into() });
        let found = vec![Ok("a.png".into()), unlisted(), Ok("b.png".into())];
        let entries = playable(Path::new("photos"), found)?;
        assert!(matches!(&entries[..], [Entry::File(_), Entry::Unlisted(_), Entry::File(_)]), "{entries:?}");
        let error = fill(&entries[1], &mut Frame::empty()).unwrap_err();
        assert_eq!(error.to_string(), "cannot list the folder `private`");
        let none = playable(Path::new("photos"), vec![unlisted()]);
        assert!(matches!(none, Err(CameraError::Files(_))), "{none:?}");
        Ok(())
    }

    #[test]
    fn a_folder_that_vanishes_is_gone() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        files::write_atomic(&folder.path().join("a.png"), PNG)?;
        let mut camera = Replay::open(settings(Photos::Path(folder.path().into()), 1))?;
        let mut frame = Frame::empty();
        camera.next(&mut frame)?;
        folder.close()?;
        assert!(matches!(camera.next(&mut frame).unwrap_err(), CameraError::Gone { .. }));
        Ok(())
    }
}
