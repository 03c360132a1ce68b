//! Small packs of drawn photographs for tests.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use clothingid_shared::picture::Picture;
use clothingid_shared::taxonomy::Taxonomies;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::{BuildOptions, Built, PackError, Unfit, build};
use crate::import::progress::Progress;
use crate::import::{Fractions, Manifest, Row, SourceTable};

/// A drawn photograph, different for each number.
#[expect(clippy::cast_possible_truncation, reason = "three waves of 40 about 128 stay within a byte")]
pub(crate) fn photo(number: u32, width: u32, height: u32) -> Picture {
    // Waves of random direction and phase, smooth so that another size looks the same.
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let waves: Vec<[f64; 3]> = (0..9).map(|_| [(draw() - 0.5) * 30.0, (draw() - 0.5) * 30.0, draw() * 6.3]).collect();
    let value = |channel: usize, x: f64, y: f64| {
        let sum: f64 = waves[channel * 3..channel * 3 + 3]
            .iter()
            .map(|[across, down, phase]| (across * x + down * y + phase).sin())
            .sum();
        (128.0 + 40.0 * sum) as u8
    };
    let rgb = (0..height)
        .flat_map(|y| (0..width).map(move |x| (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height))))
        .flat_map(|(x, y)| [value(0, x, y), value(1, x, y), value(2, x, y)])
        .collect();
    Picture::new(width, height, rgb).unwrap()
}

/// Its JPEG.
pub(crate) fn jpeg(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode(picture.rgb(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// A manifest of `items` garments, every fourth with three photographs, and a tenth as many things that are none; the photographs
/// are written below `folder`.
#[expect(clippy::disallowed_methods, reason = "a test's own folder")]
pub(crate) fn manifest(folder: &Path, items: u32) -> Manifest {
    let mut rows = Vec::new();
    let mut number = 0;
    let mut add = |item_id: String, cat: &str, split: &str, source: &str| {
        number += 1;
        let path = format!("{number}.jpg");
        let (width, height) = if number % 3 == 0 { (60, 80) } else { (90 + number % 40, 140) };
        std::fs::write(folder.join(&path), jpeg(&photo(number, width, height))).unwrap();
        rows.push(Row {
            path,
            source: source.into(),
            cat14: cat.into(),
            cat26: cat.into(),
            group: item_id.clone(),
            item_id,
            split: split.into(),
            ..Row::default()
        });
    };
    for item in 0..items {
        let cat = if item % 5 == 0 { "dress" } else { "tshirt" };
        let source = if item % 2 == 0 { "clothing_cc0" } else { "mine" };
        if item % 4 == 0 {
            for split in ["gallery", "query", "query"] {
                add(format!("i{item}"), cat, split, source);
            }
        } else {
            add(format!("i{item}"), cat, "", source);
        }
    }
    for thing in 0..items / 10 {
        add(format!("none_{thing}"), "", "", "not_garments");
    }
    let sources = SourceTable::known().facts_of(rows.iter().map(|row| row.source.as_str()));
    Manifest { root: folder.to_path_buf(), rows, sources, taxonomies: Taxonomies::clothing() }
}

/// How samples are packed.
pub(crate) const OPTIONS: BuildOptions = BuildOptions {
    fractions: Fractions { train: 0.60, select: 0.08, calibrate: 0.12, report: 0.20 },
    seed: 1,
    unfit: Unfit::Refuse,
};

/// Packs a manifest silently.
pub(crate) fn pack(manifest: &Manifest, out: &Path) -> Result<Built, PackError> {
    build(manifest, out, OPTIONS, &Progress::silent(), &AtomicBool::new(false))
}
