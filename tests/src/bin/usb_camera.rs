//! Cameras on USB, made in software: `usb_camera PORT SERIAL PICTURE` plugs one in until it is ended.
//!
//! `vhci_hcd` is a USB controller whose devices are at the other end of a socket, by
//! [USB/IP](https://docs.kernel.org/usb/usbip_protocol.html): here in this program. So the kernel's own `uvcvideo` finds a camera of the
//! [USB Video Class](https://www.usb.org/document-library/video-class-v11-document-set) (1.0), with a serial number as real ones have it. By a bulk
//! endpoint it gives one picture, the file `PICTURE.jpg` or `PICTURE.yuyv` as it is just then, as MJPEG ten or five times a second, as YUYV five
//! times; and it has the controls that cameras have, two of them with a will of their own. It says what it is asked for.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where the controller is told of a device.
const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";

/// The commands of USB/IP: the host's, and what they are answered with.
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const RETURN_SUBMIT: u32 = 3;
const RETURN_UNLINK: u32 = 4;

/// Size of the picture.
const SIZE: (u16, u16) = (640, 480);

/// The formats, as they are numbered from 1: what the file is called, and times between two pictures in 100 ns (UVC's unit).
const FORMATS: [(&str, &[u32]); 2] = [("jpg", &[1_000_000, 2_000_000]), ("yuyv", &[2_000_000])];

/// The largest payload, a header and a part of a picture.
const PAYLOAD: u16 = 16 * 1024;

/// Bytes of a payload's header.
const HEADER: u16 = 2;

/// The endpoint that gives the pictures.
const ENDPOINT: [u8; 7] = [7, 5, 0x81, 2, 0, 2, 0];

/// The camera terminal, as control requests name it.
const CAMERA: u8 = 1;

/// The processing unit.
const PROCESSING: u8 = 2;

/// The device refuses (`EPIPE`).
const REFUSED: i32 = -32;

/// What was asked was withdrawn before it was answered (`ECONNRESET`).
const WITHDRAWN: i32 = -104;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [port, serial, picture] = arguments.as_slice() else {
        eprintln!("usage: usb_camera PORT SERIAL PICTURE");
        return ExitCode::from(2);
    };
    let served =
        plug_in(&port.to_string_lossy()).and_then(|socket| serve(socket, &serial.to_string_lossy(), picture.into()));
    let Err(error) = served;
    eprintln!("usb_camera: {error}");
    ExitCode::FAILURE
}

/// Gives the controller a device at one of its ports, from 0; it is there until the socket is closed.
fn plug_in(port: &str) -> io::Result<UnixStream> {
    const HIGH_SPEED: u32 = 3;
    let (ours, kernels) = UnixStream::pair()?;
    // The kernel keeps its end, which it takes by its number in this process.
    std::fs::write(ATTACH, format!("{port} {} 1 {HIGH_SPEED}", kernels.as_raw_fd()))?;
    Ok(ours)
}

/// Answers what the USB host asks, until an error.
fn serve(mut socket: UnixStream, serial: &str, picture: PathBuf) -> io::Result<Infallible> {
    let stream = Arc::new(Stream {
        socket: Mutex::new(socket.try_clone()?),
        waiting: Mutex::default(),
        has_room: Condvar::new(),
    });
    let pictures = Arc::clone(&stream);
    std::thread::spawn(move || {
        let Err(error) = pictures.give(&picture);
        eprintln!("usb_camera: {}: {error}", picture.display());
        std::process::exit(1)
    });
    let mut camera = Camera::default();
    loop {
        match next(&mut socket)? {
            Message::Withdraw { number, which } => stream.withdraw(number, which)?,
            Message::Pictures { number, room } => stream.wait(number, room),
            Message::Control { number, request, .. } if request.ends_stream() => {
                stream.stop();
                stream.reply(number, &[], 0)?;
            }
            Message::Control { number, request, data } => match answer(&mut camera, serial, &request, &data) {
                Some(mut bytes) => {
                    bytes.truncate(request.length.into());
                    // Before the host knows, and waits for the first part.
                    stream.waiting().agreed = camera.agreed;
                    stream.reply(number, &bytes, if request.is_in() { 0 } else { data.len() })?;
                }
                None => stream.refuse(number)?,
            },
        }
    }
}

/// A control request, by chapter 9 of USB 2.0.
#[derive(Debug)]
struct Request {
    /// Direction, type and recipient.
    kind: u8,
    request: u8,
    value: u16,
    index: u16,
    length: u16,
}

impl Request {
    /// Whether it asks the device for data.
    fn is_in(&self) -> bool {
        self.kind & 0x80 != 0
    }

    /// Whether it clears a halt of an endpoint, with which hosts end the stream of a bulk camera.
    fn ends_stream(&self) -> bool {
        (self.kind, self.request) == (0x02, 1)
    }
}

/// What the host says, each under a number.
#[derive(Debug)]
enum Message {
    Control {
        number: u32,
        request: Request,
        data: Vec<u8>,
    },
    /// There is room for so many bytes of pictures.
    Pictures {
        number: u32,
        room: usize,
    },
    /// What was said under another number is withdrawn.
    Withdraw {
        number: u32,
        which: u32,
    },
}

/// The host's next message.
fn next(socket: &mut UnixStream) -> io::Result<Message> {
    let mut header = [0; 48];
    socket.read_exact(&mut header)?;
    let (words, setup) = header.split_at(40);
    let words: Vec<u32> = words.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
    let &[command, number, _device, direction, endpoint, which, length, ..] = words.as_slice() else {
        unreachable!("ten words")
    };
    let &[kind, request, v0, v1, i0, i1, l0, l1] = setup else { unreachable!("eight bytes") };
    let word = |low, high| u16::from_le_bytes([low, high]);
    let request = Request { kind, request, value: word(v0, v1), index: word(i0, i1), length: word(l0, l1) };
    match (command, endpoint) {
        (UNLINK, _) => Ok(Message::Withdraw { number, which }),
        (SUBMIT, 0) => {
            let is_out = direction == 0;
            let mut data = vec![0; if is_out { size(length)? } else { 0 }];
            socket.read_exact(&mut data)?;
            Ok(Message::Control { number, request, data })
        }
        (SUBMIT, 1) => Ok(Message::Pictures { number, room: size(length)? }),
        _ => Err(io::Error::other(format!("the host says {words:?}"))),
    }
}

fn size(length: u32) -> io::Result<usize> {
    usize::try_from(length).map_err(io::Error::other)
}

/// What a control request is answered with; nothing where it is refused.
fn answer(camera: &mut Camera, serial: &str, request: &Request, data: &[u8]) -> Option<Vec<u8>> {
    let &Request { kind, request, value, index, .. } = request;
    let ([low, high], [interface, unit]) = (value.to_le_bytes(), index.to_le_bytes());
    match (kind, request) {
        (0x80, 6) => match high {
            1 => Some(device().to_vec()),
            2 => Some(configuration()),
            3 => string(low, serial),
            _ => None,
        },
        // The status: neither does it wake the host, nor is an endpoint halted.
        (0x80..=0x82, 0) => Some(vec![0, 0]),
        // A configuration, an interface's setting, a feature: there is one of each.
        (0x00..=0x02, 1 | 3 | 9 | 11) => Some(Vec::new()),
        (0xA1, _) if interface == 1 => Some(camera.agreed.bytes()),
        (0x21, _) if interface == 1 => camera.agree(high, data),
        (0xA1, _) => camera.controls.get(request, unit, high),
        (0x21, _) => camera.controls.set(unit, high, data),
        _ => None,
    }
}

/// The pictures, and the socket that they and the answers go to.
struct Stream {
    socket: Mutex<UnixStream>,
    waiting: Mutex<Waiting>,
    has_room: Condvar,
}

/// What the host waits for.
#[derive(Default)]
struct Waiting {
    /// The numbers under which it waits for a part of a picture, and how much room each has.
    room: VecDeque<(u32, usize)>,
    agreed: Agreed,
    /// It has stopped the stream, and wants no more of the picture that it had a part of.
    is_stopped: bool,
}

impl Stream {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, number: u32, room: usize) {
        self.waiting().room.push_back((number, room));
        self.has_room.notify_one();
    }

    fn stop(&self) {
        self.waiting().is_stopped = true;
    }

    /// What the host waits for, once it does.
    fn with_room(&self) -> MutexGuard<'_, Waiting> {
        let is_empty = |waiting: &mut Waiting| waiting.room.is_empty();
        self.has_room.wait_while(self.waiting(), is_empty).unwrap_or_else(PoisonError::into_inner)
    }

    /// The picture again and again, each in payloads whose header says which of two pictures it is, and whether it ends.
    fn give(&self, picture: &Path) -> io::Result<Infallible> {
        let mut toggle = 0;
        loop {
            let agreed = {
                let mut waiting = self.with_room();
                waiting.is_stopped = false;
                waiting.agreed
            };
            let begin = Instant::now();
            let bytes = std::fs::read(picture.with_extension(FORMATS[agreed.format - 1].0))?;
            let mut parts = bytes.chunks(usize::from(PAYLOAD - HEADER)).peekable();
            while let Some(part) = parts.next() {
                let end = u8::from(parts.peek().is_none()) << 1;
                let payload = [&[HEADER.to_le_bytes()[0], 0x80 | end | toggle], part].concat();
                // Answered under the lock: what is withdrawn meanwhile was answered before.
                let mut waiting = self.with_room();
                if waiting.is_stopped {
                    break;
                }
                match waiting.room.pop_front() {
                    Some((number, room)) if room >= payload.len() => self.reply(number, &payload, 0)?,
                    place => return Err(io::Error::other(format!("no room for a payload: {place:?}"))),
                }
            }
            toggle ^= 1;
            std::thread::sleep(Duration::from_nanos(u64::from(agreed.interval) * 100).saturating_sub(begin.elapsed()));
        }
    }

    /// The host does not wait any longer.
    fn withdraw(&self, number: u32, which: u32) -> io::Result<()> {
        let mut waiting = self.waiting();
        let before = waiting.room.len();
        waiting.room.retain(|(number, _)| *number != which);
        let status = if waiting.room.len() < before { WITHDRAWN } else { 0 };
        self.send(RETURN_UNLINK, number, status, 0, &[])
    }

    /// Answers with data, or takes `taken` bytes of it.
    fn reply(&self, number: u32, bytes: &[u8], taken: usize) -> io::Result<()> {
        self.send(RETURN_SUBMIT, number, 0, bytes.len() + taken, bytes)
    }

    fn refuse(&self, number: u32) -> io::Result<()> {
        self.send(RETURN_SUBMIT, number, REFUSED, 0, &[])
    }

    /// One message: of how many bytes were moved, and those that the host asked for.
    fn send(&self, command: u32, number: u32, status: i32, moved: usize, bytes: &[u8]) -> io::Result<()> {
        let moved = u32::try_from(moved).expect("a short answer");
        let mut message = Vec::with_capacity(48 + bytes.len());
        for word in [command, number, 0, 0, 0, status.cast_unsigned(), moved, 0, 0, 0, 0, 0] {
            message.extend(word.to_be_bytes());
        }
        message.extend(bytes);
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(&message)
    }
}

/// What the camera was told.
#[derive(Debug, Default)]
struct Camera {
    controls: Controls,
    agreed: Agreed,
}

impl Camera {
    /// Takes what the host would like of the pictures (1), or what it has decided on (2).
    fn agree(&mut self, control: u8, wish: &[u8]) -> Option<Vec<u8>> {
        const COMMIT: u8 = 2;
        self.agreed = Agreed::nearest(wish)?;
        if control == COMMIT {
            let (name, _) = FORMATS[self.agreed.format - 1];
            println!("{name} every {} ms", self.agreed.interval / 10_000);
        }
        Some(Vec::new())
    }
}

/// Something that the camera can be set to.
#[derive(Debug)]
struct Control {
    name: &'static str,
    /// The unit that has it, and its number there.
    place: (u8, u8),
    bytes: usize,
    range: (i32, i32),
    /// By how much it can be changed; of the exposure a mask of what there is.
    step: i32,
    default: i32,
    value: i32,
}

/// What the camera can be set to, as it is made.
#[derive(Debug)]
struct Controls([Control; 8]);

impl Default for Controls {
    fn default() -> Self {
        let of =
            |name, place, bytes, range, step, value| Control { name, place, bytes, range, step, default: value, value };
        Self([
            of("brightness", (PROCESSING, 2), 2, (-64, 64), 1, 0),
            // 0: off, 1: 50 Hz, 2: 60 Hz.
            of("mains", (PROCESSING, 5), 1, (0, 2), 1, 2),
            of("white", (PROCESSING, 10), 2, (2800, 6500), 10, 4600),
            of("auto-white", (PROCESSING, 11), 1, (0, 1), 1, 1),
            // 1: by hand, 8: the camera chooses the time.
            of("exposure", (CAMERA, 2), 1, (1, 8), 1 | 8, 8),
            // In units of 0.1 ms.
            of("time", (CAMERA, 4), 4, (1, 5000), 1, 200),
            of("focus", (CAMERA, 6), 2, (0, 250), 1, 0),
            of("auto-focus", (CAMERA, 8), 1, (0, 1), 1, 1),
        ])
    }
}

impl Controls {
    /// What is asked of a control; nothing where there is no such control.
    fn get(&self, request: u8, unit: u8, selector: u8) -> Option<Vec<u8>> {
        let control = self.0.iter().find(|control| control.place == (unit, selector))?;
        let bytes = |value: i32| Some(value.to_le_bytes()[..control.bytes].to_vec());
        // `GET_CUR` and its like.
        match request {
            0x81 => bytes(control.value),
            0x82 => bytes(control.range.0),
            0x83 => bytes(control.range.1),
            0x84 => bytes(control.step),
            0x85 => Some(vec![control.bytes.to_le_bytes()[0], 0]),
            // It can be read and set; the focus changes by itself.
            0x86 => Some(vec![if control.name == "focus" { 0b1011 } else { 0b11 }]),
            0x87 => bytes(control.default),
            _ => None,
        }
    }

    /// Sets a control; nothing where there is no such control.
    fn set(&mut self, unit: u8, selector: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let control = self.0.iter_mut().find(|control| control.place == (unit, selector))?;
        let is_negative = bytes.len() < 4 && bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut all = [if is_negative { 0xFF } else { 0 }; 4];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        control.value = i32::from_le_bytes(all);
        // The focus has only even places.
        if control.name == "focus" {
            control.value &= !1;
        }
        let values: Vec<_> = self.0.iter().map(|control| format!("{} {}", control.name, control.value)).collect();
        println!("{}", values.join(", "));
        Some(Vec::new())
    }
}

/// The device's descriptor. The vendor is the Linux Foundation's, the product one of its gadgets.
fn device() -> [u8; 18] {
    // Class, subclass and protocol of a device whose functions are described by interface associations.
    [18, 1, 0, 2, 0xEF, 2, 1, 64, 0x6B, 0x1D, 0x02, 0x01, 0, 1, 1, 2, 3, 1]
}

/// A text of the device: its maker, its name, its serial number.
fn string(index: u8, serial: &str) -> Option<Vec<u8>> {
    let text = match index {
        // The only language: English of the United States.
        0 => return Some(vec![4, 3, 9, 4]),
        1 => "ClothingID",
        2 => "Camera of the tests",
        3 => serial,
        _ => return None,
    };
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u8::try_from(text.len() + 2).ok()?;
    Some([vec![length, 3], text].concat())
}

/// All that belongs to the one configuration: the control interface (camera, processing unit, output), then the streaming one.
fn configuration() -> Vec<u8> {
    const INTERFACE: u8 = 4;
    const CLASS: u8 = 0x24;
    let (width, height) = SIZE;
    let largest = largest().to_le_bytes();
    let (clock, bits) = (48_000_000_u32.to_le_bytes(), 80_000_000_u32.to_le_bytes());
    let (width, height) = (width.to_le_bytes(), height.to_le_bytes());

    let terminals = [
        // Exposure's mode (bit 1) and time (3), focus (5) and whether it is automatic (17).
        &[18, CLASS, 2, CAMERA, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1 << 1 | 1 << 3 | 1 << 5, 0, 1 << 1][..],
        // Brightness (bit 0), white balance (6), mains frequency (10), whether white balance is automatic (12).
        &[11, CLASS, 5, PROCESSING, CAMERA, 0, 0, 2, 1 | 1 << 6, 1 << 2 | 1 << 4, 0],
        &[9, CLASS, 3, 3, 1, 1, 0, PROCESSING, 0],
    ]
    .concat();
    let control =
        [&[13, CLASS, 1, 0, 1][..], &length_bytes(terminals.len() + 13), &clock, &[1, 1], &terminals].concat();

    // A frame's descriptor is the same for both formats but for its kind.
    let frame = |kind: u8, intervals: &[u32]| {
        let times: Vec<u8> = intervals.iter().flat_map(|interval| interval.to_le_bytes()).collect();
        let count = u8::try_from(intervals.len()).expect("a few");
        let first = &times[..4];
        [&[26 + 4 * count, CLASS, kind, 1, 0][..], &width, &height, &bits, &bits, &largest, first, &[count], &times]
            .concat()
    };
    // "YUY2" as the specification spells it.
    let raw = *b"YUY2\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71";
    let formats = [
        &[11, CLASS, 6, 1, 1, 1, 1, 0, 0, 0, 0][..],
        &frame(7, FORMATS[0].1),
        &[6, CLASS, 13, 1, 1, 4],
        &[&[27, CLASS, 4, 2, 1][..], &raw, &[16, 1, 0, 0, 0, 0]].concat(),
        &frame(5, FORMATS[1].1),
        &[6, CLASS, 13, 1, 1, 4],
    ]
    .concat();
    let streaming =
        [&[15, CLASS, 1, 2][..], &length_bytes(formats.len() + 15), &[ENDPOINT[2], 0, 3, 0, 0, 0, 1, 0, 0], &formats]
            .concat();

    let all = [
        // Both interfaces are one function.
        &[8, 11, 0, 2, 0x0E, 3, 0, 2][..],
        &[9, INTERFACE, 0, 0, 0, 0x0E, 1, 0, 2],
        &control,
        &[9, INTERFACE, 1, 0, 1, 0x0E, 2, 0, 0],
        &streaming,
        &ENDPOINT,
    ]
    .concat();
    [&[9, 2][..], &length_bytes(all.len() + 9), &[2, 1, 0, 0x80, 250], &all].concat()
}

/// A length, as descriptors have it.
fn length_bytes(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("a short descriptor").to_le_bytes()
}

/// What is negotiated: a format, from 1, and the time between two pictures in 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Agreed {
    format: usize,
    interval: u32,
}

impl Default for Agreed {
    fn default() -> Self {
        Self { format: 1, interval: FORMATS[0].1[0] }
    }
}

impl Agreed {
    /// The nearest that there is to a `VIDEO_PROBE_CONTROL` (26 bytes, UVC 1.0).
    fn nearest(wish: &[u8]) -> Option<Self> {
        let &[_, _, format, _, a, b, c, d, ..] = wish else { return None };
        let (format, wanted) = (usize::from(format).clamp(1, FORMATS.len()), u32::from_le_bytes([a, b, c, d]));
        let interval = FORMATS[format - 1].1.iter().min_by_key(|interval| interval.abs_diff(wanted))?;
        Some(Self { format, interval: *interval })
    }

    /// The same as a `VIDEO_PROBE_CONTROL`.
    fn bytes(self) -> Vec<u8> {
        let format = self.format.to_le_bytes()[0];
        let [largest, payload] = [largest(), u32::from(PAYLOAD)].map(u32::to_le_bytes);
        [&[0, 0, format, 1][..], &self.interval.to_le_bytes(), &[0; 10], &largest, &payload].concat()
    }
}

/// Bytes of the largest picture: a raw one.
fn largest() -> u32 {
    u32::from(SIZE.0) * u32::from(SIZE.1) * 2
}
