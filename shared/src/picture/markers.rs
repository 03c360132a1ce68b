//! The markers of a JPEG file: where its image ends.
//!
//! A decoder is content with a scan that lacks its last bytes; we are not. What follows the image is nobody's business: phones append a
//! film there, whose bytes may look like any marker.
//!
//! Promise: no bytes make this panic; each byte is looked at once and nothing is allocated.
//!
//! **Source** ITU T.81, B.1.1 (markers, marker segments, entropy-coded segments) and B.2 (their order).

const RESTART: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
/// `TEM`, for arithmetic coding.
const TEMPORARY: u8 = 0x01;

/// Whether the image that `bytes` begin with has a scan and, after its last one, an end-of-image marker (FF D9).
///
/// A progressive image has several scans; a thumbnail lies within a segment and is passed over with it.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    image_end(bytes).is_some()
}

/// How many bytes the image has that `bytes` begin with, its end-of-image marker included; nothing where it does not end.
#[must_use]
pub fn image_end(bytes: &[u8]) -> Option<usize> {
    let (mut rest, mut has_scan) = (bytes, false);
    while let Some((code, after)) = next_marker(rest) {
        rest = match code {
            END_OF_IMAGE => return has_scan.then_some(bytes.len() - after.len()),
            START_OF_IMAGE | TEMPORARY => after,
            code if RESTART.contains(&code) => after,
            code => {
                has_scan |= code == START_OF_SCAN;
                segment_length(after).and_then(|length| after.get(length..))?
            }
        };
    }
    None
}

/// The next marker's code and what follows it. Entropy-coded bytes are passed over: in them FF is followed by 00.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        rest = rest.get(at + 1..)?;
        match rest.split_first()? {
            // FF FF is a fill byte before a marker.
            (0xff, _) => {}
            (0x00, after) => rest = after,
            (code, after) => return Some((*code, after)),
        }
    }
}

/// The length of a segment, its own two bytes included.
fn segment_length(bytes: &[u8]) -> Option<usize> {
    let (length, _) = bytes.split_first_chunk::<2>()?;
    Some(usize::from(u16::from_be_bytes(*length))).filter(|length| *length >= 2)
}

#[cfg(test)]
mod tests {
    use super::{image_end, is_whole};

    const SOI: &[u8] = &[0xff, 0xd8];
    const EOI: &[u8] = &[0xff, 0xd9];
    /// A segment whose payload looks like a whole image.
    const THUMBNAIL: &[u8] = &[0xff, 0xe1, 0, 8, 0xff, 0xd8, 0xff, 0xda, 0xff, 0xd9];
    /// A scan with a stuffed FF, a restart marker and a fill byte.
    const SCAN: &[u8] = &[0xff, 0xda, 0, 3, 1, 0x12, 0xff, 0x00, 0xd9, 0xff, 0xd3, 0x45, 0xff];
    /// What a film may hold.
    const FILM: &[u8] = b"\0\0\0\x18ftypmp42\xff\xd9\xff\xda\0\x02film\xff\xda";

    #[test]
    fn the_image_ends_at_its_own_end_marker() {
        for (parts, expected) in [
            (&[SOI, SCAN, EOI][..], true),
            (&[SOI, THUMBNAIL, SCAN, SCAN, EOI], true),
            (&[SOI, SCAN, EOI, FILM], true),
            (&[SOI, SCAN], false),
            (&[SOI, THUMBNAIL, SCAN], false),
            (&[SOI, SCAN, EOI, FILM, SOI, SCAN], true),
            (&[SOI, THUMBNAIL], false),
            (&[SOI, EOI], false),
            (&[SOI, SCAN, &[0xff]], false),
            (&[SOI, &[0xff, 0xda, 0]], false),
            (&[SOI, &[0xff, 0xda, 0, 1], EOI], false),
            (&[SOI, &[0xff, 0xe0, 0xff, 0xff], SCAN, EOI], false),
            (&[], false),
        ] {
            assert_eq!(is_whole(&parts.concat()), expected, "{parts:x?}");
        }
    }

    #[test]
    fn the_end_is_behind_the_end_marker() {
        let image = [SOI, THUMBNAIL, SCAN, EOI].concat();
        assert_eq!(image_end(&[&image[..], FILM].concat()), Some(image.len()));
        assert_eq!(image_end(&image[..image.len() - 1]), None);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let file = [SOI, THUMBNAIL, SCAN, SCAN, EOI].concat();
        for length in 0..file.len() {
            assert!(!is_whole(&file[..length]), "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = is_whole(&bytes);
        }
    }
}
