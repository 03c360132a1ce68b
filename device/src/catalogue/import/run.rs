//! Doing what the plan says: batches of products, embedded by all threads, committed one by one.
//!
//! The thread that calls hands out photographs, collects embeddings and writes; the others read, decode and embed.
//! While one batch is being committed the next is being embedded, so no thread waits for the disk.

use super::batches::{Unit, batches};
use super::embed::{Embedder, embed};
use super::evidence;
use super::plan::{Change, Plan, Step, StepPhoto, photo_problem, unusable};
use super::{EmbedError, Import, ImportError, Progress};
use crate::catalogue::PhotoId;
use crate::catalogue::csv::{Problem, ProblemKind};
use crate::catalogue::photos::PhotoSource;
use crate::catalogue::store::{Damage, Embedded, PhotoWrite, ProductWrite, Store};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Batches in work at a time.
const OPEN_BATCHES: usize = 2;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Products that were not there.
    pub new: usize,
    /// Products that were there in another form.
    pub changed: usize,
    /// Products that were there as the file says.
    pub unchanged: usize,
    /// Stored products that the file does not list.
    pub kept: Vec<String>,
    /// Stored products that were removed.
    pub removed: usize,
    /// Photographs that were stored.
    pub photos: usize,
    /// Pictures of a counter that are evidence now and were not before.
    pub evidence: usize,
    /// Stored photographs that were embedded with the network in use.
    pub reembedded: usize,
    /// Rows that could not be used.
    pub problems: Vec<Problem>,
    /// Stored photographs that could not be embedded because they are damaged.
    pub damage: Vec<Damage>,
    /// Stored photographs that got no embedding: damaged, or nothing that this network can use.
    pub unusable: BTreeSet<PhotoId>,
    /// Stopped before the end; the same command goes on.
    pub is_interrupted: bool,
}

/// What one transaction put on the disk.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// The products, in the file's order.
    pub products: &'a [ProductWrite],
    /// How many of their photographs were added.
    pub photos: usize,
    /// How many stored photographs were embedded anew.
    pub reembedded: usize,
}

/// Where a job belongs: batch, unit of the batch, photograph of the unit.
type Place = (usize, usize, usize);

/// One photograph to embed.
struct Job {
    place: Place,
    name: String,
    key: String,
    /// The bytes of a stored photograph; another one is read by the thread itself.
    stored: Option<Vec<u8>>,
}

/// The bytes to be stored (none where they are) and the embedding.
type Outcome = Result<(Vec<u8>, Embedded), ProblemKind>;

/// A batch in work.
struct Open {
    units: Vec<Unit>,
    waiting: usize,
    outcomes: HashMap<(usize, usize), Outcome>,
}

pub(super) fn run(
    import: &Import<'_>,
    store: &mut Store,
    plan: Plan,
    progress: &mut dyn Progress,
) -> Result<Summary, ImportError> {
    let is_change_of_network = store.hold_to_served()?.is_some_and(|served| served != *import.embedders.identity());
    let embed_count = plan.embed_count() - plan.evidence.len();
    let going = plan.going;
    let mut summary =
        Summary { unchanged: plan.unchanged, kept: plan.kept, problems: plan.problems, ..Summary::default() };
    let units = plan
        .steps
        .into_iter()
        .map(|step| Unit::Product(Box::new(step)))
        .chain(plan.reembed.into_iter().map(Unit::Reembed));
    pass(import, store, batches(units, import.photos), embed_count, &mut summary, progress)?;

    if !summary.is_interrupted {
        summary.removed = store.remove_all(&going)?;
        if is_change_of_network {
            take_over(import, store, &mut summary, progress)?;
        }
    }
    if !summary.is_interrupted {
        evidence::keep(import, store, plan.evidence, &mut summary, progress)?;
    }
    summary.problems.sort_by_key(|p| p.line);
    Ok(summary)
}

/// Serves the embeddings of the network in use. What somebody has stored meanwhile with another one is embedded first, again and again until
/// nothing is left: the old embeddings have then done their service.
fn take_over(
    import: &Import<'_>,
    store: &mut Store,
    summary: &mut Summary,
    progress: &mut dyn Progress,
) -> Result<(), ImportError> {
    let identity = import.embedders.identity();
    while !summary.is_interrupted && store.served()?.is_some_and(|served| served != *identity) {
        let mut lacking = store.serve_if_whole(identity, &summary.unusable)?;
        lacking.retain(|id| !summary.unusable.contains(id));
        if lacking.is_empty() {
            break;
        }
        progress.came_meanwhile(lacking.len());
        let count = lacking.len();
        let batches = batches(lacking.into_iter().map(Unit::Reembed), import.photos);
        pass(import, store, batches, count, summary, progress)?;
    }
    Ok(())
}

/// Goes once through these batches, with threads for so many photographs.
fn pass(
    import: &Import<'_>,
    store: &mut Store,
    batches: VecDeque<Vec<Unit>>,
    embed_count: usize,
    summary: &mut Summary,
    progress: &mut dyn Progress,
) -> Result<(), ImportError> {
    let embedders = embedders(import, embed_count)?;
    // Enough jobs that no thread waits, few enough that the photographs in memory are bounded.
    let (jobs, taken) = sync_channel::<Job>(embedders.len() * 2 + 1);
    let (results, collected) = channel();
    let taken = Mutex::new(taken);
    std::thread::scope(|scope| {
        for mut embedder in embedders {
            let (results, taken) = (results.clone(), &taken);
            scope.spawn(move || work(embedder.as_mut(), import.photos, taken, &results));
        }
        drop(results);
        // `jobs` is dropped with the writer, and with it the threads end.
        let writer = Writer { import, store, summary, jobs, collected, progress };
        writer.write(batches)
    })
}

/// Opens as many embedders as there is work for, at the same time.
fn embedders<'i>(import: &Import<'i>, photos: usize) -> Result<Vec<Box<dyn Embedder + 'i>>, ImportError> {
    let count = import.threads.clamp(1, 256).min(photos);
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..count).map(|_| scope.spawn(|| import.embedders.open())).collect();
        opening
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(opened) => opened.map_err(ImportError::Embed),
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

/// One thread: takes jobs until there are no more.
fn work(
    embedder: &mut dyn Embedder,
    photos: &dyn PhotoSource,
    jobs: &Mutex<Receiver<Job>>,
    results: &Sender<(Place, Outcome)>,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { place, name, key, stored }) = job else { return };
        let is_stored = stored.is_some();
        let bytes = stored.map_or_else(|| photos.read(&key), Ok);
        let outcome = bytes.and_then(|bytes| match embed(embedder, &bytes) {
            Ok(embedded) if is_stored => Ok((Vec::new(), embedded)),
            Ok(embedded) => Ok((bytes, embedded)),
            Err(error) => Err(unusable(&name, &error)),
        });
        if results.send((place, outcome)).is_err() {
            return;
        }
    }
}

/// The calling thread's side.
struct Writer<'a, 'i> {
    import: &'a Import<'i>,
    store: &'a mut Store,
    summary: &'a mut Summary,
    jobs: SyncSender<Job>,
    collected: Receiver<(Place, Outcome)>,
    progress: &'a mut dyn Progress,
}

impl Writer<'_, '_> {
    fn write(mut self, mut batches: VecDeque<Vec<Unit>>) -> Result<(), ImportError> {
        let mut open: VecDeque<Open> = VecDeque::new();
        // The number of the batch at the front of `open`.
        let mut first = 0;
        loop {
            while open.len() < OPEN_BATCHES && !self.import.stop.load(Ordering::Relaxed) {
                let Some(units) = batches.pop_front() else { break };
                let batch = self.begin(first + open.len(), units)?;
                open.push_back(batch);
            }
            let Some(mut batch) = open.pop_front() else { break };
            while batch.waiting > 0 {
                let ((number, unit, photo), outcome) = self.collected.recv().map_err(|_| gone())?;
                self.progress.embedded();
                let of = if number == first { Some(&mut batch) } else { open.get_mut(number - first - 1) };
                if let Some(of) = of {
                    of.waiting -= 1;
                    of.outcomes.insert((unit, photo), outcome);
                }
            }
            first += 1;
            self.commit(batch)?;
        }
        self.summary.is_interrupted = !batches.is_empty();
        Ok(())
    }

    /// Hands out a batch's photographs.
    fn begin(&mut self, number: usize, units: Vec<Unit>) -> Result<Open, ImportError> {
        let mut waiting = 0;
        for (unit_number, unit) in units.iter().enumerate() {
            let mut jobs = Vec::new();
            match unit {
                Unit::Product(step) => {
                    jobs.extend(step.added().map(|photo| (photo.name.clone(), photo.key.clone(), None)));
                }
                Unit::Reembed(id) => match self.store.photo_bytes(*id)? {
                    Some(Ok(bytes)) => jobs.push((format!("number {id}"), String::new(), Some(bytes))),
                    Some(Err(damage)) => self.summary.damage.push(damage),
                    None => {}
                },
            }
            for (photo, (name, key, stored)) in jobs.into_iter().enumerate() {
                let job = Job { place: (number, unit_number, photo), name, key, stored };
                self.jobs.send(job).map_err(|_| gone())?;
                waiting += 1;
            }
        }
        Ok(Open { units, waiting, outcomes: HashMap::new() })
    }

    /// Writes a batch in one transaction, then tells of it.
    fn commit(&mut self, batch: Open) -> Result<(), ImportError> {
        let Open { units, mut outcomes, .. } = batch;
        let (mut products, mut embedded) = (Vec::new(), Vec::new());
        let (mut new, mut changed, mut photos) = (0, 0, 0);
        for (number, unit) in units.into_iter().enumerate() {
            match unit {
                Unit::Reembed(id) => {
                    // Bytes that this network cannot use get no embedding, and `check` names them.
                    match outcomes.remove(&(number, 0)) {
                        Some(Ok((_, made))) => embedded.push((id, made)),
                        // One that somebody has removed meanwhile lacks nothing.
                        _ if self.store.photo(id)?.is_none() => {}
                        _ => {
                            self.summary.unusable.insert(id);
                        }
                    }
                }
                Unit::Product(step) => {
                    let is_new = step.change == Change::New;
                    let Some((write, added)) = self.product(*step, number, &mut outcomes) else { continue };
                    products.push(write);
                    photos += added;
                    *(if is_new { &mut new } else { &mut changed }) += 1;
                }
            }
        }
        if products.is_empty() && embedded.is_empty() {
            return Ok(());
        }
        self.store.commit(self.import.embedders.identity(), &products, &embedded)?;
        self.summary.new += new;
        self.summary.changed += changed;
        self.summary.photos += photos;
        self.summary.reembedded += embedded.len();
        self.progress.committed(&Committed { products: &products, photos, reembedded: embedded.len() });
        Ok(())
    }

    /// The product as it can be written, and how many photographs it gains; nothing where it is new and none of its
    /// photographs can be used.
    fn product(
        &mut self,
        step: Step,
        number: usize,
        outcomes: &mut HashMap<(usize, usize), Outcome>,
    ) -> Option<(ProductWrite, usize)> {
        let (is_due, is_without_photo) = (step.is_due(), step.is_without_photo);
        let mut photos = Vec::new();
        let mut added = 0;
        let mut remove = step.remove;
        let mut place = 0;
        let mut has_failed = false;
        for photo in step.photos {
            match photo {
                StepPhoto::Keep(id) => photos.push(PhotoWrite::Keep(id)),
                StepPhoto::Add(listed) => {
                    let outcome = outcomes.remove(&(number, place));
                    place += 1;
                    match outcome {
                        Some(Ok((bytes, embedded))) => {
                            photos.push(PhotoWrite::Add { name: listed.name, bytes, embedded });
                            added += 1;
                        }
                        Some(Err(kind)) => {
                            // The stored photographs stay: one of them may be what this row meant.
                            remove.clear();
                            has_failed = true;
                            let sku = &step.product.sku;
                            let problem = photo_problem(self.import.name, sku, &listed, kind);
                            self.summary.problems.push(problem);
                        }
                        None => {}
                    }
                }
            }
        }
        if has_failed && self.import.listing.is_all_or_nothing {
            self.summary.unchanged += usize::from(step.change != Change::New);
            return None;
        }
        if photos.is_empty() && step.change == Change::New && !is_without_photo {
            return None;
        }
        if added == 0 && remove.is_empty() && !is_due {
            self.summary.unchanged += 1;
            return None;
        }
        Some((ProductWrite { product: step.product, photos, remove }, added))
    }
}

/// The threads have ended before the work: one has panicked, and its panic is raised when the scope ends.
fn gone() -> ImportError {
    let cause: EmbedError = "the embedding threads ended early".into();
    ImportError::Embed(cause)
}
