//! What the staff of a shop have found out: it stays with the board, and goes along with the shop's own copy.

use super::*;
use crate::catalogue::Role;
use crate::catalogue::import::{Committed, Plan};
use crate::catalogue::testing::correction;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

fn take_until(edition: &Path, target: &Path, progress: &mut dyn Progress, stop: &AtomicBool) -> Summary {
    take_with(edition, target, &Never(identity("one")), progress, stop)
}

#[test]
fn evidence_stays_with_the_board_whose_staff_found_it_out() {
    let rig = Rig::new();
    let first = shop(&[("A", "a", &[("1.jpg", "x")]), ("B", "b", &[("1.jpg", "y")])]);
    rig.office(&first);
    let say = |name: &str| {
        let mut store = Store::open(&rig.path(name)).unwrap();
        store.correct(&identity("one"), &[correction(&identity("one"), name, &[("A", Role::Mistaken)])]).unwrap();
    };
    say("office.db");
    rig.export("first", None);
    rig.take("first");
    let evidence = || {
        let found = Store::open(&rig.path("board.db")).unwrap().evidence().unwrap();
        found.into_iter().map(|photo| photo.sku).collect::<Vec<_>>()
    };
    assert_eq!(evidence(), Vec::<String>::new());
    say("board.db");
    // A difference still fits the product, and leaves what the board knows.
    rig.office(&shop(&[("A", "aa", &[("1.jpg", "x")]), ("B", "b", &[("1.jpg", "y")])]));
    rig.export("second", Some("first"));
    let summary = rig.take("second");
    assert_eq!((summary.changed, summary.problems.len()), (1, 0));
    assert_eq!(evidence(), ["A"]);
}

/// What is said of products, by which bytes.
type Said = BTreeSet<(String, Role, Vec<u8>)>;

fn said(path: &Path) -> Said {
    let store = Store::open(path).unwrap();
    assert_eq!(store.check().unwrap().damage, []);
    let bytes = |id| store.photo_bytes(id).unwrap().unwrap().unwrap();
    store.evidence().unwrap().into_iter().map(|photo| (photo.sku, photo.role, bytes(photo.id))).collect()
}

/// An office whose staff have said three things of two pictures, and a copy of it.
fn with_a_copy() -> Rig {
    let (rig, whose) = (Rig::new(), identity("one"));
    rig.office(&shop(&[("A", "a", &[("1.jpg", "x")]), ("B", "b", &[("1.jpg", "y")])]));
    let mut store = Store::open(&rig.path("office.db")).unwrap();
    let both = correction(&whose, "counter", &[("A", Role::Counter), ("B", Role::Mistaken)]);
    store.correct(&whose, &[both, correction(&whose, "other", &[("B", Role::Counter)])]).unwrap();
    let written = write::copy(&store, &rig.path("copy")).unwrap();
    assert_eq!(written, write::Written { products: 2, removes: 0, photos: 2, evidence: 2, left_out: 0 });
    rig
}

#[test]
fn a_copy_brings_back_what_the_staff_have_found_out() {
    let (rig, whose) = (with_a_copy(), identity("one"));
    let office = rig.path("office.db");
    // A board that has nothing, without a network.
    let summary = rig.take("copy");
    assert_eq!((summary.new, summary.evidence, summary.problems.len()), (2, 2, 0));
    let (board, path) = (|| Store::open(&rig.path("board.db")).unwrap(), rig.path("board.db"));
    assert_eq!(said(&path), said(&office));
    assert_eq!(board().unembedded(&whose).unwrap(), []);
    let summary = rig.take("copy");
    assert_eq!((summary.unchanged, summary.evidence), (2, 0), "twice is once");

    // What the board says itself since then stands, of the same picture too; what it says no more comes back.
    let newer = [("newer", "A", Role::Mistaken), ("counter", "B", Role::Counter)];
    for (bytes, sku, role) in newer {
        board().correct(&whose, &[correction(&whose, bytes, &[(sku, role)])]).unwrap();
    }
    let lost = board().evidence().unwrap().into_iter().find(|photo| photo.sku == "A").unwrap();
    assert!(board().forget_evidence(&lost.sku, &lost.name).unwrap());
    let before = said(&path);
    // With the rest of the import it is one change, and goes with it.
    fill_more(&path, "C");
    let (changes, with_c) = (board().history().unwrap().len(), board().products().unwrap().len());
    let summary = rig.take("copy");
    assert_eq!((summary.removed, summary.evidence), (1, 1));
    assert_eq!(said(&path).len(), before.len() + 1);
    assert!(said(&path).contains(&("B".into(), Role::Counter, b"counter".to_vec())));
    assert_eq!(board().history().unwrap().len(), changes + 1);
    board().undo(None).unwrap();
    assert_eq!((said(&path), board().products().unwrap().len()), (before, with_c));

    // A product that the shop shows with that picture itself needs nobody to say so.
    rig.office(&shop(&[("A", "a", &[("1.jpg", "counter")]), ("B", "b", &[("1.jpg", "y")])]));
    assert_eq!(said(&office), Said::new(), "removed products take their evidence along");
    let edition = Edition::open(&rig.path("copy")).unwrap();
    assert!(matches!(edition.expect_for_others(), Err(EditionError::OwnCopy { .. })));
    let summary = take(&rig.path("copy"), &office, &Never(whose));
    assert_eq!((summary.changed, summary.evidence), (1, 2), "the copy's own photo is back, and the evidence with it");
}

/// One product more.
fn fill_more(path: &Path, sku: &str) {
    let whose = identity("one");
    let mut store = Store::open(path).unwrap();
    store.commit(&whose, &[product_write(&whose, product(sku, "more"), &[("m.jpg", "more")])], &[]).unwrap();
}

#[test]
fn with_another_network_the_pictures_of_a_copy_are_looked_at_anew() {
    let (rig, whose) = (with_a_copy(), identity("one"));
    let mut store = Store::open(&rig.path("office.db")).unwrap();
    // What is no picture for it is named, and the rest is kept.
    store.correct(&whose, &[correction(&whose, "bad", &[("A", Role::Counter)])]).unwrap();
    write::copy(&store, &rig.path("second")).unwrap();
    let summary = take(&rig.path("second"), &rig.path("other.db"), &Directions(identity("two")));
    assert_eq!((summary.new, summary.evidence, summary.problems.len()), (2, 2, 1), "{:?}", summary.problems);
}

#[test]
fn damaged_evidence_neither_keeps_a_shop_from_its_copy_nor_a_copy_from_its_shop() {
    let (rig, whose) = (with_a_copy(), identity("one"));
    let spoil_bytes = |name: &str| {
        let connection = rusqlite::Connection::open(rig.path(name)).unwrap();
        let sql = "UPDATE photo_bytes SET bytes = x'00' WHERE photo = (SELECT id FROM photo WHERE sku = 'B' AND role = 'counter')";
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
    };
    spoil_bytes("office.db");
    let written = write::copy(&Store::open(&rig.path("office.db")).unwrap(), &rig.path("second")).unwrap();
    assert_eq!((written.products, written.evidence, written.left_out), (2, 1, 1));
    assert_eq!(take(&rig.path("second"), &rig.path("third.db"), &Never(whose.clone())).evidence, 1);
    // A good copy mends it.
    assert_eq!(take(&rig.path("copy"), &rig.path("office.db"), &Never(whose.clone())).evidence, 1);
    assert_eq!(said(&rig.path("office.db")).len(), 3);
    // A copy whose own evidence is damaged, in its bytes and in its row, still brings all the rest.
    spoil_bytes("copy");
    let connection = rusqlite::Connection::open(rig.path("copy")).unwrap();
    let spoilt = "UPDATE photo SET position = 99 WHERE sku = 'B' AND role = 'mistaken'";
    assert_eq!(connection.execute(spoilt, []).unwrap(), 1);
    drop(connection);
    let summary = rig.take("copy");
    assert_eq!((summary.new, summary.evidence, summary.problems.len()), (2, 1, 2), "{:?}", summary.problems);
}

/// Stops after so many photographs.
struct StopAfter<'a>(usize, &'a AtomicBool);

impl Progress for StopAfter<'_> {
    fn comparing(&mut self, _photos: usize) {}
    fn planned(&mut self, _plan: &Plan) {}
    fn committed(&mut self, _committed: &Committed<'_>) {}

    fn embedded(&mut self) {
        self.0 = self.0.saturating_sub(1);
        self.1.store(self.0 == 0, Ordering::Relaxed);
    }
}

#[test]
fn a_copy_that_is_stopped_anywhere_goes_on_where_it_was() {
    for stop_after in 1..=4 {
        let (rig, stop) = (with_a_copy(), AtomicBool::new(false));
        let first = take_until(&rig.path("copy"), &rig.path("board.db"), &mut StopAfter(stop_after, &stop), &stop);
        let second = rig.take("copy");
        assert_eq!(first.evidence + second.evidence, 2, "stopped after {stop_after}");
        assert!(first.is_interrupted || stop_after == 4, "stopped after {stop_after}");
        assert_eq!(said(&rig.path("board.db")), said(&rig.path("office.db")));
    }
}
