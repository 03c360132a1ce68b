//! A head office and a board: whole editions, differences, and what does not fit; in [`evidence`] what the staff of a shop have found out.

mod evidence;

use super::*;
use crate::catalogue::Product;
use crate::catalogue::import::{EmbedError, Embedder, Embedders, Import, Progress, Quiet, Summary};
use crate::catalogue::store::{Author, Store};
use crate::catalogue::testing::{Directions, identity, product, write as product_write};
use crate::signature::{self, SignatureError};
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// A network that must not be asked: what the head office has embedded is not embedded again.
struct Never(EmbeddingIdentity);

impl Embedders for Never {
    fn identity(&self) -> &EmbeddingIdentity {
        &self.0
    }

    fn open(&self) -> Result<Box<dyn Embedder + '_>, EmbedError> {
        Err("the network was asked".into())
    }
}

/// sku → title, and photographs by name and bytes.
type Contents = BTreeMap<String, (String, Vec<(String, String)>)>;

fn contents(path: &Path) -> Contents {
    let store = Store::open(path).unwrap();
    assert_eq!(store.check().unwrap().damage, []);
    let mut photos = store.photos().unwrap();
    photos.sort_by_key(|photo| photo.position);
    let of = |sku: &str| {
        let own = photos.iter().filter(|photo| photo.sku == sku);
        let bytes = |id| String::from_utf8(store.photo_bytes(id).unwrap().unwrap().unwrap()).unwrap();
        own.map(|photo| (photo.name.clone(), bytes(photo.id))).collect()
    };
    let products = store.products().unwrap().into_iter().map(|stored| stored.product);
    products.map(|Product { sku, title, .. }| (sku.clone(), (title, of(&sku)))).collect()
}

/// Makes a catalogue hold exactly this.
fn fill(path: &Path, wanted: &Contents) {
    let mut store = Store::open_or_create(path).unwrap();
    store.sign(Author::default());
    for stored in store.products().unwrap() {
        store.remove(&stored.product.sku).unwrap();
    }
    let whose = identity("one");
    for (sku, (title, photos)) in wanted {
        let photos: Vec<(&str, &str)> = photos.iter().map(|(name, bytes)| (name.as_str(), bytes.as_str())).collect();
        store.commit(&whose, &[product_write(&whose, product(sku, title), &photos)], &[]).unwrap();
    }
}

/// sku, title, photographs.
type Listed<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn shop(products: &[Listed<'_>]) -> Contents {
    let photos = |photos: &[(&str, &str)]| photos.iter().map(|(n, b)| ((*n).to_owned(), (*b).to_owned())).collect();
    products.iter().map(|(sku, title, of)| ((*sku).to_owned(), ((*title).to_owned(), photos(of)))).collect()
}

fn take(edition: &Path, target: &Path, embedders: &dyn Embedders) -> Summary {
    take_with(edition, target, embedders, &mut Quiet, &AtomicBool::new(false))
}

fn take_with(
    edition: &Path,
    target: &Path,
    embedders: &dyn Embedders,
    progress: &mut dyn Progress,
    stop: &AtomicBool,
) -> Summary {
    let edition = Edition::open(edition).unwrap();
    let wanted = edition.wanted("e", Store::open(target).ok().as_ref()).unwrap();
    let import = Import {
        name: "e",
        listing: &wanted.listing,
        removes: wanted.removes(),
        photos: &edition,
        catalogue: target,
        embedders: &edition.embedders(embedders).unwrap(),
        threads: 2,
        arguments: None,
        author: Author::default(),
        stop,
    };
    import.run(progress).unwrap()
}

struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn office(&self, wanted: &Contents) {
        fill(&self.path("office.db"), wanted);
    }

    fn export(&self, name: &str, since: Option<&str>) -> write::Written {
        let since = since.map(|name| Edition::open(&self.path(name)).unwrap());
        let store = Store::open(&self.path("office.db")).unwrap();
        write::write(&store, &self.path(name), since.as_ref()).unwrap()
    }

    fn take(&self, name: &str) -> Summary {
        take(&self.path(name), &self.path("board.db"), &Never(identity("one")))
    }

    fn board(&self) -> Contents {
        contents(&self.path("board.db"))
    }
}

#[test]
fn a_board_becomes_what_the_head_office_has_without_a_network() {
    let rig = Rig::new();
    let first = shop(&[("A", "a", &[("1.jpg", "x"), ("2.jpg", "y")]), ("B", "b", &[("1.jpg", "other")])]);
    rig.office(&first);
    let written = rig.export("first", None);
    assert_eq!(written, write::Written { products: 2, removes: 0, photos: 3, evidence: 0, left_out: 0 });
    rig.take("first");
    assert_eq!(rig.board(), first);

    // A change, a new one, one that goes, a photograph that is replaced and one that stays.
    let second = shop(&[("A", "aa", &[("2.jpg", "y"), ("1.jpg", "z")]), ("C", "c", &[("1.jpg", "c")])]);
    rig.office(&second);
    let written = rig.export("second", Some("first"));
    let expected = write::Written { products: 2, removes: 1, photos: 2, evidence: 0, left_out: 0 };
    assert_eq!(written, expected, "one photograph is known");
    let summary = rig.take("second");
    assert_eq!((summary.new, summary.changed, summary.removed, summary.problems.len()), (1, 1, 1, 0));
    assert_eq!(rig.board(), second);
    let summary = rig.take("second");
    assert_eq!((summary.new, summary.changed, summary.unchanged, summary.removed), (0, 0, 2, 0), "twice is once");
    // All of it is one change, which can be taken back.
    let mut store = Store::open(&rig.path("board.db")).unwrap();
    store.undo(None).unwrap();
    assert_eq!(rig.board(), first);
}

#[test]
fn a_difference_is_not_applied_to_something_else() {
    let rig = Rig::new();
    let first = shop(&[("A", "a", &[("1.jpg", "x")]), ("B", "b", &[("1.jpg", "b")]), ("C", "c", &[("1.jpg", "c")])]);
    rig.office(&first);
    rig.export("first", None);
    rig.office(&shop(&[("A", "new", &[("1.jpg", "x")]), ("B", "new", &[("1.jpg", "b")])]));
    rig.export("second", Some("first"));
    // Nothing was there; `C`, which goes, is gone already.
    let summary = rig.take("second");
    assert_eq!((summary.new, summary.problems.len()), (0, 2), "{:?}", summary.problems);
    assert!(summary.problems[0].to_string().contains("`A` is not as it was where this difference was made"));
    // A product of the board's own, and one that staff changed.
    rig.take("first");
    let mut own = first.clone();
    own.insert("D".into(), ("own".into(), vec![("d.jpg".into(), "d".into())]));
    own.get_mut("A").unwrap().0 = "by hand".into();
    fill(&rig.path("board.db"), &own);
    let summary = rig.take("second");
    assert_eq!((summary.changed, summary.removed, summary.problems.len()), (1, 1, 1));
    own.remove("C");
    own.get_mut("B").unwrap().0 = "new".into();
    assert_eq!(rig.board(), own);
    // A difference is not made from a difference, and a catalogue is no edition.
    let (office, second) = (Store::open(&rig.path("office.db")).unwrap(), Edition::open(&rig.path("second")).unwrap());
    let error = write::write(&office, &rig.path("third"), Some(&second)).unwrap_err();
    assert!(matches!(error, EditionError::FromDifference { .. }), "{error}");
    assert!(matches!(Edition::open(&rig.path("office.db")), Err(EditionError::NoEdition { .. })));
    assert!(!rig.path("third").exists());
}

#[test]
fn photos_are_embedded_where_the_board_has_another_network() {
    let rig = Rig::new();
    let first = shop(&[("A", "a", &[("1.jpg", "x")])]);
    rig.office(&first);
    rig.export("first", None);
    take(&rig.path("first"), &rig.path("board.db"), &Directions(identity("two")));
    let store = Store::open(&rig.path("board.db")).unwrap();
    assert_eq!(store.served().unwrap(), Some(identity("two")));
    assert_eq!(rig.board(), first);
}

#[test]
fn what_the_key_holder_did_not_sign_is_refused() {
    let rig = Rig::new();
    rig.office(&shop(&[("A", "a", &[("1.jpg", "x")])]));
    rig.export("first", None);
    let (edition, key) = (rig.path("first"), rig.path("office.key"));
    let public = signature::make_keys(&key).unwrap();
    assert!(signature::make_keys(&key).is_err(), "a key is never overwritten");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(signature::verify(&edition, &public), Err(SignatureError::File(_))), "no signature");
    signature::sign(&edition, &signature::secret_key(&key).unwrap()).unwrap();
    signature::verify(&edition, &public).unwrap();
    signature::verify(&edition, &rig.path("office.key.pub").display().to_string()).unwrap();

    let others = signature::make_keys(&rig.path("others.key")).unwrap();
    assert!(matches!(signature::verify(&edition, &others), Err(SignatureError::Other { .. })));
    assert!(matches!(signature::verify(&edition, "nonsense"), Err(SignatureError::NotAKey { .. })));
    assert!(matches!(signature::secret_key(&rig.path("office.key.pub")), Err(SignatureError::NotAKey { .. })));
    let mut bytes = files::read(&edition).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    files::write_atomic(&edition, &bytes).unwrap();
    assert!(matches!(signature::verify(&edition, &public), Err(SignatureError::Other { .. })));
    files::write_atomic(&rig.path("first.minisig"), b"nonsense").unwrap();
    assert!(matches!(signature::verify(&edition, &public), Err(SignatureError::NotASignature { .. })));
}

#[test]
fn what_lies_beside_an_edition_is_not_read() {
    let rig = Rig::new();
    rig.office(&shop(&[("A", "a", &[("1.jpg", "x")])]));
    rig.export("first", None);
    // A journal that would change a title, as somebody else could lay it there.
    files::write_atomic(&rig.path("other"), &files::read(&rig.path("first")).unwrap()).unwrap();
    let writer = rusqlite::Connection::open(rig.path("other")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; UPDATE product SET title = 'forged'").unwrap();
    files::write_atomic(&rig.path("first-wal"), &files::read(&rig.path("other-wal")).unwrap()).unwrap();
    let edition = Edition::open(&rig.path("first")).unwrap();
    assert_eq!(edition.wanted("e", None).unwrap().listing.products[0].product.title, "a");
    assert!(!rig.path("first-shm").exists(), "nothing is made in its folder");
    // Nor does anybody who opens it as a catalogue change what was signed.
    let before = files::read(&rig.path("first")).unwrap();
    std::fs::remove_file(rig.path("first-wal")).unwrap();
    drop(Store::open(&rig.path("first")).unwrap());
    assert_eq!(files::read(&rig.path("first")).unwrap(), before);
}

#[test]
fn a_product_of_an_edition_is_taken_as_a_whole_or_not_at_all() {
    let rig = Rig::new();
    let first = shop(&[("A", "a", &[("1.jpg", "x")])]);
    rig.office(&first);
    rig.export("first", None);
    rig.take("first");
    rig.office(&shop(&[("A", "new", &[("1.jpg", "x"), ("2.jpg", "bad")])]));
    rig.export("second", Some("first"));
    let other = Directions(identity("two"));
    let summary = take(&rig.path("second"), &rig.path("board.db"), &other);
    assert_eq!((summary.changed, summary.problems.len()), (0, 1), "{:?}", summary.problems);
    assert_eq!(rig.board(), first);
}

fn any_shop() -> impl Strategy<Value = Contents> {
    let photo = ("[1-3].jpg", "[a-d]");
    let product = ("[ab]{0,2}x", prop::collection::btree_map(photo.0, photo.1, 1..3));
    prop::collection::btree_map(
        "[A-D]",
        product.prop_map(|(title, photos)| (title, photos.into_iter().collect())),
        0..4,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// First a whole edition, then differences: the board always has what the office has.
    #[test]
    fn differences_lead_where_whole_editions_lead(shops in prop::collection::vec(any_shop(), 2..4)) {
        let rig = Rig::new();
        rig.office(&shops[0]);
        rig.export("0", None);
        rig.take("0");
        for (number, wanted) in shops.iter().enumerate().skip(1) {
            rig.office(wanted);
            let before = (number - 1).to_string();
            rig.export(&format!("d{number}"), Some(&before));
            rig.export(&number.to_string(), None);
            let summary = rig.take(&format!("d{number}"));
            prop_assert_eq!(summary.problems, vec![]);
            prop_assert_eq!(&rig.board(), wanted);
        }
    }
}
