//! Photographs as `catalogue import` embeds them: decoded, made into a picture and embedded one at a time, on every processor core. There is
//! no batch of pictures in one run of the network: on a processor a core each is the faster way, and memory stays that of one picture.

use crate::catalogue::import::{EmbedError, Embedders};
use crate::cli::network::open_embedders;
use crate::cli::{Outcome, Report, print_line};
use crate::network::EngineChoice;
use clothingid_shared::bundle::Bundle;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long it is measured.
const MEASURED_FOR: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
struct Line<'a> {
    bench: &'static str,
    /// Of the first; where `auto` took the graphics processor, the others are on the processor.
    engine: &'a str,
    threads: usize,
    photos: usize,
    seconds: f64,
    photos_per_second: f64,
}

/// Embeds the bundle's golden photographs over and over.
pub(super) fn run(bundle: &Bundle, engine: EngineChoice, json: bool) -> Result<Outcome, Report> {
    let embedders = open_embedders(bundle, engine)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut open = Vec::with_capacity(threads);
    for _ in 0..threads {
        open.push(embedders.open().map_err(|error| Report::of(error.as_ref()))?);
    }
    let begun = Instant::now();
    let counted: Result<usize, EmbedError> = std::thread::scope(|scope| {
        let workers: Vec<_> = open
            .into_iter()
            .map(|mut embedder| {
                scope.spawn(move || {
                    let mut photos = bundle.golden.iter().cycle();
                    let mut count = 0;
                    while begun.elapsed() < MEASURED_FOR {
                        let Some(photo) = photos.next() else { break };
                        embedder.embed(&photo.photo)?;
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        let joined =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.sum()
    });
    let photos = counted.map_err(|error| Report::of(error.as_ref()))?;
    let seconds = begun.elapsed().as_secs_f64();
    let line = Line {
        bench: "import",
        engine: embedders.engine(),
        threads,
        photos,
        seconds,
        photos_per_second: photos as f64 / seconds,
    };
    print_line(&if json {
        serde_json::to_string(&line)?
    } else {
        format!(
            "import   {:.0} photographs a second ({photos} in {seconds:.1} s, {threads} at a time, {})",
            line.photos_per_second, line.engine
        )
    })?;
    Ok(Outcome::Done)
}
