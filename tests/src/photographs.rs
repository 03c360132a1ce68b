//! Photographs for tests: shipped good ones, and bad ones made from them byte by byte.

use std::path::{Path, PathBuf};

use crate::rig;

/// The shipped photographs of the demo shop, sorted.
///
/// **Panics** when there are none.
#[must_use]
pub fn shop() -> Vec<PathBuf> {
    let photos = photos_below(&rig::demo().join("photos"));
    assert!(!photos.is_empty(), "no photographs in `demo/photos`");
    photos
}

/// The photographs that the demo replays as a camera, sorted.
///
/// **Panics** when there are none.
#[must_use]
pub fn camera() -> Vec<PathBuf> {
    let photos = photos_below(&rig::demo().join("camera"));
    assert!(!photos.is_empty(), "no photographs in `demo/camera`");
    photos
}

/// A good JPEG of the demo shop.
///
/// **Panics** when there is none.
#[must_use]
pub fn good() -> PathBuf {
    shop().into_iter().find(|path| path.extension().is_some_and(|extension| extension == "jpg")).expect("a .jpg file")
}

/// The bytes of [`good`].
///
/// **Panics** when they cannot be read.
#[must_use]
pub fn good_bytes() -> Vec<u8> {
    std::fs::read(good()).expect("a photograph")
}

/// All files below a folder whose name ends like a photograph's, sorted.
///
/// **Panics** when a folder cannot be read.
#[must_use]
pub fn photos_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
            if path.is_dir() {
                folders.push(path);
            } else if extension.is_some_and(|extension| ["jpg", "jpeg", "png", "webp"].contains(&extension.as_str())) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A JPEG that ends in the middle.
#[must_use]
pub fn truncated(jpeg: &[u8]) -> Vec<u8> {
    jpeg[..jpeg.len() / 2].to_vec()
}

/// A JPEG whose tables are overwritten with noise; its first and last bytes are those of a JPEG.
#[must_use]
pub fn corrupt(jpeg: &[u8]) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let end = bytes.len() - 2;
    let mut state = 0x2545_F491_u32;
    for byte in &mut bytes[24..end] {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    bytes
}

/// A PNG of a few bytes whose header says 100,000 by 100,000 pixels, with the right checksums.
#[must_use]
pub fn huge() -> Vec<u8> {
    let mut header = [100_000_u32.to_be_bytes(), 100_000_u32.to_be_bytes()].concat();
    // Eight bits, RGB, no interlace.
    header.extend([8, 2, 0, 0, 0]);
    // The start of a stream of compressed pixels.
    let pixels = [0x78, 0x9C, 0x63, 0x60];
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", &header[..]), (b"IDAT", &pixels), (b"IEND", &[])] {
        bytes.extend(u32::try_from(content.len()).expect("a small chunk").to_be_bytes());
        let chunk = [kind.as_slice(), content].concat();
        bytes.extend(&chunk);
        bytes.extend(crc32(&chunk).to_be_bytes());
    }
    bytes
}

/// PNG's checksum (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_png() {
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
