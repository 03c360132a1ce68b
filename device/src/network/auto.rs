//! `auto`: the processor or the graphics processor, whichever answers sooner on this board. A Raspberry Pi 5's graphics processor is ten times
//! slower than its processor; a Jetson's is not.
//!
//! Both run in integers, so that their answers are the same and a catalogue fits either. They are measured once, and the times are remembered
//! with what they depend on: adapter, driver, bundle, program, threads. Where any of these is another one, they are measured again.
//!
//! A software adapter is no candidate; `--engine gpu` with its name is the only way to it.

use super::cpu::CpuEngine;
use super::engine::{Answer, Engine, EngineError, Opened};
use super::gpu::{self, AdapterChoice, Arithmetic, GpuEngine};
use super::plan::Plan;
use super::remembered;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::files::sha256_hex;
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

/// Opens the faster engine; gives it with the reason. The slower one is opened to be measured only.
///
/// # Errors
/// The processor's engine cannot run the network.
pub(super) fn open(bundle: &Bundle, threads: usize, state: Option<&Path>) -> Result<Opened, EngineError> {
    open_beside(&AdapterChoice::Hardware, bundle, threads, state)
}

/// As [`open`], with the adapter that is measured beside the processor.
pub(super) fn open_beside(
    choice: &AdapterChoice,
    bundle: &Bundle,
    threads: usize,
    state: Option<&Path>,
) -> Result<Opened, EngineError> {
    let plan = Plan::new(&bundle.network)?;
    let open_cpu = || CpuEngine::new(&plan, threads);
    let open_gpu = || open_gpu(&plan, choice, state);
    let adapter = match gpu::identity(choice) {
        Ok(adapter) => adapter,
        Err(error) => return Ok(Opened::with(open_cpu()?, error.to_string(), false)),
    };
    let of = key(&[&adapter, &bundle.network_sha256(), &CpuEngine::name_here(), &threads.to_string()]);
    if let Some(known) =
        state.and_then(|folder| remembered::read::<Measured>(folder, FILE)).filter(|known| known.of == of)
    {
        let why = reason(&adapter, &known);
        if !known.is_gpu_faster() {
            return Ok(Opened::with(open_cpu()?, why, false));
        }
        return match open_gpu() {
            Ok(engine) => Ok(Opened::with(engine, why, false)),
            // It answered when it was measured: something has changed, and whoever reads this must know.
            Err(error) => {
                let why = format!("`{adapter}` was faster when it was measured and cannot be opened now: {error}");
                Ok(Opened::with(open_cpu()?, why, true))
            }
        };
    }
    let mut cpu = open_cpu()?;
    let graphics = open_gpu().and_then(|mut engine| {
        let time = least(&mut engine)?;
        Ok((engine, time))
    });
    let gpu_ms = graphics.as_ref().ok().map(|(_, time)| milliseconds(*time));
    let measured = Measured { of, cpu_ms: milliseconds(least(&mut cpu)?), gpu_ms };
    if let Some(folder) = state {
        remembered::write(folder, FILE, &measured);
    }
    let why = reason(&adapter, &measured);
    Ok(match graphics {
        Ok((engine, _)) if measured.is_gpu_faster() => Opened::with(engine, why, true),
        _ => Opened::with(cpu, why, true),
    })
}

fn open_gpu(plan: &Plan, choice: &AdapterChoice, state: Option<&Path>) -> Result<GpuEngine, EngineError> {
    Ok(GpuEngine::new(plan, Arithmetic::Int8, choice.clone(), state)?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;
    use clothingid_shared::embedding::ArithmeticClass;
    use clothingid_shared::files::write_atomic;

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
        let read = || remembered::read::<Measured>(folder.path(), FILE);
        assert_eq!(read(), None);
        let some = measured(1.0, Some(2.0));
        remembered::write(folder.path(), FILE, &some);
        assert_eq!(read(), Some(some));
        write_atomic(&folder.path().join(FILE), b"{").unwrap();
        assert_eq!(read(), None);
    }

    #[test]
    fn it_answers_in_integers_and_says_why() {
        let opened = open(&read_bundle(None).unwrap(), 1, None).unwrap();
        assert_eq!(opened.engine.arithmetic(), ArithmeticClass::Int8);
        assert!(opened.why.is_some_and(|why| !why.reason.is_empty()));
    }
}
