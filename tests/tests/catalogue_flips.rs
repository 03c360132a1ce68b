//! Flipped bits of a catalogue file: each is noticed by `check`, or changes no answer and no field.

use clothingid_device::catalogue::store::Correction;
use clothingid_device::catalogue::{Gallery, Match, Product, ProductCard, Role, Search, Snapshot, Store};
use clothingid_tests::dice::Dice;
use clothingid_tests::made_up::{self, direction, identity, photo, product, write};
use std::path::Path;

/// Flips of a run; each costs some milliseconds.
fn flips() -> usize {
    if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { 10_000 } else { 1_000 }
}

const PRODUCTS: u64 = 25;

/// The photograph that the staff say something of.
const EVIDENCE: u64 = 7777;

/// The photographs of a product: from a few bytes to several pages.
fn photos(number: u64) -> Vec<(String, Vec<u8>)> {
    let views = 0..number % 4 + 1;
    views
        .map(|view| {
            (format!("{number}-{view}.jpg"), photo(number * 10 + view, 50 + usize::try_from(number * 397).unwrap()))
        })
        .collect()
}

/// A product in which each field is set, or not.
fn fields(number: u64) -> Product {
    let given = |every: u64, text: &str| number.is_multiple_of(every).then(|| format!("{text}{number}"));
    Product {
        price: given(2, "19."),
        currency: given(2, "EUR"),
        barcode: given(3, "40000000"),
        colours: ["red", "blue|ish", "grün"]
            .iter()
            .take(usize::try_from(number % 4).unwrap())
            .map(ToString::to_string)
            .collect(),
        sizes: vec!["M".to_owned(); usize::from(number.is_multiple_of(2))],
        variant_of: given(5, "S"),
        url: given(4, "https://shop.example/"),
        ..product(&format!("S{number}"), &format!("Product {number}, größer"))
    }
}

/// A catalogue that has lived: two identities, removed products, so that there are free pages as well.
fn make(path: &Path) {
    let [one, two] = ["one", "two"].map(identity);
    let mut store = Store::open_or_create(path).unwrap();
    for number in 0..PRODUCTS {
        store.commit(&one, &[write(&one, fields(number), &photos(number))], &[]).unwrap();
    }
    for number in [3, 11, 20] {
        assert!(store.remove(&format!("S{number}")).unwrap());
    }
    let said = photo(EVIDENCE, 900);
    let says = vec![("S1".to_owned(), Role::Mistaken), ("S2".to_owned(), Role::Counter)];
    let correction = Correction { embedded: made_up::embedded(&one, &said), bytes: said, says };
    store.correct(&one, &[correction]).unwrap();
    let embedded: Vec<_> = store
        .unembedded(&two)
        .unwrap()
        .into_iter()
        .map(|id| (id, made_up::embedded(&two, &store.photo_bytes(id).unwrap().unwrap().unwrap())))
        .collect();
    // Half of the way to another network.
    store.commit(&two, &[], &embedded[..embedded.len() / 2]).unwrap();
    store.remember_import("shop.csv", "photos").unwrap();
    assert_eq!(store.check().unwrap().damage, []);
}

/// Everything that a catalogue answers with.
#[derive(Debug, PartialEq)]
struct Answers {
    matches: Vec<Vec<Match>>,
    products: Vec<ProductCard>,
    bytes: Vec<Option<Vec<u8>>>,
}

impl Answers {
    fn of(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let whose = identity("one");
        let snapshot = Snapshot::open(path, &whose)?;
        let asked = (0..PRODUCTS).step_by(4).map(|number| photos(number).swap_remove(0).1);
        let queries = asked.chain([photo(EVIDENCE, 900)]).map(|photo| direction(&whose, &photo));
        let matches = queries.map(|query| snapshot.search(&Search::of(&query, 10))).collect::<Result<_, _>>()?;
        let stored = Store::open(path)?.products()?;
        let cards = stored.iter().map(|stored| snapshot.product(&stored.product.sku));
        let products: Vec<ProductCard> = cards.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let photos = products.iter().flat_map(|card| &card.photos);
        let bytes = photos.map(|(id, _)| snapshot.photo(*id)).collect::<Result<_, _>>()?;
        Ok(Self { matches, products, bytes })
    }
}

/// What `clothingid catalogue check` has to say, if anything.
fn noticed(path: &Path) -> Option<String> {
    match Store::open(path).and_then(|store| store.check()) {
        Ok(check) => check.damage.first().map(ToString::to_string),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    make(&path);
    let sound = std::fs::read(&path).unwrap();
    assert!(sound.len() > 400_000, "{}", sound.len());
    let expected = Answers::of(&path).unwrap();
    assert_eq!(noticed(&path), None);

    let seed = 0xF11B;
    let mut dice = Dice::new(seed);
    // Each bit of the file's head, on which all else hangs; then bits anywhere, every tenth of them in the head's page or the next.
    let head = (0..100).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let random = (0..flips()).map(|flip| (dice.below(if flip % 10 == 0 { 8192 } else { sound.len() }), dice.below(8)));
    let (mut seen, mut harmful, mut harmless, mut missed) = (0, 0, 0, Vec::new());
    for (at, bit) in head.chain(random) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << bit;
        std::fs::write(&path, bytes).unwrap();
        let is_noticed = noticed(&path).is_some();
        // The companion: without `check`, this test would see the difference.
        match Answers::of(&path) {
            Ok(answers) if answers == expected => harmless += usize::from(!is_noticed),
            _ if is_noticed => harmful += 1,
            Ok(_) => missed.push(format!("byte {at}, bit {bit}: other answers")),
            Err(error) => missed.push(format!("byte {at}, bit {bit}: {error}")),
        }
        seen += usize::from(is_noticed);
        // What SQLite keeps beside the file belongs to that file.
        for end in ["-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(folder.path().join(format!("shop.db{end}")));
        }
    }
    println!(
        "seed {seed}: of 800 bits of the head and {} others {seen} were noticed ({harmful} of them change an answer), {harmless} change nothing",
        flips()
    );
    assert!(missed.is_empty(), "{} were missed:\n{}", missed.len(), missed.join("\n"));
    assert!(harmful > 0 && harmless > 0, "{seen} noticed, {harmful} harmful, {harmless} harmless");
}
