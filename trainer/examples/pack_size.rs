//! Packs many drawn photographs, finds the copies planted among them, and reads all of them back in a drawn order.
//!
//! `cargo run --profile ci -p clothingid-trainer --example pack_size -- FOLDER [PHOTOS]` prints one JSON object a phase. FOLDER must not
//! exist; it is filled with PHOTOS (default 600,000) JPEGs of 32×32 pixels and their pack, 4 KB of disk each.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomies;
use clothingid_trainer::import::progress::Progress;
use clothingid_trainer::import::{Fractions, Manifest, Row, SourceTable};
use clothingid_trainer::pack::check::check;
use clothingid_trainer::pack::{BuildOptions, Pack, Unfit, build};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Every so many photographs one is a copy of an earlier one in another group.
const COPY_EVERY: usize = 1000;
const SIDE: u32 = 32;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: pack_size FOLDER [PHOTOS]")?);
    let photos: usize = arguments.next().map_or(Ok(600_000), |photos| photos.parse())?;
    if folder.exists() {
        return Err(format!("`{}` is there already", folder.display()).into());
    }
    let begun = Instant::now();
    (0..photos).into_par_iter().try_for_each(|number| draw(&folder, number))?;
    let planted = (1..photos).filter(|number| number.is_multiple_of(COPY_EVERY)).count();
    say("draw", begun, photos, serde_json::json!({ "planted": planted }))?;

    let rows: Vec<Row> = (0..photos).map(row).collect();
    let sources = SourceTable::known().facts_of(rows.iter().map(|row| row.source.as_str()));
    let manifest = Manifest { root: folder.clone(), rows, sources, taxonomies: Taxonomies::clothing() };
    say("manifest", begun, photos, serde_json::json!({}))?;

    let begun = Instant::now();
    let out = folder.join("pack");
    let options = BuildOptions { fractions: Fractions::default(), seed: 1, unfit: Unfit::Refuse };
    let built = build(&manifest, &out, options, &Progress::shown(), &AtomicBool::new(false))?;
    let found =
        serde_json::json!({ "pairs": built.duplicates.len(), "exact": built.leaks.exact, "near": built.leaks.near });
    say("pack", begun, photos, found)?;
    drop((manifest, built));

    let begun = Instant::now();
    let pack = Pack::open(&out)?;
    say("open", begun, photos, serde_json::json!({}))?;

    let mut order: Vec<usize> = (0..photos).collect();
    order.shuffle(&mut Pcg64Mcg::seed_from_u64(1));
    for phase in ["read, blocks summed on the way", "read again"] {
        let begun = Instant::now();
        let bytes: usize = order
            .par_iter()
            .map_init(Vec::new, |bytes, row| pack.read_into(*row, bytes).map(|()| bytes.len()))
            .sum::<Result<usize, _>>()?;
        say(phase, begun, photos, serde_json::json!({ "mib": bytes >> 20 }))?;
    }
    let begun = Instant::now();
    let checked = check(&pack, &Progress::silent());
    say("check", begun, photos, serde_json::json!({ "whole": checked.is_whole() }))
}

/// Prints what a phase took; `peak_mib` is the most memory of the whole program so far, mapped pages of the pack included.
fn say(phase: &str, begun: Instant, photos: usize, more: serde_json::Value) -> Result<(), Failure> {
    let seconds = begun.elapsed().as_secs_f64();
    let status = files::read_text(Path::new("/proc/self/status"))?;
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib >> 10)
    };
    let line = serde_json::json!({
        "phase": phase, "photos": photos, "seconds": (seconds * 100.0).round() / 100.0,
        "photos_per_second": (photos as f64 / seconds).round(),
        "own_mib": mib("RssAnon:"), "peak_mib": mib("VmHWM:"), "found": more,
    });
    println!("{line}");
    Ok(())
}

fn row(number: usize) -> Row {
    let item = number / 2;
    Row {
        path: path_of(number),
        source: "drawn".into(),
        label: "dress".into(),
        cat14: "dress".into(),
        cat26: "dress".into(),
        item_id: format!("drawn/item_{item:07}"),
        group: format!("drawn/item_{item:07}"),
        view: if number.is_multiple_of(2) { "front" } else { "back" }.into(),
        split: if number.is_multiple_of(2) { "gallery" } else { "query" }.into(),
        ..Row::default()
    }
}

fn path_of(number: usize) -> String {
    format!("{:04}/{number:07}.jpg", number / 1000)
}

/// Squares of random brightness: as unlike as photographs can be, but for the planted copies.
#[expect(clippy::disallowed_methods, reason = "drawn photographs need not outlive a power cut")]
fn draw(folder: &Path, number: usize) -> Result<(), Failure> {
    let seed = if number > 0 && number.is_multiple_of(COPY_EVERY) { number / 2 + 1 } else { number };
    let mut random = Pcg64Mcg::seed_from_u64(seed as u64);
    let squares: Vec<[u8; 3]> = (0..64).map(|_| random.random()).collect();
    let rgb: Vec<u8> = (0..SIDE * SIDE).flat_map(|at| squares[(at / SIDE / 4 * 8 + at % SIDE / 4) as usize]).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90).encode(&rgb, SIDE, SIDE, ExtendedColorType::Rgb8)?;
    let path = folder.join(path_of(number));
    files::create_folder(path.parent().unwrap_or(folder))?;
    std::fs::write(path, jpeg)?;
    Ok(())
}
