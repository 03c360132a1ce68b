//! `clothingid bench`: how fast this machine answers.

mod idle;
mod import;
mod layers;
mod live;
mod load;
mod samples;
mod scratch;
mod search;
mod store;
mod vectors;
mod whole_import;

use super::{Cli, NetworkArgs, Outcome, Report, print_line};
use crate::network::{Answer, PhotoPath, with_side};
use crate::reading::Reader;
use clap::CommandFactory;
use clap::error::ErrorKind;
use clothingid_shared::bundle::Bundle;
use samples::{LONGEST, Times, WARM_UP, least_read, measure, memory_mib, milliseconds, quantile_ms};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// Values of all rows that `search` may search, padded as the scan pads them: five bytes each (int8 and float) are 5 GiB, as much as a board
/// has.
const MOST_VALUES: u64 = 1 << 30;

/// Arguments of `bench`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid bench\n  clothingid bench network --engine tract --json\n  clothingid bench network --layers --side 224\n  clothingid bench import\n  clothingid bench import --photos photos/\n  clothingid bench search --rows 100000 --dims 256\n  clothingid bench search --store bench/\n  clothingid bench live --clients 200\n  clothingid bench idle --seconds 60"
)]
pub struct Args {
    /// What to measure; without it, network and path
    #[arg(value_enum)]
    pub what: Option<What>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Rows that `search` searches
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rows: u32,

    /// Values of each row that `search` searches
    #[arg(long, value_name = "D", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub dims: u32,

    /// Vectors that `search` searches in place of made-up ones: rows of `--dims` little-endian float32 values
    #[arg(long, value_name = "FILE", requires = "queries", conflicts_with = "rows")]
    pub vectors: Option<PathBuf>,

    /// Queries for `--vectors`, in the same form; each is asked once
    #[arg(long, value_name = "FILE", requires = "vectors")]
    pub queries: Option<PathBuf>,

    /// Which rows of `--vectors` may answer: a byte for each, 0 for those that may not
    #[arg(long, value_name = "FILE", requires = "vectors")]
    pub wanted: Option<PathBuf>,

    /// Folder for a catalogue of the `--rows` made-up garments that `search` opens, searches and changes as the appliance does; it stays there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["vectors", "samples"])]
    pub store: Option<PathBuf>,

    /// Photographs that `import` brings into a catalogue of its own, beside decode, picture and network of the same ones alone; the catalogue
    /// lies in the folder for temporary files (`TMPDIR`), and is gone afterwards
    #[arg(long, value_name = "DIR", conflicts_with_all = ["vectors", "store"])]
    pub photos: Option<PathBuf>,

    /// How long `live` and `idle` are measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,

    /// Frames a second that `live` and `idle` are given
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub rate: u32,

    /// `live` looks at each frame twice, the second time where the garment is
    #[arg(long)]
    pub second_look: bool,

    /// So many clients on the event stream of `live`, and photographs sent at twice the rate that is allowed, from a program of its own
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=200))]
    pub clients: u32,

    /// The catalogue that `live` and `idle` have; without it, the demo shop's, or none
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,

    /// Be the load of another `bench live`
    #[arg(long, value_name = "ADDR", hide = true)]
    pub load: Option<std::net::SocketAddr>,

    /// Pictures of this side in place of the bundle's, for `network`: the same weights, more or fewer pixels
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(32..=1024))]
    pub side: Option<u32>,

    /// How long each layer of the network takes, too, and how near that is to what the processor could do at best (an estimate)
    #[arg(long)]
    pub layers: bool,

    /// Print every sample, too, in milliseconds and in the order of measuring (with `--json`); with `--vectors` what was found, too
    #[arg(long, requires = "json")]
    pub samples: bool,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// The network alone, on a picture that is ready
    Network,
    /// The whole path of a photograph: decode, picture, network, reading
    Path,
    /// Photographs as `catalogue import` embeds them: one at a time on each processor core
    Import,
    /// The whole appliance: 1280×720 MJPEG frames through capture, network, search and page, beside its parts alone
    Live,
    /// The whole appliance while nothing happens: processor, memory and disk
    Idle,
    /// Search alone, among `--rows` made-up garments of `--dims` values, or the rows of `--vectors`
    Search,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    bench: &'a str,
    engine: &'a str,
    threads: usize,
    median_ms: f64,
    p99_ms: f64,
    min_ms: f64,
    samples: usize,
    side: u32,
    load_ms: f64,
    first_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_ms: Option<Vec<f64>>,
}

#[derive(Debug, Serialize)]
struct SearchLine {
    bench: &'static str,
    rows: u32,
    dims: u32,
    median_ms: f64,
    p99_ms: f64,
    min_ms: f64,
    samples: usize,
    memory_read_ms: f64,
    recall_at_10: f64,
}

/// Measures on the bundle's golden photographs.
///
/// # Errors
/// Bundle or engine cannot be used.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    if args.what == Some(What::Search) {
        if let (Some(rows), Some(queries)) = (&args.vectors, &args.queries) {
            return vectors::run(args, rows, queries, args.wanted.as_deref());
        }
        if let Some(problem) = too_many_values(args.rows, args.dims) {
            wrong_use(&problem);
        }
        return match &args.store {
            Some(folder) => store::run(args, folder),
            None => bench_search(args),
        };
    }
    if args.vectors.is_some() || args.store.is_some() {
        wrong_use("`--vectors` and `--store` are for `search`");
    }
    if args.photos.is_some() && args.what != Some(What::Import) {
        wrong_use("`--photos` is for `import`");
    }
    if let Some(address) = args.load {
        return load::run(address, args.clients, args.seconds);
    }
    if args.what == Some(What::Idle) {
        return idle::run(args);
    }
    let mut bundle = args.network.bundle()?;
    if args.what == Some(What::Live) {
        return live::run(bundle, args);
    }
    if args.what == Some(What::Import) {
        if args.side.is_some() || args.layers || args.samples || args.network.threads != 1 {
            wrong_use(
                "`import` takes `--photos`, `--engine`, `--bundle` and `--json` alone: it embeds a photograph on each core",
            );
        }
        if let Some(folder) = &args.photos {
            return whole_import::run(&bundle, args.network.engine, folder, args.json);
        }
        return import::run(&bundle, args.network.engine, args.json);
    }
    let started = Instant::now();
    let mut path = match args.side {
        Some(side) if side != bundle.manifest.picture.side => {
            resized(&mut bundle, side)?;
            args.network.open_unchecked(&bundle)?
        }
        _ => args.network.open(&bundle)?,
    };
    let load_ms = milliseconds(started.elapsed());
    let all = [What::Network, What::Path];
    for what in all.into_iter().filter(|what| args.what.is_none_or(|asked| asked == *what)) {
        let (bench, times) = match what {
            What::Network => ("network", network(&mut path)?),
            What::Path | What::Import | What::Search | What::Live | What::Idle => {
                ("path", whole_path(&bundle, &mut path)?)
            }
        };
        let Times { first, samples: all } = times;
        let mut sorted = all.clone();
        sorted.sort_unstable();
        let [min_ms, median_ms, p99_ms] = [0.0, 0.5, 0.99].map(|share| quantile_ms(&sorted, share));
        let (engine, threads, samples) = (path.engine().name(), path.engine().threads(), all.len());
        if args.json {
            print_line(&serde_json::to_string(&Line {
                bench,
                engine,
                threads,
                median_ms,
                p99_ms,
                min_ms,
                samples,
                side: path.engine().side(),
                load_ms,
                first_ms: milliseconds(first),
                memory_mib: memory_mib("VmHWM:"),
                all_ms: args.samples.then(|| all.into_iter().map(milliseconds).collect()),
            })?)?;
        } else {
            print_line(&format!(
                "{bench:8} median {median_ms:.2} ms, 99th percentile {p99_ms:.2} ms, least {min_ms:.2} ms \
                 ({samples} samples, {threads} thread{s}, {engine})",
                s = if threads == 1 { "" } else { "s" },
            ))?;
        }
    }
    if args.layers {
        layers::run(&bundle, &mut path, args.json)?;
    }
    Ok(Outcome::Done)
}

/// Gives the bundle's network pictures of another side. Its golden answers no longer hold, so that they are not asked for.
fn resized(bundle: &mut Bundle, side: u32) -> Result<(), Report> {
    bundle.network = with_side(&bundle.network, side)?;
    bundle.manifest.picture.side = side;
    Ok(())
}

/// What is wrong with a made-up catalogue of this size, if anything.
fn too_many_values(rows: u32, dims: u32) -> Option<String> {
    let padded = u64::from(dims).next_multiple_of(64);
    let values = u64::from(rows) * padded;
    (values > MOST_VALUES).then(|| {
        let fitting = MOST_VALUES / padded.max(1);
        format!(
            "`--rows {rows}` of `--dims {dims}` values would take {} GiB: with these values, at most `--rows {fitting}`",
            (values * 5).div_ceil(1 << 30)
        )
    })
}

/// Ends the program as `clap` does for an argument that is wrong on its own.
fn wrong_use(problem: &str) -> ! {
    let mut cli = Cli::command();
    cli.build();
    let mut nobody = clap::Command::new("bench");
    cli.find_subcommand_mut("bench").unwrap_or(&mut nobody).error(ErrorKind::ValueValidation, problem).exit()
}

fn bench_search(args: &Args) -> Result<Outcome, Report> {
    let (rows, dims) = (args.rows, args.dims);
    let garments = search::Garments::new(rows as usize, dims as usize).map_err(|error| {
        Report::new(format!("{rows} rows of {dims} values do not fit into the memory"))
            .because(&error)
            .hint("take fewer: `--rows N`")
    })?;
    let mut turn = 0;
    let mut times = measure(|| {
        turn += 1;
        garments.search(turn);
        Ok(())
    })?
    .samples;
    times.sort_unstable();
    let [min_ms, median_ms, p99_ms] = [0.0, 0.5, 0.99].map(|share| quantile_ms(&times, share));
    let memory_read_ms = quantile_ms(&[garments.memory_read()], 0.5);
    let (recall_at_10, samples) = (garments.recall_at_10(), times.len());
    print_line(&if args.json {
        let bench = "search";
        serde_json::to_string(&SearchLine {
            bench,
            rows,
            dims,
            median_ms,
            p99_ms,
            min_ms,
            samples,
            memory_read_ms,
            recall_at_10,
        })?
    } else {
        format!(
            "search   median {median_ms:.2} ms, 99th percentile {p99_ms:.2} ms, least {min_ms:.2} ms ({samples} samples, \
             {rows} rows of {dims} values; reading them from memory {memory_read_ms:.2} ms; recall@10 {recall_at_10:.3})"
        )
    })?;
    Ok(Outcome::Done)
}

/// The golden photograph that was checked last is still the network's input.
fn network(path: &mut PhotoPath) -> Result<Times, Report> {
    let picture = path.picture().clone();
    let mut answer = Answer::default();
    measure(|| Ok(path.engine_mut().run(&picture, &mut answer)?))
}

fn whole_path(bundle: &Bundle, path: &mut PhotoPath) -> Result<Times, Report> {
    let reader = Reader::new(bundle)?;
    let mut photos = bundle.golden.iter().cycle();
    measure(|| {
        let photo = photos.next().map(|golden| golden.photo.as_slice()).unwrap_or_default();
        let (picture, answer) = path.seen(photo)?;
        std::hint::black_box(reader.read(picture, answer));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_that_fits_no_board_is_wrong_use() {
        assert_eq!(too_many_values(100_000, 256), None);
        assert_eq!(too_many_values(1 << 18, 1 << 12), None);
        let problem = too_many_values(10_000_000, 4096).unwrap();
        assert_eq!(
            problem,
            "`--rows 10000000` of `--dims 4096` values would take 191 GiB: with these values, at most `--rows 262144`"
        );
    }
}
