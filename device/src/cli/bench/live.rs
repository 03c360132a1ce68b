//! The whole appliance on a film: what comes out of so many frames a second, and how the way of a frame compares with its parts measured alone.
//!
//! The film is made of the demo shop's garments, each moved a little from frame to frame, so that the network looks at every one, as 1280×720
//! JPEG pictures in a file. Capture, inference and output run as in `run`, with the page; the parts are measured before, in the same process.

mod parts;

use super::scratch::Scratch;
use super::{Args, memory_mib, quantile_ms};
use crate::camera::{CameraChoice, ControlWishes, jpeg};
use crate::cli::demo;
use crate::cli::{Outcome, Report, print_line};
use crate::config::Language;
use crate::health::Health;
use crate::page::{self, Board, Facts, Look, PageState, Server, Uploads, rate};
use crate::pipeline::{Looked, Looker, LookerSettings, Output, Pipeline, Shop, Stop};
use crate::staff::sticks::Media;
use crate::staff::{Staff, Stays, Vault};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::files;
use clothingid_shared::picture::{self, Picture};
use parts::{Pace, Parts};
use serde::Serialize;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// How far a garment moves from frame to frame, in pixels: more than the network takes for a still scene.
const STEP: u32 = 24;

/// Places that a garment is seen in.
const PLACES: u32 = 6;

/// Frames at the beginning that are not counted: caches are cold, buffers grow.
const WARM_UP: Duration = Duration::from_secs(2);

/// What is told.
#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    engine: String,
    threads: usize,
    seconds: f64,
    frames_per_second: f64,
    frames: u64,
    lost: u64,
    lost_percent: f64,
    median_ms: f64,
    p99_ms: f64,
    parts: Parts,
    whole_to_parts: f64,
    parts_at_pace: Parts,
    whole_to_parts_at_pace: f64,
    memory_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<serde_json::Value>,
}

/// Runs the appliance on a film and tells what came out.
pub(super) fn run(bundle: Bundle, args: &Args) -> Result<Outcome, Report> {
    let line = measured(bundle, args, Scratch::new()?.path())?;
    if args.json {
        print_line(&serde_json::to_string(&line)?)?;
    } else {
        tell(&line)?;
    }
    Ok(Outcome::Done)
}

fn measured(bundle: Bundle, args: &Args, folder: &Path) -> Result<Line, Report> {
    let bundle = Arc::new(bundle);
    let film = folder.join("film.mjpeg");
    files::write_atomic(&film, &reel()?)?;
    let mut path = args.network.open(&bundle)?;
    let catalogue = match &args.catalogue {
        Some(catalogue) => catalogue.clone(),
        None => demo::import(&folder.join("catalogue.db"), &bundle, args.network.engine)?,
    };
    let identity = bundle.identity(path.engine().arithmetic());
    let shop =
        Arc::new(Shop::open(catalogue, identity.clone()).map_err(|error| crate::cli::catalogue::store_report(&error))?);
    let rate = f64::from(args.rate);
    let mut alone = |pace| parts::measured(&mut path, &bundle, &shop, &film, pace);
    let (parts, parts_at_pace) = (alone(Pace::Loop)?, alone(Pace::Frames(rate))?);

    let settings = LookerSettings {
        bundle: Arc::clone(&bundle),
        engine: args.network.engine,
        threads: usize::from(args.network.threads),
        gallery: Arc::<Shop>::clone(&shop),
        matches: 5,
        second_look: args.second_look,
    };
    let looker = Looker::of(path, &settings)?;
    let (health, stop) = (Arc::new(Health::silent()), Stop::new());
    let engine = looker.engine_name().to_owned();
    let facts = Facts {
        shop_name: "bench".to_owned(),
        look: Look::default(),
        language: Language::default(),
        engine: engine.clone(),
        engine_choice: settings.engine,
        matches: settings.matches,
        network: identity.short().to_owned(),
    };
    let board = Arc::new(Board::new());
    let (uploads, upload_thread) = Uploads::start(settings.clone(), rate::UPLOADS_PER_SECOND, &health, &stop)?;
    // Without a PIN the staff's pages are closed.
    let stays = Stays::new(Vault::Folder(folder.to_owned()), folder);
    let staff = Arc::new(Staff::new(stays, folder, Media::new(None), ControlWishes::new()));
    let state =
        PageState::new(facts, bundle, Arc::clone(&board), shop, uploads, Arc::clone(&health), Arc::clone(&staff));
    let listener = page::bind("127.0.0.1:0")?;
    let server = Server::start(listener, None, Arc::new(state))?;
    let meter = Meter::default();
    let outputs: Vec<Box<dyn Output>> = vec![Box::new(board), Box::new(meter.clone())];
    let camera = CameraChoice::Film(film, rate);
    let pipeline = Pipeline::start(camera, looker, settings, &staff.camera, outputs, &health)?;

    let load = (args.clients > 0).then(|| start_load(&server, args)).transpose()?;
    let _ = stop.wait(WARM_UP);
    let _ = meter.take();
    let started = Instant::now();
    let _ = stop.wait(Duration::from_secs(args.seconds.into()));
    let seconds = started.elapsed().as_secs_f64();
    let mut times = meter.take();
    let shown = times.len() as u64;
    let memory = memory_mib("VmRSS:");
    pipeline.end();
    let load = load.map(end_load).transpose()?;
    server.end();
    stop.ask();
    let _ = upload_thread.join();

    times.sort_unstable();
    let [median_ms, p99_ms] = [0.5, 0.99].map(|share| quantile_ms(&times, share));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "frames of a day at most")]
    let frames = (seconds * rate) as u64;
    let lost = frames.saturating_sub(shown);
    if health.metrics.frames_corrupt.load(Ordering::Relaxed) > 0 {
        return Err(Report::new("frames of the film could not be read"));
    }
    Ok(Line {
        bench: "live",
        engine,
        threads: usize::from(args.network.threads),
        seconds: (seconds * 10.0).round() / 10.0,
        frames_per_second: rate,
        frames,
        lost,
        lost_percent: (lost as f64 * 1e4 / frames.max(1) as f64).round() / 100.0,
        median_ms,
        p99_ms,
        whole_to_parts: parts.share_of(median_ms),
        parts,
        whole_to_parts_at_pace: parts_at_pace.share_of(median_ms),
        parts_at_pace,
        memory_mib: memory,
        load,
    })
}

/// The film: each garment of the demo in several places of a frame.
fn reel() -> Result<Vec<u8>, Report> {
    let mut film = Vec::new();
    for (name, photo) in demo::camera_photos() {
        let photo = picture::decode(photo).map_err(|error| Report::of(&error).during(format!("reading `{name}`")))?;
        for place in 0..PLACES {
            let frame = framed(&photo, place * STEP);
            jpeg::append(&frame, &mut film).map_err(|error| Report::of(&error).during("making the film"))?;
        }
    }
    Ok(film)
}

/// A photograph as high as a frame, on white, so many pixels right of its left edge; the nearest pixels, which costs a decoder most.
fn framed(photo: &Picture, left: u32) -> Picture {
    let mut frame = Picture::filled(WIDTH, HEIGHT, [255; 3]);
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let wide = (width * HEIGHT as usize / height.max(1)).min(WIDTH as usize - left as usize);
    let rows = frame.rgb_mut().chunks_exact_mut(WIDTH as usize * 3);
    for (y, row) in rows.enumerate() {
        let source = photo.rgb().chunks_exact(width * 3).nth(y * height / HEIGHT as usize).unwrap_or_default();
        let pixels = row.as_chunks_mut::<3>().0.iter_mut().skip(left as usize).take(wide);
        for (x, pixel) in pixels.enumerate() {
            if let Some(value) = source.as_chunks::<3>().0.get(x * height / HEIGHT as usize) {
                *pixel = *value;
            }
        }
    }
    frame
}

/// Times from capture to shown.
#[derive(Debug, Clone, Default)]
struct Meter {
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Meter {
    fn take(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Output for Meter {
    fn show(&mut self, looked: &Looked) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(looked.frame.captured.elapsed());
    }
}

fn start_load(server: &Server, args: &Args) -> Result<Child, Report> {
    let program = std::env::current_exe()?;
    let seconds = args.seconds + 2;
    Ok(Command::new(program)
        .args(["bench", "--load", &server.address().to_string()])
        .args(["--clients", &args.clients.to_string(), "--seconds", &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()?)
}

fn end_load(child: Child) -> Result<serde_json::Value, Report> {
    let output = child.wait_with_output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn tell(line: &Line) -> Result<(), Report> {
    let Line { parts, .. } = line;
    print_line(&format!(
        "live     {} frames in {} s, {} lost ({} %); from capture to shown: median {:.2} ms, 99th percentile {:.2} ms ({}, {} thread{})",
        line.frames,
        line.seconds,
        line.lost,
        line.lost_percent,
        line.median_ms,
        line.p99_ms,
        line.engine,
        line.threads,
        if line.threads == 1 { "" } else { "s" }
    ))?;
    for (pace, parts, whole) in [
        ("in a loop", parts, line.whole_to_parts),
        ("at the pace of the frames", &line.parts_at_pace, line.whole_to_parts_at_pace),
    ] {
        print_line(&format!("         parts alone, {pace}: {parts}; the whole is {whole:.3} of their sum"))?;
    }
    if let Some(load) = &line.load {
        print_line(&format!("         load: {load}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_garment_that_moves_is_looked_at_and_the_frame_is_filled() {
        let photo = Picture::new(2, 2, vec![10, 10, 10, 200, 200, 200, 60, 60, 60, 90, 90, 90]).unwrap();
        let (here, there) = (framed(&photo, 0), framed(&photo, STEP));
        assert_eq!((here.width(), here.height()), (WIDTH, HEIGHT));
        assert_eq!(here.rgb()[..3], [10, 10, 10]);
        assert_eq!(there.rgb()[..3], [255, 255, 255], "it has moved");
    }
}
