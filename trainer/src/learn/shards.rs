//! One batch on several threads: each takes a piece of it through the network and back, and the gradients are added.
//!
//! libtorch can spread each layer over threads itself, but then all of them meet after every layer, and one that another program
//! holds up holds up all (on two busy cores: 15 photos a second so, against 47 on one thread). Here they meet once a step. Batch
//! norm must not mix the photographs of a batch then: [`Statistics::Batch`] runs in one piece, on libtorch's own threads, and
//! [`Statistics::Pieces`] takes each piece for itself.

use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use tch::Tensor;

use super::LearnError;
use super::objective::{Objective, Targets};
use super::pairs::Pull;
use crate::network::{Network, NodeId, Pass, Statistics};

/// What a thread is asked to do with its piece of pictures `[n, S, S, 3] u8`.
enum Job {
    Learn {
        pictures: Tensor,
        targets: Arc<Targets>,
        range: Range<usize>,
        has_pairs: bool,
    },
    /// The second half of a piece whose embeddings were asked for: their gradient.
    Pull(Tensor),
    Evaluate {
        pictures: Tensor,
        wanted: Vec<NodeId>,
    },
}

/// What it gives back.
enum Done {
    Embedded(Tensor),
    Learnt { gradient: Tensor, loss: f64, parts: Vec<(&'static str, f64)> },
    Evaluated(Vec<Tensor>),
}

/// The gradient of a batch.
#[derive(Debug)]
pub struct BatchGradient {
    /// Of the flat weights.
    pub gradient: Tensor,
    /// The batch's loss.
    pub loss: f64,
    /// Its parts before weighting.
    pub parts: Vec<(&'static str, f64)>,
}

/// Threads that each hold a handle on the same network.
#[derive(Debug)]
pub struct Shards {
    workers: Vec<(Sender<Job>, Receiver<Done>)>,
    threads: Vec<JoinHandle<()>>,
}

impl Shards {
    /// Starts `threads` threads, or one where batch norm needs the whole batch.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(
        network: &Network,
        objective: &Objective,
        statistics: Statistics,
        threads: usize,
    ) -> Result<Self, LearnError> {
        let is_whole = statistics == Statistics::Batch || network.device() != tch::Device::Cpu;
        let pieces = if is_whole { 1 } else { threads.max(1) };
        tch::set_num_threads(i32::try_from(if is_whole { threads.max(1) } else { 1 }).unwrap_or(1));
        let mut shards = Self { workers: Vec::new(), threads: Vec::new() };
        for number in 0..pieces {
            let (ask, asked) = bounded::<Job>(1);
            let (give, given) = bounded::<Done>(1);
            let (network, objective) = (network.replica(number == 0), objective.clone());
            let work = move || {
                for job in &asked {
                    // Where an answer or a further job cannot be given, nobody waits for this thread any longer.
                    let Some(done) = perform(&network, &objective, statistics, job, (&asked, &give)) else { return };
                    if give.send(done).is_err() {
                        return;
                    }
                }
            };
            let thread =
                std::thread::Builder::new().name(format!("shard-{number}")).spawn(work).map_err(LearnError::Spawn)?;
            shards.threads.push(thread);
            shards.workers.push((ask, given));
        }
        Ok(shards)
    }

    /// Equal pieces of `length`, in order; the first ones are longer by one where it does not divide.
    fn pieces(&self, length: usize) -> Vec<Range<usize>> {
        let n = self.workers.len().max(1);
        let mut start = 0;
        (0..n)
            .map(|piece| {
                let end = start + length / n + usize::from(piece < length % n);
                let range = start..end;
                start = end;
                range
            })
            .collect()
    }

    /// The gradient of a batch of pictures `[N, S, S, 3] u8`. `pull` is given the embeddings of the whole batch, `[N, 256]`, where its
    /// pairs are to be learnt from.
    ///
    /// # Errors
    /// A thread ended.
    pub fn learn(
        &self,
        pictures_nhwc: &Tensor,
        targets: Targets,
        pull: Option<&mut dyn FnMut(&Tensor) -> Pull>,
    ) -> Result<BatchGradient, LearnError> {
        let has_pairs = pull.is_some();
        let targets = Arc::new(targets);
        let pieces: Vec<_> = self.pieces(length(pictures_nhwc)).into_iter().filter(|range| !range.is_empty()).collect();
        for ((ask, _), range) in self.workers.iter().zip(&pieces) {
            let pictures = piece_of(pictures_nhwc, range);
            ask.send(Job::Learn { pictures, targets: Arc::clone(&targets), range: range.clone(), has_pairs })
                .map_err(|_| LearnError::Thread)?;
        }
        let pairs_loss = match pull {
            Some(pull) => Some(self.pull(&pieces, pull)?),
            None => None,
        };
        let mut sum: Option<BatchGradient> = None;
        for ((_, given), _) in self.workers.iter().zip(&pieces) {
            let Ok(Done::Learnt { gradient, loss, parts }) = given.recv() else { return Err(LearnError::Thread) };
            sum = Some(match sum {
                None => BatchGradient { gradient, loss, parts },
                Some(before) => BatchGradient {
                    gradient: before.gradient + gradient,
                    loss: before.loss + loss,
                    parts: before.parts.into_iter().zip(parts).map(|((name, a), (_, b))| (name, a + b)).collect(),
                },
            });
        }
        let mut sum = sum.ok_or(LearnError::Thread)?;
        sum.parts.extend(pairs_loss.map(|loss| ("metric", loss)));
        Ok(sum)
    }

    /// Brings the pieces' embeddings together and gives each piece the gradient of its own; the pairs' loss.
    fn pull(&self, pieces: &[Range<usize>], pull: &mut dyn FnMut(&Tensor) -> Pull) -> Result<f64, LearnError> {
        let mut embeddings = Vec::new();
        for ((_, given), _) in self.workers.iter().zip(pieces) {
            let Ok(Done::Embedded(embedding)) = given.recv() else { return Err(LearnError::Thread) };
            embeddings.push(embedding);
        }
        let Pull { loss, gradient } = pull(&Tensor::cat(&embeddings, 0));
        for ((ask, _), range) in self.workers.iter().zip(pieces) {
            ask.send(Job::Pull(piece_of(&gradient, range))).map_err(|_| LearnError::Thread)?;
        }
        Ok(loss)
    }

    /// What the wanted nodes give for pictures `[N, S, S, 3] u8`, without gradients.
    ///
    /// # Errors
    /// A thread ended.
    pub fn evaluate(&self, pictures_nhwc: &Tensor, wanted: &[NodeId]) -> Result<Vec<Tensor>, LearnError> {
        let pieces: Vec<_> = self.pieces(length(pictures_nhwc)).into_iter().filter(|range| !range.is_empty()).collect();
        for ((ask, _), range) in self.workers.iter().zip(&pieces) {
            let job = Job::Evaluate { pictures: piece_of(pictures_nhwc, range), wanted: wanted.to_vec() };
            ask.send(job).map_err(|_| LearnError::Thread)?;
        }
        let mut results: Vec<Vec<Tensor>> = wanted.iter().map(|_| Vec::new()).collect();
        for ((_, given), _) in self.workers.iter().zip(&pieces) {
            let Ok(Done::Evaluated(tensors)) = given.recv() else { return Err(LearnError::Thread) };
            results.iter_mut().zip(tensors).for_each(|(all, tensor)| all.push(tensor));
        }
        Ok(results.iter().map(|pieces| Tensor::cat(pieces, 0)).collect())
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.workers.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn length(pictures_nhwc: &Tensor) -> usize {
    pictures_nhwc.size().first().and_then(|&n| usize::try_from(n).ok()).unwrap_or(0)
}

fn piece_of(rows: &Tensor, range: &Range<usize>) -> Tensor {
    let (start, len) = (i64::try_from(range.start).unwrap_or(0), i64::try_from(range.len()).unwrap_or(0));
    rows.narrow(0, start, len)
}

/// Does a job; none where the other side is gone in the middle of it.
fn perform(
    network: &Network,
    objective: &Objective,
    statistics: Statistics,
    job: Job,
    (asked, give): (&Receiver<Job>, &Sender<Done>),
) -> Option<Done> {
    match job {
        Job::Learn { pictures, targets, range, has_pairs } => {
            let views = network.layout().views(network.flat());
            let wanted = objective.wanted(network.graph());
            let results = network.run(&views, &pictures, Pass::Train { statistics }, &wanted);
            let mut loss = objective.loss(&targets, range, &results, &views);
            let value = loss.total.double_value(&[]);
            if let (true, Some(embedding)) = (has_pairs, results.get(2)) {
                give.send(Done::Embedded(embedding.detach())).ok()?;
                let Ok(Job::Pull(gradient)) = asked.recv() else { return None };
                // A sum whose gradient with regard to the embedding is the one that was worked out over the whole batch.
                loss.total += (embedding * gradient).sum(tch::Kind::Float);
            }
            let mut gradients = Tensor::run_backward(&[loss.total], &[network.flat()], false, false);
            let gradient = gradients.pop().unwrap_or_default();
            Some(Done::Learnt { gradient, loss: value, parts: loss.parts })
        }
        // Only ever sent in the middle of a piece.
        Job::Pull(_) => None,
        Job::Evaluate { pictures, wanted } => Some(Done::Evaluated(network.evaluate_nodes(&pictures, &wanted))),
    }
}
