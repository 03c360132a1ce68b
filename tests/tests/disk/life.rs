//! The life of a catalogue, recorded: made, filled, imported into, changed, embedded again, compacted, copied.

use super::record::{Event, Recording};
use clothingid_device::catalogue::csv;
use clothingid_device::catalogue::import::{Committed, Import, Plan, Progress, Removes};
use clothingid_device::catalogue::store::{Author, ProductWrite};
use clothingid_device::catalogue::{Product, Snapshot, Store};
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_tests::contents::{Contents, Item};
use clothingid_tests::made_up::{Directions, Photos, identity, photo, product, write};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The catalogue and its copy.
pub(crate) const CATALOGUE: &str = "shop.db";
pub(crate) const COPY: &str = "copy.db";

/// Whose embeddings there are: the first, and those of the network that comes later.
pub(crate) const IDENTITIES: [&str; 2] = ["one", "two"];

/// What is stored at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) contents: Contents,
    /// What the copy holds, if it was made.
    pub(crate) copy: Option<Contents>,
}

/// All that happened, and all that was ever stored, in order. The test was told of each state when its `Event::Told` came.
pub(crate) struct Life {
    pub(crate) events: Vec<Event>,
    pub(crate) states: Vec<State>,
}

/// A product as the shop wants it: its fields and its photographs.
pub(crate) type Wanted = (Product, Vec<(String, Vec<u8>)>);

/// Products `S{from}` to `S{to}` of `photos` photographs each; another `edition` has other titles and other photographs under the same names.
pub(crate) fn shop(numbers: std::ops::Range<u64>, photos: u64, edition: u64) -> Vec<Wanted> {
    let wanted = numbers.map(|number| {
        let photos = (0..photos).map(|view| {
            // The first photograph is the same in all editions; sizes are from a part of a page to several pages.
            let seed = number * 100 + view * 10 + edition * u64::from(view > 0);
            (format!("{number}-{view}.jpg"), photo(seed, 400 + usize::try_from(seed * 977 % 9000).expect("small")))
        });
        (product(&format!("S{number:03}"), &format!("product {number}, edition {edition}")), photos.collect())
    });
    wanted.collect()
}

/// The catalogue file and the photographs of these products.
pub(crate) fn files(shop: &[Wanted]) -> (String, Photos) {
    let mut csv = "sku,title,photo\n".to_owned();
    let mut all = Photos::default();
    for (product, photos) in shop {
        for (name, bytes) in photos {
            writeln!(csv, "{},\"{}\",{name}", product.sku, product.title).expect("text");
            all.0.insert(name.clone(), bytes.clone());
        }
    }
    (csv, all)
}

/// Imports these products.
pub(crate) fn import(
    catalogue: &Path,
    shop: &[Wanted],
    whose: &EmbeddingIdentity,
    progress: &mut dyn Progress,
) -> Result<(), clothingid_device::catalogue::import::ImportError> {
    let (csv, photos) = files(shop);
    let listing = csv::read("shop.csv", csv.as_bytes()).expect("a catalogue file");
    let import = Import {
        name: "shop.csv",
        listing: &listing,
        removes: Removes::Nothing,
        photos: &photos,
        catalogue,
        embedders: &Directions(whose.clone()),
        threads: 2,
        arguments: None,
        author: Author::default(),
        stop: &AtomicBool::new(false),
    };
    let summary = import.run(progress)?;
    assert_eq!((summary.problems.len(), summary.damage.len()), (0, 0), "{summary:?}");
    Ok(())
}

struct Living {
    recording: Recording,
    states: Vec<State>,
    now: State,
}

impl Living {
    fn told(&mut self) {
        self.recording.told(self.states.len());
        self.states.push(self.now.clone());
    }

    fn put(&mut self, (product, photos): &Wanted) {
        self.now.contents.items.insert(product.sku.clone(), Item::new(product.clone(), photos));
    }

    /// Writes these products in one transaction.
    fn commit(&mut self, store: &mut Store, shop: &[Wanted]) {
        let one = identity(IDENTITIES[0]);
        let writes: Vec<ProductWrite> =
            shop.iter().map(|(product, photos)| write(&one, product.clone(), photos)).collect();
        store.commit(&one, &writes, &[]).expect("a commit");
        shop.iter().for_each(|wanted| self.put(wanted));
        self.now.contents.served = Some(one);
        self.told();
    }

    fn import(&mut self, catalogue: &Path, shop: &[Wanted], whose: &str) {
        let whose = identity(whose);
        import(catalogue, shop, &whose, &mut Importing { life: self, shop }).expect("an import");
        if self.now.contents.served.as_ref() != Some(&whose) {
            self.now.contents.served = Some(whose);
            self.now.contents.waiting = 0;
        }
        self.told();
    }
}

/// Follows an import from batch to batch.
struct Importing<'a> {
    life: &'a mut Living,
    shop: &'a [Wanted],
}

impl Progress for Importing<'_> {
    fn comparing(&mut self, _photos: usize) {}
    fn planned(&mut self, _plan: &Plan) {}
    fn embedded(&mut self) {}
    fn committed(&mut self, committed: &Committed<'_>) {
        for written in committed.products {
            let wanted = self.shop.iter().find(|(product, _)| product.sku == written.product.sku);
            self.life.put(wanted.expect("a product of the shop"));
        }
        self.life.now.contents.waiting += committed.reembedded;
        self.life.told();
    }
}

/// Lives the life in this empty folder.
pub(crate) fn live(folder: &Path) -> Life {
    let folder = folder.canonicalize().expect("a folder");
    let catalogue = folder.join(CATALOGUE);
    let mut life = Living { recording: Recording::of(&folder), states: Vec::new(), now: State::default() };
    let mut store = Store::open_or_create(&catalogue).expect("a new catalogue");
    life.told();
    life.commit(&mut store, &shop(0..4, 2, 0));
    // The last one who closes writes the journal back and removes it.
    drop(store);

    // New ones in several batches, then an update: other titles, photographs replaced, one view less.
    life.import(&catalogue, &shop(0..28, 3, 0), IDENTITIES[0]);
    let imported = life.now.clone();
    let updated = shop(0..24, 3, 1).into_iter().map(|(product, mut photos)| {
        photos.truncate(if product.sku.ends_with('7') { 2 } else { 3 });
        (product, photos)
    });
    let updated: Vec<Wanted> = updated.collect();
    life.import(&catalogue, &updated, IDENTITIES[0]);

    let mut store = Store::open(&catalogue).expect("the catalogue");
    let whole = life.now.clone();
    store.remove("S027").expect("a removal");
    life.now.contents.items.remove("S027");
    life.told();
    // Back to before the removal and to before the whole update, then forth again.
    let removed = life.now.clone();
    for (change, state) in [(None, whole.clone()), (None, imported), (Some(6), whole), (Some(5), removed)] {
        store.undo(change).expect("an undo");
        life.now = state;
        life.told();
    }

    // A journal that grows past the point where it is written back, first under a reader of an old state, then without one.
    let mut reader = Some(Snapshot::open(&catalogue, &identity(IDENTITIES[0])).expect("a snapshot"));
    for edition in 0..16 {
        let (product, mut photos) = shop(40..41, 1, edition).remove(0);
        photos[0].1 = photo(edition, 400_000);
        life.commit(&mut store, &[(product, photos)]);
        if edition == 11 {
            reader = None;
        }
    }
    drop(reader);
    store.remember_import("shop.csv", "photos").expect("a note");
    drop(store);

    // Another network, then a copy while all of it is there, and space given back.
    life.import(&catalogue, &updated, IDENTITIES[1]);
    let mut store = Store::open(&catalogue).expect("the catalogue");
    assert_eq!(store.backup(&folder.join(COPY)).expect("a copy").damage, []);
    life.now.copy = Some(life.now.contents.clone());
    life.told();
    for sku in ["S040", "S026"] {
        store.remove(sku).expect("a removal");
        life.now.contents.items.remove(sku);
        life.told();
    }
    store.compact().expect("space");
    life.told();
    drop(store);
    life.told();
    let Living { recording, states, .. } = life;
    Life { events: recording.end(), states }
}
