//! Cameras on USB, made in software: `usb_camera PORT SERIAL PICTURE` plugs one in until it is ended.
//!
//! `vhci_hcd` is a USB controller whose devices are at the other end of a socket, by
//! [USB/IP](https://docs.kernel.org/usb/usbip_protocol.html): here in this program. So the kernel's own `uvcvideo` finds a camera of the
//! [USB Video Class](https://www.usb.org/document-library/video-class-v11-document-set) (1.0), with a serial number as real ones have it. By a bulk
//! endpoint it gives one picture, the file `PICTURE.jpg`, `.yuyv`, `.nv12` or `.bgr3` as it is just then, as MJPEG ten or five times a second, raw five
//! times; and it has the controls that cameras have, of which the focus has a will of its own. It says what it is asked for.

mod controls;
mod descriptors;
mod pictures;
mod usbip;

use controls::Controls;
use pictures::Stream;
use std::convert::Infallible;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use usbip::{Answers, Message, Request};

/// Where the controller is told of a device.
const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";

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
    let stream = Arc::new(Stream::new(Answers::new(socket.try_clone()?)));
    let pictures = Arc::clone(&stream);
    std::thread::spawn(move || {
        let Err(error) = pictures.give(&picture);
        eprintln!("usb_camera: {}: {error}", picture.display());
        std::process::exit(1)
    });
    let mut controls = Controls::default();
    loop {
        match usbip::next(&mut socket)? {
            Message::Withdraw { number, which } => stream.withdraw(number, which)?,
            Message::Pictures { number, room } => stream.wait(number, room),
            Message::Control { number, request, data } => {
                match answer(&stream, &mut controls, serial, &request, &data) {
                    Some(mut bytes) => {
                        bytes.truncate(request.length.into());
                        stream.answers().reply(number, &bytes, data.len())?;
                    }
                    None => stream.answers().refuse(number)?,
                }
            }
        }
    }
}

/// What a control request is answered with; nothing where it is refused.
fn answer(stream: &Stream, controls: &mut Controls, serial: &str, request: &Request, data: &[u8]) -> Option<Vec<u8>> {
    let &Request { kind, request, value, index, .. } = request;
    let ([low, high], [interface, unit]) = (value.to_le_bytes(), index.to_le_bytes());
    match (kind, request) {
        (0x80, 6) => match high {
            1 => Some(descriptors::device().to_vec()),
            2 => Some(descriptors::configuration()),
            3 => descriptors::string(low, serial),
            _ => None,
        },
        // The status: neither does it wake the host, nor is an endpoint halted.
        (0x80..=0x82, 0) => Some(vec![0, 0]),
        // To clear the halt of an endpoint is how hosts end the stream of a bulk camera.
        (0x02, 1) => {
            stream.stop();
            Some(Vec::new())
        }
        // A configuration, an interface's setting, a feature: there is one of each.
        (0x00..=0x02, 1 | 3 | 9 | 11) => Some(Vec::new()),
        (0xA1, _) if interface == 1 => Some(stream.agreed()),
        (0x21, _) if interface == 1 => stream.agree(high, data),
        (0xA1, _) => controls.get(request, unit, high),
        (0x21, _) => controls.set(unit, high, data),
        _ => None,
    }
}
