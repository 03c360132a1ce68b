//! Which network answers: the one in use, or after a change of network the one before, until the catalogue is embedded with the new one.

use crate::catalogue::{Store, StoreError};
use crate::cli::Report;
use crate::health::Health;
use crate::network::{EngineChoice, PhotoPath, read_bundle};
use crate::pipeline::{Stop, in_words, reembed};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::{ArithmeticClass, EmbeddingIdentity};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked whether an embedding has ended; it ends after the photograph in hand.
const PATIENCE: Duration = Duration::from_millis(20);

/// A network that is open, with what opened it.
pub(super) struct Answering {
    pub(super) bundle: Arc<Bundle>,
    pub(super) engine: EngineChoice,
    pub(super) threads: usize,
    pub(super) path: PhotoPath,
    pub(super) identity: EmbeddingIdentity,
}

impl Answering {
    pub(super) fn open(bundle: Arc<Bundle>, engine: EngineChoice, threads: usize) -> Result<Self, Report> {
        let path = PhotoPath::new(&bundle, engine, threads).map_err(|error| Report::of(&error).hinted(error.hint()))?;
        let identity = bundle.identity(path.engine().arithmetic());
        Ok(Self { bundle, engine, threads, path, identity })
    }

    /// The network whose embeddings a catalogue has, if it is at hand: it may be the same with the other arithmetic, the one inside the
    /// program, or one of those before. One that cannot be had is told of and done without.
    pub(super) fn before(&self, served: &EmbeddingIdentity, previous: &[PathBuf], health: &Health) -> Option<Self> {
        let files = [None].into_iter().chain(previous.iter().map(|file| Some(file.as_path())));
        let others = files.filter_map(|file| {
            let read = read_bundle(file).map(Arc::new);
            read.inspect_err(|error| health.events.say(format!("the network before: {}", in_words(error)))).ok()
        });
        let (bundle, engine) = [Arc::clone(&self.bundle)]
            .into_iter()
            .chain(others)
            .find_map(|bundle| engine_of(&bundle, served).map(|engine| (bundle, engine)))?;
        let opened = Self::open(bundle, engine, self.threads);
        opened.inspect_err(|report| health.events.say(format!("the network before: {}", report.what))).ok()
    }
}

/// The catalogue is being embedded with a network. When it is dropped it is asked to end, and nobody waits: it may be ended at any moment.
pub(super) struct Embedding {
    ends: Stop,
    thread: JoinHandle<()>,
}

impl Embedding {
    pub(super) fn start(catalogue: PathBuf, network: &Answering, health: &Arc<Health>) -> std::io::Result<Self> {
        let ends = Stop::new();
        let thread = reembed::start(catalogue, Arc::clone(&network.bundle), network.engine, health, &ends)?;
        Ok(Self { ends, thread })
    }

    /// Waits until it has ended, so that another network's may begin.
    pub(super) fn end(&self) {
        self.ends.ask();
        while !self.thread.is_finished() {
            std::thread::sleep(PATIENCE);
        }
    }
}

impl Drop for Embedding {
    fn drop(&mut self) {
        self.ends.ask();
    }
}

/// The engine with which a bundle makes embeddings of this identity.
fn engine_of(bundle: &Bundle, identity: &EmbeddingIdentity) -> Option<EngineChoice> {
    let classes = [(ArithmeticClass::Int8, EngineChoice::Cpu), (ArithmeticClass::Float, EngineChoice::Tract)];
    classes.into_iter().find(|(class, _)| bundle.identity(*class) == *identity).map(|(_, engine)| engine)
}

/// Whose embeddings the catalogue has, where they are another network's.
pub(super) fn another(catalogue: &Path, identity: &EmbeddingIdentity) -> Result<Option<EmbeddingIdentity>, StoreError> {
    if !catalogue.exists() {
        return Ok(None);
    }
    Ok(Store::open(catalogue)?.served()?.filter(|served| served != identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_of_a_catalogue_is_found_by_its_identity() {
        let bundle = Arc::new(read_bundle(None).unwrap());
        let own = Answering::open(Arc::clone(&bundle), EngineChoice::Cpu, 1).unwrap();
        let health = Health::silent();
        let float = bundle.identity(ArithmeticClass::Float);
        let before = own.before(&float, &[], &health).unwrap();
        assert_eq!((before.engine, &before.identity), (EngineChoice::Tract, &float));
        assert_eq!(health.events.newest(9), []);

        let unknown = EmbeddingIdentity::from_stored("gone".into());
        assert!(own.before(&unknown, &[PathBuf::from("/nowhere/winter.bundle")], &health).is_none());
        let said = &health.events.newest(9)[0].what;
        assert!(said.starts_with("the network before: ") && said.contains("/nowhere/winter.bundle"), "{said}");
    }
}
