//! What an import will do: the catalogue file against the store.

use super::embed::in_one_line;
use super::evidence;
use super::odd::{LoneVariant, SharedPhoto, lone, shared};
use super::{Import, Removes};
use crate::catalogue::csv::{Column, Encoding, ListedEvidence, ListedPhoto, ListedProduct, Problem, ProblemKind};
use crate::catalogue::photos::PhotoSource;
use crate::catalogue::store::checksum::sha256;
use crate::catalogue::store::{Store, StoreError, StoredPhoto, StoredProduct};
use crate::catalogue::{PhotoId, Product, Role};
use clothingid_shared::picture;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What an import will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The products that are to be written, in the file's order.
    pub steps: Vec<Step>,
    /// How many products are as the file says.
    pub unchanged: usize,
    /// The stored products that the file does not list. They stay.
    pub kept: Vec<String>,
    /// The stored products that go.
    pub going: Vec<String>,
    /// The rows that cannot be used.
    pub problems: Vec<Problem>,
    /// The stored photographs that need an embedding of the network in use.
    pub reembed: Vec<PhotoId>,
    /// The file's columns that mean nothing to us.
    pub ignored_columns: Vec<String>,
    /// What was found out at a counter and is to be kept here.
    pub evidence: Vec<ListedEvidence>,
    /// How the file was written.
    pub encoding: Encoding,
    /// Photographs that the file has for several products: either may be the wrong one, and a search finds both.
    pub shared: Vec<SharedPhoto>,
    /// Variants whose style is nobody else's: most likely a slip of the pen.
    pub lone: Vec<LoneVariant>,
}

/// One product that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As it will be.
    pub product: Product,
    /// Why.
    pub change: Change,
    /// Its photographs in their order.
    pub photos: Vec<StepPhoto>,
    /// Those of its photographs that go.
    pub remove: Vec<PhotoId>,
    /// Whether the file lists no photograph of it: it is a variant, shown by those of its style.
    pub is_without_photo: bool,
}

/// Why a product is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is not stored.
    New,
    /// The columns that differ, beside its photographs.
    Changed(Vec<&'static str>),
}

/// One photograph of a product that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepPhoto {
    /// Stored already.
    Keep(PhotoId),
    /// To be read, embedded and stored.
    Add(ListedPhoto),
}

impl Step {
    /// Whether there is something to write even if none of the photographs to be added can be used.
    #[must_use]
    pub fn is_due(&self) -> bool {
        match &self.change {
            Change::New => self.is_without_photo || self.photos.iter().any(|p| matches!(p, StepPhoto::Keep(_))),
            Change::Changed(columns) => !columns.is_empty(),
        }
    }

    /// What differs, in words.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let counted = |count: usize, done| match count {
            0 => None,
            1 => Some(format!("1 photo {done}")),
            _ => Some(format!("{count} photos {done}")),
        };
        let columns: &[&str] = match &self.change {
            Change::New => &[],
            Change::Changed(columns) => columns,
        };
        let columns = columns.iter().map(ToString::to_string);
        columns.chain(counted(self.added().count(), "added")).chain(counted(self.remove.len(), "removed")).collect()
    }

    /// The photographs that are to be embedded.
    pub fn added(&self) -> impl Iterator<Item = &ListedPhoto> {
        self.photos.iter().filter_map(|p| match p {
            StepPhoto::Add(photo) => Some(photo),
            StepPhoto::Keep(_) => None,
        })
    }
}

impl Plan {
    /// How many products are new.
    #[must_use]
    pub fn new_count(&self) -> usize {
        self.steps.iter().filter(|s| s.change == Change::New).count()
    }

    /// How many photographs are to be embedded.
    #[must_use]
    pub fn embed_count(&self) -> usize {
        self.evidence.len() + self.reembed.len() + self.steps.iter().map(|s| s.added().count()).sum::<usize>()
    }

    /// Decodes each photograph that is to be added, and takes those that cannot be used out of the plan.
    pub(super) fn try_photos(&mut self, import: &Import<'_>) {
        let Import { name: file, photos, .. } = *import;
        let try_step = |step: &mut Step| {
            let (photos_before, sku) = (step.photos.len(), step.product.sku.clone());
            let mut bad = Vec::new();
            step.photos.retain(|photo| match photo {
                StepPhoto::Keep(_) => true,
                StepPhoto::Add(photo) => match try_photo(photos, photo) {
                    Ok(()) => true,
                    Err(kind) => {
                        bad.push(photo_problem(file, &sku, photo, kind));
                        false
                    }
                },
            });
            if step.photos.len() < photos_before {
                // As the import does: its stored photographs stay, or all of it.
                step.remove.clear();
                if import.listing.is_all_or_nothing {
                    step.photos.clear();
                    if let Change::Changed(columns) = &mut step.change {
                        columns.clear();
                    }
                }
            }
            bad
        };
        let problems: Vec<Problem> = self.steps.par_iter_mut().flat_map_iter(try_step).collect();
        let is_left = |step: &Step| step.is_due() || step.added().count() + step.remove.len() > 0;
        let stay = self.steps.iter().filter(|s| !is_left(s) && s.change != Change::New).count();
        self.steps.retain(is_left);
        self.unchanged += stay;
        self.problems.extend(problems);
        self.problems.sort_by_key(|p| p.line);
    }
}

fn try_photo(photos: &dyn PhotoSource, photo: &ListedPhoto) -> Result<(), ProblemKind> {
    let bytes = photos.read(&photo.key)?;
    match picture::decode(&bytes) {
        Ok(_) => Ok(()),
        Err(e) => Err(unusable(&photo.name, &e.into())),
    }
}

pub(super) fn unusable(name: &str, error: &super::EmbedError) -> ProblemKind {
    ProblemKind::PhotoUnusable { photo: name.to_owned(), cause: in_one_line(error) }
}

pub(super) fn photo_problem(file: &str, sku: &str, photo: &ListedPhoto, kind: ProblemKind) -> Problem {
    let (file, sku) = (file.to_owned(), Some(sku.to_owned()));
    Problem { file, line: photo.line, column: Some(Column::Photo), sku, kind }
}

/// The hash of each photograph of a product, or why it cannot be read.
pub(super) type Hashes = Vec<Result<[u8; 32], ProblemKind>>;

/// Compares what is listed with the store (none: everything is new). Reads every stored photograph, and every listed one whose SHA-256 is
/// not known.
///
/// # Errors
/// The store cannot be read.
pub(super) fn plan(import: &Import<'_>, store: Option<&Store>) -> Result<Plan, StoreError> {
    let Import { name: file, listing, photos, .. } = *import;
    let hash = |photo: &ListedPhoto| match photo.sha256 {
        Some(known) => Ok(known),
        None => photos.read(&photo.key).map(|bytes| sha256(&bytes)),
    };
    let hashes: Vec<Hashes> =
        listing.products.par_iter().map(|product| product.photos.iter().map(hash).collect()).collect();

    let mut stored_products: BTreeMap<String, StoredProduct> = BTreeMap::new();
    let mut stored_photos: HashMap<String, Vec<StoredPhoto>> = HashMap::new();
    if let Some(store) = store {
        stored_products.extend(store.products()?.into_iter().map(|p| (p.product.sku.clone(), p)));
        for photo in store.photos()?.into_iter().filter(|photo| photo.role == Role::Listed) {
            stored_photos.entry(photo.sku.clone()).or_default().push(photo);
        }
    }

    let mut plan = Plan {
        ignored_columns: listing.ignored_columns.clone(),
        encoding: listing.encoding,
        shared: shared(&listing.products, &hashes),
        ..Plan::default()
    };
    plan.problems.clone_from(&listing.problems);
    for (listed, hashes) in listing.products.iter().zip(hashes) {
        let stored = Stored {
            store,
            product: stored_products.get(&listed.product.sku),
            photos: stored_photos.remove(&listed.product.sku).unwrap_or_default(),
        };
        plan.compare(file, listed, hashes, stored)?;
    }

    let named: BTreeSet<&str> = (listing.products.iter().map(|p| p.product.sku.as_str()))
        .chain(listing.refused.iter().map(String::as_str))
        .chain(listing.problems.iter().filter_map(|p| p.sku.as_deref()))
        .collect();
    let stays = |sku: &&String| match import.removes {
        Removes::Nothing => true,
        Removes::Unlisted => named.contains(sku.as_str()),
        Removes::These(skus) => !skus.contains(sku),
    };
    let listed_skus: BTreeSet<&str> = listing.products.iter().map(|listed| listed.product.sku.as_str()).collect();
    let others = stored_products.iter().filter(|(sku, _)| !listed_skus.contains(sku.as_str()) && stays(sku));
    plan.lone = lone(listing.products.iter().map(|listed| &listed.product), others.map(|(_, stored)| &stored.product));
    let unlisted = || stored_products.keys().filter(|sku| !named.contains(sku.as_str())).cloned().collect();
    match import.removes {
        Removes::Nothing => plan.kept = unlisted(),
        Removes::Unlisted => plan.going = unlisted(),
        Removes::These(skus) => {
            plan.going = skus.iter().filter(|sku| stored_products.contains_key(*sku)).cloned().collect();
        }
    }
    let stays = |sku: &str| stored_products.contains_key(sku) && !plan.going.iter().any(|going| going == sku);
    plan.evidence = evidence::to_keep(listing, store, |sku| listed_skus.contains(sku) || stays(sku))?;
    if let Some(store) = store {
        let going: BTreeSet<PhotoId> = plan.steps.iter().flat_map(|s| s.remove.iter().copied()).collect();
        plan.reembed = store.unembedded(import.embedders.identity())?;
        plan.reembed.retain(|id| !going.contains(id));
    }
    plan.problems.sort_by_key(|p| p.line);
    Ok(plan)
}

/// What is stored of one listed product.
struct Stored<'a> {
    store: Option<&'a Store>,
    product: Option<&'a StoredProduct>,
    photos: Vec<StoredPhoto>,
}

impl Stored<'_> {
    /// The stored photograph of that name, if it and its bytes are sound and the same.
    fn same(&self, name: &str, hash: &[u8; 32]) -> Result<Option<PhotoId>, StoreError> {
        let same = self.photos.iter().find(|p| p.name == name && p.is_sound && p.sha256 == hash);
        let (Some(photo), Some(store)) = (same, self.store) else { return Ok(None) };
        // Reading the bytes finds a flipped one; the photograph is then stored anew.
        Ok(matches!(store.photo_bytes(photo.id)?, Some(Ok(_))).then_some(photo.id))
    }
}

impl Plan {
    /// Adds one listed product.
    fn compare(
        &mut self,
        file: &str,
        listed: &ListedProduct,
        hashes: Hashes,
        mut stored: Stored<'_>,
    ) -> Result<(), StoreError> {
        let sku = &listed.product.sku;
        let mut photos = Vec::new();
        let mut has_bad_rows = listed.has_bad_rows;
        for (photo, hash) in listed.photos.iter().zip(hashes) {
            match hash {
                Err(kind) => {
                    self.problems.push(photo_problem(file, sku, photo, kind));
                    has_bad_rows = true;
                }
                Ok(hash) => photos.push(match stored.same(&photo.name, &hash)? {
                    Some(id) => StepPhoto::Keep(id),
                    None => StepPhoto::Add(photo.clone()),
                }),
            }
        }
        stored.photos.sort_by_key(|p| p.position);
        let before: Vec<PhotoId> = stored.photos.iter().map(|p| p.id).collect();
        let is_kept = |id: &PhotoId| photos.contains(&StepPhoto::Keep(*id));
        let replaced = |p: &StoredPhoto| photos.iter().any(|n| matches!(n, StepPhoto::Add(a) if a.name == p.name));
        let left: Vec<&StoredPhoto> = stored.photos.iter().filter(|p| !is_kept(&p.id)).collect();
        // A stored photograph that is not listed goes, unless one of the product's rows could not be read: it may be
        // the one that the row meant.
        let (stay, remove): (Vec<&StoredPhoto>, Vec<&StoredPhoto>) =
            left.into_iter().partition(|p| has_bad_rows && !replaced(p));
        let remove: Vec<PhotoId> = remove.into_iter().map(|p| p.id).collect();
        let stay: Vec<StepPhoto> = stay.into_iter().map(|p| StepPhoto::Keep(p.id)).collect();
        photos.extend(stay);

        let change = match stored.product {
            // None of its photographs can be used, and there is no such product: it stays so.
            None if photos.is_empty() && !listed.photos.is_empty() => return Ok(()),
            None => Change::New,
            Some(product) => {
                let mut what = product.differences(&listed.product);
                let after = photos.iter().filter_map(|p| match p {
                    StepPhoto::Keep(id) => Some(id),
                    StepPhoto::Add(_) => None,
                });
                let has_all = remove.is_empty() && photos.len() == before.len();
                if has_all && !after.eq(before.iter()) {
                    what.push("order of photos");
                }
                if what.is_empty() && has_all {
                    self.unchanged += 1;
                    return Ok(());
                }
                Change::Changed(what)
            }
        };
        let is_without_photo = listed.photos.is_empty();
        self.steps.push(Step { product: listed.product.clone(), change, photos, remove, is_without_photo });
        Ok(())
    }
}
