//! A whole import of a folder's photographs into a catalogue of its own, beside what no import can do without: decoding, making the picture and
//! running the network, of the same photographs with as many threads. What is above one between the two is what reading, comparing, checksums
//! and the disk cost.

use super::scratch::Scratch;
use crate::catalogue::Product;
use crate::catalogue::csv::{ListedPhoto, ListedProduct, Listing};
use crate::catalogue::import::{Committed, EmbedError, Embedder, Embedders, Import, Plan, Progress};
use crate::catalogue::import::{Removes, Summary};
use crate::catalogue::photos::PhotoFolder;
use crate::catalogue::store::Author;
use crate::cli::network::open_embedders;
use crate::cli::{Outcome, Report, expand, print_line};
use crate::network::EngineChoice;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::files::{MOST_PHOTO_BYTES, read_at_most, read_text_at_most};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Photographs that are in memory at once while decode, picture and network are measured alone.
const CHUNK: usize = 256;

/// Shares of the photographs after which the memory is looked at.
const LOOKS: [usize; 5] = [10, 25, 50, 75, 100];

#[derive(Debug, Serialize)]
struct Line<'a> {
    bench: &'static str,
    engine: &'a str,
    threads: usize,
    photos: usize,
    bytes: u64,
    alone_seconds: f64,
    import_seconds: f64,
    ratio: f64,
    /// The same of the time that the processor worked for this program, which other programs on the machine change less.
    processor_ratio: Option<f64>,
    photos_per_second: f64,
    /// What the process has after [`LOOKS`] hundredths of the photographs.
    memory_mib: Vec<f64>,
    /// The most that it had when a batch was on the disk.
    most_memory_mib: f64,
    unusable: usize,
}

/// Measures decode, picture and network on one half of the photographs, the import of all, then the other half: a machine that grows faster
/// or slower meanwhile favours neither.
pub(super) fn run(bundle: &Bundle, engine: EngineChoice, folder: &Path, json: bool) -> Result<Outcome, Report> {
    let photos: Vec<PathBuf> = expand(&[folder.to_owned()]).collect::<Result<_, _>>()?;
    if photos.is_empty() {
        return Err(Report::new(format!("no photograph in `{}`", folder.display())));
    }
    let embedders = open_embedders(bundle, engine)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // All files are in the system's memory then, for both.
    let bytes = photos.iter().map(|photo| Ok(read(photo)?.len() as u64)).sum::<Result<u64, Report>>()?;
    let chunks: Vec<&[PathBuf]> = photos.chunks(CHUNK).collect();
    let (before, after) = chunks.split_at(chunks.len() / 2);

    let mut open = Vec::with_capacity(threads);
    for _ in 0..threads {
        open.push(embedders.open().map_err(|error| Report::of(error.as_ref()))?);
    }
    let mut alone = Time::default();
    alone.take(&mut open, before)?;
    let shop = Shop::new(folder, &photos)?;
    let mut memory = Memory { of: photos.len(), ..Memory::default() };
    let mut import = Time::default();
    let summary = import.of(|| shop.import(&embedders, threads, &mut memory))?;
    drop(shop);
    alone.take(&mut open, after)?;

    let processor_ratio = import.processor.zip(alone.processor).map(|(import, alone)| rounded(import / alone));
    let [alone, import] = [alone, import].map(|time| time.wall.as_secs_f64());
    let (count, unusable) = (photos.len(), summary.problems.len());
    let line = Line {
        bench: "whole_import",
        engine: embedders.engine(),
        threads,
        photos: count,
        bytes,
        alone_seconds: rounded(alone),
        import_seconds: rounded(import),
        ratio: rounded(import / alone),
        processor_ratio,
        photos_per_second: rounded(count as f64 / import),
        memory_mib: memory.looks,
        most_memory_mib: memory.most,
        unusable,
    };
    print_line(&if json {
        serde_json::to_string(&line)?
    } else {
        let looks: Vec<String> =
            LOOKS.iter().zip(&line.memory_mib).map(|(share, mib)| format!("{mib:.0} at {share} %")).collect();
        format!(
            "import   {count} photographs in {import:.1} s ({:.0} a second), decode, picture and network alone {alone:.1} s: ratio {:.2}, \
             of processor time {:.2} ({threads} at a time, {})\nmemory   MiB: {}; {:.0} at most",
            line.photos_per_second,
            line.ratio,
            line.processor_ratio.unwrap_or(f64::NAN),
            line.engine,
            looks.join(", "),
            line.most_memory_mib,
        )
    })?;
    if unusable > 0 {
        eprintln!("error: photographs that cannot be used: {unusable}");
        return Ok(Outcome::SomeFailed);
    }
    Ok(Outcome::Done)
}

fn read(photo: &Path) -> Result<Vec<u8>, Report> {
    Ok(read_at_most(photo, MOST_PHOTO_BYTES)?)
}

/// To the thousandth.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// How long something took, by the clock and in seconds of the processor.
#[derive(Debug, Clone, Copy)]
struct Time {
    wall: Duration,
    processor: Option<f64>,
}

impl Default for Time {
    fn default() -> Self {
        Self { wall: Duration::ZERO, processor: Some(0.0) }
    }
}

impl Time {
    /// Adds that of some work.
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (begun, before) = (Instant::now(), processor_seconds());
        let value = work();
        self.wall += begun.elapsed();
        let took = before.and_then(|before| Some(processor_seconds()? - before));
        self.processor = self.processor.zip(took).map(|(sum, took)| sum + took);
        value
    }

    /// Adds that of decode, picture and network, of photographs that are in memory.
    fn take(&mut self, open: &mut [Box<dyn Embedder + '_>], chunks: &[&[PathBuf]]) -> Result<(), Report> {
        for chunk in chunks {
            let photos: Vec<Vec<u8>> = chunk.iter().map(|photo| read(photo)).collect::<Result<_, _>>()?;
            let next = AtomicUsize::new(0);
            let embed_all = || {
                std::thread::scope(|scope| {
                    for embedder in &mut *open {
                        let (next, photos) = (&next, &photos);
                        scope.spawn(move || {
                            while let Some(photo) = photos.get(next.fetch_add(1, Ordering::Relaxed)) {
                                // One that cannot be used is counted by the import.
                                let _: Result<_, EmbedError> = std::hint::black_box(embedder.embed(photo));
                            }
                        });
                    }
                });
            };
            self.of(embed_all);
        }
        Ok(())
    }
}

/// What all threads of this process have used of the processor, where the system tells.
///
/// **Source** proc(5): the 14th and 15th field of `stat` are hundredths of a second; the second one may have blanks and ends with `)`.
fn processor_seconds() -> Option<f64> {
    let text = read_text_at_most("/proc/self/stat".as_ref(), 1 << 16).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// A shop of one product a photograph, with a catalogue that is gone with it.
struct Shop {
    folder: Scratch,
    photos: PhotoFolder,
    listing: Listing,
}

impl Shop {
    fn new(photos_in: &Path, photos: &[PathBuf]) -> Result<Self, Report> {
        let listed = photos.iter().enumerate().map(|(number, photo)| {
            let name = photo.strip_prefix(photos_in).unwrap_or(photo).to_string_lossy().into_owned();
            let photo = ListedPhoto { key: name.clone(), name, ..ListedPhoto::default() };
            let product = Product { sku: number.to_string(), title: photo.name.clone(), ..Product::default() };
            ListedProduct { product, photos: vec![photo], has_bad_rows: false }
        });
        let listing = Listing { products: listed.collect(), ..Listing::default() };
        Ok(Self { folder: Scratch::new()?, photos: PhotoFolder::open(photos_in)?, listing })
    }

    fn import(&self, embedders: &dyn Embedders, threads: usize, memory: &mut Memory) -> Result<Summary, Report> {
        let import = Import {
            name: "bench",
            listing: &self.listing,
            removes: Removes::Nothing,
            photos: &self.photos,
            catalogue: &self.folder.path().join("catalogue.db"),
            embedders,
            threads,
            arguments: None,
            author: Author::default(),
            stop: &AtomicBool::new(false),
        };
        import.run(memory).map_err(|error| Report::of(&error).hinted(error.hints()))
    }
}

/// Looks at the memory while an import goes on.
#[derive(Default)]
struct Memory {
    of: usize,
    stored: usize,
    looks: Vec<f64>,
    most: f64,
}

impl Progress for Memory {
    fn comparing(&mut self, _photos: usize) {}

    fn planned(&mut self, _plan: &Plan) {}

    fn embedded(&mut self) {}

    fn committed(&mut self, committed: &Committed<'_>) {
        self.stored += committed.photos;
        let mib = super::memory_mib("VmRSS:").unwrap_or_default();
        self.most = self.most.max(mib);
        let share = self.stored * 100 / self.of.max(1);
        while LOOKS.get(self.looks.len()).is_some_and(|look| share >= *look) {
            self.looks.push(mib);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_s_time_grows_with_work() {
        let before = processor_seconds().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && processor_seconds().unwrap() <= before {
            std::hint::black_box((0..100_000).sum::<u64>());
        }
        assert!(processor_seconds().unwrap() > before);
    }

    #[test]
    fn the_memory_is_looked_at_where_it_is_said_to_be() {
        let mut memory = Memory { of: 200, ..Memory::default() };
        for _ in 0..4 {
            memory.committed(&Committed { products: &[], photos: 32, reembedded: 0 });
        }
        assert_eq!(memory.looks.len(), 3, "10, 25 and 50 of 64 %");
        memory.committed(&Committed { products: &[], photos: 72, reembedded: 0 });
        assert_eq!(memory.looks.len(), LOOKS.len());
    }
}
