//! Search through the real store: opening a catalogue of made-up garments, queries with and without a filter, queries while products are changed.
//!
//! The catalogue is made in the folder that `--store` names and left there for the next time; its photographs are a few bytes each. Memory is that
//! of a program that has the network and the index open, and is not told where this program has made the catalogue.

use super::search::Source;
use super::{Args, WARM_UP, measure, memory_mib, milliseconds, quantile_ms};
use crate::catalogue::index::sidecar::beside;
use crate::catalogue::snapshot::Follow;
use crate::catalogue::store::{Author, Embedded, PhotoWrite, ProductWrite};
use crate::catalogue::{Filter, Gallery, GalleryError, Product, Search, Snapshot, Stock, Store, StoreError};
use crate::cli::catalogue::store_report;
use crate::cli::{Outcome, Report, print_line};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use clothingid_shared::files::{create_folder, read_text_at_most};
use serde::Serialize;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Products of one transaction when the catalogue is made.
const BATCH: usize = 1000;
/// Openings that are timed.
const OPENINGS: usize = 7;
/// Time between queries: 50 a second.
const EVERY: Duration = Duration::from_millis(20);
/// How long they are asked.
const ASKED_FOR: Duration = Duration::from_secs(12);
/// Products that are changed meanwhile, one transaction each.
const CHANGED: usize = 1000;
/// As the appliance looks at its file.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Products that are added to see how soon they are found.
const ADDED: usize = 20;
/// Products that answer a query.
const TOP: usize = 5;

#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    rows: usize,
    dims: u32,
    /// Every row read from the catalogue.
    open_reading_all_ms: f64,
    /// With the file beside it; median and most of [`OPENINGS`].
    open_ms: [f64; 2],
    /// Median and 99th percentile, one after the other.
    search_ms: [f64; 2],
    filtered_ms: [f64; 2],
    /// With a filter that takes nothing: what it costs to ask it.
    filter_ms: [f64; 2],
    /// Median and 99th percentile at 50 queries a second.
    at_50_ms: [f64; 2],
    /// The same while 1,000 products are changed, and for how many seconds they were.
    while_changed_ms: [f64; 2],
    changed_seconds: f64,
    /// From the commit of a new product until a query can find it; median and most.
    found_after_ms: [f64; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pss_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_mib: Option<f64>,
}

fn identity() -> EmbeddingIdentity {
    EmbeddingIdentity::from_stored("bench".to_owned())
}

/// A made-up garment of a shop of ten colours and twenty categories, one in five sold out.
fn garment(number: usize, cents: usize) -> Product {
    Product {
        sku: format!("G{number:07}"),
        title: format!("Garment number {number}"),
        price: Some(format!("{}.{:02}", cents / 100, cents % 100)),
        currency: Some("EUR".to_owned()),
        colours: vec![format!("colour {}", number % 10)],
        category: Some(format!("category {}", number / 10 % 20)),
        stock: Some(if number.is_multiple_of(5) { Stock::Out } else { Stock::In }),
        ..Product::default()
    }
}

fn written(number: usize, floats: Vec<f32>) -> Option<ProductWrite> {
    let embedded = Embedded { quantised: Embedding::quantise(&floats).ok()?, floats };
    let photo = PhotoWrite::Add { name: "a.jpg".to_owned(), bytes: number.to_le_bytes().to_vec(), embedded };
    Some(ProductWrite { product: garment(number, number % 10_000), photos: vec![photo], remove: Vec::new() })
}

fn make(path: &Path, source: &mut Source, rows: usize) -> Result<(), StoreError> {
    let mut store = Store::open_or_create(path)?;
    store.sign(Author { who: "bench".to_owned(), what: "made-up garments".to_owned() });
    let mut batch = Vec::with_capacity(BATCH);
    for number in 0..rows {
        batch.extend(written(number, source.near(number)));
        if batch.len() == BATCH || number + 1 == rows {
            store.commit(&identity(), &batch, &[])?;
            batch.clear();
        }
    }
    Ok(())
}

/// Measures a catalogue in `folder`, which is made where there is none.
///
/// # Errors
/// The folder cannot be written, or the network cannot be opened.
pub(super) fn run(args: &Args, folder: &Path) -> Result<Outcome, Report> {
    let (rows, dims) = (args.rows as usize, args.dims as usize);
    create_folder(folder)?;
    let path = folder.join(format!("{rows}x{dims}.db"));
    let mut source = Source::new(dims);
    let queries: Vec<Vec<f32>> = (0..64).map(|i| source.near(i * 7)).collect();
    let is_made = !path.exists();
    if is_made {
        eprintln!("making a catalogue of {rows} garments in `{}`", folder.display());
        make(&path, &mut source, rows).map_err(|e| store_report(&e))?;
    }
    // The appliance has its network open, too.
    let bundle = args.network.bundle()?;
    let mut network = args.network.open(&bundle)?;
    for golden in &bundle.golden {
        network.answer(&golden.photo)?;
    }
    let line = measured(args, &path, &queries, is_made).map_err(|e| match &e {
        GalleryError::Store(e) => store_report(e),
        other => Report::of(other),
    })?;
    drop(network);
    print_line(&if args.json { serde_json::to_string(&line)? } else { human(&line) })?;
    Ok(Outcome::Done)
}

fn measured(args: &Args, path: &Path, queries: &[Vec<f32>], is_made: bool) -> Result<Line, GalleryError> {
    // The index of an earlier run is put aside, so that the first opening reads the catalogue.
    let _ = std::fs::remove_file(beside(path));
    let begun = Instant::now();
    drop(Snapshot::read(path, &identity())?);
    let open_reading_all_ms = milliseconds(begun.elapsed());
    let (follow, snapshot) = Follow::open(path, &identity())?;
    let mut openings = Vec::new();
    for _ in 0..OPENINGS {
        let begun = Instant::now();
        black_box(Snapshot::open(path, &identity())?);
        openings.push(begun.elapsed());
    }
    let filter = Filter {
        in_stock: true,
        category: Some("category 7".to_owned()),
        colour: Some("colour 3".to_owned()),
        price: "10..90".parse().ok(),
    };
    let search_ms = one_by_one(&snapshot, queries, None)?;
    let filtered_ms = one_by_one(&snapshot, queries, Some(&filter))?;
    let nothing = Filter { colour: Some("none".to_owned()), ..filter };
    let filter_ms = one_by_one(&snapshot, queries, Some(&nothing))?;
    let memory = [pss_mib(), memory_mib("VmHWM:")].map(|memory| memory.filter(|_| !is_made));
    let rows = snapshot.photo_count();
    let shop = RwLock::new(snapshot);
    let stop = AtomicBool::new(false);
    let (at_50_ms, while_changed_ms, changed_seconds, found_after_ms) = std::thread::scope(|scope| {
        let following = scope.spawn(|| keep_up(follow, &shop, &stop));
        let measured = (|| -> Result<_, GalleryError> {
            let alone = at_50(&shop, queries, || false)?;
            let changing = scope.spawn(|| change(path, args.rows as usize));
            let meanwhile = at_50(&shop, queries, || !changing.is_finished())?;
            let seconds = changing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((alone, meanwhile, seconds, add(path, &shop, args.dims as usize)?))
        })();
        stop.store(true, Ordering::Relaxed);
        following.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        measured
    })?;
    let [pss_mib, peak_mib] = memory;
    Ok(Line {
        bench: "store",
        rows,
        dims: args.dims,
        open_reading_all_ms,
        open_ms: quantiles(openings, 1.0),
        search_ms,
        filtered_ms,
        filter_ms,
        at_50_ms,
        while_changed_ms,
        changed_seconds,
        found_after_ms,
        pss_mib,
        peak_mib,
    })
}

/// The median, and the sample with `share` of all others below it.
fn quantiles(mut times: Vec<Duration>, share: f64) -> [f64; 2] {
    times.sort_unstable();
    [0.5, share].map(|share| quantile_ms(&times, share))
}

fn one_by_one(snapshot: &Snapshot, queries: &[Vec<f32>], filter: Option<&Filter>) -> Result<[f64; 2], GalleryError> {
    let mut turn = queries.iter().cycle();
    let mut failed = Ok(());
    let times = measure(|| {
        let query = turn.next().map(Vec::as_slice).unwrap_or_default();
        match snapshot.search(&Search { query, top: TOP, filter }) {
            Ok(found) => drop(black_box(found)),
            Err(error) => failed = Err(error),
        }
        Ok(())
    });
    failed?;
    Ok(quantiles(times.map(|times| times.samples).unwrap_or_default(), 0.99))
}

/// Asks 50 times a second, for as long as is measured and `goes_on`.
fn at_50(shop: &RwLock<Snapshot>, queries: &[Vec<f32>], goes_on: impl Fn() -> bool) -> Result<[f64; 2], GalleryError> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    for (turn, query) in (1_u32..).zip(queries.iter().cycle()) {
        if begun.elapsed() >= ASKED_FOR && !goes_on() {
            break;
        }
        let started = Instant::now();
        let snapshot = shop.read().unwrap_or_else(PoisonError::into_inner).clone();
        black_box(snapshot.search(&Search::of(query, TOP))?);
        if begun.elapsed() >= WARM_UP {
            times.push(started.elapsed());
        }
        std::thread::sleep((EVERY * turn).saturating_sub(begun.elapsed()));
    }
    Ok(quantiles(times, 0.99))
}

/// Follows the catalogue as the appliance does.
fn keep_up(mut follow: Follow, shop: &RwLock<Snapshot>, stop: &AtomicBool) -> Result<(), StoreError> {
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK_EVERY);
        if let Some(newer) = follow.newer()? {
            *shop.write().unwrap_or_else(PoisonError::into_inner) = newer;
        }
    }
    Ok(())
}

/// Gives products another price, spread over the time in which queries are asked, and says how many seconds that took.
fn change(path: &Path, rows: usize) -> Result<f64, StoreError> {
    let mut store = Store::open(path)?;
    let begun = Instant::now();
    let pace = (ASKED_FOR - Duration::from_secs(1)) / u32::try_from(CHANGED).unwrap_or(u32::MAX);
    let cents = usize::try_from(begun.elapsed().subsec_nanos()).unwrap_or(0) % 9000;
    for (turn, number) in (0..CHANGED).map(|i| i * 97 % rows.max(1)).enumerate() {
        store.sign(Author { who: "bench".to_owned(), what: "another price".to_owned() });
        let product = garment(number, cents + turn);
        let photos = store.photos_of(&product.sku)?.into_iter().map(|photo| PhotoWrite::Keep(photo.id)).collect();
        store.commit(&identity(), &[ProductWrite { product, photos, remove: Vec::new() }], &[])?;
        std::thread::sleep((pace * u32::try_from(turn).unwrap_or(u32::MAX)).saturating_sub(begun.elapsed()));
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Adds products, and removes them again: how long until a query can find each.
fn add(path: &Path, shop: &RwLock<Snapshot>, dims: usize) -> Result<[f64; 2], StoreError> {
    let count = || shop.read().unwrap_or_else(PoisonError::into_inner).photo_count();
    let wait_for = |wanted: usize| {
        let begun = Instant::now();
        while count() != wanted && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_micros(200));
        }
        begun.elapsed()
    };
    let mut store = Store::open(path)?;
    let (mut times, rows) = (Vec::new(), count());
    for _ in 0..ADDED {
        let floats: Vec<f32> = (0..dims).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect();
        let new: Vec<ProductWrite> = written(9_999_999, floats).into_iter().collect();
        store.commit(&identity(), &new, &[])?;
        times.push(wait_for(rows + 1));
        store.remove("G9999999")?;
        wait_for(rows);
    }
    Ok(quantiles(times, 1.0))
}

/// The memory of this process, shared pages by their share.
fn pss_mib() -> Option<f64> {
    let text = read_text_at_most("/proc/self/smaps_rollup".as_ref(), 1 << 16).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: f64 = kib.trim().trim_end_matches(" kB").parse().ok()?;
    Some((kib / 102.4).round() / 10.0)
}

fn human(line: &Line) -> String {
    let pair = |[median, most]: [f64; 2]| format!("{median:.2} ms, 99th percentile {most:.2} ms");
    let most = |[median, most]: [f64; 2]| format!("{median:.1} ms, at most {most:.1} ms");
    let memory =
        line.pss_mib.map_or_else(String::new, |mib| format!("\nmemory   {mib:.1} MiB (PSS), with the network"));
    format!(
        "open     median {}; reading every row {:.0} ms ({} rows of {} values)\n\
         search   median {}\nfiltered median {}\n\
         filter   median {} (it takes nothing)\n\
         at 50/s  median {}\nchanging median {} ({CHANGED} products in {:.1} s)\n\
         found    median {} after a product was added{memory}",
        most(line.open_ms),
        line.open_reading_all_ms,
        line.rows,
        line.dims,
        pair(line.search_ms),
        pair(line.filtered_ms),
        pair(line.filter_ms),
        pair(line.at_50_ms),
        pair(line.while_changed_ms),
        line.changed_seconds,
        most(line.found_after_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_catalogue_is_found_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        let mut source = Source::new(32);
        let query = source.near(3);
        make(&path, &mut source, 50).unwrap();
        let snapshot = Snapshot::open(&path, &identity()).unwrap();
        assert_eq!((snapshot.photo_count(), snapshot.product_count()), (50, 50));
        assert_eq!(snapshot.search(&Search::of(&query, TOP)).unwrap()[0].sku, "G0000003");
    }
}
