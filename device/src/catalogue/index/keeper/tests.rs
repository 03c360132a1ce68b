//! An index that follows is one made from nothing, whatever happens to the catalogue.

use super::*;
use crate::catalogue::filter::Filter;
use crate::catalogue::index::Finder;
use crate::catalogue::index::sidecar::beside;
use crate::catalogue::store::{Author, CorrectionError, ProductWrite, UndoError};
use crate::catalogue::testing::{correction, direction, embedded, identity, product, write};
use clothingid_shared::files;
use proptest::prelude::*;
use std::path::Path;

/// One thing that happens to a catalogue or to its index.
#[derive(Debug, Clone)]
enum Step {
    /// A product with photographs of these bytes, in stock or not, of a style or not.
    Commit {
        sku: u8,
        photos: Vec<u8>,
        in_stock: bool,
        style: Option<u8>,
    },
    Remove(u8),
    /// The staff say that a photograph of these bytes shows the product, or was taken for it by mistake.
    Correct {
        sku: u8,
        photo: u8,
        role: Role,
    },
    Undo,
    /// Whoever changes the catalogue from now on is another one.
    Sign,
    Forget,
    /// Embeddings of the first photograph are written again, those of other bytes.
    Mend(u8),
    /// The index is written beside the catalogue.
    Save,
    /// The index is dropped, and that of the file taken, however old it is.
    Load,
    /// The file as it was some time ago lies beside the catalogue again.
    OldFile,
    Follow,
    /// The catalogue is taken back to a copy, which goes its own way.
    Copy,
    GoBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let commit = (0_u8..6, prop::collection::vec(0_u8..9, 0..3), any::<bool>(), prop::option::of(0_u8..6))
        .prop_map(|(sku, photos, in_stock, style)| Step::Commit { sku, photos, in_stock, style });
    let step = prop_oneof![
        6 => commit,
        2 => (0_u8..6).prop_map(Step::Remove),
        3 => (0_u8..6, 0_u8..9, prop::sample::select(vec![Role::Counter, Role::Mistaken]))
            .prop_map(|(sku, photo, role)| Step::Correct { sku, photo, role }),
        2 => Just(Step::Undo),
        2 => Just(Step::Sign),
        1 => Just(Step::Forget),
        1 => (0_u8..9).prop_map(Step::Mend),
        2 => Just(Step::Save),
        2 => Just(Step::Load),
        1 => Just(Step::OldFile),
        4 => Just(Step::Follow),
        1 => Just(Step::Copy),
        1 => Just(Step::GoBack),
    ];
    prop::collection::vec(step, 1..24)
}

fn commit(store: &mut Store, sku: u8, photos: &[u8], in_stock: bool, style: Option<u8>) {
    let whose = identity("one");
    let before = store.photos_of(&sku.to_string()).unwrap();
    let photos: BTreeSet<u8> = photos.iter().copied().collect();
    let named: Vec<(String, String)> = photos.iter().map(|photo| (format!("n{photo}"), format!("{photo}"))).collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, bytes)| (name.as_str(), bytes.as_str())).collect();
    let product = Product {
        variant_of: style.map(|style| style.to_string()),
        stock: (!in_stock).then_some(crate::catalogue::Stock::Out),
        ..product(&sku.to_string(), "t")
    };
    let listed = before.iter().filter(|p| p.role == Role::Listed);
    let remove = listed.filter(|p| named.iter().all(|(name, _)| *name != p.name)).map(|p| p.id).collect();
    store.commit(&whose, &[ProductWrite { remove, ..write(&whose, product, &named) }], &[]).unwrap();
}

fn correct(store: &mut Store, sku: u8, photo: u8, role: Role) {
    let whose = identity("one");
    let said = correction(&whose, &photo.to_string(), &[(&sku.to_string(), role)]);
    match store.correct(&whose, &[said]) {
        Ok(_) | Err(CorrectionError::NoProduct { .. } | CorrectionError::Listed { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// All that a search can find out: hits by photograph, with whether two are of one style.
fn answers(index: &Index) -> Vec<Vec<(i64, u32, i64)>> {
    // A variant without a photograph of its own lends what filters see to its style.
    let in_stock = Filter { in_stock: true, ..Filter::default() };
    let (mut all, mut finder) = (Vec::new(), Finder::default());
    for (query, filter) in [("3", None), ("q", None), ("q", Some(&in_stock))] {
        finder.query.set(&direction(&identity("one"), query.as_bytes())).unwrap();
        for (rows, groups) in [(100, 0), (0, 100), (2, 2)] {
            index.find(&mut finder, filter, rows, groups);
            let hits = &finder.hits;
            let first_of = |group| hits.iter().find(|hit| hit.group == group).map_or(0, |hit| hit.id);
            all.push(hits.iter().map(|hit| (hit.id, hit.similarity.to_bits(), first_of(hit.group))).collect());
        }
    }
    all
}

struct Run {
    path: std::path::PathBuf,
    store: Option<Store>,
    keeper: Keeper,
    old: Option<Vec<u8>>,
    is_copied: bool,
}

impl Run {
    fn new(folder: &Path) -> Self {
        let path = folder.join("c.db");
        let mut store = Store::open_or_create(&path).unwrap();
        commit(&mut store, 0, &[1, 2], true, None);
        let keeper = Keeper::read(&store, &identity("one")).unwrap();
        Self { path, store: Some(store), keeper, old: None, is_copied: false }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn step(&mut self, step: &Step) {
        let copy = self.path.with_file_name("copy.db");
        match step {
            Step::Commit { sku, photos, in_stock, style } => commit(self.store(), *sku, photos, *in_stock, *style),
            Step::Remove(sku) => drop(self.store().remove(&sku.to_string()).unwrap()),
            Step::Correct { sku, photo, role } => correct(self.store(), *sku, *photo, *role),
            // There may be nothing to undo, or something that no longer can be.
            Step::Undo => match self.store().undo(None) {
                Ok(_) | Err(UndoError::Nothing) => {}
                Err(error) => panic!("{error}"),
            },
            Step::Sign => self.store().sign(Author::default()),
            Step::Forget => drop(self.store().forget_all().unwrap()),
            Step::Mend(bytes) => {
                let photo = self.store().photos().unwrap().first().map(|photo| photo.id);
                let whose = identity("one");
                let mended = photo.map(|photo| (photo, embedded(&whose, &[*bytes])));
                self.store().commit(&whose, &[], mended.as_slice()).unwrap();
            }
            Step::Save => {
                let path = self.path.clone();
                self.keeper.save(&path).unwrap();
                let written = files::read(&beside(&path)).unwrap();
                self.old.get_or_insert(written);
            }
            Step::OldFile => {
                if let Some(old) = &self.old {
                    files::write_atomic(&beside(&self.path), old).unwrap();
                }
            }
            Step::Load => {
                if let Some(keeper) = Keeper::load(&self.path, &identity("one")) {
                    self.keeper = keeper;
                }
            }
            Step::Follow => self.follow_and_compare(),
            Step::Copy => {
                if !self.is_copied {
                    // A real copy is not made of a catalogue in which a product lacks photographs.
                    let sql = format!("VACUUM INTO '{}'", copy.display());
                    crate::catalogue::store::spoil(&self.path, &sql);
                    self.is_copied = true;
                }
            }
            Step::GoBack => {
                if self.is_copied {
                    self.store = None;
                    files::write_atomic(&self.path, &files::read(&copy).unwrap()).unwrap();
                    self.store = Some(Store::open(&self.path).unwrap());
                }
            }
        }
    }

    fn follow_and_compare(&mut self) {
        let Self { store, keeper, .. } = self;
        let store = store.as_ref().unwrap();
        keeper.follow(store).unwrap();
        let fresh = Keeper::read(store, &identity("one")).unwrap();
        assert_eq!(answers(&keeper.index), answers(&fresh.index));
        assert_eq!(keeper.index.photo_count(), fresh.index.photo_count());
        assert_eq!(keeper.index.product_count(), fresh.index.product_count());
        assert_eq!(keeper.position, fresh.position);
        assert_eq!(keeper.damage, BTreeSet::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_index_that_follows_is_one_made_from_nothing(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::new(folder.path());
        for step in &steps {
            run.step(step);
        }
        run.follow_and_compare();
    }
}

fn run_of(steps: &[Step]) -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new(folder.path());
    steps.iter().for_each(|step| run.step(step));
    (folder, run)
}

#[test]
fn a_change_is_read_and_nothing_else() {
    let (_folder, mut run) = run_of(&[]);
    // A row that is not looked at can be damaged without being noticed.
    crate::catalogue::store::spoil(&run.path, "UPDATE embedding SET scale = 9 WHERE photo = 1");
    commit(run.store(), 1, &[7], true, None);
    let store = run.store.as_ref().unwrap();
    run.keeper.follow(store).unwrap();
    assert_eq!((run.keeper.index.photo_count(), run.keeper.index.product_count()), (3, 2));
    assert_eq!(run.keeper.damage, BTreeSet::new());
    assert_eq!(run.keeper.index.base.len(), 2, "shared with the index before");
    let fresh = Keeper::read(store, &identity("one")).unwrap();
    assert_eq!(fresh.damage, BTreeSet::from([Damage::Embedding { photo: PhotoId::new(1), form: "int8" }]));
}

#[test]
fn a_copy_that_goes_its_own_way_is_noticed() {
    let other = |sku, photos: &[u8]| Step::Commit { sku, photos: photos.to_vec(), in_stock: true, style: None };
    let before = [Step::Copy, Step::Sign, other(1, &[3]), other(2, &[4]), Step::Follow, Step::Save, Step::GoBack];
    let after = [Step::Sign, other(3, &[5]), other(4, &[6]), Step::Load, Step::Follow];
    let (_folder, run) = run_of(&[&before[..], &after].concat());
    assert_eq!(run.keeper.index.product_count(), 3);
}

#[test]
fn a_photograph_that_shows_another_product_in_a_copy_is_that_one_s() {
    let other = |sku, photos: &[u8]| Step::Commit { sku, photos: photos.to_vec(), in_stock: true, style: None };
    let (_folder, mut run) = run_of(&[Step::Copy, other(1, &[2]), Step::Follow, Step::GoBack, other(2, &[2, 3])]);
    run.follow_and_compare();
}

#[test]
fn rows_that_replace_as_many_are_what_is_written() {
    let other = Step::Commit { sku: 0, photos: vec![3, 4], in_stock: true, style: None };
    let (_folder, mut run) = run_of(&[other, Step::Follow, Step::Save, Step::Load]);
    run.follow_and_compare();
}

#[test]
fn damage_that_is_mended_is_forgotten() {
    let (_folder, mut run) = run_of(&[]);
    let found = |run: &mut Run| {
        run.keeper.follow(run.store.as_ref().unwrap()).unwrap();
        run.keeper.damage.len()
    };
    commit(run.store(), 1, &[7], true, None);
    crate::catalogue::store::spoil(&run.path, "UPDATE product SET title = 'x' WHERE sku = '1'");
    assert_eq!(found(&mut run), 1);
    commit(run.store(), 2, &[8], true, None);
    assert_eq!(found(&mut run), 1, "still there");
    commit(run.store(), 1, &[7], true, None);
    assert_eq!(found(&mut run), 0);
    assert_eq!(run.keeper.index.product_count(), 3);
}

#[test]
fn rows_are_laid_together() {
    let (_folder, mut run) = run_of(&[]);
    for sku in 1..5 {
        commit(run.store(), sku, &[sku, sku + 1], true, Some(9));
        run.follow_and_compare();
    }
    commit(run.store(), 2, &[], true, Some(9));
    run.follow_and_compare();
    let before = answers(&run.keeper.index);
    run.keeper.lay_together();
    assert_eq!((run.keeper.index.base.len(), run.keeper.index.recent.len()), (8, 0));
    assert_eq!(answers(&run.keeper.index), before);
}
