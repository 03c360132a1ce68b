//! What the device says of itself: descriptors of USB 2.0 (chapter 9) and of UVC 1.0 (chapter 3).

use crate::controls::{CAMERA, PROCESSING};
use crate::pictures::{FORMATS, Format, SIZE, largest};

/// The endpoint that gives the pictures.
const ENDPOINT: [u8; 7] = [7, 5, 0x81, 2, 0, 2, 0];

/// The device's descriptor. The vendor is the Linux Foundation's, the product one of its gadgets.
pub(crate) fn device() -> [u8; 18] {
    // Class, subclass and protocol of a device whose functions are described by interface associations.
    [18, 1, 0, 2, 0xEF, 2, 1, 64, 0x6B, 0x1D, 0x02, 0x01, 0, 1, 1, 2, 3, 1]
}

/// A text of the device: its maker, its name, its serial number.
pub(crate) fn string(index: u8, serial: &str) -> Option<Vec<u8>> {
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
pub(crate) fn configuration() -> Vec<u8> {
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

    // A frame's descriptor is the same for all formats but for its kind.
    let frame = |kind: u8, intervals: &[u32]| {
        let times: Vec<u8> = intervals.iter().flat_map(|interval| interval.to_le_bytes()).collect();
        let count = u8::try_from(intervals.len()).expect("a few");
        let first = &times[..4];
        [&[26 + 4 * count, CLASS, kind, 1, 0][..], &width, &height, &bits, &bits, &largest, first, &[count], &times]
            .concat()
    };
    let format = |(number, format): (u8, &Format)| match format.raw {
        None => [&[11, CLASS, 6, number, 1, 1, 1, 0, 0, 0, 0][..], &frame(7, format.intervals)].concat(),
        Some((name, bits)) => {
            [&[27, CLASS, 4, number, 1][..], &name, &[bits, 1, 0, 0, 0, 0], &frame(5, format.intervals)].concat()
        }
    };
    // Behind each the colours that it means.
    let formats: Vec<u8> =
        (1..).zip(&FORMATS).flat_map(|numbered| [format(numbered), vec![6, CLASS, 13, 1, 1, 4]].concat()).collect();
    let count = u8::try_from(FORMATS.len()).expect("a few");
    let head = 13 + FORMATS.len();
    let streaming = [
        &[u8::try_from(head).expect("short"), CLASS, 1, count][..],
        &length_bytes(formats.len() + head),
        &[ENDPOINT[2], 0, 3, 0, 0, 0, 1],
        &vec![0; FORMATS.len()],
        &formats,
    ]
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
