//! The catalogue is embedded with the network in use while the appliance goes on: on one thread, after everything else that the processor does.

use super::supervise::{StageError, Stop, supervise};
use crate::catalogue::Store;
use crate::catalogue::import::{Committed, Embedders, NetworkEmbedders, Plan, Progress, Reembed, Summary};
use crate::health::{Health, Reembedding, Stage};
use crate::network::EngineChoice;
use clothingid_shared::bundle::Bundle;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The lowest priority that there is.
const LAST: i32 = 19;

/// Starts it. It may be ended at any moment: what is done is on the disk, and the next start does the rest.
///
/// **Errors** the system gives no thread.
pub fn start(
    catalogue: PathBuf,
    bundle: Arc<Bundle>,
    engine: EngineChoice,
    health: &Arc<Health>,
    stop: &Stop,
) -> std::io::Result<JoinHandle<()>> {
    let (heard, ends) = (Arc::clone(health), stop.clone());
    supervise(Stage::Reembedding, stop, health, move || work(&catalogue, &bundle, engine, &heard, &ends))
}

fn work(
    catalogue: &Path,
    bundle: &Bundle,
    engine: EngineChoice,
    health: &Health,
    stop: &Stop,
) -> Result<(), StageError> {
    // In Linux this is the thread's own, and that of the threads that it starts. Where it is refused the work is done all the same.
    let _ = rustix::process::setpriority_process(None, LAST);
    let embedders = NetworkEmbedders::new(bundle, engine)?;
    let flag = AtomicBool::new(false);
    let mut told = Told { health, stop, flag: &flag, now: Reembedding::default(), said: 0 };
    let summary = Reembed { catalogue, embedders: &embedders, threads: 1, stop: &flag }.run(&mut told)?;
    if !summary.is_interrupted {
        health.set_reembedding(None);
        let served = Store::open(catalogue)?.served()?;
        health.events.say(ended(&summary, served.as_ref() == Some(embedders.identity())));
    }
    Ok(())
}

fn ended(summary: &Summary, is_served: bool) -> String {
    let unusable = summary.unusable.len();
    let check = "`clothingid catalogue check` names them";
    match (is_served, unusable) {
        (false, 1..) => format!("not one of {unusable} photos can be embedded with the network in use: {check}"),
        (_, 1..) => format!("the catalogue is embedded but for {unusable} photos that cannot be used: {check}"),
        _ => "the catalogue is embedded with the network in use".to_owned(),
    }
}

/// Tells how far it is.
struct Told<'a> {
    health: &'a Health,
    stop: &'a Stop,
    flag: &'a AtomicBool,
    now: Reembedding,
    /// Tenths that were said.
    said: usize,
}

impl Told<'_> {
    fn tell(&mut self) {
        self.health.set_reembedding(Some(self.now));
        let Reembedding { done, photos } = self.now;
        let tenths = (done * 10).checked_div(photos).unwrap_or(0);
        if tenths > self.said && done < photos {
            self.said = tenths;
            self.health.events.say(format!("{done} of {photos} photos of the catalogue are embedded"));
        }
    }
}

impl Progress for Told<'_> {
    fn comparing(&mut self, _photos: usize) {}

    fn planned(&mut self, plan: &Plan) {
        self.now.photos = plan.embed_count();
        self.tell();
    }

    fn came_meanwhile(&mut self, photos: usize) {
        self.now.photos += photos;
        self.tell();
    }

    fn embedded(&mut self) {
        if self.stop.is_asked() {
            self.flag.store(true, Ordering::Relaxed);
        }
    }

    fn committed(&mut self, committed: &Committed<'_>) {
        self.now.done += committed.reembedded;
        self.tell();
    }
}
