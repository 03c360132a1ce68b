//! Measures the loader: photographs a second, and a second of processor time, by what is done to them.
//!
//! `cargo run --profile ci -p clothingid-trainer --example loader_speed -- PACK [SIDE] [THREADS]` prints one JSON object a line.

mod measure;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clothingid_shared::picture::PictureContract;
use clothingid_trainer::import::Part;
use clothingid_trainer::load::{Augmentation, Loader, LoaderOptions, Mixing, Sampling};
use clothingid_trainer::pack::Pack;
use measure::processor_seconds;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: loader_speed PACK [SIDE] [THREADS]")?);
    let side: u32 = arguments.next().map_or(Ok(128), |side| side.parse())?;
    let threads: usize = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let pack = Arc::new(Pack::open(&folder)?);
    let samples = 6000;
    let presets = [
        ("none", Augmentation::none()),
        ("finetune", Augmentation::finetune()),
        ("identification", Augmentation::identification()),
    ];
    for (name, augment) in presets {
        for (sampled, sampling) in [("by count", Sampling::default()), ("evened out", Sampling::finetune())] {
            let sampling = Sampling { samples: Some(samples), ..sampling };
            let augment = augment.clone();
            let options = LoaderOptions {
                part: Part::Train,
                side,
                batch: 64,
                seed: 1,
                epoch: 0,
                views: 1,
                augment,
                mix: Mixing::default(),
                sampling,
                threads,
                skip_batches: 0,
            };
            let (begun, processor) = (Instant::now(), processor_seconds()?);
            let mut pictures = 0;
            for batch in Loader::new(&pack, options)? {
                pictures += batch?.rows.len();
            }
            let line = serde_json::json!({
                "bench": "loader", "augment": name, "sampling": sampled, "side": side, "threads": threads, "pictures": pictures,
                "pictures_per_second": (pictures as f64 / begun.elapsed().as_secs_f64()).round(),
                "pictures_per_processor_second": (pictures as f64 / (processor_seconds()? - processor)).round(),
            });
            println!("{line}");
        }
    }
    let rows: Vec<usize> = pack.rows_in(Part::Train).into_iter().step_by(3).collect();
    let count = rows.len();
    let (begun, processor) = (Instant::now(), processor_seconds()?);
    for batch in Loader::evaluation(&pack, rows, &PictureContract::with_side(side), 64, threads)? {
        batch?;
    }
    let speed = (count as f64 / begun.elapsed().as_secs_f64()).round();
    let processor_speed = (count as f64 / (processor_seconds()? - processor)).round();
    println!(
        "{}",
        serde_json::json!({ "bench": "loader", "augment": "evaluation", "side": side, "threads": threads, "pictures": count, "pictures_per_second": speed, "pictures_per_processor_second": processor_speed })
    );
    Ok(())
}
