//! Which tiles are fastest on this adapter: measured at first start, remembered with adapter, driver and network.
//!
//! From the default on, one thing after the other is changed: the shape of tiles, the products, the depthwise tiles. Every candidate loads the
//! whole network, runs it a few times on an empty picture, and its fastest run counts: other programs only make runs slower. Whatever is chosen, the integers are the same.

use super::GpuError;
use super::arithmetic::Arithmetic;
use super::engine::{Device, Loaded, Progress};
use super::recording::Recording;
use super::tiles::{DEFAULT, SEARCH, Tiles};
use crate::network::Answer;
use crate::network::plan::{Plan, ValueId};
use crate::network::remembered;
use clothingid_shared::files::sha256_hex;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The file in the state folder.
const FILE: &str = "gpu-tiles.json";

/// The form of the file; another one is measured anew.
const VERSION: u32 = 3;

/// Runs that are measured, after one that warms up.
const RUNS: usize = 5;

/// What was measured so far.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Memory {
    version: u32,
    measured: Vec<Measured>,
}

/// The winner on one adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    #[serde(flatten)]
    of: Key,
    tiles: Tiles,
    /// What a frame took.
    best_ms: f64,
}

/// What the winner depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    adapter: String,
    driver: String,
    arithmetic: Arithmetic,
    /// First digits of the printed plan's hash.
    network: String,
    /// The program's version: its kernels.
    program: String,
}

/// The tiles that are fastest on a device: remembered, or measured now.
///
/// # Errors
/// The device cannot run the plan.
pub(super) fn tiles(
    device: &Arc<Device>,
    plan: &Plan,
    arithmetic: Arithmetic,
    state: Option<&Path>,
) -> Result<Tiles, GpuError> {
    let hash = sha256_hex(plan.to_string().as_bytes());
    let key = Key {
        adapter: device.adapter().to_string(),
        driver: device.driver().to_string(),
        arithmetic,
        network: hash.get(..16).unwrap_or(&hash).to_string(),
        program: env!("CARGO_PKG_VERSION").to_string(),
    };
    let is_possible = |tiles: &Tiles| device.limits().shader_f16 || !tiles.half_products;
    let mut memory = state.map(read).unwrap_or_default();
    let is_known = |measured: &&Measured| measured.of == key && is_possible(&measured.tiles);
    if let Some(known) = memory.measured.iter().find(is_known) {
        return Ok(known.tiles);
    }
    let (tiles, best) = fastest(device, plan, arithmetic, is_possible)?;
    // One entry an adapter and arithmetic: an old driver or network does not come back.
    memory.measured.retain(|known| (&known.of.adapter, known.of.arithmetic) != (&key.adapter, arithmetic));
    memory.measured.push(Measured { of: key, tiles, best_ms: best.as_secs_f64() * 1e3 });
    if let Some(folder) = state {
        write(folder, &memory);
    }
    Ok(tiles)
}

/// The fastest tiles, and what a frame took with them: from the default on, one thing after the other.
fn fastest(
    device: &Arc<Device>,
    plan: &Plan,
    arithmetic: Arithmetic,
    is_possible: impl Fn(&Tiles) -> bool,
) -> Result<(Tiles, Duration), GpuError> {
    let possible = |variants: fn(Tiles, Arithmetic) -> Vec<Tiles>, best: Tiles| {
        let all = variants(best, arithmetic).into_iter();
        all.filter(&is_possible).collect::<Vec<Tiles>>()
    };
    let count = 1 + SEARCH.iter().map(|variants| possible(*variants, DEFAULT).len()).sum::<usize>();
    let progress = Progress::new(format!("first start on `{}`: measuring kernels", device.adapter()), count);
    let frame_time = |tiles: &Tiles| {
        let time = frame_time(device, plan, arithmetic, tiles);
        progress.step();
        time
    };
    let mut best = (DEFAULT, frame_time(&DEFAULT)?);
    for variants in SEARCH {
        for tiles in possible(variants, best.0) {
            let time = frame_time(&tiles)?;
            if time < best.1 {
                best = (tiles, time);
            }
        }
    }
    Ok(best)
}

/// The least time that a frame takes with some tiles.
fn frame_time(device: &Arc<Device>, plan: &Plan, arithmetic: Arithmetic, tiles: &Tiles) -> Result<Duration, GpuError> {
    let recording = Recording::new(plan, arithmetic, tiles)?;
    let mut loaded = Loaded::new(device.clone(), &recording, &Progress::hidden())?;
    let picture = vec![0; plan.value(ValueId(0)).shape.len()];
    let mut answer = Answer::default();
    loaded.run(&picture, &mut answer)?;
    let mut least = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        loaded.run(&picture, &mut answer)?;
        least = least.min(started.elapsed());
    }
    Ok(least)
}

/// What is remembered; nothing when the file is of another version: then it is measured again.
fn read(folder: &Path) -> Memory {
    remembered::read(folder, FILE).filter(|memory: &Memory| memory.version == VERSION).unwrap_or_default()
}

fn write(folder: &Path, memory: &Memory) {
    remembered::write(folder, FILE, &Memory { version: VERSION, measured: memory.measured.clone() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::{read_text, write_atomic};

    #[test]
    fn a_torn_or_newer_file_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Memory::default());
        let key = Key {
            adapter: "a".into(),
            driver: "d".into(),
            arithmetic: Arithmetic::Int8,
            network: "n".into(),
            program: "1".into(),
        };
        let measured = vec![Measured { of: key, tiles: DEFAULT, best_ms: 1.5 }];
        write(folder.path(), &Memory { version: 0, measured: measured.clone() });
        assert_eq!(read(folder.path()), Memory { version: VERSION, measured });
        let text = read_text(&folder.path().join(FILE)).unwrap();
        for bad in
            [text.replace(&format!("\"version\": {VERSION}"), "\"version\": 99"), text[..text.len() / 2].to_string()]
        {
            write_atomic(&folder.path().join(FILE), bad.as_bytes()).unwrap();
            assert_eq!(read(folder.path()), Memory::default());
        }
    }
}
