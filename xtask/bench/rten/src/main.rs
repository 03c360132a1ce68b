//! rten on an ONNX file, for `cargo xtask bench engines`: one JSON object on stdout, with the keys of `xtask/bench/engines.py`.
//!
//! What a careful user would write: a warm-up as long as ours, one picture at a time, rten's own defaults besides the number of threads.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rten::{Model, RunOptions, ThreadPool, Value, ValueView};

const USAGE: &str = "rten-bench MODEL.onnx --picture FILE --side S --threads N --samples N --form NAME";
const WARM_UP: Duration = Duration::from_millis(700);

/// What is asked for.
#[derive(Default)]
struct Asked {
    model: PathBuf,
    /// Bytes, `[side, side, 3]`.
    picture: PathBuf,
    side: usize,
    threads: usize,
    samples: usize,
    /// What the network is, for the name of the engine.
    form: String,
}

impl Asked {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut asked = Self { model: words.next().ok_or(USAGE)?.into(), ..Self::default() };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match word.as_str() {
                "--picture" => asked.picture = value.into(),
                "--side" => asked.side = value.parse()?,
                "--threads" => asked.threads = value.parse()?,
                "--samples" => asked.samples = value.parse()?,
                "--form" => asked.form = value,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(asked)
    }
}

fn main() -> ExitCode {
    match Asked::parse(std::env::args().skip(1)).and_then(|asked| bench(&asked)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(asked: &Asked) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(&asked.picture)?;
    let started = Instant::now();
    let model = Model::load_file(&asked.model)?;
    let load = started.elapsed();

    let picture = ValueView::from_shape([1, asked.side, asked.side, 3], &bytes)?;
    let input = model.node_id("picture")?;
    let pool = Arc::new(ThreadPool::with_num_threads(asked.threads));
    let options = RunOptions::default().with_thread_pool(Some(pool));
    let run = || model.run(vec![(input, picture.clone().into())], model.output_ids(), Some(options.clone()));

    let started = Instant::now();
    let answer = run()?;
    let first = started.elapsed();
    let logits = finite(answer)?;
    while started.elapsed() < WARM_UP {
        run()?;
    }
    let mut times = Vec::with_capacity(asked.samples);
    for _ in 0..asked.samples {
        let begun = Instant::now();
        run()?;
        times.push(format!("{:.4}", milliseconds(begun.elapsed())));
    }
    Ok(format!(
        "{{\"engine\": \"rten {} {}\", \"threads\": {}, \"side\": {}, \"load_ms\": {:.2}, \"first_ms\": {:.3}, \
         \"memory_mib\": {:.1}, \"logits\": [{}], \"all_ms\": [{}]}}",
        version().ok_or("rten is not in `Cargo.lock`")?,
        asked.form,
        asked.threads,
        asked.side,
        milliseconds(load),
        milliseconds(first),
        most_memory_mib()?,
        logits.iter().take(4).map(|logit| format!("{logit:.3}")).collect::<Vec<_>>().join(", "),
        times.join(", ")
    ))
}

/// The logits of the first output, when all outputs are finite.
fn finite(answer: Vec<Value>) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut outputs = Vec::new();
    for output in answer {
        let (_, values) = output.into_shape_vec::<f32, 2>()?;
        outputs.push(values);
    }
    if !outputs.iter().flatten().all(|value| value.is_finite()) {
        return Err("the answer is not finite".into());
    }
    outputs.into_iter().next().ok_or_else(|| "the network has no output".into())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The most memory that this process had, by Linux's count.
fn most_memory_mib() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no `VmHWM` in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// rten's version, which it does not tell itself.
fn version() -> Option<&'static str> {
    let (_, after) = include_str!("../Cargo.lock").split_once("name = \"rten\"\nversion = \"")?;
    after.split('"').next()
}
