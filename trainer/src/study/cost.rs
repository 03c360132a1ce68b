//! What the cells that are left will take, before the first one starts.
//!
//! A few steps of the fine-tuning, and a look at the select part, are timed once for each backbone and each kind of batch norm; a cell's time is its pictures by that,
//! larger pictures by their area. It is said to people and decides nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::StudyError;
use super::recipe::{Arm, Course};
use super::run::Bench;
use crate::import::Part;
use crate::learn::cost;
use crate::learn::recipe::Stage;
use crate::learn::training::{Setup, StageName};
use crate::network::backbones::BackboneName;
use crate::network::{Statistics, heads};
use crate::pack::Pack;

/// The time of all `cells` (arm and fold). None on a graphics card, of which a few steps say little, and where nothing is left.
///
/// # Errors
/// A photograph cannot be read, or there are no weights to start from.
pub fn of_cells(bench: &Bench<'_>, cells: &[(&Arm, usize)]) -> Result<Option<Duration>, StudyError> {
    let Some(&(_, fold)) = cells.first() else { return Ok(None) };
    let pack = Arc::new(bench.fold(fold)?);
    let mut timed: Vec<((BackboneName, Statistics), f64)> = Vec::new();
    let mut seconds = 0.0;
    for &(arm, _) in cells {
        let stage = Stage { epochs: 1, ..bench.recipe.tuning(arm, &bench.recipe.finetune, 1.0) };
        let key = (arm.backbone, stage.statistics);
        let known = timed.iter().find(|(of, _)| *of == key).map(|&(_, seconds)| seconds);
        let a_value = match known {
            Some(seconds) => seconds,
            None => {
                let graph = heads::with_heads(arm.backbone.build(), pack.taxonomies().classes());
                let setup = Setup {
                    name: StageName::Finetune,
                    stage: &stage,
                    pack: &pack,
                    seed: bench.recipe.seed,
                    device: bench.device,
                    threads: bench.threads,
                    folder: Path::new(""),
                    resume: false,
                    stop_after: None,
                    interrupted: bench.interrupted,
                };
                let Some(time) = cost::time(&setup, &graph, &bench.start(arm, fold, &graph)?, 0)? else {
                    return Ok(None);
                };
                // One epoch, with its look at the select part.
                #[expect(clippy::cast_precision_loss, reason = "counts are small")]
                let a_value = time.as_secs_f64() / (pictures(&stage, &pack) as f64 * area(stage.side));
                timed.push((key, a_value));
                a_value
            }
        };
        seconds += a_value * values(bench, arm);
    }
    Ok(Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
}

/// Pixels that a cell learns from, and a third of those that it only looks at: there is no way back.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn values(bench: &Bench<'_>, arm: &Arm) -> f64 {
    let recipe = bench.recipe;
    let looks = if arm.course == Course::Frozen { bench.photos.len() } else { bench.photos.len() / recipe.folds };
    recipe.pictures(arm) as f64 * area(recipe.finetune.side) + looks as f64 / 3.0 * area(recipe.report_side)
}

/// Pictures that an epoch learns from.
fn pictures(stage: &Stage, pack: &Pack) -> usize {
    stage.sampling.samples.unwrap_or_else(|| pack.rows_in(Part::Train).len()) * stage.views
}

/// Pixels of a square picture.
fn area(side: u32) -> f64 {
    f64::from(side).powi(2)
}
