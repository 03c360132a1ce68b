//! One import at a time, on a thread of its own: tried first, shown, and made when the staff say so. It is the import of the command line.

mod source;

use super::books::WHO;
use super::incoming;
use crate::catalogue::Store;
use crate::catalogue::csv::Problem;
use crate::catalogue::edition;
use crate::catalogue::edition::write::Written;
use crate::catalogue::import::{Change, Committed, Plan, Progress, Step, Summary};
use crate::pipeline::in_words;
use clothingid_shared::day::day_of;
pub use source::{Into, Source};
use source::{what, with_import};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Where the import is.
#[derive(Debug)]
pub struct Importing {
    place: PathBuf,
    state: Mutex<State>,
    stop: AtomicBool,
}

/// One that was tried and left for so long is forgotten, with what was received for it.
const LEFT: Duration = Duration::from_secs(3600);

/// Where the import is.
#[derive(Debug, Default)]
enum State {
    /// There is none.
    #[default]
    Idle,
    /// It is being tried, or made.
    Working(Working),
    /// It was tried, and when: this is what it would do.
    Tried(Arc<Source>, Arc<Plan>, Instant),
    /// The catalogue was copied.
    Copied(PathBuf, Written),
    /// It was made, or not to its end.
    Done(String, Arc<Summary>, Option<i64>),
    /// It cannot be made: what, of what, and why.
    Failed(Doing, String, String),
}

/// An import that is under way.
#[derive(Debug, Clone, Default)]
pub struct Working {
    /// The table's name.
    pub name: String,
    /// What is done with it.
    pub doing: Doing,
    /// Photographs that are to be embedded; nothing while the table is being compared.
    pub total: Option<usize>,
    /// Photographs that are embedded.
    pub embedded: usize,
    /// Products that are on the disk.
    pub stored: usize,
    /// Whether it was told to stop.
    pub is_stopping: bool,
}

/// What is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doing {
    /// An import is tried.
    #[default]
    Trying,
    /// An import is made.
    Making,
    /// The catalogue is copied.
    Copying,
}

/// Where the import is, for a page.
#[derive(Debug, Clone)]
pub enum Shown {
    /// There is none.
    Idle,
    /// It is being tried, or made.
    Working(Working),
    /// What it would do.
    Tried(String, Arc<Plan>),
    /// Where the catalogue was copied to, and how much of it.
    Copied(PathBuf, Written),
    /// What it did, and the number of the change.
    Done(String, Arc<Summary>, Option<i64>),
    /// Why it cannot be made.
    Failed(Doing, String, String),
}

/// There is an import already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Importing {
    /// None yet; what an earlier program has received and not imported is removed.
    #[must_use]
    pub fn new(place: PathBuf) -> Self {
        incoming::sweep(&place);
        Self { place, state: Mutex::default(), stop: AtomicBool::new(false) }
    }

    /// Where uploads are received.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Where the import is.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match &*self.state() {
            State::Idle => Shown::Idle,
            State::Working(working) => {
                let is_stopping = self.stop.load(Ordering::Relaxed);
                Shown::Working(Working { is_stopping, ..working.clone() })
            }
            State::Tried(source, plan, _) => Shown::Tried(source.name(), Arc::clone(plan)),
            State::Copied(path, written) => Shown::Copied(path.clone(), *written),
            State::Done(name, summary, change) => Shown::Done(name.clone(), Arc::clone(summary), *change),
            State::Failed(doing, name, words) => Shown::Failed(*doing, name.clone(), words.clone()),
        }
    }

    /// Whether one is under way.
    #[must_use]
    pub fn is_working(&self) -> bool {
        matches!(*self.state(), State::Working(_))
    }

    /// Tries an import on a thread of its own: nothing is changed.
    ///
    /// # Errors
    /// One is under way.
    pub fn try_out(self: &Arc<Self>, source: Source, into: Into) -> Result<(), Busy> {
        let name = source.name();
        self.begin(&name, Doing::Trying)?;
        let (importing, source) = (Arc::clone(self), Arc::new(source));
        self.spawn(Doing::Trying, name.clone(), move || {
            let mut follow = Follow(&importing);
            let plan = with_import(&source, &into, &importing.stop, |import| {
                import.dry_run(&mut follow).map_err(|error| in_words(&error))
            });
            match plan {
                Ok(plan) => State::Tried(source, Arc::new(plan), Instant::now()),
                Err(words) => State::Failed(Doing::Trying, name, words),
            }
        });
        Ok(())
    }

    /// Makes the import that was tried.
    ///
    /// # Errors
    /// None was tried, or one is under way.
    pub fn make(self: &Arc<Self>, into: Into) -> Result<(), Busy> {
        let source = match &*self.state() {
            State::Tried(source, ..) => Arc::clone(source),
            _ => return Err(Busy),
        };
        let name = source.name();
        self.begin(&name, Doing::Making)?;
        let importing = Arc::clone(self);
        self.spawn(Doing::Making, name.clone(), move || {
            let mut follow = Follow(&importing);
            let made = with_import(&source, &into, &importing.stop, |import| {
                import.run(&mut follow).map_err(|error| in_words(&error))
            });
            match made {
                Ok(summary) => {
                    let books = super::Books::new(into.catalogue.clone());
                    let newest = books.changes(1).ok().and_then(|changes| changes.into_iter().next());
                    let what = what(&name);
                    let change = newest.filter(|change| change.who == WHO && change.what == what);
                    State::Done(name, Arc::new(summary), change.map(|change| change.number))
                }
                Err(words) => State::Failed(Doing::Making, name, words),
            }
        });
        Ok(())
    }

    /// Copies the catalogue into a folder, as an edition with what the staff have said of pictures. The file has the day in its name; one that
    /// is there is never overwritten.
    ///
    /// # Errors
    /// An import is under way.
    pub fn copy(self: &Arc<Self>, folder: PathBuf, catalogue: PathBuf) -> Result<(), Busy> {
        let name = folder.display().to_string();
        self.begin(&name, Doing::Copying)?;
        self.spawn(Doing::Copying, name.clone(), move || {
            let day = day_of(SystemTime::now());
            let names = (1..1000).map(|number| match number {
                1 => format!("clothingid-{day}.edition"),
                _ => format!("clothingid-{day}-{number}.edition"),
            });
            let Some(path) = names.map(|name| folder.join(name)).find(|path| !path.exists()) else {
                return State::Failed(Doing::Copying, name, "there are too many copies of today".to_owned());
            };
            let copy = || edition::write::copy(&Store::open(&catalogue)?, &path);
            match copy() {
                Ok(written) => State::Copied(path, written),
                Err(error) => State::Failed(Doing::Copying, name, in_words(&error)),
            }
        });
        Ok(())
    }

    /// Stops one that is under way after the batch that has begun.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Forgets one that is not under way, and what was received for it.
    pub fn forget(&self) {
        self.forget_if(|state| !matches!(state, State::Working(_)));
    }

    /// Forgets one that was tried and then left, and what was received for it.
    pub fn sweep(&self, now: Instant) {
        self.forget_if(
            |state| matches!(state, State::Tried(_, _, tried) if now.saturating_duration_since(*tried) >= LEFT),
        );
    }

    fn forget_if(&self, is_to_go: impl FnOnce(&State) -> bool) {
        let mut state = self.state();
        if is_to_go(&state) {
            let before = mem::take(&mut *state);
            drop(state);
            let_go(before);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, name: &str, doing: Doing) -> Result<(), Busy> {
        let mut state = self.state();
        if matches!(*state, State::Working(_)) {
            return Err(Busy);
        }
        self.stop.store(false, Ordering::Relaxed);
        let working = State::Working(Working { name: name.to_owned(), doing, ..Working::default() });
        let before = mem::replace(&mut *state, working);
        drop(state);
        let_go(before);
        Ok(())
    }

    fn spawn(self: &Arc<Self>, doing: Doing, name: String, work: impl FnOnce() -> State + Send + 'static) {
        let importing = Arc::clone(self);
        let run = move || {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let done = done.unwrap_or_else(|_| State::Failed(doing, name, "a fault in the program".to_owned()));
            *importing.state() = done;
        };
        if let Err(error) = thread::Builder::new().name("import".to_owned()).spawn(run) {
            *self.state() = State::Failed(doing, String::new(), error.to_string());
        }
    }
}

/// Lets go of what was received, which may be thousands of files: not under the lock, and not on the page's own thread.
fn let_go(before: State) {
    if matches!(before, State::Tried(..)) {
        // Without a thread it is removed here, and without that at the next start.
        let _ = thread::Builder::new().name("remove".to_owned()).spawn(move || drop(before));
    }
}

/// Notes how far it is.
struct Follow<'a>(&'a Importing);

impl Follow<'_> {
    fn note(&self, note: impl FnOnce(&mut Working)) {
        if let State::Working(working) = &mut *self.0.state() {
            note(working);
        }
    }
}

impl Progress for Follow<'_> {
    fn comparing(&mut self, _photos: usize) {}

    fn planned(&mut self, plan: &Plan) {
        self.note(|working| working.total = Some(plan.embed_count()));
    }

    fn came_meanwhile(&mut self, photos: usize) {
        self.note(|working| working.total = working.total.map(|total| total + photos));
    }

    fn embedded(&mut self) {
        self.note(|working| working.embedded += 1);
    }

    fn committed(&mut self, committed: &Committed<'_>) {
        self.note(|working| working.stored += committed.products.len());
    }
}

/// What a step of a plan is, for a page: columns that differ, photographs that come, photographs that go.
#[must_use]
pub fn of_step(step: &Step) -> (Option<&[&'static str]>, usize, usize) {
    let columns = match &step.change {
        Change::New => None,
        Change::Changed(columns) => Some(columns.as_slice()),
    };
    (columns, step.added().count(), step.remove.len())
}

/// Where a bad row is, for a page: its line where it is one of a table, the column's name, the product.
#[must_use]
pub fn of_problem(problem: &Problem) -> (Option<u64>, Option<String>, Option<&str>) {
    let line = (problem.line > 0).then_some(problem.line);
    (line, problem.column.map(|column| column.to_string()), problem.sku.as_deref())
}
