//! Snapshots: the order against a naive float scan, the fixed view, and damage.

use super::*;
use crate::catalogue::filter::Filter;
use crate::catalogue::index::sidecar::beside;
use crate::catalogue::store::{ProductWrite, StoreError};
use crate::catalogue::testing::{correction, direction, identity, product, write};
use crate::catalogue::{Role, Stock};
use clothingid_shared::embedding::{Embedding, cosine};
use clothingid_shared::files;
use proptest::prelude::*;

fn shop(products: &[(&str, &[(&str, &str)])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let whose = identity("one");
    let writes: Vec<ProductWrite> =
        products.iter().map(|(sku, photos)| write(&whose, product(sku, &format!("title of {sku}")), photos)).collect();
    Store::open_or_create(&path).unwrap().commit(&whose, &writes, &[]).unwrap();
    (folder, path)
}

fn query(photo: &str) -> Vec<f32> {
    direction(&identity("one"), photo.as_bytes())
}

#[test]
fn an_empty_catalogue_finds_nothing() {
    let (_folder, path) = shop(&[]);
    let snapshot = Snapshot::open(&path, &identity("one")).unwrap();
    assert_eq!((snapshot.photo_count(), snapshot.product_count()), (0, 0));
    assert_eq!(snapshot.search(&Search::of(&query("a"), 5)).unwrap(), []);
    assert_eq!(snapshot.product("A").unwrap(), None);
    assert_eq!(snapshot.photo(PhotoId::new(1)).unwrap(), None);
}

#[test]
fn one_match_a_product_by_its_best_photo() {
    let (_folder, path) = shop(&[("A", &[("a1", "x"), ("a2", "y")]), ("B", &[("b1", "z")])]);
    let snapshot = Snapshot::open(&path, &identity("one")).unwrap();
    let matches = snapshot.search(&Search::of(&query("y"), 5)).unwrap();
    assert_eq!(matches.len(), 2, "one a product");
    let best = &matches[0];
    assert_eq!((best.sku.as_str(), best.title.as_str(), best.photo.as_str()), ("A", "title of A", "a2"));
    assert!(best.similarity > 0.999_99);
    assert_eq!(snapshot.search(&Search::of(&query("y"), 1)).unwrap().len(), 1);
    assert_eq!(snapshot.search(&Search::of(&query("y"), 0)).unwrap(), []);
    // The float query is compared with the float rows: to itself its cosine is one, and its int8 form's is not.
    let coarse = Embedding::quantise(&query("y")).unwrap().dequantise();
    assert!(f64::from(cosine(&query("y"), &query("y"))) - best.similarity < 1e-7);
    assert!(snapshot.search(&Search::of(&coarse, 1)).unwrap()[0].similarity < best.similarity);
    assert!(matches!(
        snapshot.search(&Search::of(&[1.0, 0.0], 5)),
        Err(GalleryError::ValueCount { expected: 16, found: 2 })
    ));
    assert!(matches!(snapshot.search(&Search::of(&[0.0; 16], 5)), Err(GalleryError::Query(_))), "no direction");

    let card = snapshot.product("A").unwrap().unwrap();
    assert_eq!(card.photo(), snapshot.photo_id("A", "a1").unwrap());
    let id = snapshot.photo_id(&best.sku, &best.photo).unwrap().unwrap();
    assert_eq!(snapshot.photo(id).unwrap().unwrap(), b"y");
}

#[test]
fn products_with_many_photos_do_not_hide_the_others() {
    let names: Vec<(String, String)> = (0..300).map(|i| (format!("p{i}"), format!("{i}"))).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|(n, b)| (n.as_str(), b.as_str())).collect();
    let (_folder, path) = shop(&[("A", &many), ("B", &[("b", "b")]), ("C", &[("c", "c")])]);
    let snapshot = Snapshot::open(&path, &identity("one")).unwrap();
    assert_eq!(snapshot.search(&Search::of(&query("7"), 3)).unwrap().len(), 3);
}

#[test]
fn what_is_gone_is_left_out_and_the_next_snapshot_follows() {
    let (_folder, path) = shop(&[("A", &[("a", "x")])]);
    let whose = identity("one");
    let (mut follow, snapshot) = Follow::open(&path, &whose).unwrap();
    assert!(follow.newer().unwrap().is_none());
    let id = snapshot.photo_id("A", "a").unwrap().unwrap();

    let mut store = Store::open(&path).unwrap();
    store.remove("A").unwrap();
    store.commit(&whose, &[write(&whose, product("B", "b"), &[("b", "x")])], &[]).unwrap();
    // The snapshot knows A alone, and A is not there to be shown.
    assert_eq!(snapshot.search(&Search::of(&query("x"), 5)).unwrap(), []);
    assert_eq!(snapshot.photo_count(), 1);
    assert_eq!(snapshot.photo(id).unwrap(), None);
    assert_eq!(snapshot.damage(), []);

    let newer = follow.newer().unwrap().unwrap();
    assert!(follow.newer().unwrap().is_none());
    assert_eq!(newer.search(&Search::of(&query("x"), 5)).unwrap()[0].sku, "B");
    assert_eq!(newer.product("A").unwrap(), None);
    assert_eq!(newer.photo(id).unwrap(), None, "a number is never used again");
}

#[test]
fn what_is_written_is_shown_in_the_next_answer_of_the_same_view() {
    let (_folder, path) = shop(&[("A", &[("a", "x")]), ("B", &[("b", "y")])]);
    let whose = identity("one");
    let snapshot = Snapshot::open(&path, &whose).unwrap();
    let titles = || -> Vec<String> {
        let matches = snapshot.search(&Search::of(&query("x"), 5)).unwrap();
        matches.into_iter().map(|one| one.title).collect()
    };
    assert_eq!(titles(), ["title of A", "title of B"]);
    assert_eq!(titles(), ["title of A", "title of B"], "as it was read before");
    let mut store = Store::open(&path).unwrap();
    store.commit(&whose, &[write(&whose, product("A", "another"), &[])], &[]).unwrap();
    assert_eq!(titles(), ["another", "title of B"]);
    store.remove("A").unwrap();
    assert_eq!(titles(), ["title of B"]);
    // All that this store has changed is one change.
    store.undo(None).unwrap();
    assert_eq!(titles(), ["title of A", "title of B"]);
}

#[test]
fn an_answer_takes_the_place_of_the_one_before_also_if_there_is_none() {
    let (_folder, path) = shop(&[("A", &[("a", "x")]), ("B", &[("b", "y")])]);
    let snapshot = Snapshot::open(&path, &identity("one")).unwrap();
    let mut matches = Matches::default();
    let asked = [(query("x"), 5, 2), (query("x"), 1, 1), (query("x"), 0, 0), (query("y"), 2, 2), (vec![0.0; 16], 5, 0)];
    for (query, top, count) in asked {
        let found = snapshot.search_into(&Search::of(&query, top), &mut matches);
        assert_eq!((found.is_ok(), matches.len()), (query[0] != 0.0, count));
    }
}

#[test]
fn one_match_a_style_and_only_what_the_filter_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    let whose = identity("one");
    let of = |sku: &str, price: &str, style: Option<&str>, stock| Product {
        price: Some(price.to_owned()),
        variant_of: style.map(str::to_owned),
        stock,
        category: Some("Dress".into()),
        ..product(sku, "t")
    };
    let writes = [
        write(&whose, of("S", "20.00", None, Some(Stock::Out)), &[("s", "x")]),
        write(&whose, of("S-red", "25.00", Some("S"), Some(Stock::In)), &[("r", "y")]),
        write(&whose, of("T", "30.00", None, None), &[("t", "z")]),
        // Without a photograph of its own: it is found by those of its style.
        write(
            &whose,
            Product { colours: vec!["Blue".into()], ..of("S-blue", "22.00", Some("S"), Some(Stock::In)) },
            &[],
        ),
        write(&whose, Product { colours: vec!["Blue".into()], ..of("U", "1.00", None, None) }, &[]),
    ];
    Store::open_or_create(&path).unwrap().commit(&whose, &writes, &[]).unwrap();
    let snapshot = Snapshot::open(&path, &whose).unwrap();
    let found = |filter: &Filter| -> BTreeSet<String> {
        let matches = snapshot.search(&Search::of(&query("x"), 5).among(filter)).unwrap();
        matches.into_iter().map(|found| found.sku).collect()
    };
    let price = |range: &str| Filter { price: Some(range.parse().unwrap()), ..Filter::default() };
    let of = |skus: &[&str]| skus.iter().map(|sku| (*sku).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found(&Filter::default()), of(&["S", "T"]), "one a style: its photograph that is most alike");
    assert_eq!(found(&Filter { in_stock: true, ..Filter::default() }), of(&["S", "T"]), "S-blue is in stock");
    let blue = Filter { colour: Some("blue".into()), ..Filter::default() };
    assert_eq!(found(&Filter { in_stock: true, ..blue.clone() }), of(&["S"]));
    assert_eq!(found(&Filter { colour: blue.colour, ..price("22..22") }), of(&["S"]));
    assert_eq!(found(&price("..29.99")), of(&["S"]));
    assert_eq!(found(&price("25..")), of(&["S-red", "T"]));
    assert_eq!(found(&price("31..")), of(&[]));
    assert_eq!(found(&Filter { category: Some("dress".into()), ..price("30..30") }), of(&["T"]));
    assert_eq!(found(&Filter { colour: Some("red".into()), ..Filter::default() }), of(&[]));
}

#[test]
fn what_the_staff_say_changes_the_answers_and_is_shown_to_nobody() {
    let (_folder, path) = shop(&[("A", &[("a1", "x")]), ("B", &[("b1", "y"), ("b2", "z")])]);
    let whose = identity("one");
    let mut store = Store::open(&path).unwrap();
    let found = |asked: &str| -> Vec<(String, String, bool)> {
        let snapshot = Snapshot::open(&path, &whose).unwrap();
        let matches = snapshot.search(&Search::of(&query(asked), 5)).unwrap();
        matches.into_iter().map(|m| (m.sku, m.photo, m.similarity > 0.999)).collect()
    };
    let own = |sku: &str, photo: &str, is_same| (sku.to_owned(), photo.to_owned(), is_same);
    let before = found("q");
    assert_eq!(before.len(), 2);
    // A counter picture finds its product, which is shown by the shop's first photograph.
    store.correct(&whose, &[correction(&whose, "q", &[("B", Role::Counter), ("A", Role::Mistaken)])]).unwrap();
    assert_eq!(found("q"), [own("B", "b1", true)]);
    // What is nearer to the shop's photograph than to the mistake is found as before.
    assert_eq!(found("x")[0], own("A", "a1", true));
    assert_eq!(found("z")[0], own("B", "b2", true));
    let card = Snapshot::open(&path, &whose).unwrap().product("B").unwrap().unwrap();
    assert_eq!(card.photos.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["b1", "b2"]);
    store.undo(None).unwrap();
    assert_eq!(found("q"), before);
}

#[test]
fn a_variant_that_only_the_counter_has_seen_is_shown_by_its_style() {
    let (_folder, path) = shop(&[]);
    let whose = identity("one");
    let variant = |sku: &str, colour: &str| Product {
        variant_of: Some("S".to_owned()),
        colours: vec![colour.to_owned()],
        ..product(sku, sku)
    };
    let mut store = Store::open(&path).unwrap();
    store
        .commit(
            &whose,
            &[
                write(&whose, variant("red", "red"), &[("r1", "x"), ("r2", "y")]),
                write(&whose, variant("blue", "blue"), &[]),
            ],
            &[],
        )
        .unwrap();
    let found = |asked: &str, colour: Option<&str>| {
        let filter = Filter { colour: colour.map(str::to_owned), ..Filter::default() };
        let matches =
            Snapshot::open(&path, &whose).unwrap().search(&Search::of(&query(asked), 5).among(&filter)).unwrap();
        matches.into_iter().map(|m| (m.sku, m.photo, m.similarity > 0.999)).collect::<Vec<_>>()
    };
    let red = |photo: &str, is_same| vec![("red".to_owned(), photo.to_owned(), is_same)];
    assert_eq!(found("y", Some("blue")), red("r2", true), "lent by the variant without a photograph");
    store.correct(&whose, &[correction(&whose, "q", &[("blue", Role::Counter)])]).unwrap();
    assert_eq!(found("q", None), red("r1", true));
    assert_eq!(found("y", Some("blue")), red("r2", true), "a counter picture takes nothing away");
    let snapshot = Snapshot::open(&path, &whose).unwrap();
    assert_eq!(snapshot.like("blue", 5, None).unwrap(), Some(vec![]));
}

#[test]
fn a_large_catalogue_is_opened_from_the_file_beside_it() {
    let names: Vec<String> = (0..2000).map(|i| format!("{i}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let (_folder, path) = shop(&[("A", &many), ("B", &[("b", "x")])]);
    let (whose, index) = (identity("one"), beside(&path));
    let answer = |snapshot: &Snapshot| snapshot.search(&Search::of(&query("7"), 5)).unwrap();
    let first = answer(&Snapshot::open(&path, &whose).unwrap());
    let written = files::read(&index).unwrap();

    // A file that is not whole is as none, and written again.
    for bytes in [&written[..written.len() / 2], b""] {
        files::write_atomic(&index, bytes).unwrap();
        assert_eq!(answer(&Snapshot::open(&path, &whose).unwrap()), first);
        assert_eq!(files::read(&index).unwrap(), written);
    }
    // Rows that are not read are not looked at; a catalogue whose rows are read and damaged gets no file.
    crate::catalogue::store::spoil(&path, "UPDATE embedding SET scale = 9 WHERE photo = 5");
    assert_eq!(Snapshot::open(&path, &whose).unwrap().damage(), []);
    let found = Damage::Embedding { photo: PhotoId::new(5), form: "int8" };
    assert_eq!(Snapshot::read(&path, &whose).unwrap().damage(), std::slice::from_ref(&found));
    files::write_atomic(&index, b"torn").unwrap();
    assert_eq!(Snapshot::open(&path, &whose).unwrap().damage(), [found]);
    assert_eq!(files::read(&index).unwrap(), b"torn");
    // What changed since the file was written is seen.
    files::write_atomic(&index, &written).unwrap();
    Store::open(&path).unwrap().remove("A").unwrap();
    assert_eq!(Snapshot::open(&path, &whose).unwrap().photo_count(), 1);
}

#[test]
fn another_network_is_refused() {
    let (_folder, path) = shop(&[("A", &[("a", "x")])]);
    assert!(matches!(Snapshot::open(&path, &identity("two")), Err(StoreError::OtherIdentity { .. })));
}

/// Flips one bit of the file wherever `needle` lies in it.
fn flip(path: &Path, needle: &[u8]) {
    let mut bytes = files::read(path).unwrap();
    let at = bytes.windows(needle.len()).position(|w| w == needle).unwrap();
    bytes[at] ^= 4;
    files::write_atomic(path, &bytes).unwrap();
}

#[test]
fn a_flipped_byte_is_named_and_left_out() {
    let whose = identity("one");
    let row = |photo: &str| crate::catalogue::testing::embedded(&whose, photo.as_bytes());
    let quantised: Vec<u8> = row("x").quantised.values.iter().map(|v| v.cast_unsigned()).collect();
    let floats: Vec<u8> = row("x").floats.iter().flat_map(|v| v.to_le_bytes()).collect();
    let cases: [(&[u8], Damage); 4] = [
        (&quantised, Damage::Embedding { photo: PhotoId::new(1), form: "int8" }),
        (&floats, Damage::Embedding { photo: PhotoId::new(1), form: "float" }),
        (b"title of A", Damage::Product { sku: "A".into() }),
        (b"photo of A", Damage::PhotoBytes { photo: PhotoId::new(3), sku: "A".into(), name: "a2".into() }),
    ];
    for (needle, expected) in cases {
        let (_folder, path) = shop(&[("A", &[("a", "x")]), ("B", &[("b", "z")])]);
        let mut store = Store::open(&path).unwrap();
        let second = write(&whose, product("A", "title of A"), &[("a2", "photo of A")]);
        store.commit(&whose, &[second], &[]).unwrap();
        drop(store);
        flip(&path, needle);
        let damage = Store::open(&path).unwrap().check().unwrap().damage;
        assert_eq!(damage, std::slice::from_ref(&expected));

        let snapshot = Snapshot::open(&path, &whose).unwrap();
        let matches = snapshot.search(&Search::of(&query("x"), 5)).unwrap();
        assert!(matches.iter().any(|m| m.sku == "B"), "the sound ones are found: {matches:?}");
        if let Some(id) = snapshot.photo_id("A", "a2").unwrap() {
            assert_eq!(snapshot.photo(id).is_err(), matches!(expected, Damage::PhotoBytes { .. }));
        }
        assert_eq!(snapshot.damage(), [expected]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Fewer photographs than are re-ranked: the order is the naive float scan's, exactly.
    #[test]
    fn the_order_is_that_of_a_naive_float_scan(count in 1_usize..60, asked in "[a-z]{3}", top in 1_usize..12) {
        let whose = identity("one");
        let names: Vec<String> = (0..count).map(|i| format!("{asked}{i}")).collect();
        // Three photographs a product.
        let writes: Vec<ProductWrite> = names
            .chunks(3)
            .enumerate()
            .map(|(i, names)| {
                let photos: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), n.as_str())).collect();
                write(&whose, product(&i.to_string(), "t"), &photos)
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.sqlite");
        Store::open_or_create(&path).unwrap().commit(&whose, &writes, &[]).unwrap();
        let snapshot = Snapshot::open(&path, &whose).unwrap();

        let asked = query(&asked);
        let mut naive: Vec<(f32, String)> = names
            .chunks(3)
            .enumerate()
            .map(|(i, names)| {
                let best = names.iter().map(|n| cosine(&asked, &query(n))).fold(f32::NEG_INFINITY, f32::max);
                (best, i.to_string())
            })
            .collect();
        naive.sort_by(|a, b| b.0.total_cmp(&a.0));
        let expected: Vec<String> = naive.into_iter().take(top).map(|(_, sku)| sku).collect();
        let found: Vec<String> = snapshot.search(&Search::of(&asked, top)).unwrap().into_iter().map(|m| m.sku).collect();
        prop_assert_eq!(found, expected);
    }
}
