//! A change of network: the photographs that are stored are embedded anew, and the old embeddings are searched until the new ones are complete.
//!
//! It is an import of nothing: batch by batch, each on the disk once it is told, so that a kill loses none and the next run does what is left.
//! The switch is one transaction, which also forgets the old embeddings, and is made only where it sees no photograph without a new one.

use super::plan::Plan;
use super::run::{self, Summary};
use super::{Embedders, Import, ImportError, Progress, Removes};
use crate::catalogue::csv::Listing;
use crate::catalogue::photos::EmbeddedPhotos;
use crate::catalogue::store::{Author, Store};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Stored photographs that are to be embedded with the network in use.
pub struct Reembed<'a> {
    /// The store's file.
    pub catalogue: &'a Path,
    /// What makes embeddings.
    pub embedders: &'a dyn Embedders,
    /// How many photographs are embedded at a time, at least one.
    pub threads: usize,
    /// Set from outside: stop after what has begun.
    pub stop: &'a AtomicBool,
}

impl Reembed<'_> {
    /// Embeds the photographs that have no sound embedding of this network, then has those of this network searched.
    ///
    /// # Errors
    /// The store as a whole cannot be used, or the network cannot. Photographs that cannot be used are no error: they are in the summary.
    pub fn run(&self, progress: &mut dyn Progress) -> Result<Summary, ImportError> {
        let mut store = Store::open(self.catalogue)?;
        let plan = Plan { reembed: store.unembedded(self.embedders.identity())?, ..Plan::default() };
        progress.planned(&plan);
        let of_nothing = Import {
            name: "",
            listing: &Listing::default(),
            removes: Removes::Nothing,
            photos: &EmbeddedPhotos(|_: &str| None),
            catalogue: self.catalogue,
            embedders: self.embedders,
            threads: self.threads,
            arguments: None,
            author: Author::default(),
            stop: self.stop,
        };
        run::run(&of_nothing, &mut store, plan, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::import::{Committed, Quiet};
    use crate::catalogue::testing::{Directions, Photos, direction, identity, product, write};
    use crate::catalogue::{Gallery, Search, Snapshot, StoreError};
    use std::path::PathBuf;
    use std::sync::atomic::Ordering;

    /// A catalogue of the network `one` with so many products.
    fn shop(folder: &tempfile::TempDir, products: usize) -> PathBuf {
        let path = folder.path().join("c.db");
        let mut store = Store::open_or_create(&path).unwrap();
        let writes: Vec<_> = (0..products).map(|i| named(&format!("S{i}"))).collect();
        store.commit(&identity("one"), &writes, &[]).unwrap();
        path
    }

    fn named(sku: &str) -> crate::catalogue::store::ProductWrite {
        write(&identity("one"), product(sku, "t"), &[("a.jpg", sku)])
    }

    fn reembed(path: &Path, stop: &AtomicBool, progress: &mut dyn Progress) -> Summary {
        let embedders = Directions(identity("two"));
        Reembed { catalogue: path, embedders: &embedders, threads: 2, stop }.run(progress).unwrap()
    }

    fn finds(path: &Path, network: &str, sku: &str) -> bool {
        let whose = identity(network);
        let snapshot = Snapshot::open(path, &whose).unwrap();
        snapshot.search(&Search::of(&direction(&whose, sku.as_bytes()), 1)).unwrap()[0].sku == sku
    }

    /// Does something behind the work's back when its first batch is on the disk.
    struct AtFirst<F: FnMut()>(F, bool, usize);

    impl<F: FnMut()> Progress for AtFirst<F> {
        fn comparing(&mut self, _photos: usize) {}
        fn planned(&mut self, _plan: &Plan) {}
        fn came_meanwhile(&mut self, photos: usize) {
            self.2 += photos;
        }
        fn embedded(&mut self) {}
        fn committed(&mut self, _committed: &Committed<'_>) {
            if !std::mem::replace(&mut self.1, true) {
                (self.0)();
            }
        }
    }

    #[test]
    fn the_old_network_answers_until_the_new_one_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = shop(&folder, 100);
        let stop = AtomicBool::new(false);
        let summary = reembed(&path, &stop, &mut AtFirst(|| stop.store(true, Ordering::Relaxed), false, 0));
        assert!(summary.is_interrupted && summary.reembedded > 0 && summary.reembedded < 100, "{summary:?}");
        assert!(finds(&path, "one", "S99"));
        assert!(Snapshot::open(&path, &identity("two")).is_err());

        let rest = reembed(&path, &AtomicBool::new(false), &mut Quiet);
        assert_eq!(summary.reembedded + rest.reembedded, 100, "what was done is not done again");
        assert!(finds(&path, "two", "S99"));
        let store = Store::open(&path).unwrap();
        assert_eq!(store.value_count(&identity("one")).unwrap(), None);
        assert_eq!(store.check().unwrap().damage, []);
        assert_eq!(reembed(&path, &AtomicBool::new(false), &mut Quiet), Summary::default());
    }

    #[test]
    fn what_comes_changes_and_goes_meanwhile_is_covered() {
        let folder = tempfile::tempdir().unwrap();
        let path = shop(&folder, 40);
        let mut other = Store::open(&path).unwrap();
        other.forget_all().unwrap();
        let come = || {
            other.commit(&identity("one"), &[named("NEW")], &[]).unwrap();
            let changed = write(&identity("one"), product("S1", "t"), &[("a.jpg", "other bytes")]);
            other.commit(&identity("one"), &[changed], &[]).unwrap();
            // The last photograph is gone before it is written.
            other.remove("S39").unwrap();
            other.forget_all().unwrap();
        };
        let mut progress = AtFirst(come, false, 0);
        let summary = reembed(&path, &AtomicBool::new(false), &mut progress);
        assert_eq!((progress.2, summary.is_interrupted), (2, false));
        assert!(finds(&path, "two", "NEW"));
        let store = Store::open(&path).unwrap();
        assert_eq!(store.check().unwrap().damage, []);
        let mut rows = 0;
        store.embeddings(&identity("two"), |_| rows += 1).unwrap();
        assert_eq!(rows, 40, "none of what is gone");
    }

    #[test]
    fn an_import_with_the_old_network_ends_where_the_new_one_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = shop(&folder, 1);
        let csv: String = (0..200).map(|i| format!("N{i},t,{i}.jpg\n")).collect();
        let csv = format!("sku,title,photo\n{csv}");
        let names: Vec<String> = (0..200).map(|i| format!("{i}.jpg")).collect();
        let photos: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        let import = Import {
            name: "shop.csv",
            listing: &crate::catalogue::csv::read("shop.csv", csv.as_bytes()).unwrap(),
            removes: Removes::Nothing,
            photos: &Photos::of(&photos),
            catalogue: &path,
            embedders: &Directions(identity("one")),
            threads: 1,
            arguments: None,
            author: Author::default(),
            stop: &AtomicBool::new(false),
        };
        let take_over = || drop(reembed(&path, &AtomicBool::new(false), &mut Quiet));
        let refused = import.run(&mut AtFirst(take_over, false, 0)).unwrap_err();
        assert!(matches!(refused, ImportError::Store(StoreError::OtherIdentity { .. })), "{refused}");
        assert!(finds(&path, "two", "S0"), "what the new network knows stays");
        let store = Store::open(&path).unwrap();
        assert_eq!(store.check().unwrap().damage, [], "what was told is found by it");
        assert!((2..201).contains(&store.products().unwrap().len()));
    }

    #[test]
    fn what_no_network_can_use_does_not_hold_up_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = shop(&folder, 3);
        Store::open(&path).unwrap().commit(&identity("one"), &[named("bad")], &[]).unwrap();
        let summary = reembed(&path, &AtomicBool::new(false), &mut Quiet);
        assert_eq!((summary.reembedded, summary.unusable.len()), (3, 1));
        assert!(finds(&path, "two", "S2"));
    }

    #[test]
    fn a_network_that_can_use_nothing_takes_nothing_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        let mut store = Store::open_or_create(&path).unwrap();
        store.commit(&identity("one"), &[named("bad 1"), named("bad 2")], &[]).unwrap();
        let summary = reembed(&path, &AtomicBool::new(false), &mut Quiet);
        assert_eq!((summary.reembedded, summary.unusable.len()), (0, 2));
        assert!(finds(&path, "one", "bad 1"));
    }

    #[test]
    fn an_empty_catalogue_changes_its_network_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = shop(&folder, 1);
        Store::open(&path).unwrap().remove("S0").unwrap();
        reembed(&path, &AtomicBool::new(false), &mut Quiet);
        assert_eq!(Store::open(&path).unwrap().served().unwrap(), Some(identity("two")));
    }
}
