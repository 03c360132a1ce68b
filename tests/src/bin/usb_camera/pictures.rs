//! The pictures: what the host has agreed to, and the file as it is just then, again and again.

use crate::usbip::Answers;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Size of the picture.
pub(crate) const SIZE: (u16, u16) = (640, 480);

/// A format of pictures.
pub(crate) struct Format {
    /// What the file is called.
    pub(crate) name: &'static str,
    /// How UVC calls it, and bits of a pixel, where it is a raw one.
    pub(crate) raw: Option<([u8; 16], u8)>,
    /// Times between two pictures, in 100 ns (UVC's unit).
    pub(crate) intervals: &'static [u32],
}

/// The formats, as they are numbered from 1. Red, green and blue begin with blue, which is the only order that the kernel's driver knows.
pub(crate) const FORMATS: [Format; 4] = [
    Format { name: "jpg", raw: None, intervals: &[1_000_000, 2_000_000] },
    Format {
        name: "yuyv",
        raw: Some((*b"YUY2\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 16)),
        intervals: &[2_000_000],
    },
    Format {
        name: "nv12",
        raw: Some((*b"NV12\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 12)),
        intervals: &[2_000_000],
    },
    Format {
        name: "bgr3",
        raw: Some((*b"\x7D\xEB\x36\xE4\x4F\x52\xCE\x11\x9F\x53\x00\x20\xAF\x0B\xA7\x70", 24)),
        intervals: &[2_000_000],
    },
];

/// The largest payload, a header and a part of a picture.
const PAYLOAD: u16 = 16 * 1024;

/// Bytes of a payload's header.
const HEADER: u16 = 2;

/// Bytes of the largest picture: a raw one.
pub(crate) fn largest() -> u32 {
    u32::from(SIZE.0) * u32::from(SIZE.1) * 3
}

/// What is negotiated: a format, from 1, and the time between two pictures in 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Agreed {
    format: usize,
    interval: u32,
}

impl Default for Agreed {
    fn default() -> Self {
        Self { format: 1, interval: FORMATS[0].intervals[0] }
    }
}

impl Agreed {
    /// The nearest that there is to a `VIDEO_PROBE_CONTROL` (26 bytes, UVC 1.0).
    fn nearest(wish: &[u8]) -> Option<Self> {
        let &[_, _, format, _, a, b, c, d, ..] = wish else { return None };
        let (format, wanted) = (usize::from(format).clamp(1, FORMATS.len()), u32::from_le_bytes([a, b, c, d]));
        let interval = FORMATS[format - 1].intervals.iter().min_by_key(|interval| interval.abs_diff(wanted))?;
        Some(Self { format, interval: *interval })
    }

    /// The same as a `VIDEO_PROBE_CONTROL`.
    fn bytes(self) -> Vec<u8> {
        let format = self.format.to_le_bytes()[0];
        let [largest, payload] = [largest(), PAYLOAD.into()].map(u32::to_le_bytes);
        [&[0, 0, format, 1][..], &self.interval.to_le_bytes(), &[0; 10], &largest, &payload].concat()
    }
}

/// The pictures on their way to the host, which are the answers to its waiting.
pub(crate) struct Stream {
    answers: Answers,
    waiting: Mutex<Waiting>,
    has_room: Condvar,
}

/// What the host waits for.
#[derive(Default)]
struct Waiting {
    /// The numbers under which it waits for a part of a picture, and how much room each has.
    room: VecDeque<(u32, usize)>,
    /// Of what kind, and how often.
    agreed: Agreed,
    /// It has stopped the stream, and wants no more of the picture that it had a part of.
    is_stopped: bool,
}

impl Stream {
    pub(crate) fn new(answers: Answers) -> Self {
        Self { answers, waiting: Mutex::default(), has_room: Condvar::new() }
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    /// What the host is told that it has agreed to.
    pub(crate) fn agreed(&self) -> Vec<u8> {
        self.waiting().agreed.bytes()
    }

    /// Takes what the host would like of the pictures (1), or what it has decided on (2); nothing where that says neither.
    pub(crate) fn agree(&self, control: u8, wish: &[u8]) -> Option<Vec<u8>> {
        const COMMIT: u8 = 2;
        let agreed = Agreed::nearest(wish)?;
        self.waiting().agreed = agreed;
        if control == COMMIT {
            println!("{} every {} ms", FORMATS[agreed.format - 1].name, agreed.interval / 10_000);
        }
        Some(Vec::new())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host waits for so many bytes.
    pub(crate) fn wait(&self, number: u32, room: usize) {
        self.waiting().room.push_back((number, room));
        self.has_room.notify_one();
    }

    /// The host has stopped the stream.
    pub(crate) fn stop(&self) {
        self.waiting().is_stopped = true;
    }

    /// What the host waits for, once it does.
    fn with_room(&self) -> MutexGuard<'_, Waiting> {
        let is_empty = |waiting: &mut Waiting| waiting.room.is_empty();
        self.has_room.wait_while(self.waiting(), is_empty).unwrap_or_else(PoisonError::into_inner)
    }

    /// The picture again and again, each in payloads whose header says which of two pictures it is, and whether it ends. It comes over half of the time
    /// between two, as from a sensor that is read row by row: it was taken well before it is there.
    pub(crate) fn give(&self, picture: &Path) -> io::Result<Infallible> {
        let mut toggle = 0;
        loop {
            let agreed = {
                let mut waiting = self.with_room();
                waiting.is_stopped = false;
                waiting.agreed
            };
            let (begin, interval) = (Instant::now(), Duration::from_nanos(u64::from(agreed.interval) * 100));
            let bytes = std::fs::read(picture.with_extension(FORMATS[agreed.format - 1].name))?;
            let mut parts = bytes.chunks(usize::from(PAYLOAD - HEADER)).peekable();
            let pause = interval / 2 / u32::try_from(parts.len()).unwrap_or(u32::MAX);
            while let Some(part) = parts.next() {
                let end = u8::from(parts.peek().is_none()) << 1;
                let payload = [&[HEADER.to_le_bytes()[0], 0x80 | end | toggle], part].concat();
                // Answered under the lock: what is withdrawn meanwhile was answered before.
                let mut waiting = self.with_room();
                if waiting.is_stopped {
                    break;
                }
                match waiting.room.pop_front() {
                    Some((number, room)) if room >= payload.len() => self.answers.reply(number, &payload, 0)?,
                    place => return Err(io::Error::other(format!("no room for a payload: {place:?}"))),
                }
                drop(waiting);
                std::thread::sleep(pause);
            }
            toggle ^= 1;
            std::thread::sleep(interval.saturating_sub(begin.elapsed()));
        }
    }

    /// The host does not wait any longer.
    pub(crate) fn withdraw(&self, number: u32, which: u32) -> io::Result<()> {
        let mut waiting = self.waiting();
        let before = waiting.room.len();
        waiting.room.retain(|(number, _)| *number != which);
        self.answers.withdrawn(number, waiting.room.len() < before)
    }
}
