//! Keeping what the staff of a catalogue found out at the counter, where the imported file brings it along: a copy of a shop's own catalogue.

use super::embed::{Embedder, embed};
use super::plan::{photo_problem, unusable};
use super::{Import, ImportError, Progress, Summary};
use crate::catalogue::Role;
use crate::catalogue::csv::{ListedEvidence, Listing, ProblemKind};
use crate::catalogue::store::{Correction, CorrectionError, Store, StoreError};

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// The evidence that is not kept yet, of products that there will be. What the shop lists itself is no evidence.
///
/// # Errors
/// The store cannot be read.
pub(super) fn to_keep(
    listing: &Listing,
    store: Option<&Store>,
    is_there: impl Fn(&str) -> bool,
) -> Result<Vec<ListedEvidence>, StoreError> {
    if listing.evidence.is_empty() {
        return Ok(Vec::new());
    }
    let photos = store.map(Store::photos).transpose()?.unwrap_or_default();
    let listed: BTreeSet<&str> = listing.products.iter().map(|listed| listed.product.sku.as_str()).collect();
    // What is listed replaces what was listed before.
    let stay = photos.iter().filter(|p| p.is_sound && (p.role != Role::Listed || !listed.contains(p.sku.as_str())));
    let mut said: BTreeSet<(&str, &[u8], Role)> = stay.map(|p| (p.sku.as_str(), p.sha256.as_slice(), p.role)).collect();
    for of in &listing.products {
        let hashes = of.photos.iter().filter_map(|photo| photo.sha256.as_ref());
        said.extend(hashes.map(|hash| (of.product.sku.as_str(), hash.as_slice(), Role::Listed)));
    }
    let is_known = |one: &ListedEvidence| {
        let of = |role| one.photo.sha256.is_some_and(|hash| said.contains(&(one.sku.as_str(), hash.as_slice(), role)));
        of(one.role) || of(Role::Listed)
    };
    Ok(listing.evidence.iter().filter(|one| is_there(&one.sku) && !is_known(one)).cloned().collect())
}

/// Embeds and keeps them, each in a transaction of its own that belongs to the import's change.
pub(super) fn keep(
    import: &Import<'_>,
    store: &mut Store,
    evidence: Vec<ListedEvidence>,
    summary: &mut Summary,
    progress: &mut dyn Progress,
) -> Result<(), ImportError> {
    if evidence.is_empty() {
        return Ok(());
    }
    let mut embedder = import.embedders.open().map_err(ImportError::Embed)?;
    for one in evidence {
        if import.stop.load(Ordering::Relaxed) {
            summary.is_interrupted = true;
            break;
        }
        let read = import.photos.read(&one.photo.key);
        let made = read.and_then(|bytes| correction(embedder.as_mut(), &one, bytes));
        progress.embedded();
        match made.map(|correction| store.correct(import.embedders.identity(), &[correction])) {
            Ok(Ok(corrected)) => summary.evidence += corrected.kept,
            // Its product could not be taken, or is shown by this very photograph now.
            Ok(Err(CorrectionError::NoProduct { .. } | CorrectionError::Listed { .. })) => {}
            Ok(Err(CorrectionError::Store(error))) => return Err(error.into()),
            Err(kind) => summary.problems.push(photo_problem(import.name, &one.sku, &one.photo, kind)),
        }
    }
    Ok(())
}

fn correction(embedder: &mut dyn Embedder, one: &ListedEvidence, bytes: Vec<u8>) -> Result<Correction, ProblemKind> {
    let embedded = embed(embedder, &bytes).map_err(|error| unusable(&one.photo.name, &error))?;
    Ok(Correction { bytes, embedded, says: vec![(one.sku.clone(), one.role)] })
}
