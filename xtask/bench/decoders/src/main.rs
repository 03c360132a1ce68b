//! JPEG decoders on frames of a camera, for `cargo xtask bench decoders`: one line of JSON a decoder on stdout.
//!
//! All decoders take turns on the same frames in one process. The frames are photographs, each laid over 1280×720 and encoded as the encoder of
//! the crate `image` does at quality 85; what a smaller picture may cost is measured too, where a decoder can leave out what it does not need. How far the
//! network's input would be from that of the whole picture then is told beside it, for photographs and for striped fabrics: a line a size.

#[cfg(feature = "turbo")]
mod turbo;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

const USAGE: &str = "decoders-bench FOLDER --frames N --rounds N";
const SIZE: (u32, u32) = (1280, 720);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A decoder: its name, and what it makes of a frame: how many bytes.
type Decoder = (&'static str, fn(&[u8]) -> Result<usize>);

/// In the order of their turns.
const DECODERS: &[Decoder] = &[
    ("zune-jpeg, RGB", |frame| zune(frame, ColorSpace::RGB)),
    ("zune-jpeg, YCbCr", |frame| zune(frame, ColorSpace::YCbCr)),
    ("jpeg-decoder, RGB", |frame| jpeg_decoder(frame, SIZE)),
    ("jpeg-decoder, RGB of a quarter", |frame| jpeg_decoder(frame, (SIZE.0 / 4, SIZE.1 / 4))),
    #[cfg(feature = "turbo")]
    ("libjpeg-turbo, RGB", |frame| turbo::bytes(frame, turbojpeg::ScalingFactor::ONE)),
    #[cfg(feature = "turbo")]
    ("libjpeg-turbo, RGB of a half", |frame| turbo::bytes(frame, turbojpeg::ScalingFactor::ONE_HALF)),
    #[cfg(feature = "turbo")]
    ("libjpeg-turbo, RGB of a quarter", |frame| turbo::bytes(frame, turbojpeg::ScalingFactor::ONE_QUARTER)),
];

fn main() -> ExitCode {
    match bench(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(mut words: impl Iterator<Item = String>) -> Result<()> {
    let folder = PathBuf::from(words.next().ok_or(USAGE)?);
    let (mut most, mut rounds) = (20, 5);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(USAGE)?.parse()?;
        match word.as_str() {
            "--frames" => most = value,
            "--rounds" => rounds = value,
            _ => return Err(USAGE.into()),
        }
    }
    let frames = frames(&folder, most)?;
    let mut samples = vec![Vec::new(); DECODERS.len()];
    for _ in 0..rounds {
        for ((_, decode), samples) in DECODERS.iter().zip(&mut samples) {
            for frame in &frames {
                let started = Instant::now();
                let bytes = decode(frame)?;
                samples.push(started.elapsed().as_secs_f64() * 1000.0);
                assert!(bytes > 0, "a picture without pixels");
            }
        }
    }
    for ((name, _), mut samples) in DECODERS.iter().zip(samples) {
        samples.sort_by(f64::total_cmp);
        let (least, median) = (samples[0], samples[samples.len() / 2]);
        let bytes: usize = frames.iter().map(Vec::len).sum::<usize>() / frames.len();
        println!(
            "{{\"decoder\":\"{name}\",\"min_ms\":{least:.3},\"p50_ms\":{median:.3},\"frames\":{},\"samples\":{},\"mean_bytes\":{bytes}}}",
            frames.len(),
            samples.len(),
        );
    }
    #[cfg(feature = "turbo")]
    turbo::differences(&frames)?;
    Ok(())
}

/// The first photographs of a folder as frames of a camera.
fn frames(folder: &Path, most: usize) -> Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jpg"));
    paths.sort();
    paths.truncate(most);
    if paths.is_empty() {
        return Err(format!("no .jpg in {}", folder.display()).into());
    }
    paths.iter().map(|path| frame(path)).collect()
}

fn frame(path: &Path) -> Result<Vec<u8>> {
    encoded(&image::open(path)?.resize_to_fill(SIZE.0, SIZE.1, FilterType::Triangle).into_rgb8())
}

fn encoded(picture: &image::RgbImage) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 85).encode_image(picture)?;
    Ok(file)
}

fn zune(frame: &[u8], colours: ColorSpace) -> Result<usize> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    Ok(JpegDecoder::new_with_options(ZCursor::new(frame), options).decode().map_err(|error| error.to_string())?.len())
}

fn jpeg_decoder(frame: &[u8], (width, height): (u32, u32)) -> Result<usize> {
    let mut decoder = jpeg_decoder::Decoder::new(frame);
    decoder.scale(u16::try_from(width)?, u16::try_from(height)?)?;
    Ok(decoder.decode()?.len())
}
