//! What is said over the socket, by USB/IP: the host's messages are read, and answered under their numbers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

/// The commands of the host, and what they are answered with.
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const RETURN_SUBMIT: u32 = 3;
const RETURN_UNLINK: u32 = 4;

/// The device refuses (`EPIPE`).
const REFUSED: i32 = -32;

/// What was asked was withdrawn before it was answered (`ECONNRESET`).
const WITHDRAWN: i32 = -104;

/// A control request, by chapter 9 of USB 2.0.
#[derive(Debug)]
pub(crate) struct Request {
    /// Direction, type and recipient.
    pub(crate) kind: u8,
    /// What is asked for.
    pub(crate) request: u8,
    /// More of it: a kind of descriptor, a control.
    pub(crate) value: u16,
    /// Whom it is for: an interface, a unit.
    pub(crate) index: u16,
    /// Bytes that come with it, or as many as are taken of the answer.
    pub(crate) length: u16,
}

/// What the host says, each under a number.
#[derive(Debug)]
pub(crate) enum Message {
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
pub(crate) fn next(socket: &mut UnixStream) -> io::Result<Message> {
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

/// A length in bytes.
fn size(length: u32) -> io::Result<usize> {
    usize::try_from(length).map_err(io::Error::other)
}

/// What the host is answered by, from more than one thread.
#[derive(Debug)]
pub(crate) struct Answers(Mutex<UnixStream>);

impl Answers {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self(Mutex::new(socket))
    }

    /// Answers with data, or takes `taken` bytes of it.
    pub(crate) fn reply(&self, number: u32, bytes: &[u8], taken: usize) -> io::Result<()> {
        self.send(RETURN_SUBMIT, number, 0, bytes.len() + taken, bytes)
    }

    pub(crate) fn refuse(&self, number: u32) -> io::Result<()> {
        self.send(RETURN_SUBMIT, number, REFUSED, 0, &[])
    }

    /// What was withdrawn is not answered; or it was, before that was known.
    pub(crate) fn withdrawn(&self, number: u32, is_in_time: bool) -> io::Result<()> {
        self.send(RETURN_UNLINK, number, if is_in_time { WITHDRAWN } else { 0 }, 0, &[])
    }

    /// One message: of how many bytes were moved, and those that the host asked for.
    fn send(&self, command: u32, number: u32, status: i32, moved: usize, bytes: &[u8]) -> io::Result<()> {
        let moved = u32::try_from(moved).expect("a short answer");
        let mut message = Vec::with_capacity(48 + bytes.len());
        for word in [command, number, 0, 0, 0, status.cast_unsigned(), moved, 0, 0, 0, 0, 0] {
            message.extend(word.to_be_bytes());
        }
        message.extend(bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&message)
    }
}
