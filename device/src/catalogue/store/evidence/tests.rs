use super::*;
use crate::catalogue::store::{ProductWrite, Store};
use crate::catalogue::testing::{correction, identity, product, write};

/// Two products, each with one photograph of its own.
fn shop(folder: &tempfile::TempDir) -> Store {
    let mut store = Store::open_or_create(&folder.path().join("c.db")).unwrap();
    let whose = identity("one");
    let writes: Vec<ProductWrite> =
        ["A", "B"].map(|sku| write(&whose, product(sku, "t"), &[("own.jpg", sku)])).into_iter().collect();
    store.commit(&whose, &writes, &[]).unwrap();
    store
}

fn say(store: &mut Store, bytes: &str, says: &[(&str, Role)]) -> Result<Corrected, CorrectionError> {
    let whose = identity("one");
    store.correct(&whose, &[correction(&whose, bytes, says)])
}

fn evidence(store: &Store) -> Vec<(String, Role)> {
    store.evidence().unwrap().into_iter().map(|photo| (photo.sku, photo.role)).collect()
}

const KEPT: Corrected = Corrected { kept: 1, known: 0 };
const KNOWN: Corrected = Corrected { kept: 0, known: 1 };

#[test]
fn what_is_said_is_kept_once_and_taken_back_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = shop(&folder);
    store.sign(crate::catalogue::store::Author::default());
    let both = [("A", Role::Mistaken), ("B", Role::Counter)];
    assert_eq!(say(&mut store, "q", &both).unwrap(), Corrected { kept: 2, known: 0 });
    assert_eq!(evidence(&store), [("A".to_owned(), Role::Mistaken), ("B".to_owned(), Role::Counter)]);
    let before = store.history().unwrap().len();
    assert_eq!(say(&mut store, "q", &both).unwrap(), Corrected { kept: 0, known: 2 });
    assert_eq!(store.history().unwrap().len(), before, "nothing has changed");
    assert_eq!(store.check().unwrap().damage, []);
    assert_eq!(store.undo(None).unwrap().products, 2);
    assert_eq!(evidence(&store), []);
    store.undo(Some(store.history().unwrap()[0].number)).unwrap();
    assert_eq!(evidence(&store).len(), 2);
    assert_eq!(store.check().unwrap().damage, []);
}

#[test]
fn the_last_word_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = shop(&folder);
    assert_eq!(say(&mut store, "q", &[("A", Role::Mistaken)]).unwrap(), KEPT);
    assert_eq!(say(&mut store, "q", &[("A", Role::Counter)]).unwrap(), KEPT);
    assert_eq!(evidence(&store), [("A".to_owned(), Role::Counter)]);
    let name = store.evidence().unwrap()[0].name.clone();
    assert!(name.starts_with("counter/"), "{name}");
    assert!(store.forget_evidence("A", &name).unwrap());
    assert!(!store.forget_evidence("A", &name).unwrap());
    assert!(!store.forget_evidence("A", "own.jpg").unwrap(), "that is the shop's");
    assert_eq!(evidence(&store), []);
}

#[test]
fn the_shops_own_photographs_are_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = shop(&folder);
    assert_eq!(say(&mut store, "A", &[("A", Role::Counter)]).unwrap(), KNOWN);
    let error = say(&mut store, "A", &[("B", Role::Mistaken), ("A", Role::Mistaken)]).unwrap_err();
    assert!(matches!(&error, CorrectionError::Listed { name, .. } if name == "own.jpg"), "{error}");
    let error = say(&mut store, "q", &[("B", Role::Counter), ("C", Role::Mistaken)]).unwrap_err();
    assert!(matches!(&error, CorrectionError::NoProduct { sku } if sku == "C"), "{error}");
    assert_eq!(evidence(&store), [], "all of it or nothing");
}

#[test]
fn what_the_shop_lists_is_no_evidence_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = shop(&folder);
    say(&mut store, "q", &[("A", Role::Mistaken), ("B", Role::Counter)]).unwrap();
    store.sign(crate::catalogue::store::Author::default());
    let whose = identity("one");
    store.commit(&whose, &[write(&whose, product("A", "t"), &[("own.jpg", "A"), ("new.jpg", "q")])], &[]).unwrap();
    assert_eq!(evidence(&store), [("B".to_owned(), Role::Counter)]);
    store.undo(None).unwrap();
    assert_eq!(evidence(&store).len(), 2);
}

#[test]
fn damaged_evidence_is_named_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = shop(&folder);
    say(&mut store, "q", &[("A", Role::Mistaken)]).unwrap();
    let name = store.evidence().unwrap()[0].name.clone();
    crate::catalogue::store::spoil(store.path(), "UPDATE photo_bytes SET bytes = X'00' WHERE photo = 3");
    let damage = store.check().unwrap().damage;
    assert_eq!(damage, [crate::catalogue::store::Damage::Evidence { sku: "A".to_owned(), name }]);
    assert!(!damage[0].is_mended_by_import());
}

#[test]
fn a_row_with_another_role_is_not_what_was_written() {
    for (role, spoilt) in [(Role::Mistaken, "'counter'"), (Role::Counter, "'wrong'"), (Role::Counter, "NULL")] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = shop(&folder);
        say(&mut store, "q", &[("A", role)]).unwrap();
        let sql = format!("UPDATE photo SET role = {spoilt} WHERE role IS NOT NULL");
        crate::catalogue::store::spoil(store.path(), &sql);
        assert!(store.photos_of("A").unwrap().iter().any(|photo| !photo.is_sound), "{spoilt}");
        assert!(!store.check().unwrap().damage.is_empty());
    }
}
