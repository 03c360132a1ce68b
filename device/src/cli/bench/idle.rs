//! The whole appliance while nothing happens: this very program, run as a service runs it, before a film of an empty wall.
//!
//! What it takes is what the kernel says of its threads (`schedstat`), of its memory (its share, PSS) and of what it has the disk write (`io`).
//!
//! **Source** proc(5); Documentation/scheduler/sched-stats.rst of Linux.

use super::scratch::Scratch;
use super::{Args, Outcome, Report, print_line};
use crate::camera::jpeg;
use crate::cli::network::bundle_in_use;
use crate::health::Stage;
use crate::pipeline::gate::IDLE_AFTER;
use crate::update::program::Ended;
use clothingid_shared::files::{self, read_text_at_most};
use clothingid_shared::picture::Picture;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A frame of the wall.
const FRAME: (u32, u32) = (1280, 720);

/// How long the appliance may take to start and to become idle.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was idle a moment ago has done by now what it does at the beginning.
const SETTLE: Duration = Duration::from_secs(5);

/// Texts of `/proc` and answers of the page have less.
const MOST_BYTES: u64 = 1 << 20;

/// What is told.
#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    seconds: f64,
    frames_per_second: u32,
    /// Of one core, without the thread that stands for the camera.
    processor_percent: f64,
    camera_percent: f64,
    threads_percent: BTreeMap<String, f64>,
    memory_mib: f64,
    written_bytes: u64,
}

/// What a process has taken up to now.
struct Taken {
    at: Instant,
    /// Time on a processor by the thread's name.
    threads: BTreeMap<String, Duration>,
    written_bytes: u64,
}

/// Runs the appliance, waits until it is idle, and tells what it takes.
pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    let line = measured(args, Scratch::new()?.path())?;
    if args.json {
        print_line(&serde_json::to_string(&line)?)?;
    } else {
        tell(&line)?;
    }
    Ok(Outcome::Done)
}

fn measured(args: &Args, folder: &Path) -> Result<Line, Report> {
    let mut film = Vec::new();
    jpeg::append(&wall(), &mut film).map_err(|error| Report::of(&error).during("making the film"))?;
    files::write_atomic(&folder.join("wall.mjpeg"), &film)?;
    let (mut appliance, port) = start(args, folder)?;
    let end = Instant::now() + PATIENCE + IDLE_AFTER;
    while !ask(port)?.contains("\"idle\":true") {
        if Instant::now() > end {
            return Err(Report::new("the appliance does not become idle before an empty wall"));
        }
        if appliance.0.try_wait()?.is_some() {
            return Err(Report::new("the appliance has ended while it was measured"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(SETTLE);
    let process = Path::new("/proc").join(appliance.0.id().to_string());
    let before = taken(&process)?;
    std::thread::sleep(Duration::from_secs(args.seconds.into()));
    let after = taken(&process)?;
    let is_still_idle = ask(port)?.contains("\"idle\":true");
    if !is_still_idle {
        return Err(Report::new("the appliance was not idle all the time"));
    }
    line(args, &process, &before, &after)
}

/// A wall with light from the side.
fn wall() -> Picture {
    let mut wall = Picture::filled(FRAME.0, FRAME.1, [0; 3]);
    let rows = wall.rgb_mut().chunks_exact_mut(3 * FRAME.0 as usize);
    for (y, row) in rows.enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let level =
                |most: usize, place: usize, of: u32| u8::try_from(40 + place * most / of as usize).unwrap_or(u8::MAX);
            *pixel = [level(180, x, FRAME.0), level(170, x, FRAME.0), level(150, y, FRAME.1)];
        }
    }
    wall
}

fn line(args: &Args, process: &Path, before: &Taken, after: &Taken) -> Result<Line, Report> {
    let seconds = after.at.duration_since(before.at);
    let share = |name: &String, time: &Duration| {
        let spent = time.saturating_sub(before.threads.get(name).copied().unwrap_or_default());
        rounded(100.0 * spent.as_secs_f64() / seconds.as_secs_f64())
    };
    let threads: BTreeMap<String, f64> =
        after.threads.iter().map(|(name, time)| (name.clone(), share(name, time))).collect();
    let camera = threads.get(Stage::Capture.key()).copied().unwrap_or_default();
    Ok(Line {
        bench: "idle",
        seconds: rounded(seconds.as_secs_f64()),
        frames_per_second: args.rate,
        processor_percent: rounded(threads.values().sum::<f64>() - camera),
        camera_percent: camera,
        threads_percent: threads,
        memory_mib: rounded(share_of_memory(process)?),
        written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
    })
}

/// Starts this program as a service does, with a state folder of its own, and gives the port of its page.
fn start(args: &Args, folder: &Path) -> Result<(Ended, u16), Report> {
    let mut config =
        format!("listen = \"127.0.0.1:0\"\nengine = \"{}\"\nthreads = {}\n", args.network.engine, args.network.threads);
    let mut path = |key: &str, path: &Path| config.push_str(&format!("{key} = {:?}\n", path.display().to_string()));
    if let Some(bundle) = bundle_in_use(args.network.bundle.as_deref())? {
        path("bundle", &std::fs::canonicalize(bundle)?);
    }
    if let Some(catalogue) = &args.catalogue {
        // A copy: the appliance embeds a catalogue of another network anew.
        let copy = folder.join("catalogue.db");
        let mut original = std::fs::File::open(catalogue)?;
        files::write_atomic_with(&copy, |file| std::io::copy(&mut original, file).map(drop))?;
        path("catalogue", &copy);
    }
    config.push_str(&format!("[camera]\nfilm = \"wall.mjpeg\"\nframes_per_second = {}\n", args.rate));
    let settings = folder.join("config.toml");
    files::write_atomic(&settings, config.as_bytes())?;
    let child = Command::new(std::env::current_exe()?)
        .arg("run")
        .arg("--config")
        .arg(&settings)
        .env("STATE_DIRECTORY", folder.join("state"))
        .env_remove("NOTIFY_SOCKET")
        .stderr(Stdio::piped())
        .spawn()?;
    let mut appliance = Ended(child);
    let Some(errors) = appliance.0.stderr.take() else { return Err(Report::new("the appliance says nothing")) };
    let mut said = String::new();
    let mut lines = BufReader::new(errors).lines();
    let port = loop {
        let Some(line) = lines.next().transpose()? else {
            return Err(Report::new("the appliance did not start").because(&std::io::Error::other(said)));
        };
        if let Some(port) = line.rsplit_once("http://localhost:").and_then(|(_, port)| port.trim().parse().ok()) {
            break port;
        }
        said.push_str(&line);
        said.push('\n');
    };
    // Nobody reads what it says from now on, and it must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((appliance, port))
}

/// How the appliance is.
fn ask(port: u16) -> Result<String, Report> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}

fn taken(process: &Path) -> Result<Taken, Report> {
    let at = Instant::now();
    let mut threads = BTreeMap::<String, Duration>::new();
    for thread in std::fs::read_dir(process.join("task"))? {
        let thread = thread?.path();
        let read = |name: &str| read_text_at_most(&thread.join(name), MOST_BYTES);
        // One that has ended meanwhile has no files any more.
        let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
        let nanoseconds = times.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
        *threads.entry(name.trim().to_owned()).or_default() += Duration::from_nanos(nanoseconds);
    }
    if threads.is_empty() {
        return Err(Report::new(
            "the kernel does not say how long threads were on a processor (`/proc/PID/task/TID/schedstat`)",
        ));
    }
    let io = read_text_at_most(&process.join("io"), MOST_BYTES)?;
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    let written_bytes = written
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| Report::new("the kernel does not say what a process writes"))?;
    Ok(Taken { at, threads, written_bytes })
}

/// Its share of the memory, in MiB.
fn share_of_memory(process: &Path) -> Result<f64, Report> {
    let text = read_text_at_most(&process.join("smaps_rollup"), MOST_BYTES)?;
    let kib = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib: Option<f64> = kib.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| Report::new("the kernel does not say how much memory a process has"))
}

/// To two digits.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn tell(line: &Line) -> Result<(), Report> {
    print_line(&format!(
        "idle     {} % of a core besides the camera ({} %, a film at {} frames/s); {} MiB; {} bytes written to the disk in {} s",
        line.processor_percent,
        line.camera_percent,
        line.frames_per_second,
        line.memory_mib,
        line.written_bytes,
        line.seconds
    ))?;
    let busy = line.threads_percent.iter().filter(|(_, share)| **share > 0.0);
    let busy: Vec<String> = busy.map(|(name, share)| format!("{name} {share} %")).collect();
    print_line(&format!("         by thread: {}", busy.join(", ")))?;
    Ok(())
}
