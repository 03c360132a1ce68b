//! `auto`: the processor or the graphics processor, whichever answers sooner on this board. A Raspberry Pi 5's graphics processor is ten times
//! slower than its processor; a Jetson's is not.
//!
//! Both run in integers, so that their answers are the same and a catalogue fits either. They are measured once, and the times are remembered
//! with what they depend on: adapter, driver, bundle, program, threads. Where any of these is another one, they are measured again.
//!
//! A software adapter is no candidate; `--engine gpu` with its name is the only way to it.

use super::cpu::CpuEngine;
use super::engine::{Answer, Engine, EngineError};
use super::gpu::{self, AdapterChoice, Arithmetic, GpuEngine};
use super::plan::{Elements, Plan};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::files::{create_folder, read_text, sha256_hex, write_atomic};
use clothingid_shared::picture::Picture;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file in the state folder.
const FILE: &str = "engine.json";
/// Runs that are measured, after some that warm up.
const RUNS: usize = 20;
const WARM_UP: usize = 5;

/// What was measured, and on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    /// Hash of everything that the times depend on.
    of: String,
    cpu_ms: f64,
    /// None where the graphics processor cannot run the network.
    gpu_ms: Option<f64>,
}

impl Measured {
    fn is_gpu_faster(&self) -> bool {
        self.gpu_ms.is_some_and(|gpu| gpu < self.cpu_ms)
    }
}

/// Opens the faster engine; gives it with the reason.
///
/// # Errors
/// The processor's engine cannot run the network.
pub(super) fn open(bundle: &Bundle, threads: usize, state: Option<&Path>) -> Result<Auto, EngineError> {
    let plan = Plan::new(&bundle.network)?;
    let mut cpu = CpuEngine::new(&plan, threads)?;
    let adapter = match gpu::identity(&AdapterChoice::Hardware) {
        Ok(adapter) => adapter,
        Err(error) => return Ok(Auto { engine: Box::new(cpu), why: error.to_string(), is_news: false }),
    };
    let of = key(&[&adapter, &bundle.network_sha256(), cpu.name(), &threads.to_string()]);
    let known = state.and_then(read).filter(|known| known.of == of);
    let is_news = known.is_none();
    let mut graphics = None;
    let measured = match known {
        Some(known) => known,
        None => {
            let found = open_gpu(&plan, state).and_then(|mut engine| {
                let time = least(&mut engine)?;
                Ok((engine, time))
            });
            let gpu_ms = found.as_ref().ok().map(|(_, time)| milliseconds(*time));
            graphics = found.ok().map(|(engine, _)| engine);
            let measured = Measured { of, cpu_ms: milliseconds(least(&mut cpu)?), gpu_ms };
            if let Some(folder) = state {
                write(folder, &measured);
            }
            measured
        }
    };
    if !measured.is_gpu_faster() {
        return Ok(Auto { engine: Box::new(cpu), why: reason(&adapter, &measured), is_news });
    }
    Ok(match graphics.map_or_else(|| open_gpu(&plan, state), Ok) {
        Ok(engine) => Auto { engine: Box::new(engine), why: reason(&adapter, &measured), is_news },
        // It answered when it was measured: something has changed, and whoever reads this must know.
        Err(error) => Auto {
            engine: Box::new(cpu),
            why: format!("`{adapter}` was faster when it was measured and cannot be opened now: {error}"),
            is_news: true,
        },
    })
}

fn open_gpu(plan: &Plan, state: Option<&Path>) -> Result<GpuEngine, EngineError> {
    Ok(GpuEngine::new(plan, Arithmetic::Int8, AdapterChoice::Hardware, state)?)
}

/// The least time that a picture takes.
fn least(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let picture = Picture::filled(engine.side(), engine.side(), [180, 120, 60]);
    let mut answer = Answer::default();
    let mut least = Duration::MAX;
    for run in 0..WARM_UP + RUNS {
        let started = Instant::now();
        engine.run(&picture, &mut answer)?;
        if run >= WARM_UP {
            least = least.min(started.elapsed());
        }
    }
    Ok(least)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Why it is the one that it is.
fn reason(adapter: &str, measured: &Measured) -> String {
    let cpu = measured.cpu_ms;
    match measured.gpu_ms {
        Some(gpu) => format!("{gpu:.2} ms a picture on `{adapter}`, {cpu:.2} ms on the processor"),
        None => format!("`{adapter}` cannot run the network: `--engine gpu` says why"),
    }
}

fn key(parts: &[&str]) -> String {
    sha256_hex([parts, &[env!("CARGO_PKG_VERSION")]].concat().join("\n").as_bytes())
}

fn read(folder: &Path) -> Option<Measured> {
    // A file that cannot be read is measured anew.
    serde_json::from_str(&read_text(&folder.join(FILE)).ok()?).ok()
}

fn write(folder: &Path, measured: &Measured) {
    let written = serde_json::to_vec_pretty(measured).ok().map(|json| {
        create_folder(folder)?;
        write_atomic(&folder.join(FILE), &json)
    });
    if let Some(Err(error)) = written {
        eprintln!("note: which engine is faster is not remembered: {error}");
    }
}

/// An engine that was chosen by measurement.
pub(super) struct Auto {
    engine: Box<dyn Engine>,
    why: String,
    is_news: bool,
}

impl Engine for Auto {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn arithmetic(&self) -> ArithmeticClass {
        self.engine.arithmetic()
    }

    fn side(&self) -> u32 {
        self.engine.side()
    }

    fn threads(&self) -> usize {
        self.engine.threads()
    }

    fn rebuilt(&self) -> u64 {
        self.engine.rebuilt()
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }

    fn is_news(&self) -> bool {
        self.is_news
    }

    fn run(&mut self, picture: &Picture, answer: &mut Answer) -> Result<(), EngineError> {
        self.engine.run(picture, answer)
    }

    fn run_by_node(&mut self, picture: &Picture, see: &mut dyn FnMut(&str, &Elements)) -> Result<(), EngineError> {
        self.engine.run_by_node(picture, see)
    }

    fn layer_times(&mut self, picture: &Picture) -> Result<Vec<Duration>, EngineError> {
        self.engine.layer_times(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;

    fn measured(cpu_ms: f64, gpu_ms: Option<f64>) -> Measured {
        Measured { of: key(&["a"]), cpu_ms, gpu_ms }
    }

    #[test]
    fn the_faster_one_is_taken_and_the_reason_said() {
        assert!(measured(4.0, Some(1.5)).is_gpu_faster());
        assert!(!measured(1.2, Some(12.0)).is_gpu_faster() && !measured(1.2, None).is_gpu_faster());
        assert_eq!(reason("Orin", &measured(4.0, Some(1.5))), "1.50 ms a picture on `Orin`, 4.00 ms on the processor");
        assert_eq!(reason("V3D", &measured(4.0, None)), "`V3D` cannot run the network: `--engine gpu` says why");
    }

    #[test]
    fn what_the_times_depend_on_is_the_key() {
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["a", "c"]));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None);
        let some = measured(1.0, Some(2.0));
        write(folder.path(), &some);
        assert_eq!(read(folder.path()), Some(some));
        write_atomic(&folder.path().join(FILE), b"{").unwrap();
        assert_eq!(read(folder.path()), None);
    }

    #[test]
    fn it_answers_in_integers_and_says_why() {
        let auto = open(&read_bundle(None).unwrap(), 1, None).unwrap();
        assert_eq!(auto.arithmetic(), ArithmeticClass::Int8);
        assert!(auto.why().is_some_and(|why| !why.is_empty()));
    }
}
