//! A film of JPEG pictures one after another, as MJPEG cameras give them and `ffmpeg -c copy -f mjpeg` writes them.
//!
//! Promise: no bytes make this panic, and at most one picture of at most [`MOST_BYTES`] is in memory. A picture that cannot be read is one
//! corrupt frame; bytes between pictures are passed over.

use super::replay::Pace;
use super::{Camera, CameraError, Frame, PixelFormat};
use clothingid_shared::files::FileError;
use clothingid_shared::picture::{image_end, make_room};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;
use std::time::Instant;

/// The largest picture of a film.
pub const MOST_BYTES: usize = 16 << 20;

/// A film that is played, from the beginning again after its end.
#[derive(Debug)]
pub struct Film {
    name: String,
    file: BufReader<File>,
    pace: Pace,
    /// Which picture comes next, from 1.
    number: u64,
    /// Whether this round had a picture that could be read.
    has_picture: bool,
    /// Bytes read and not used yet.
    rest: Vec<u8>,
}

impl Film {
    /// Opens a film.
    ///
    /// **Errors** [`CameraError::Files`] when it is missing or no file.
    pub fn open(path: &Path, frames_per_second: f64) -> Result<Self, CameraError> {
        let unreadable = |source| FileError::Read { path: path.to_owned(), source };
        // Before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(FileError::NotAFile { path: path.to_owned() }.into());
        }
        let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        Ok(Self {
            name: path.display().to_string(),
            file,
            pace: Pace::new(frames_per_second),
            number: 1,
            has_picture: false,
            rest: Vec::new(),
        })
    }

    /// The next picture's bytes into `bytes`; false at the end of the film.
    fn read_picture(&mut self, bytes: &mut Vec<u8>) -> io::Result<Read> {
        loop {
            if let Some(start) = start_of_image(&self.rest) {
                self.rest.drain(..start);
                if let Some(end) = image_end(&self.rest) {
                    make_room(bytes, end);
                    bytes.extend(self.rest.drain(..end));
                    return Ok(Read::Picture);
                }
            } else {
                // The last byte may be the first half of a marker.
                let kept = self.rest.len().saturating_sub(1);
                self.rest.drain(..kept);
            }
            if self.rest.len() > MOST_BYTES {
                // What begins here is no picture: look for the next beginning.
                self.rest.drain(..2.min(self.rest.len()));
                return Ok(Read::TooLarge);
            }
            let more = self.file.fill_buf()?;
            if more.is_empty() {
                let was_cut = start_of_image(&self.rest).is_some();
                self.rest.clear();
                return Ok(if was_cut { Read::Cut } else { Read::End });
            }
            let byte_len = more.len();
            self.rest.extend_from_slice(more);
            self.file.consume(byte_len);
        }
    }

    fn gone(&self, cause: io::Error) -> CameraError {
        CameraError::Gone { camera: self.name.clone(), cause: Box::new(cause) }
    }

    fn corrupt(&mut self, what: &'static str) -> CameraError {
        let frame = format!("{} #{}", self.name, self.number);
        self.number += 1;
        CameraError::Corrupt { frame, cause: what.into() }
    }
}

/// What the next bytes of a film are.
enum Read {
    Picture,
    TooLarge,
    /// A picture that the film ends in.
    Cut,
    End,
}

impl Camera for Film {
    fn describe(&self) -> &str {
        &self.name
    }

    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError> {
        self.pace.wait();
        loop {
            match self.read_picture(&mut frame.bytes).map_err(|error| self.gone(error))? {
                Read::Picture => break,
                Read::TooLarge => return Err(self.corrupt("it is larger than any camera's")),
                Read::Cut => return Err(self.corrupt("the film ends within it")),
                Read::End if !self.has_picture => {
                    return Err(CameraError::NothingReadable { camera: self.name.clone(), photos: 0 });
                }
                Read::End => {
                    self.file.rewind().map_err(|error| self.gone(error))?;
                    (self.has_picture, self.number) = (false, 1);
                }
            }
        }
        let Ok((width, height)) = clothingid_shared::picture::dimensions(&frame.bytes) else {
            return Err(self.corrupt("it is no JPEG picture"));
        };
        self.has_picture = true;
        (frame.format, frame.width, frame.height, frame.stride) = (PixelFormat::Jpeg, width, height, 0);
        frame.captured = Instant::now();
        frame.name.clear();
        frame.name.push_str(&self.name);
        self.number += 1;
        Ok(())
    }
}

/// Where the next picture begins.
fn start_of_image(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == [0xff, 0xd8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::write_atomic;
    use proptest::prelude::*;

    fn picture(level: u8) -> Vec<u8> {
        let rgb = vec![level; 16 * 8 * 3];
        let frame = Frame { format: PixelFormat::Rgb, width: 16, height: 8, stride: 48, bytes: rgb, ..Frame::empty() };
        crate::camera::jpeg::of_frame(frame).unwrap()
    }

    fn film(bytes: &[u8]) -> (tempfile::TempDir, Result<Film, CameraError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mjpeg");
        write_atomic(&path, bytes).unwrap();
        (folder, Film::open(&path, 120.0))
    }

    #[test]
    fn pictures_come_in_order_and_from_the_beginning_again() {
        let pictures = [picture(10), picture(120), picture(230)];
        let bytes = [&b"noise\xff"[..], &pictures[0], b"\0\0between", &pictures[1], &pictures[2]].concat();
        let (_folder, film) = film(&bytes);
        let (mut film, mut frame) = (film.unwrap(), Frame::empty());
        for round in 0..2 {
            for expected in &pictures {
                film.next(&mut frame).unwrap();
                assert_eq!(&frame.bytes, expected, "round {round}");
                assert_eq!((frame.width, frame.height), (16, 8));
            }
        }
    }

    #[test]
    fn bad_pictures_are_corrupt_frames_and_a_film_without_one_is_an_error() {
        let whole = picture(99);
        let torn = [&whole[..], b"\xff\xd8\xff\xda\0\x02\xff\xd9", &whole[..whole.len() - 9]].concat();
        let (_folder, film_of_three) = film(&torn);
        let (mut three, mut frame) = (film_of_three.unwrap(), Frame::empty());
        three.next(&mut frame).unwrap();
        for _ in 0..2 {
            assert!(matches!(three.next(&mut frame), Err(CameraError::Corrupt { .. })));
        }
        three.next(&mut frame).unwrap();
        assert_eq!(frame.bytes, whole);
        let (_folder, none) = film(b"not a film");
        assert!(matches!(none.unwrap().next(&mut frame), Err(CameraError::NothingReadable { .. })));
        assert!(Film::open(Path::new("/nowhere/film.mjpeg"), 5.0).is_err());
        assert!(Film::open(Path::new("/dev"), 5.0).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), Just(0xd8), Just(0xd9), any::<u8>()], 0..200)) {
            let (_folder, film) = film(&bytes);
            let (mut film, mut frame) = (film.unwrap(), Frame::empty());
            for _ in 0..4 {
                let _ = film.next(&mut frame);
            }
        }
    }
}
