//! Batches of photographs on several threads, each with its own copy of a network's tensors.
//!
//! libtorch's own threads wait for each other in every layer; on cores that others use too, that wait is most of the time. Whole batches
//! on threads that compute alone need no waiting (measured on two busy cores: 5 photographs a second against 40).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::answers::NamedAnswers;
use super::error::ExportError;

/// How many threads are worth having.
#[must_use]
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A batch's place with what came of it.
type Numbered = (usize, Result<Vec<NamedAnswers>, ExportError>);

/// Runs batches in parallel, one worker a thread, and returns the answers in the order of the pictures; `done` gets the number of
/// pictures after each batch.
///
/// # Errors
/// The first batch that failed.
pub fn in_batches<P: Sync, W: Send>(
    pictures: &[P],
    batch: usize,
    workers: Vec<W>,
    run: impl Fn(&W, &[P]) -> Result<Vec<NamedAnswers>, ExportError> + Sync,
    done: impl Fn(usize) + Sync,
) -> Result<Vec<NamedAnswers>, ExportError> {
    let batches: Vec<&[P]> = pictures.chunks(batch.max(1)).collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Numbered>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in workers {
            let (batches, next, results, run, done) = (&batches, &next, &results, &run, &done);
            scope.spawn(move || {
                tch::set_num_threads(1);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(pictures) = batches.get(index) else { break };
                    let result = run(&worker, pictures);
                    done(pictures.len());
                    if let Ok(mut results) = results.lock() {
                        results.push((index, result));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    let mut answers = Vec::with_capacity(pictures.len());
    for (_, result) in results {
        answers.extend(result?);
    }
    Ok(answers)
}
