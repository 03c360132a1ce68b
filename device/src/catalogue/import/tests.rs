//! Imports: what is planned, what is written, what stays.

use super::*;
use crate::catalogue::csv::ProblemKind;
use crate::catalogue::testing::{Directions, Photos, correction, direction, identity};
use crate::catalogue::{Gallery, Role, Search, Snapshot};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// A shop with a catalogue that does not exist yet.
struct Shop {
    _folder: tempfile::TempDir,
    catalogue: PathBuf,
    stop: AtomicBool,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = folder.path().join("c.sqlite");
        Self { _folder: folder, catalogue, stop: AtomicBool::new(false) }
    }

    fn with<T>(&self, csv: &str, photos: &Photos, network: &str, work: impl FnOnce(&Import<'_>) -> T) -> T {
        work(&Import {
            name: "shop.csv",
            listing: &crate::catalogue::csv::read("shop.csv", csv.as_bytes()).unwrap(),
            removes: Removes::Nothing,
            photos,
            catalogue: &self.catalogue,
            embedders: &Directions(identity(network)),
            threads: 3,
            arguments: Some(("shop.csv", "photos")),
            author: Author::default(),
            stop: &self.stop,
        })
    }

    fn import(&self, csv: &str, photos: &Photos) -> Summary {
        self.with(csv, photos, "one", |i| i.run(&mut Quiet).unwrap())
    }

    /// sku → title and photographs.
    fn contents(&self) -> BTreeMap<String, (String, Vec<String>)> {
        let store = Store::open(&self.catalogue).unwrap();
        assert_eq!(store.check().unwrap().damage, []);
        let served = store.served().unwrap().unwrap_or_else(|| identity("one"));
        let snapshot = Snapshot::open(&self.catalogue, &served).unwrap();
        let skus = store.products().unwrap().into_iter().map(|stored| stored.product.sku);
        let cards = skus.map(|sku| snapshot.product(&sku).unwrap().unwrap());
        let names = |card: &crate::catalogue::ProductCard| card.photos.iter().map(|(_, n)| n.clone()).collect();
        let contents = cards.map(|c| (c.product.sku.clone(), (c.product.title.clone(), names(&c))));
        let contents: BTreeMap<_, _> = contents.collect();
        assert_eq!(snapshot.product_count(), contents.len());
        contents
    }
}

/// new, changed, unchanged, wrong, kept, photos, re-embedded
fn counts(s: &Summary) -> [usize; 7] {
    [s.new, s.changed, s.unchanged, s.problems.len(), s.kept.len(), s.photos, s.reembedded]
}

const CSV: &str = "sku,title,photo\nA,Dress,a1.jpg\nA,Dress,a2.jpg\nB,Coat,b.jpg\nC,Jeans,c.jpg\n";

fn photos() -> Photos {
    Photos::of(&[("a1.jpg", "a1"), ("a2.jpg", "a2"), ("b.jpg", "b"), ("c.jpg", "c"), ("bad.jpg", "bad")])
}

#[test]
fn importing_again_changes_nothing() {
    let shop = Shop::new();
    assert_eq!(counts(&shop.import(CSV, &photos())), [3, 0, 0, 0, 0, 4, 0]);
    let before = (shop.contents(), Store::open(&shop.catalogue).unwrap().photos().unwrap());
    assert_eq!(before.0["A"].1, ["a1.jpg", "a2.jpg"]);
    assert_eq!(counts(&shop.import(CSV, &photos())), [0, 0, 3, 0, 0, 0, 0]);
    assert_eq!((shop.contents(), Store::open(&shop.catalogue).unwrap().photos().unwrap()), before);
}

#[test]
fn what_the_file_changes_is_changed_and_what_it_does_not_list_stays() {
    let shop = Shop::new();
    shop.import(CSV, &photos());
    let csv = "sku,title,photo\nA,Long dress,a2.jpg\nA,,a1.jpg\nC,Jeans,c.jpg\nC,,b.jpg\nD,Hat,a1.jpg\n";
    let mut changed = photos();
    changed.0.insert("c.jpg".into(), b"another c".to_vec());
    let store = Store::open(&shop.catalogue).unwrap();
    let plan = shop.with(csv, &changed, "one", |import| plan::plan(import, Some(&store)).unwrap());
    let told: Vec<String> =
        plan.steps.iter().map(|s| format!("{} {}", s.product.sku, s.differences().join(", "))).collect();
    assert_eq!(told, ["A title, order of photos", "C 2 photos added, 1 photo removed", "D 1 photo added"]);
    assert_eq!((plan.new_count(), plan.kept), (1, vec!["B".to_owned()]));

    // A dry run tries the new photographs, and these bytes are none: what is left is what an import could do.
    let plan = shop.with(csv, &changed, "one", |i| i.dry_run(&mut Quiet).unwrap());
    let told: Vec<String> =
        plan.steps.iter().map(|s| format!("{} {}", s.product.sku, s.differences().join(", "))).collect();
    assert_eq!((told, plan.unchanged, plan.problems.len()), (vec!["A title, order of photos".to_owned()], 1, 3));

    assert_eq!(counts(&shop.import(csv, &changed)), [1, 2, 0, 0, 1, 3, 0]);
    let contents = shop.contents();
    assert_eq!(contents["A"], ("Long dress".into(), vec!["a2.jpg".into(), "a1.jpg".into()]));
    assert_eq!(contents["C"].1, ["c.jpg", "b.jpg"]);
    assert!(contents.contains_key("B"));
    assert_eq!(counts(&shop.import(csv, &changed)), [0, 0, 3, 0, 1, 0, 0]);
    // The order of photographs alone.
    let turned = csv.replace("A,Long dress,a2.jpg\nA,,a1.jpg", "A,Long dress,a1.jpg\nA,,a2.jpg");
    assert_eq!(counts(&shop.import(&turned, &changed)), [0, 1, 2, 0, 1, 0, 0]);
    assert_eq!(shop.contents()["A"].1, ["a1.jpg", "a2.jpg"]);
}

#[test]
fn a_dry_run_makes_and_changes_nothing() {
    let shop = Shop::new();
    let plan = shop.with(CSV, &photos(), "one", |i| i.dry_run(&mut Quiet).unwrap());
    // These bytes are no photographs, and a dry run tries them.
    assert_eq!((plan.steps.len(), plan.problems.len()), (0, 4));
    assert!(!shop.catalogue.exists());
}

#[test]
fn bad_rows_never_hold_up_good_ones_nor_take_what_is_stored() {
    let shop = Shop::new();
    let csv = "sku,title,photo\nA,Dress,a1.jpg\nA,Dress,bad.jpg\nB,Coat,missing.jpg\nC,Jeans,bad.jpg\nD,Hat,c.jpg\n\
        E,Cap,c.jpg\nE,Scarf,b.jpg\n,Nothing,a1.jpg\n";
    let summary = shop.import(csv, &photos());
    insta::assert_snapshot!(summary.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    assert_eq!(counts(&summary), [2, 0, 0, 5, 0, 2, 0]);
    assert_eq!(shop.contents().into_keys().collect::<Vec<_>>(), ["A", "D"]);
    let again = shop.import(csv, &photos());
    assert_eq!(counts(&again), [0, 0, 2, 5, 0, 0, 0], "the bad rows are told again, and nothing is written");

    // A stored photograph stays while its row cannot be used, and a product while its rows contradict each other.
    shop.import(CSV, &photos());
    let mut some_gone = photos();
    some_gone.0.remove("a2.jpg");
    some_gone.0.insert("b.jpg".into(), b"bad now".to_vec());
    let csv = format!("{CSV}C,Trousers,c.jpg\n");
    let summary = shop.import(&csv, &some_gone);
    assert!(matches!(summary.problems[0].kind, ProblemKind::PhotoMissing { .. }));
    assert!(matches!(summary.problems[1].kind, ProblemKind::PhotoUnusable { .. }));
    assert!(matches!(summary.problems[2].kind, ProblemKind::Contradiction { .. }));
    let contents = shop.contents();
    assert_eq!(contents["A"].1, ["a1.jpg", "a2.jpg"]);
    assert_eq!(contents["B"].1, ["b.jpg"]);
    assert_eq!(contents["C"], ("Jeans".into(), vec!["c.jpg".into()]));
    assert_eq!(summary.kept, ["D"], "C is in the file");
}

#[test]
fn another_network_embeds_what_is_stored_and_then_takes_over() {
    let shop = Shop::new();
    shop.import(CSV, &photos());
    // B is not in the file any more: its stored photograph is embedded all the same.
    let csv = CSV.replace("B,Coat,b.jpg\n", "");
    let summary = shop.with(&csv, &photos(), "two", |i| i.run(&mut Quiet).unwrap());
    assert_eq!(counts(&summary), [0, 0, 2, 0, 1, 0, 4]);
    let snapshot = Snapshot::open(&shop.catalogue, &identity("two")).unwrap();
    let found = snapshot.search(&Search::of(&direction(&identity("two"), b"b"), 1)).unwrap();
    assert_eq!(found[0].sku, "B");
    assert!(Snapshot::open(&shop.catalogue, &identity("one")).is_err());
    shop.contents();
}

/// Asks to stop when the first batch is committed.
struct StopAtFirst<'a>(&'a AtomicBool, usize);

impl Progress for StopAtFirst<'_> {
    fn comparing(&mut self, _photos: usize) {}
    fn planned(&mut self, _plan: &Plan) {}
    fn embedded(&mut self) {}
    fn committed(&mut self, committed: &Committed<'_>) {
        self.0.store(true, Ordering::Relaxed);
        self.1 += committed.products.len() + committed.reembedded;
    }
}

#[test]
fn a_stopped_import_keeps_what_it_told_and_goes_on() {
    let shop = Shop::new();
    let mut csv = "sku,title,photo\n".to_owned();
    let mut photos = Photos::default();
    for i in 0..200 {
        csv += &format!("S{i},Title {i},{i}.jpg\n");
        photos.0.insert(format!("{i}.jpg"), format!("{i}").into_bytes());
    }
    let mut told = StopAtFirst(&shop.stop, 0);
    let summary = shop.with(&csv, &photos, "one", |i| i.run(&mut told).unwrap());
    assert!(summary.is_interrupted && summary.new == told.1 && (32..200).contains(&told.1), "{}", told.1);
    assert_eq!(shop.contents().len(), told.1);
    shop.stop.store(false, Ordering::Relaxed);
    let summary = shop.import(&csv, &photos);
    assert_eq!((summary.new, summary.unchanged), (200 - told.1, told.1));

    // Stopped half way through another network's embeddings, the old ones are searched.
    let mut told = StopAtFirst(&shop.stop, 0);
    let summary = shop.with(&csv, &photos, "two", |i| i.run(&mut told).unwrap());
    assert!(summary.is_interrupted);
    assert_eq!(Snapshot::open(&shop.catalogue, &identity("one")).unwrap().photo_count(), 200);
    shop.stop.store(false, Ordering::Relaxed);
    let summary = shop.with(&csv, &photos, "two", |i| i.run(&mut Quiet).unwrap());
    assert_eq!(summary.reembedded, 200 - told.1);
    assert_eq!(Snapshot::open(&shop.catalogue, &identity("two")).unwrap().photo_count(), 200);
}

#[test]
fn an_import_neither_brings_nor_removes_evidence() {
    let shop = Shop::new();
    shop.import(CSV, &photos());
    let whose = identity("one");
    let mut store = Store::open(&shop.catalogue).unwrap();
    let sku = store.products().unwrap()[0].product.sku.clone();
    let says = [(sku.as_str(), Role::Mistaken)];
    store.correct(&whose, &[correction(&whose, "query", &says)]).unwrap();
    assert_eq!(counts(&shop.import(CSV, &photos()))[2], 3, "all are as they were");
    assert_eq!(store.evidence().unwrap().len(), 1);
    // Another network looks at it too.
    shop.with(CSV, &photos(), "two", |i| i.run(&mut Quiet).unwrap());
    assert_eq!(store.unembedded(&identity("two")).unwrap(), []);
    assert_eq!(store.check().unwrap().damage, []);
    assert_eq!(store.evidence().unwrap().len(), 1);
}

#[test]
fn importing_again_mends_what_is_damaged() {
    let shop = Shop::new();
    shop.import(CSV, &photos());
    for damage in [
        "UPDATE product SET title = 'x' WHERE sku = 'A'",
        "UPDATE photo SET name = 'x' WHERE name = 'a1.jpg'",
        "UPDATE photo_bytes SET bytes = X'00' WHERE photo = (SELECT min(id) FROM photo)",
        "UPDATE embedding SET quantised = zeroblob(16)",
        "UPDATE embedding_float SET floats = zeroblob(64)",
        "DELETE FROM embedding",
    ] {
        crate::catalogue::store::spoil(&shop.catalogue, damage);
        assert!(!Store::open(&shop.catalogue).unwrap().check().unwrap().damage.is_empty(), "{damage}");
        let summary = shop.import(CSV, &photos());
        assert!(summary.changed + summary.reembedded > 0, "{damage}");
        assert_eq!(shop.contents()["A"].1, ["a1.jpg", "a2.jpg"]);
        assert_eq!(counts(&shop.import(CSV, &photos()))[2], 3);
    }
}

#[test]
fn a_variant_whose_style_is_nobody_else_s_is_named() {
    let shop = Shop::new();
    shop.import("sku,title,photo,variant_of\nA,Dress,a1.jpg,\nB-1,Coat,b.jpg,B\n", &photos());
    let csv =
        "sku,title,photo,variant_of\nA-1,Dress,c.jpg,A\nA-2,Dress,,A1\nB-2,Coat,a2.jpg,B\nB-3,Coat,,C\nB-4,Coat,,C\n";
    let plan = shop.with(csv, &photos(), "one", |i| i.dry_run(&mut Quiet).unwrap());
    let lone = |sku: &str, style: &str| LoneVariant { sku: sku.into(), style: style.into() };
    assert_eq!(
        plan.lone,
        [lone("A-2", "A1")],
        "a style may be a stored product, or have no product and several variants"
    );
    let whole = |i: &Import<'_>| {
        let Import { name, listing, photos, catalogue, embedders, threads, arguments, stop, .. } = *i;
        let (removes, author) = (Removes::Unlisted, Author::default());
        Import { name, listing, removes, photos, catalogue, embedders, threads, arguments, author, stop }
            .dry_run(&mut Quiet)
    };
    let csv = "sku,title,photo,variant_of\nA-1,Dress,c.jpg,A\n";
    let plan = shop.with(csv, &photos(), "one", |i| whole(i).unwrap());
    assert_eq!(plan.lone, [lone("A-1", "A")], "its style goes");
}
