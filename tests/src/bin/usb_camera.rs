//! Cameras on USB, made in software: `usb_camera PORT SERIAL JPEG` plugs one in until it is ended.
//!
//! `vhci_hcd` is a USB controller whose devices are at the other end of a socket, by
//! [USB/IP](https://docs.kernel.org/usb/usbip_protocol.html): here in this program. So the kernel's own `uvcvideo` finds a camera of the
//! [USB Video Class](https://www.usb.org/document-library/video-class-v11-document-set) (1.0), with a serial number as real ones have it. It gives
//! one picture, the JPEG file as it is just then, five times a second by a bulk endpoint, and has four controls, of which it says what was set:
//! brightness, mains frequency, exposure and its time.

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

/// Time between two pictures, in 100 ns (UVC's unit).
const INTERVAL: u32 = 2_000_000;

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
        eprintln!("usage: usb_camera PORT SERIAL JPEG");
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
    let mut controls = Controls::default();
    loop {
        match next(&mut socket)? {
            Message::Withdraw { number, which } => stream.withdraw(number, which)?,
            Message::Pictures { number, room } => stream.wait(number, room),
            Message::Control { number, request, .. } if request.ends_stream() => {
                stream.stop();
                stream.reply(number, &[], 0)?;
            }
            Message::Control { number, request, data } => match answer(&mut controls, serial, &request, &data) {
                Some(mut bytes) => {
                    bytes.truncate(request.length.into());
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
fn answer(controls: &mut Controls, serial: &str, request: &Request, data: &[u8]) -> Option<Vec<u8>> {
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
        // What the streaming interface negotiates can only end in the one picture that there is.
        (0xA1, _) if interface == 1 => Some(negotiated()),
        (0x21, _) if interface == 1 => Some(Vec::new()),
        (0xA1, _) => controls.get(request, unit, high),
        (0x21, _) => controls.set(unit, high, data),
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
            self.with_room().is_stopped = false;
            let begin = Instant::now();
            let bytes = std::fs::read(picture)?;
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
            std::thread::sleep(Duration::from_nanos(u64::from(INTERVAL) * 100).saturating_sub(begin.elapsed()));
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

/// What the camera can be set to.
#[derive(Debug)]
struct Controls {
    brightness: i16,
    /// 0: off, 1: 50 Hz, 2: 60 Hz.
    mains: u8,
    /// 1: by hand, 8: the camera chooses the time.
    exposure: u8,
    /// In units of 0.1 ms.
    time: u32,
}

impl Default for Controls {
    fn default() -> Self {
        Self { brightness: 0, mains: 2, exposure: 8, time: 200 }
    }
}

impl Controls {
    /// What is asked of a control; nothing where there is no such control.
    fn get(&self, request: u8, unit: u8, selector: u8) -> Option<Vec<u8>> {
        let (now, least, most, step, default) = match (unit, selector) {
            (PROCESSING, 2) => {
                let bytes = |value: i16| value.to_le_bytes().to_vec();
                (bytes(self.brightness), bytes(-64), bytes(64), bytes(1), bytes(0))
            }
            (PROCESSING, 5) => (vec![self.mains], vec![0], vec![2], vec![1], vec![2]),
            // The step is a mask of what there is.
            (CAMERA, 2) => (vec![self.exposure], vec![1], vec![8], vec![1 | 8], vec![8]),
            (CAMERA, 4) => {
                let bytes = |value: u32| value.to_le_bytes().to_vec();
                (bytes(self.time), bytes(1), bytes(5000), bytes(1), bytes(200))
            }
            _ => return None,
        };
        // `GET_CUR` and its like; the last but one says that a control can be read and set.
        match request {
            0x81 => Some(now),
            0x82 => Some(least),
            0x83 => Some(most),
            0x84 => Some(step),
            0x85 => Some(vec![now.len().to_le_bytes()[0], 0]),
            0x86 => Some(vec![3]),
            0x87 => Some(default),
            _ => None,
        }
    }

    /// Sets a control; nothing where there is no such control.
    fn set(&mut self, unit: u8, selector: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        match (unit, selector, bytes) {
            (PROCESSING, 2, &[low, high]) => self.brightness = i16::from_le_bytes([low, high]),
            (PROCESSING, 5, &[value]) => self.mains = value,
            (CAMERA, 2, &[value]) => self.exposure = value,
            (CAMERA, 4, &[a, b, c, d]) => self.time = u32::from_le_bytes([a, b, c, d]),
            _ => return None,
        }
        println!("{self:?}");
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
    let interval = INTERVAL.to_le_bytes();
    let largest = (u32::from(width) * u32::from(height) * 2).to_le_bytes();
    let (clock, bits) = (48_000_000_u32.to_le_bytes(), 80_000_000_u32.to_le_bytes());
    let (width, height) = (width.to_le_bytes(), height.to_le_bytes());

    let terminals = [
        // Exposure's mode (bit 1) and time (bit 3).
        &[18, CLASS, 2, CAMERA, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1 << 1 | 1 << 3, 0, 0][..],
        // Brightness (bit 0) and mains frequency (bit 10).
        &[11, CLASS, 5, PROCESSING, CAMERA, 0, 0, 2, 1, 1 << 2, 0],
        &[9, CLASS, 3, 3, 1, 1, 0, PROCESSING, 0],
    ]
    .concat();
    let control =
        [&[13, CLASS, 1, 0, 1][..], &length_bytes(terminals.len() + 13), &clock, &[1, 1], &terminals].concat();

    let picture = [
        &[11, CLASS, 6, 1, 1, 1, 1, 0, 0, 0, 0][..],
        &[&[30, CLASS, 7, 1, 0][..], &width, &height, &bits, &bits, &largest, &interval, &[1], &interval].concat(),
        &[6, CLASS, 13, 1, 1, 4],
    ]
    .concat();
    let streaming =
        [&[14, CLASS, 1, 1][..], &length_bytes(picture.len() + 14), &[ENDPOINT[2], 0, 3, 0, 0, 0, 1, 0], &picture]
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

/// What a `VIDEO_PROBE_CONTROL` can only be (26 bytes, UVC 1.0).
fn negotiated() -> Vec<u8> {
    let (width, height) = SIZE;
    let largest = u32::from(width) * u32::from(height) * 2;
    [&[0, 0, 1, 1][..], &INTERVAL.to_le_bytes(), &[0; 10], &largest.to_le_bytes(), &u32::from(PAYLOAD).to_le_bytes()]
        .concat()
}
