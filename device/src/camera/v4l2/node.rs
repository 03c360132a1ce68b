//! One device node: the questions that the kernel answers about it, and its buffers.
//!
//! Promise: whatever a driver answers, nothing here panics; lists that would not end are cut.
//!
//! Over 400 lines, and one thing: every request that we make of a driver, each a few lines around the same unsafe call, which no other file may make.

#![expect(unsafe_code, reason = "ioctl and mmap")]

use super::FourCc;
use super::bindings::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode as FileMode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::mem;
use std::path::Path;
use std::time::Duration;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`
const CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`
const MMAP: u32 = 1;
/// `V4L2_FIELD_NONE`: whole pictures, no half ones of every second line.
const PROGRESSIVE: u32 = 1;
/// No list of a driver is longer; some answer every index.
const LONGEST_LIST: u32 = 256;

const QUERYCAP: Opcode = opcode::read::<v4l2_capability>(b'V', 0);
const ENUM_FMT: Opcode = opcode::read_write::<v4l2_fmtdesc>(b'V', 2);
const S_FMT: Opcode = opcode::read_write::<v4l2_format>(b'V', 5);
const REQBUFS: Opcode = opcode::read_write::<v4l2_requestbuffers>(b'V', 8);
const QUERYBUF: Opcode = opcode::read_write::<v4l2_buffer>(b'V', 9);
const QBUF: Opcode = opcode::read_write::<v4l2_buffer>(b'V', 15);
const DQBUF: Opcode = opcode::read_write::<v4l2_buffer>(b'V', 17);
const STREAMON: Opcode = opcode::write::<u32>(b'V', 18);
const STREAMOFF: Opcode = opcode::write::<u32>(b'V', 19);
const G_PARM: Opcode = opcode::read_write::<v4l2_streamparm>(b'V', 21);
const S_PARM: Opcode = opcode::read_write::<v4l2_streamparm>(b'V', 22);
const ENUMINPUT: Opcode = opcode::read_write::<v4l2_input>(b'V', 26);
const G_CTRL: Opcode = opcode::read_write::<v4l2_control>(b'V', 27);
const S_CTRL: Opcode = opcode::read_write::<v4l2_control>(b'V', 28);
const QUERYMENU: Opcode = opcode::read_write::<v4l2_querymenu>(b'V', 37);
const G_INPUT: Opcode = opcode::read::<u32>(b'V', 38);
const ENUM_FRAMESIZES: Opcode = opcode::read_write::<v4l2_frmsizeenum>(b'V', 74);
const ENUM_FRAMEINTERVALS: Opcode = opcode::read_write::<v4l2_frmivalenum>(b'V', 75);
const QUERY_EXT_CTRL: Opcode = opcode::read_write::<v4l2_query_ext_ctrl>(b'V', 103);

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capability {
    /// The kernel's driver: `uvcvideo`, say.
    pub(super) driver: String,
    /// The device's own name.
    pub(super) card: String,
    /// `V4L2_CAP_…` of this node.
    pub(super) flags: u32,
}

/// Sizes that a format comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sizes {
    /// One size.
    One(u32, u32),
    /// All from the first to the second, in steps.
    Range { least: (u32, u32), most: (u32, u32), step: (u32, u32) },
}

/// What the driver took of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) format: FourCc,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes a row; 0 for compressed formats.
    pub(super) stride: u32,
}

/// A control and its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) step: u64,
    pub(super) default: i64,
    pub(super) is_read_only: bool,
}

/// A buffer that the driver has filled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled {
    pub(super) index: u32,
    pub(super) byte_len: usize,
    /// Whether the driver itself says that the content is damaged.
    pub(super) is_damaged: bool,
    /// When it was taken, on the system's monotonic clock, if the driver says so.
    pub(super) taken: Option<Duration>,
    /// The driver's own count, which goes on where pictures were lost.
    pub(super) sequence: u32,
}

/// Structures of the kernel that any bytes are a value of.
///
/// # Safety
/// Only for `repr(C)` types of integers, arrays and unions of these.
unsafe trait Plain: Copy {
    fn zeroed() -> Self {
        // SAFETY: the trait's promise: all bits zero are a value.
        unsafe { mem::zeroed() }
    }
}

macro_rules! plain {
    ($($name:ident),*) => { $(
        // SAFETY: generated from the kernel's header: integers, arrays and unions of these. Pointers in unions are never followed here.
        unsafe impl Plain for $name {}
    )* };
}
plain!(
    u32,
    v4l2_capability,
    v4l2_fmtdesc,
    v4l2_format,
    v4l2_requestbuffers,
    v4l2_buffer,
    v4l2_streamparm,
    v4l2_input,
    v4l2_control,
    v4l2_querymenu,
    v4l2_frmsizeenum,
    v4l2_frmivalenum,
    v4l2_query_ext_ctrl
);

/// An open device node.
#[derive(Debug)]
pub(super) struct Node {
    file: OwnedFd,
}

impl Node {
    /// Opens `/dev/videoN`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, FileMode::empty())?;
        Ok(Self { file })
    }

    /// Asks the driver; `value` goes there and comes back.
    fn ask<const OPCODE: Opcode, T: Plain>(&self, value: &mut T) -> Result<(), Errno> {
        loop {
            // SAFETY: each opcode above is made from the very type that is passed with it (`ask` is called nowhere else), and what the kernel
            // writes into a `Plain` type is a value of it.
            match unsafe { ioctl(&self.file, Updater::<OPCODE, T>::new(value)) } {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }

    pub(super) fn capability(&self) -> io::Result<Capability> {
        let mut answer = v4l2_capability::zeroed();
        self.ask::<QUERYCAP, _>(&mut answer)?;
        let has_own = answer.capabilities & V4L2_CAP_DEVICE_CAPS != 0;
        Ok(Capability {
            driver: words(&answer.driver),
            card: words(&answer.card),
            flags: if has_own { answer.device_caps } else { answer.capabilities },
        })
    }

    /// The formats that pictures come in.
    pub(super) fn formats(&self) -> Vec<FourCc> {
        let mut formats = Vec::new();
        for index in 0..LONGEST_LIST {
            let mut answer = v4l2_fmtdesc { index, type_: CAPTURE, ..Plain::zeroed() };
            if self.ask::<ENUM_FMT, _>(&mut answer).is_err() {
                break;
            }
            formats.push(FourCc::of(answer.pixelformat));
        }
        formats
    }

    /// The sizes of a format; none where the driver does not say.
    pub(super) fn sizes(&self, format: FourCc) -> Vec<Sizes> {
        let mut sizes = Vec::new();
        for index in 0..LONGEST_LIST {
            let mut answer = v4l2_frmsizeenum { index, pixel_format: format.number(), ..Plain::zeroed() };
            if self.ask::<ENUM_FRAMESIZES, _>(&mut answer).is_err() {
                break;
            }
            if answer.type_ == 1 {
                // SAFETY: both arms of the union are integers.
                let one = unsafe { answer.__bindgen_anon_1.discrete };
                sizes.push(Sizes::One(one.width, one.height));
            } else {
                // SAFETY: as above.
                let range = unsafe { answer.__bindgen_anon_1.stepwise };
                sizes.push(Sizes::Range {
                    least: (range.min_width, range.min_height),
                    most: (range.max_width, range.max_height),
                    step: (range.step_width.max(1), range.step_height.max(1)),
                });
                break;
            }
        }
        sizes
    }

    /// The most frames a second of a format in a size, where the driver says.
    pub(super) fn fastest(&self, format: FourCc, width: u32, height: u32) -> Option<f64> {
        let mut fastest: Option<f64> = None;
        for index in 0..LONGEST_LIST {
            let mut answer =
                v4l2_frmivalenum { index, pixel_format: format.number(), width, height, ..Plain::zeroed() };
            if self.ask::<ENUM_FRAMEINTERVALS, _>(&mut answer).is_err() {
                break;
            }
            // SAFETY: both arms of the union are integers; a range begins with its shortest interval.
            let interval = unsafe {
                if answer.type_ == 1 { answer.__bindgen_anon_1.discrete } else { answer.__bindgen_anon_1.stepwise.min }
            };
            if let Some(rate) = rate(interval) {
                fastest = Some(fastest.map_or(rate, |known| known.max(rate)));
            }
            if answer.type_ != 1 {
                break;
            }
        }
        fastest
    }

    /// Asks for a format and size; the driver takes what is nearest.
    pub(super) fn set_format(&self, format: FourCc, width: u32, height: u32) -> io::Result<Taken> {
        let mut wanted = v4l2_format { type_: CAPTURE, ..Plain::zeroed() };
        // The stride is left to the driver: one of the format before would be kept otherwise.
        wanted.fmt.pix = v4l2_pix_format {
            width,
            height,
            pixelformat: format.number(),
            field: PROGRESSIVE,
            // SAFETY: an arm of integers of a union that is all zero.
            ..unsafe { wanted.fmt.pix }
        };
        self.ask::<S_FMT, _>(&mut wanted)?;
        // SAFETY: the driver has filled this arm, as the type says, and any bytes are a value of it.
        let taken = unsafe { wanted.fmt.pix };
        Ok(Taken {
            format: FourCc::of(taken.pixelformat),
            width: taken.width,
            height: taken.height,
            stride: taken.bytesperline,
        })
    }

    /// Asks for so many frames a second, and says what the driver took; nothing where it has no say.
    pub(super) fn set_rate(&self, frames_per_second: f64) -> Option<f64> {
        let mut wanted = v4l2_streamparm { type_: CAPTURE, ..Plain::zeroed() };
        self.ask::<G_PARM, _>(&mut wanted).ok()?;
        // SAFETY: the arm of this type, and integers.
        let mut capture = unsafe { wanted.parm.capture };
        if capture.capability & V4L2_CAP_TIMEPERFRAME != 0 {
            capture.timeperframe = v4l2_fract { numerator: 1000, denominator: thousandths(frames_per_second) };
            wanted.parm.capture = capture;
            let _ = self.ask::<S_PARM, _>(&mut wanted);
        }
        // SAFETY: as above.
        rate(unsafe { wanted.parm.capture.timeperframe })
    }

    /// Whether the input says that nothing is connected to it.
    pub(super) fn has_no_signal(&self) -> bool {
        let mut index = 0_u32;
        if self.ask::<G_INPUT, _>(&mut index).is_err() {
            return false;
        }
        let mut input = v4l2_input { index, ..Plain::zeroed() };
        self.ask::<ENUMINPUT, _>(&mut input).is_ok() && input.status & (V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL) != 0
    }

    /// A control's range, if the device has it.
    pub(super) fn range(&self, id: u32) -> Option<Range> {
        let mut answer = v4l2_query_ext_ctrl { id, ..Plain::zeroed() };
        self.ask::<QUERY_EXT_CTRL, _>(&mut answer).ok()?;
        (answer.flags & V4L2_CTRL_FLAG_DISABLED == 0).then_some(Range {
            least: answer.minimum,
            most: answer.maximum,
            step: answer.step.max(1),
            default: answer.default_value,
            is_read_only: answer.flags & V4L2_CTRL_FLAG_READ_ONLY != 0,
        })
    }

    /// Whether a menu has this entry; cameras leave some of a range out.
    pub(super) fn has_entry(&self, id: u32, index: u32) -> bool {
        let mut answer = v4l2_querymenu { id, index, ..Plain::zeroed() };
        self.ask::<QUERYMENU, _>(&mut answer).is_ok()
    }

    pub(super) fn control(&self, id: u32) -> io::Result<i32> {
        let mut answer = v4l2_control { id, ..Plain::zeroed() };
        self.ask::<G_CTRL, _>(&mut answer)?;
        Ok(answer.value)
    }

    pub(super) fn set_control(&self, id: u32, value: i32) -> io::Result<()> {
        Ok(self.ask::<S_CTRL, _>(&mut v4l2_control { id, value })?)
    }

    /// Asks for `count` buffers, and says how many there are; 0 gives them back.
    pub(super) fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let mut request = v4l2_requestbuffers { count, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() };
        self.ask::<REQBUFS, _>(&mut request)?;
        Ok(request.count)
    }

    /// Maps a buffer into memory, to be read.
    pub(super) fn map_buffer(&self, index: u32) -> io::Result<Mapped> {
        let mut buffer = buffer(index);
        self.ask::<QUERYBUF, _>(&mut buffer)?;
        let byte_len = buffer.length as usize;
        if byte_len == 0 {
            return Err(io::Error::other("the driver's buffer has no bytes"));
        }
        // SAFETY: `offset` is the arm for mapped buffers, an integer; a new mapping of a device touches no memory of ours.
        let start = unsafe {
            let offset = u64::from(buffer.m.offset);
            mmap(std::ptr::null_mut(), byte_len, ProtFlags::READ, MapFlags::SHARED, &self.file, offset)?
        };
        Ok(Mapped { start: start.cast(), byte_len })
    }

    /// Gives a buffer to the driver, to be filled.
    pub(super) fn queue(&self, index: u32) -> io::Result<()> {
        Ok(self.ask::<QBUF, _>(&mut buffer(index))?)
    }

    /// Takes a filled buffer; `WouldBlock` where none is.
    pub(super) fn dequeue(&self) -> io::Result<Filled> {
        let mut buffer = buffer(0);
        self.ask::<DQBUF, _>(&mut buffer)?;
        let is_monotonic = buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
        Ok(Filled {
            index: buffer.index,
            byte_len: buffer.bytesused as usize,
            is_damaged: buffer.flags & V4L2_BUF_FLAG_ERROR != 0,
            taken: is_monotonic.then(|| time(buffer.timestamp)).flatten(),
            sequence: buffer.sequence,
        })
    }

    pub(super) fn start_stream(&self) -> io::Result<()> {
        Ok(self.ask::<STREAMON, _>(&mut { CAPTURE })?)
    }

    pub(super) fn stop_stream(&self) -> io::Result<()> {
        Ok(self.ask::<STREAMOFF, _>(&mut { CAPTURE })?)
    }

    /// Waits for a filled buffer; whether there is one, or an error to be told of.
    pub(super) fn wait(&self, patience: Duration) -> io::Result<bool> {
        let timeout =
            Timespec { tv_sec: patience.as_secs().try_into().unwrap_or(1), tv_nsec: patience.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A driver's buffer in our memory.
#[derive(Debug)]
pub(super) struct Mapped {
    start: *mut u8,
    byte_len: usize,
}

// SAFETY: the mapping belongs to this value alone and lives as long as it does, on any thread.
unsafe impl Send for Mapped {}

impl Mapped {
    /// The first `byte_len` bytes, or all there are. Only between [`Node::dequeue`] and [`Node::queue`] does the driver leave them alone, so the
    /// caller copies them before it queues the buffer again.
    pub(super) fn bytes(&self, byte_len: usize) -> &[u8] {
        // SAFETY: `start` is a mapping of `self.byte_len` bytes that ends when this value is dropped. A driver that writes into a buffer that it
        // has handed over would only change the values read, which are bytes of a picture.
        unsafe { std::slice::from_raw_parts(self.start, byte_len.min(self.byte_len)) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the very mapping that was made, and nothing borrows from it any more.
        let _ = unsafe { munmap(self.start.cast(), self.byte_len) };
    }
}

fn buffer(index: u32) -> v4l2_buffer {
    v4l2_buffer { index, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() }
}

/// The text of a field that ends with a zero byte or is full.
fn words(field: &[u8]) -> String {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim().to_owned()
}

fn rate(interval: v4l2_fract) -> Option<f64> {
    (interval.numerator > 0 && interval.denominator > 0)
        .then(|| f64::from(interval.denominator) / f64::from(interval.numerator))
}

/// A rate as the denominator of a fraction of a thousand.
fn thousandths(frames_per_second: f64) -> u32 {
    let bounded = (frames_per_second.clamp(1.0, 1000.0) * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from a thousand to a million")]
    let thousandths = bounded as u32;
    thousandths
}

fn time(stamp: timeval) -> Option<Duration> {
    let seconds = u64::try_from(stamp.tv_sec).ok()?;
    let microseconds = u32::try_from(stamp.tv_usec).ok().filter(|micro| *micro < 1_000_000)?;
    Some(Duration::new(seconds, microseconds * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_have_the_kernels_numbers() {
        // As `linux/videodev2.h` makes them on 64-bit machines; the sizes of the structures are part of them.
        assert_eq!(
            [QUERYCAP, ENUM_FMT, S_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF, STREAMON],
            [0x8068_5600, 0xc040_5602, 0xc0d0_5605, 0xc014_5608, 0xc058_5609, 0xc058_560f, 0xc058_5611, 0x4004_5612]
        );
        assert_eq!([S_PARM, S_CTRL, QUERYMENU], [0xc0cc_5616, 0xc008_561c, 0xc02c_5625]);
        assert_eq!([ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS, QUERY_EXT_CTRL], [0xc02c_564a, 0xc034_564b, 0xc0e8_5667]);
    }

    #[test]
    fn what_is_no_camera_answers_nothing_and_harms_nothing() {
        let node = Node::open(Path::new("/dev/null")).unwrap();
        assert_eq!(node.capability().unwrap_err().raw_os_error(), Some(Errno::NOTTY.raw_os_error()));
        assert!(node.formats().is_empty() && node.range(V4L2_CID_GAIN).is_none());
        assert!(node.map_buffer(0).is_err() && node.dequeue().is_err() && node.start_stream().is_err());
        assert!(!node.has_no_signal());
        assert_eq!(node.fastest(FourCc(*b"YUYV"), 640, 480), None);
        assert_eq!(Node::open(Path::new("/dev/video-none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn odd_answers_are_read() {
        assert_eq!(words(b"UVC Camera (046d:0825)\0\0\xff"), "UVC Camera (046d:0825)");
        assert_eq!(words(b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(rate(v4l2_fract { numerator: 0, denominator: 30 }), None);
        assert_eq!(rate(v4l2_fract { numerator: 1, denominator: 30 }), Some(30.0));
        assert_eq!(time(timeval { tv_sec: -1, tv_usec: 0 }), None);
        assert_eq!(time(timeval { tv_sec: 1, tv_usec: 500_000 }), Some(Duration::from_millis(1500)));
        assert_eq!([thousandths(30.0), thousandths(f64::INFINITY), thousandths(-3.0)], [30_000, 1_000_000, 1000]);
    }
}
