//! The store against a model, against other files, and against flipped bytes.

use super::*;
use crate::catalogue::PhotoId;
use crate::catalogue::testing::{embedded, identity, product, write};
use crate::network::EngineChoice;
use clothingid_shared::files;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn told(error: &StoreError, folder: &Path) -> String {
    let hints: String = error.hints().iter().map(|h| format!("\nhint: {h}")).collect();
    format!("error: {error}{hints}").replace(&folder.display().to_string(), "DIR")
}

#[test]
fn files_that_are_no_catalogue_are_named_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let mut all = vec![told(&Store::open(&path).unwrap_err(), folder.path())];
    assert!(!path.exists(), "opening makes nothing");

    let other = Connection::open(folder.path().join("other")).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(other);
    let newer = folder.path().join("newer");
    drop(Store::open_or_create(&newer).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let other = files::read(&folder.path().join("other")).unwrap();
    let newer = files::read(&newer).unwrap();
    for bytes in [&b""[..], b"sku,title,photo\n", b"SQLite format 3\0", &other, &newer] {
        files::write_atomic(&path, bytes).unwrap();
        for error in [Store::open(&path).unwrap_err(), Store::open_or_create(&path).unwrap_err()] {
            all.push(told(&error, folder.path()));
            assert_eq!(files::read(&path).unwrap(), bytes, "left as it is");
        }
    }
    all.dedup();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_catalogue_that_was_cut_short_is_named_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let whose = identity("one");
    let mut store = Store::open_or_create(&path).unwrap();
    let large = "x".repeat(50_000);
    store.commit(&whose, &[write(&whose, product("A", "a"), &[("a.jpg", &large)])], &[]).unwrap();
    drop(store);
    let whole = files::read(&path).unwrap();
    for length in [whole.len() / 2, 4096, 100] {
        files::write_atomic(&path, &whole[..length]).unwrap();
        let found = Store::open(&path).and_then(|s| Ok((s.products()?, s.photos()?)));
        assert!(
            matches!(found, Err(StoreError::Damaged { .. } | StoreError::NotACatalogue { .. })),
            "{length}: {found:?}"
        );
        assert_eq!(files::read(&path).unwrap().len(), length);
    }
}

#[test]
fn creating_leaves_only_the_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/c.sqlite");
    drop(Store::open_or_create(&path).unwrap());
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["c.sqlite"]);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.check().unwrap(), Check::default());
    let pragma = |name: &str| store.connection.pragma_query_value(None, name, |r| r.get::<_, String>(0));
    assert_eq!(pragma("journal_mode").unwrap(), "wal");
    let full: i64 = store.connection.pragma_query_value(None, "synchronous", |r| r.get(0)).unwrap();
    assert_eq!(full, 2);
}

#[test]
fn another_identity_is_refused_with_the_command_that_embeds_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let (one, two) = (identity("1111aaaa2222bbbb"), identity("3333cccc4444dddd"));
    let mut store = Store::open_or_create(&path).unwrap();
    store.expect_identity(&one).unwrap();
    store.remember_import("'my shop.csv'", "photos").unwrap();
    store.commit(&one, &[write(&one, product("A", "a"), &[("a.jpg", "a")])], &[]).unwrap();
    store.expect_identity(&one).unwrap();
    insta::assert_snapshot!(told(&store.expect_identity(&two).unwrap_err(), folder.path()));
    let hint =
        |bundle| store.expect_identity(&two).unwrap_err().with_network(bundle, EngineChoice::Auto).hints().remove(0);
    assert!(hint(Some(Path::new("my own.bundle"))).ends_with("c.sqlite --bundle 'my own.bundle'`"));
    assert!(hint(None).ends_with("c.sqlite`"));
    let of_engine = store.expect_identity(&two).unwrap_err().with_network(None, EngineChoice::Tract);
    assert!(of_engine.hints()[0].ends_with("c.sqlite --engine tract`"));

    // The next identity grows beside the old one, which is searched until the switch.
    let [photo] = store.photos().unwrap().try_into().unwrap();
    assert_eq!(store.unembedded(&two).unwrap(), [photo.id]);
    store.commit(&two, &[], &[(photo.id, embedded(&two, b"a"))]).unwrap();
    store.expect_identity(&one).unwrap();
    assert_eq!(store.check().unwrap().damage, []);
    assert_eq!(store.serve_if_whole(&two, &BTreeSet::new()).unwrap(), []);
    store.expect_identity(&two).unwrap();
    assert_eq!(store.value_count(&one).unwrap(), None);
    assert_eq!(store.check().unwrap().damage, []);
}

/// Every byte of every row is covered: change any field behind the store's back, and `check` names its row.
#[test]
fn a_changed_field_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let whose = identity("one");
    let mut store = Store::open_or_create(&path).unwrap();
    let mut full = product("A", "a");
    full.price = Some("1".into());
    full.colours = vec!["red".into()];
    let writes = [
        write(&whose, full, &[("a.jpg", "aa"), ("b.jpg", "bb")]),
        write(&whose, product("B", "b"), &[("c", "c")]),
        write(&whose, product("C", "c"), &[("d", "d")]),
    ];
    store.commit(&whose, &writes, &[]).unwrap();
    // A second change, after which the photograph number 4 is only in the history.
    store.sign(Author::default());
    store.remove("C").unwrap();
    store.remember_import("x", "y").unwrap();
    assert_eq!(store.check().unwrap().damage, []);
    drop(store);
    let sound = files::read(&path).unwrap();

    let mut all = Vec::new();
    for change in [
        "UPDATE product SET title = 'x' WHERE sku = 'A'",
        "UPDATE product SET price = NULL WHERE sku = 'A'",
        "UPDATE product SET currency = 'EUR' WHERE sku = 'A'",
        "UPDATE product SET barcode = '' WHERE sku = 'A'",
        "UPDATE product SET colours = 'rid' WHERE sku = 'A'",
        "UPDATE product SET sizes = 'S' WHERE sku = 'A'",
        "UPDATE product SET variant_of = 'B' WHERE sku = 'A'",
        "UPDATE product SET url = 'x' WHERE sku = 'A'",
        "UPDATE product SET checksum = zeroblob(16) WHERE sku = 'A'",
        "UPDATE photo SET sku = 'B' WHERE name = 'a.jpg'",
        "UPDATE photo SET name = 'x.jpg' WHERE name = 'a.jpg'",
        "UPDATE photo SET position = 7 WHERE name = 'a.jpg'",
        "UPDATE photo SET sha256 = zeroblob(32) WHERE name = 'a.jpg'",
        "UPDATE photo_bytes SET bytes = X'6162' WHERE photo = 1",
        "DELETE FROM photo_bytes WHERE photo = 1",
        "UPDATE embedding SET scale = scale * 2 WHERE photo = 1",
        "UPDATE embedding SET quantised = zeroblob(16) WHERE photo = 1",
        "UPDATE embedding_float SET floats = zeroblob(64) WHERE photo = 1",
        "DELETE FROM embedding WHERE photo = 1",
        "DELETE FROM embedding_float WHERE photo = 1",
        "DELETE FROM photo WHERE sku = 'B'",
        "UPDATE identity SET value_count = 8",
        "UPDATE setting SET value = 'other' WHERE key = 'last_csv'",
        "PRAGMA foreign_keys = OFF; DELETE FROM product WHERE sku = 'B'",
        "UPDATE product SET category = 'x' WHERE sku = 'A'",
        "UPDATE product SET stock = '7' WHERE sku = 'A'",
        "UPDATE product SET stock = 'instock' WHERE sku = 'A'",
        "UPDATE change SET who = 'x' WHERE id = 1",
        "UPDATE past_product SET state = 'present' WHERE sku = 'A' AND change = 1",
        "UPDATE past_product SET title = 'x' WHERE sku = 'C' AND change = 2",
        "UPDATE past_photo SET position = 7 WHERE sku = 'C' AND change = 2",
        "UPDATE photo_bytes SET bytes = X'00' WHERE photo = 4",
    ] {
        files::write_atomic(&path, &sound).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        let damage = Store::open(&path).unwrap().check().unwrap().damage;
        assert!(!damage.is_empty(), "{change}");
        all.push(format!("{change}\n  {}", damage.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")));
    }
    insta::assert_snapshot!(all.join("\n"));
}

/// What a store should hold: sku → title, and photographs by name.
pub(super) type Model = BTreeMap<String, (String, Vec<(String, String)>)>;

/// Number, title, and photographs as name and bytes.
type Drawn = (u8, String, Vec<(u8, u8)>);

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Drawn>),
    Remove(u8),
    Undo,
    Reopen,
    Serve(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let photos = prop::collection::vec((0_u8..4, 0_u8..6), 0..4);
    let products = prop::collection::vec((0_u8..5, "[a-z|é ]{0,6}", photos), 0..4);
    let step = prop_oneof![
        6 => products.prop_map(Step::Write),
        2 => (0_u8..5).prop_map(Step::Remove),
        2 => Just(Step::Undo),
        1 => Just(Step::Reopen),
        1 => any::<bool>().prop_map(Step::Serve),
    ];
    prop::collection::vec(step, 1..12)
}

/// The write that makes the stored product what is wanted, as an import plans it.
fn wanted(store: &Store, sku: &str, title: &str, photos: &[(String, String)], whose: &str) -> ProductWrite {
    let stored: Vec<StoredPhoto> = store.photos().unwrap().into_iter().filter(|p| p.sku == sku).collect();
    let mut keep: Vec<PhotoId> = Vec::new();
    let planned = photos.iter().map(|(name, bytes)| {
        let same = stored.iter().find(|p| p.name == *name && p.sha256 == checksum::sha256(bytes.as_bytes()));
        match same {
            Some(photo) => {
                keep.push(photo.id);
                PhotoWrite::Keep(photo.id)
            }
            None => PhotoWrite::Add {
                name: name.clone(),
                bytes: bytes.clone().into_bytes(),
                embedded: embedded(&identity(whose), bytes.as_bytes()),
            },
        }
    });
    let photos = planned.collect();
    let remove = stored.iter().map(|p| p.id).filter(|id| !keep.contains(id)).collect();
    ProductWrite { product: product(sku, title), photos, remove }
}

pub(super) fn contents(store: &Store) -> Model {
    let mut photos = store.photos().unwrap();
    photos.sort_by_key(|p| p.position);
    let of = |sku: &str| {
        let own = photos.iter().filter(|p| p.sku == sku);
        own.map(|p| {
            let bytes = store.photo_bytes(p.id).unwrap().unwrap().unwrap();
            (p.name.clone(), String::from_utf8(bytes).unwrap())
        })
        .collect()
    };
    let products = store.products().unwrap();
    assert!(products.iter().all(|p| p.is_sound) && photos.iter().all(|p| p.is_sound));
    products.iter().map(|p| (p.product.sku.clone(), (p.product.title.clone(), of(&p.product.sku)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn holds_what_a_map_holds(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.sqlite");
        let mut store = Store::open_or_create(&path).unwrap();
        // Durability is what the kill test is for; here it only costs time.
        store.connection.pragma_update(None, "synchronous", "OFF").unwrap();
        let mut model = Model::new();
        // What the model was before each change that holds.
        let mut before: Vec<Model> = Vec::new();
        for step in steps {
            store.sign(Author::default());
            match step {
                Step::Write(products) => {
                    let mut writes: BTreeMap<String, (String, Vec<(String, String)>)> = BTreeMap::new();
                    for (number, title, photos) in products {
                        let mut by_name: BTreeMap<String, String> = BTreeMap::new();
                        by_name.extend(photos.iter().map(|(name, bytes)| (name.to_string(), bytes.to_string())));
                        writes.insert(number.to_string(), (title, by_name.into_iter().rev().collect()));
                    }
                    let planned: Vec<ProductWrite> =
                        writes.iter().map(|(sku, (title, photos))| wanted(&store, sku, title, photos, "one")).collect();
                    store.commit(&identity("one"), &planned, &[]).unwrap();
                    if !writes.is_empty() {
                        before.push(model.clone());
                    }
                    model.extend(writes);
                }
                Step::Remove(number) => {
                    let sku = number.to_string();
                    let was = model.clone();
                    prop_assert_eq!(store.remove(&sku).unwrap(), model.remove(&sku).is_some());
                    if was != model {
                        before.push(was);
                    }
                }
                Step::Undo => match before.pop() {
                    Some(was) => {
                        store.undo(None).unwrap();
                        model = was;
                    }
                    None => prop_assert!(matches!(store.undo(None), Err(UndoError::Nothing))),
                },
                Step::Reopen => {
                    drop(store);
                    store = Store::open(&path).unwrap();
                    store.connection.pragma_update(None, "synchronous", "OFF").unwrap();
                }
                Step::Serve(complete) => {
                    let two = identity("two");
                    let lacking = store.unembedded(&two).unwrap();
                    let rows: Vec<_> = lacking
                        .iter()
                        .skip(usize::from(!complete))
                        .map(|id| (*id, embedded(&two, &store.photo_bytes(*id).unwrap().unwrap().unwrap())))
                        .collect();
                    store.commit(&two, &[], &rows).unwrap();
                }
            }
            prop_assert_eq!(contents(&store), model.clone());
            let (mut found, one) = (0, identity("one"));
            let live: BTreeSet<PhotoId> = store.photos().unwrap().iter().map(|p| p.id).collect();
            prop_assert_eq!(store.embeddings(&one, |row| found += usize::from(live.contains(&row.photo))).unwrap(), vec![]);
            let served = store.served().unwrap();
            if served.as_ref() == Some(&one) {
                prop_assert_eq!(found, model.values().map(|(_, photos)| photos.len()).sum::<usize>());
            }
            let damage = store.check().unwrap().damage;
            prop_assert!(damage.iter().all(|d| matches!(d, Damage::NoPhoto { .. } | Damage::NoEmbedding { .. })), "{:?}", damage);
        }
    }
}

/// A catalogue of the form 1, as the first release wrote it.
#[test]
fn an_old_catalogue_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    files::write_atomic(&path, include_bytes!("form-1.db")).unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.check().unwrap().damage, []);
    assert_eq!(contents(&store)["A"], ("a".to_owned(), vec![("a.jpg".to_owned(), "aa".to_owned())]));
    store.remove("A").unwrap();
    store.undo(None).unwrap();
    assert_eq!(contents(&store)["A"].1.len(), 1);
    assert_eq!(store.check().unwrap().damage, []);
}
