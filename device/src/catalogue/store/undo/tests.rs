//! Changes that are taken back one by one, by two programs, late, and with another network. That any sequence of them leads where it should
//! is a property test of the store.

use super::*;
use crate::catalogue::store::tests::contents;
use crate::catalogue::store::{Author, Check, Damage, PhotoWrite, ProductWrite, spoil};
use crate::catalogue::testing::{embedded, identity, product, write};
use std::path::{Path, PathBuf};

/// A catalogue whose second change has removed its only product.
fn with_a_removed(folder: &Path) -> (PathBuf, Store) {
    let (path, whose) = (folder.join("c.db"), identity("one"));
    let mut store = Store::open_or_create(&path).unwrap();
    store.commit(&whose, &[write(&whose, product("A", "a"), &[("a.jpg", "a")])], &[]).unwrap();
    store.sign(Author::default());
    store.remove("A").unwrap();
    (path, store)
}

fn count(store: &Store, table: &str) -> i64 {
    store.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_change_by_its_number_and_back_again() {
    let folder = tempfile::tempdir().unwrap();
    let whose = identity("one");
    let mut store = Store::open_or_create(&folder.path().join("c.db")).unwrap();
    let author = |what: &str| Author { who: "mia".into(), what: what.into() };
    for (what, sku, title, photo) in
        [("import a", "A", "one", "x"), ("import b", "B", "b", "y"), ("import c", "A", "two", "z")]
    {
        store.sign(author(what));
        store.commit(&whose, &[write(&whose, product(sku, title), &[("a.jpg", photo)])], &[]).unwrap();
    }
    let whole = contents(&store);
    assert!(matches!(store.undo(Some(1)), Err(UndoError::ChangedSince { by: 3, .. })), "a later one holds on to `A`");
    store.sign(author("undo 2"));
    let undone = store.undo(Some(2)).unwrap();
    assert_eq!(undone, Undone { number: 2, what: "import b".into(), products: 1, left: 0, unembedded: 0 });
    assert!(!contents(&store).contains_key("B"));
    assert!(matches!(store.undo(Some(2)), Err(UndoError::Already { number: 2 })));
    assert!(matches!(store.undo(Some(9)), Err(UndoError::Unknown { number: 9 })));
    // Undoing the undo.
    store.undo(Some(4)).unwrap();
    assert_eq!(contents(&store), whole);
    let told: Vec<_> =
        store.history().unwrap().into_iter().map(|c| (c.number, c.what, c.undoes, c.is_undone)).collect();
    let expected = [(5, "undo 2", Some(4), false), (4, "undo 2", Some(2), true), (3, "import c", None, false)];
    assert_eq!(told[..3], expected.map(|(n, what, undoes, is)| (n, what.to_owned(), undoes, is)));
    store.undo(None).unwrap();
    store.undo(Some(1)).unwrap();
    assert_eq!(contents(&store).keys().collect::<Vec<_>>(), ["B"]);
    assert_eq!(store.check().unwrap().damage, []);

    // What nobody can go back to takes no room.
    assert_eq!(["photo_bytes", "embedding", "embedding_float"].map(|table| count(&store, table)), [3; 3]);
    store.forget_all().unwrap();
    assert_eq!(
        ["photo_bytes", "embedding", "embedding_float", "past_photo"].map(|table| count(&store, table)),
        [1, 1, 1, 0]
    );
    assert!(matches!(store.undo(None), Err(UndoError::Nothing)));
}

#[test]
fn a_change_is_forgotten_when_it_is_old_and_a_damaged_past_is_not_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut store) = with_a_removed(folder.path());
    spoil(&path, "UPDATE photo_bytes SET bytes = zeroblob(1)");
    assert!(matches!(store.undo(None), Err(UndoError::Damaged { number: 2, .. })));
    let mut numbers = |sku: &str| {
        spoil(&path, "UPDATE change SET at = at - 31 * 86400");
        store.sign(Author::default());
        let whose = identity("one");
        store.commit(&whose, &[write(&whose, product(sku, "b"), &[("b.jpg", "b")])], &[]).unwrap();
        store.history().unwrap().iter().map(|c| c.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers("B"), [3, 2, 1], "no other change says that so much time has gone by");
    assert_eq!(numbers("C"), [4, 3]);
    assert_eq!(numbers("D"), [5, 4]);
    // Rows whose time was moved behind the store's back are not sound, and nothing else is.
    assert!(store.check().unwrap().damage.iter().all(|damage| matches!(damage, Damage::Past { .. })));
}

/// A clock that is years ahead for a while costs nothing of the history, and does not keep it for ever either.
#[test]
fn a_clock_that_jumps_takes_no_history_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut store) = with_a_removed(folder.path());
    let put = |store: &mut Store, sku: &str| {
        store.sign(Author::default());
        let whose = identity("one");
        store.commit(&whose, &[write(&whose, product(sku, "t"), &[("a.jpg", sku)])], &[]).unwrap();
        let history = store.history().unwrap();
        history.iter().map(|change| (change.number, change.at)).collect::<Vec<_>>()
    };
    // Seen from a clock that is ahead, all that there is was made long ago.
    spoil(&path, "UPDATE change SET at = at - 20 * 365 * 86400");
    for sku in ["B", "C", "D"] {
        assert_eq!(put(&mut store, sku).len(), 3 + usize::from(sku > "B") + usize::from(sku > "C"), "{sku}");
    }
    // Seen from a clock that was set right, the last three are of the future.
    spoil(&path, "UPDATE change SET at = at + 20 * 365 * 86400");
    let history = put(&mut store, "E");
    assert_eq!(history.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    assert!(history[0].1 < history[1].1, "it has the right time: {history:?}");
    // A board without a clock, which wakes before all of them, goes by the newest.
    spoil(&path, "UPDATE change SET at = at + 40 * 365 * 86400");
    let history = put(&mut store, "F");
    assert_eq!((history.len(), history[0].1), (7, history[2].1.max(history[1].1)));
}

#[test]
fn a_change_that_is_too_old_is_not_half_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut store) = with_a_removed(folder.path());
    let whose = identity("one");
    store.sign(Author::default());
    store.commit(&whose, &[write(&whose, product("B", "b"), &[("b.jpg", "b")])], &[]).unwrap();
    spoil(
        &path,
        "UPDATE change SET at = at - 70 * 86400 WHERE id < 3; UPDATE change SET at = at - 35 * 86400 WHERE id = 3",
    );
    let refused = store.undo(Some(2)).unwrap_err();
    assert!(matches!(refused, UndoError::Unknown { number: 2 }), "{refused}");
    let Check { products, photos, embeddings, .. } = store.check().unwrap();
    assert_eq!([products, photos, embeddings, 1], [1; 4]);
    assert_eq!(count(&store, "photo_bytes"), 1, "what was forgotten takes no room");
}

#[test]
fn what_comes_back_without_an_embedding_in_use_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (identity("one"), identity("two"));
    let mut store = Store::open_or_create(&folder.path().join("c.db")).unwrap();
    let writes = ["A", "B"].map(|sku| write(&one, product(sku, "t"), &[("a.jpg", sku)]));
    store.commit(&one, &writes, &[]).unwrap();
    store.sign(Author::default());
    store.remove("A").unwrap();
    let left = store.photos().unwrap()[0].id;
    store.commit(&two, &[], &[(left, embedded(&two, b"B"))]).unwrap();
    assert_eq!(store.serve_if_whole(&two, &BTreeSet::new()).unwrap(), []);
    let undone = store.undo(None).unwrap();
    assert_eq!((undone.products, undone.left, undone.unembedded), (1, 0, 1));
    assert!(matches!(store.check().unwrap().damage[..], [Damage::NoEmbedding { .. }]));
}

/// Two programs at work: each thing that one does after the other is a change of its own, so that larger numbers are later.
#[test]
fn a_change_ends_where_somebody_else_changes_something() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    let whose = identity("one");
    let put = |store: &mut Store, sku: &str, title: &str| {
        store.commit(&whose, &[write(&whose, product(sku, title), &[("a.jpg", title)])], &[]).unwrap();
    };
    let mut import = Store::open_or_create(&path).unwrap();
    let mut other = Store::open(&path).unwrap();
    put(&mut import, "A", "1");
    put(&mut import, "B", "1");
    put(&mut other, "A", "2");
    put(&mut import, "A", "3");
    put(&mut import, "C", "3");
    let told: Vec<_> = import.history().unwrap().iter().map(|c| (c.number, c.products)).collect();
    assert_eq!(told, [(3, 2), (2, 1), (1, 2)]);
    assert!(matches!(other.undo(Some(2)), Err(UndoError::ChangedSince { by: 3, .. })));
    other.undo(None).unwrap();
    put(&mut import, "D", "4");
    other.forget_all().unwrap();
    put(&mut import, "E", "5");
    assert_eq!(contents(&import).keys().collect::<Vec<_>>(), ["A", "B", "D", "E"]);
    assert_eq!(import.check().unwrap().damage, []);
    // A photograph that has gone since it was planned to stay: nothing of that transaction is written.
    let photo = import.photos().unwrap()[0].id;
    let keep = ProductWrite { product: product("A", "6"), photos: vec![PhotoWrite::Keep(photo)], remove: Vec::new() };
    other.remove("A").unwrap();
    import.commit(&whose, &[keep], &[]).unwrap_err();
    assert!(!contents(&import).contains_key("A"));
}
