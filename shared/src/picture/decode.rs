//! Bytes of a JPEG, PNG or WebP file to an upright RGB picture. The format is told by the content, never by the name.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageError};
use thiserror::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::Picture;
use super::markers::is_whole;
use super::orient::{Orientation, orient};
use super::picture::byte_len;

/// Most pixels that a photograph may have: 100 million, 300 MB decoded. Larger headers are refused before anything is allocated.
pub const MAX_PIXELS: u64 = 100_000_000;

/// File formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG (baseline and progressive; grey, YCbCr, RGB, CMYK, YCCK).
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl Format {
    /// Tells the format by the first bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }

    /// The format's usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        }
    }
}

/// Why a photograph is not a picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PictureError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// Another format.
    #[error("not a JPEG, PNG or WebP: first bytes {first_bytes}")]
    UnknownFormat {
        /// Up to eight bytes in hexadecimal.
        first_bytes: String,
    },
    /// The header claims more than [`MAX_PIXELS`].
    #[error("{width}×{height} pixels are more than the {} million that are read", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Claimed width.
        width: u64,
        /// Claimed height.
        height: u64,
    },
    /// The format's own decoder refused it.
    #[error("damaged {} file: {detail}", format.name())]
    Damaged {
        /// The format.
        format: Format,
        /// The decoder's words.
        detail: String,
    },
    /// A picture without pixels.
    #[error("the picture is {width}×{height} pixels")]
    NoPixels {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
    },
    /// Bytes that do not fit the size.
    #[error("a {width}×{height} picture has {expected} bytes, not {found}")]
    Length {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

/// An upright RGB picture from the bytes of a JPEG, PNG or WebP file.
///
/// EXIF orientation is applied, transparency is laid over white, CMYK is converted, 16-bit samples keep their upper eight bits.
///
/// # Errors
/// [`PictureError`]; a truncated or damaged file is an error, never a half-grey picture.
pub fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
    let mut picture = Picture::default();
    decode_into(bytes, &mut picture)?;
    Ok(picture)
}

/// As [`decode`], into a picture whose memory is used again.
///
/// # Errors
/// As [`decode`]; `picture` is unspecified then.
pub fn decode_into(bytes: &[u8], picture: &mut Picture) -> Result<(), PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    let orientation = match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg(bytes, picture)?,
        Some(format @ Format::Png) => by_image(format, png_header(bytes)?, picture)?,
        Some(format @ Format::WebP) => by_image(format, webp_header(bytes)?, picture)?,
        None => return Err(unknown(bytes)),
    };
    orient(picture, orientation);
    Ok(())
}

/// Width and height as the file's header says them, before EXIF orientation and without decoding a pixel.
///
/// # Errors
/// As [`decode`], as far as the header tells.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg_header(bytes).map(|(_, size)| size),
        Some(Format::Png) => checked_dimensions(&png_header(bytes)?),
        Some(Format::WebP) => checked_dimensions(&webp_header(bytes)?),
        None => Err(unknown(bytes)),
    }
}

/// The fast path: zune-jpeg (SIMD), strict, so that a torn file is an error.
fn jpeg(bytes: &[u8], picture: &mut Picture) -> Result<Orientation, PictureError> {
    let (mut decoder, (width, height)) = jpeg_header(bytes)?;
    picture.reset(width, height, [0; 3]);
    decoder.decode_into(picture.rgb_mut()).map_err(|error| refused(&error))?;
    if !is_whole(bytes) {
        let detail = "the end-of-image marker is missing: the file was cut off".to_owned();
        return Err(PictureError::Damaged { format: Format::Jpeg, detail });
    }
    Ok(decoder.exif().map_or(Orientation::Upright, |exif| Orientation::from_exif(exif)))
}

type JpegHeader<'a> = (JpegDecoder<ZCursor<&'a [u8]>>, (u32, u32));

fn jpeg_header(bytes: &[u8]) -> Result<JpegHeader<'_>, PictureError> {
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| refused(&error))?;
    let (width, height) =
        decoder.info().map(|info| (u32::from(info.width), u32::from(info.height))).unwrap_or_default();
    check_size(width.into(), height.into())?;
    Ok((decoder, (width, height)))
}

fn refused(error: &DecodeErrors) -> PictureError {
    PictureError::Damaged { format: Format::Jpeg, detail: error.to_string().trim().to_owned() }
}

fn png_header(bytes: &[u8]) -> Result<PngDecoder<Cursor<&[u8]>>, PictureError> {
    PngDecoder::with_limits(Cursor::new(bytes), limits()).map_err(|error| damaged(Format::Png, &error))
}

fn webp_header(bytes: &[u8]) -> Result<WebPDecoder<Cursor<&[u8]>>, PictureError> {
    WebPDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(Format::WebP, &error))
}

fn checked_dimensions(decoder: &impl ImageDecoder) -> Result<(u32, u32), PictureError> {
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into())?;
    Ok((width, height))
}

fn unknown(bytes: &[u8]) -> PictureError {
    let first: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    PictureError::UnknownFormat { first_bytes: first.join(" ") }
}

/// PNG and WebP through the `image` crate.
fn by_image(
    format: Format,
    mut decoder: impl ImageDecoder,
    picture: &mut Picture,
) -> Result<Orientation, PictureError> {
    checked_dimensions(&decoder)?;
    decoder.set_limits(limits()).map_err(|error| damaged(format, &error))?;
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.map_or(Orientation::Upright, |exif| Orientation::from_exif(&exif));
    let decoded = DynamicImage::from_decoder(decoder).map_err(|error| damaged(format, &error))?;
    *picture = if decoded.color().has_alpha() {
        over_white(&decoded.into_rgba8())?
    } else {
        let rgb = decoded.into_rgb8();
        Picture::new(rgb.width(), rgb.height(), rgb.into_raw())?
    };
    Ok(orientation)
}

/// Shop pictures with a cut-out garment expect paper behind it.
fn over_white(rgba: &image::RgbaImage) -> Result<Picture, PictureError> {
    let mut rgb = Vec::with_capacity(byte_len(rgba.width(), rgba.height()));
    for pixel in rgba.pixels() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        for colour in [red, green, blue] {
            // Rounded colour * alpha + white * (1 - alpha); at most 255.
            let blended = (colour * alpha + 255 * (255 - alpha) + 127) / 255;
            rgb.push(u8::try_from(blended).unwrap_or(u8::MAX));
        }
    }
    Picture::new(rgba.width(), rgba.height(), rgb)
}

fn check_size(width: u64, height: u64) -> Result<(), PictureError> {
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    if width == 0 || height == 0 {
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        return Err(PictureError::NoPixels { width: small(width), height: small(height) });
    }
    Ok(())
}

/// Four 16-bit channels of [`MAX_PIXELS`] are the most that a decoder may ask for.
fn limits() -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    limits
}

fn damaged(format: Format, error: &ImageError) -> PictureError {
    PictureError::Damaged { format, detail: error.to_string().trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder};

    use super::{Format, PictureError, decode, dimensions};

    fn png(width: u32, height: u32, bytes: &[u8], colour: ExtendedColorType) -> Vec<u8> {
        let mut out = Vec::new();
        image::codecs::png::PngEncoder::new(&mut out).write_image(bytes, width, height, colour).unwrap();
        out
    }

    fn jpeg_of(width: u32, height: u32) -> Vec<u8> {
        let rgb: Vec<u8> = (0..width * height).flat_map(|i| [(i % 251) as u8, (i % 83) as u8, 90]).collect();
        let mut out = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 90)
            .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        out
    }

    #[test]
    fn transparency_lies_over_white() {
        let file = png(3, 1, &[10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128], ExtendedColorType::Rgba8);
        assert_eq!(decode(&file).unwrap().rgb(), [10, 20, 30, 255, 255, 255, 127, 127, 127]);
    }

    #[test]
    fn grey_becomes_rgb() {
        let file = png(2, 1, &[7, 200], ExtendedColorType::L8);
        assert_eq!(decode(&file).unwrap().rgb(), [7, 7, 7, 200, 200, 200]);
    }

    #[test]
    fn the_content_tells_the_format() {
        assert_eq!(decode(b""), Err(PictureError::Empty));
        let error = decode(&[0; 20]).unwrap_err();
        assert_eq!(error.to_string(), "not a JPEG, PNG or WebP: first bytes 00 00 00 00 00 00 00 00");
        assert_eq!(Format::of(&jpeg_of(8, 8)), Some(Format::Jpeg));
    }

    #[test]
    fn every_truncation_of_a_jpeg_is_an_error_and_not_a_half_grey_picture() {
        let file = jpeg_of(64, 48);
        assert!(decode(&file).is_ok());
        for length in (1..file.len() - 2).step_by(7) {
            assert!(decode(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
    }

    #[test]
    fn a_film_behind_the_photograph_is_nobodys_business() {
        let file = jpeg_of(64, 48);
        let film = b"\0\0\0\x18ftypmp42\xff\xd9\x01\x02\xff\xda\0\x08 and more film";
        assert_eq!(decode(&[&file, &film[..]].concat()), decode(&file));
    }

    #[test]
    fn a_huge_header_is_refused_before_memory_is_asked_for() {
        let mut file = jpeg_of(16, 16);
        let frame = file.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(decode(&file), Err(PictureError::TooLarge { width: 65535, height: 65535 }));
        assert_eq!(dimensions(&file), Err(PictureError::TooLarge { width: 65535, height: 65535 }));
        assert_eq!(dimensions(&jpeg_of(16, 8)), Ok((16, 8)));
        assert_eq!(dimensions(&png(3, 1, &[0; 3], ExtendedColorType::L8)), Ok((3, 1)));
        assert!(dimensions(b"text").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0u8.., 0..400), kind in 0usize..4) {
            let head: &[u8] = [&b""[..], &[0xff, 0xd8, 0xff], b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBPVP8 "][kind];
            let _ = decode(&[head, &bytes].concat());
        }

        #[test]
        fn flipped_bytes_do_not_make_it_panic(at in 2usize..600, value in 0u8..) {
            let mut file = jpeg_of(40, 24);
            let at = at % file.len();
            file[at] = value;
            let _ = decode(&file);
        }
    }
}
