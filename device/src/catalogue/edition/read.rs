//! An edition as an import takes it.

use super::fingerprint::{self, Fingerprint};
use super::{Kind, SETTING};
use crate::catalogue::PhotoId;
use crate::catalogue::csv::{ListedEvidence, ListedPhoto, ListedProduct, Listing, Problem, ProblemKind};
use crate::catalogue::import::{EmbedError, Embedder, Embedders, Removes};
use crate::catalogue::photos::PhotoSource;
use crate::catalogue::store::checksum::sha256;
use crate::catalogue::store::{Damage, Item, Store, StoreError, StoredPhoto};
use crate::signature::SignatureError;
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files::MOST_PHOTO_BYTES;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An edition that is open for reading.
#[derive(Debug)]
pub struct Edition {
    path: PathBuf,
    kind: Kind,
    store: Mutex<Store>,
}

/// Why an edition cannot be made or used. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// It is not signed by whom it should be.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The file cannot be read or written, or is no catalogue.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A catalogue as a board has it.
    #[error("`{}` is a catalogue and not an edition of one", path.display())]
    NoEdition {
        /// The file.
        path: PathBuf,
    },
    /// It was made from one that holds no more than what differed.
    #[error("`{}` is a difference itself: a difference is made from a whole edition", path.display())]
    FromDifference {
        /// The file.
        path: PathBuf,
    },
    /// It has what the staff of one shop have found out at their counter.
    #[error("`{}` is a shop's copy of its own catalogue, and not for other boards", path.display())]
    OwnCopy {
        /// The file.
        path: PathBuf,
    },
    /// A row is not what was written.
    #[error(transparent)]
    Damaged(Damage),
    /// What it is cannot be said.
    #[error("what the edition is cannot be written")]
    Form(#[source] serde_json::Error),
}

impl EditionError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Signature(error) => error.hints(),
            Self::Store(StoreError::NotACatalogue { .. } | StoreError::Damaged { .. }) => {
                vec!["copy the edition again from the head office".to_owned()]
            }
            Self::Store(StoreError::File(_)) => {
                vec!["name a file that is not there yet, in a folder that you may write".to_owned()]
            }
            Self::Store(error) => error.hints(),
            Self::NoEdition { .. } => vec!["make one of it: `clothingid catalogue export FILE`".to_owned()],
            Self::OwnCopy { .. } => {
                vec!["make an edition of the catalogue: `clothingid catalogue export FILE`".to_owned()]
            }
            Self::FromDifference { .. } => vec!["name the whole edition that the boards had last".to_owned()],
            Self::Damaged(_) => {
                vec!["`clothingid catalogue check` says what to do; an edition is copied again".to_owned()]
            }
            Self::Form(_) => Vec::new(),
        }
    }
}

/// The products of a store all of whose rows are what was written.
pub(super) fn sound(store: &Store) -> Result<Vec<Item>, EditionError> {
    let (items, damage) = store.items()?;
    // What the staff have found out stands beside the products: one picture of it is not worth all of them.
    let of_products = damage.into_iter().find(|damage| !matches!(damage, Damage::Evidence { .. }));
    of_products.map_or(Ok(items), |damage| Err(EditionError::Damaged(damage)))
}

/// What a whole edition holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) fingerprints: BTreeMap<String, Fingerprint>,
    photos: BTreeSet<(String, String, Vec<u8>)>,
}

impl Contents {
    /// Whether the product had this photograph under this name.
    pub(super) fn has(&self, photo: &StoredPhoto) -> bool {
        self.photos.contains(&(photo.sku.clone(), photo.name.clone(), photo.sha256.clone()))
    }
}

/// What is to be imported.
#[derive(Debug)]
pub struct Wanted {
    /// The products, and those that cannot be taken.
    pub listing: Listing,
    /// The products that go; nothing where all others go.
    removes: Option<Vec<String>>,
}

impl Wanted {
    /// Which products an import removes.
    #[must_use]
    pub fn removes(&self) -> Removes<'_> {
        self.removes.as_deref().map_or(Removes::Unlisted, Removes::These)
    }
}

impl Edition {
    /// Opens an edition whose signature was found to be good, and changes nothing in its folder.
    ///
    /// # Errors
    /// No catalogue, a newer or older one, or a catalogue that is no edition.
    pub fn open(path: &Path) -> Result<Self, EditionError> {
        let store = Store::open_read_only(path)?;
        let kind = store.setting(SETTING)?.and_then(|text| serde_json::from_str(&text).ok());
        let kind = kind.ok_or_else(|| EditionError::NoEdition { path: path.to_owned() })?;
        Ok(Self { path: path.to_owned(), kind, store: Mutex::new(store) })
    }

    /// Whether it holds only what differs from an earlier one.
    #[must_use]
    pub fn is_difference(&self) -> bool {
        matches!(self.kind, Kind::Difference { .. })
    }

    /// Refuses a shop's own copy, which has what no other board is to have.
    ///
    /// # Errors
    /// It is one, or cannot be read.
    pub fn expect_for_others(&self) -> Result<(), EditionError> {
        let is_copy = !self.store().evidence()?.is_empty();
        if is_copy { Err(EditionError::OwnCopy { path: self.path.clone() }) } else { Ok(()) }
    }

    /// What it holds, where it is whole.
    pub(super) fn contents(&self) -> Result<Contents, EditionError> {
        if self.is_difference() {
            return Err(EditionError::FromDifference { path: self.path.clone() });
        }
        let items = sound(&self.store())?;
        let photos = items.iter().flat_map(|item| item.photos.clone());
        let photos = photos.map(|photo| (photo.sku, photo.name, photo.sha256)).collect();
        Ok(Contents { fingerprints: fingerprint::all(&items), photos })
    }

    /// What an import into the catalogue `target` (none: a new one) is to do. `name` is the edition's in messages.
    ///
    /// # Errors
    /// A file cannot be read, or a row of the edition is not what was written: nothing of it is then taken.
    pub fn wanted(&self, name: &str, target: Option<&Store>) -> Result<Wanted, EditionError> {
        let items = sound(&self.store())?;
        let own = fingerprint::all(&items);
        let mut refused = BTreeSet::new();
        let mut removes = None;
        if let Kind::Difference { before } = &self.kind {
            let here =
                target.map(Store::items).transpose()?.map_or_else(BTreeMap::new, |(items, _)| fingerprint::all(&items));
            // What is as the edition has it already was taken before: an import that was interrupted goes on.
            let fits = |sku: &String, was: &Option<Fingerprint>| {
                let is = here.get(sku);
                is == was.as_ref() || is == own.get(sku)
            };
            refused = before.iter().filter(|(sku, was)| !fits(sku, was)).map(|(sku, _)| sku.clone()).collect();
            let gone = before.keys().filter(|sku| !own.contains_key(*sku) && !refused.contains(*sku));
            removes = Some(gone.cloned().collect());
        }
        let problem =
            |sku: &str, kind| Problem { file: name.to_owned(), line: 0, column: None, sku: Some(sku.to_owned()), kind };
        let problems = refused.iter().map(|sku| problem(sku, ProblemKind::OtherBase { sku: sku.clone() })).collect();
        let mut listing = Listing { problems, is_all_or_nothing: true, ..Listing::default() };
        let listed = |photo: StoredPhoto| ListedPhoto {
            key: photo.id.to_string(),
            name: photo.name,
            line: 0,
            sha256: photo.sha256.try_into().ok(),
        };
        for Item { product, photos } in items.into_iter().filter(|item| !refused.contains(&item.product.sku)) {
            let photos = photos.into_iter().map(listed).collect();
            listing.products.push(ListedProduct { product, photos, has_bad_rows: false });
        }
        listing.refused = refused;
        // By what they are: one picture may say something of several products.
        let mut evidence: BTreeMap<Vec<u8>, ListedEvidence> = BTreeMap::new();
        for photo in self.store().evidence()? {
            let said = (photo.sku.clone(), photo.role);
            if photo.is_sound {
                let new = || ListedEvidence { photo: listed(photo.clone()), says: Vec::new() };
                evidence.entry(photo.sha256.clone()).or_insert_with(new).says.push(said);
            } else {
                let cause = photo.damage().to_string();
                listing.problems.push(problem(&photo.sku, ProblemKind::PhotoUnreadable { photo: photo.name, cause }));
            }
        }
        listing.evidence = evidence.into_values().collect();
        Ok(Wanted { listing, removes })
    }

    /// Embedders that take what the edition has, and ask the network for the rest.
    ///
    /// # Errors
    /// The edition cannot be read.
    pub fn embedders<'a>(&'a self, network: &'a dyn Embedders) -> Result<EditionEmbedders<'a>, EditionError> {
        let store = self.store();
        let (photos, value_count) = (store.photos()?, store.value_count(network.identity())?);
        let by_sha256 = photos.into_iter().map(|photo| (photo.sha256, photo.id)).collect();
        Ok(EditionEmbedders { edition: self, network, by_sha256, value_count })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic while reading leaves the store as it was.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PhotoSource for Edition {
    fn describe(&self) -> String {
        format!("the edition `{}`", self.path.display())
    }

    fn byte_len(&self, key: &str) -> u64 {
        let id = key.parse().map(PhotoId::new);
        id.ok().and_then(|id| self.store().photo_byte_len(id).ok().flatten()).unwrap_or(0)
    }

    fn read(&self, key: &str) -> Result<Vec<u8>, ProblemKind> {
        let missing = || ProblemKind::PhotoMissing { photo: key.to_owned(), source_name: self.describe() };
        let id = key.parse().map(PhotoId::new).map_err(|_| missing())?;
        let store = self.store();
        let unreadable = |cause: String| ProblemKind::PhotoUnreadable { photo: key.to_owned(), cause };
        match store.photo_byte_len(id).map_err(|error| unreadable(error.to_string()))? {
            None => {
                let name = store.photo(id).ok().flatten().map_or_else(|| key.to_owned(), |photo| photo.name);
                Err(ProblemKind::NotInDifference { photo: name })
            }
            Some(len) if len > MOST_PHOTO_BYTES => {
                Err(unreadable(format!("it has more than {} MiB", MOST_PHOTO_BYTES >> 20)))
            }
            Some(_) => match store.photo_bytes(id).map_err(|error| unreadable(error.to_string()))? {
                Some(Ok(bytes)) => Ok(bytes),
                Some(Err(damage)) => Err(unreadable(damage.to_string())),
                None => Err(missing()),
            },
        }
    }
}

/// Embeddings that a head office has made, and a network for those that it has not.
pub struct EditionEmbedders<'a> {
    edition: &'a Edition,
    network: &'a dyn Embedders,
    by_sha256: HashMap<Vec<u8>, PhotoId>,
    /// Of its embeddings, where it has any of this network.
    value_count: Option<usize>,
}

impl Embedders for EditionEmbedders<'_> {
    fn identity(&self) -> &EmbeddingIdentity {
        self.network.identity()
    }

    fn open(&self) -> Result<Box<dyn Embedder + '_>, EmbedError> {
        Ok(Box::new(OneOf { of: self, network: None }))
    }
}

/// One thread's; the network is opened when it is first needed.
struct OneOf<'a> {
    of: &'a EditionEmbedders<'a>,
    network: Option<Box<dyn Embedder + 'a>>,
}

impl Embedder for OneOf<'_> {
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError> {
        let known = self.of.by_sha256.get(sha256(photo).as_slice());
        if let Some(id) = known
            && let Some(Ok(floats)) = self.of.edition.store().float_row(self.of.identity(), *id)?
            && Some(floats.len()) == self.of.value_count
            && floats.iter().all(|value| value.is_finite())
        {
            return Ok(floats);
        }
        let network = match &mut self.network {
            Some(network) => network,
            none => none.insert(self.of.network.open()?),
        };
        network.embed(photo)
    }
}
