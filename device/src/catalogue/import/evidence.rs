//! Keeping what the staff of a catalogue found out at the counter, where the imported file brings it along: a copy of a shop's own catalogue.
//!
//! What this catalogue says of a picture itself stands: it may be the newer word.

use super::embed::{Embedder, embed};
use super::plan::{photo_problem, unusable};
use super::{Committed, Import, ImportError, Progress, Summary};
use crate::catalogue::csv::{ListedEvidence, Listing, ProblemKind};
use crate::catalogue::store::{Correction, CorrectionError, Embedded, Store, StoreError};
use crate::catalogue::{PhotoId, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// The pictures that are to be kept, each with what is not said here yet of products that there will be. What the shop itself shows a product with is
/// no evidence.
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
    let mut shown: BTreeSet<(&str, &[u8])> = BTreeSet::new();
    for of in &listing.products {
        let hashes = of.photos.iter().filter_map(|photo| photo.sha256.as_ref());
        shown.extend(hashes.map(|hash| (of.product.sku.as_str(), hash.as_slice())));
    }
    // What is listed replaces what was listed before.
    let listed: BTreeSet<&str> = listing.products.iter().map(|of| of.product.sku.as_str()).collect();
    let photos = store.map(Store::photos).transpose()?.unwrap_or_default();
    let stay = photos.iter().filter(|p| p.is_sound && (p.role != Role::Listed || !listed.contains(p.sku.as_str())));
    let said: BTreeMap<(&str, &[u8]), PhotoId> = stay.map(|p| ((p.sku.as_str(), p.sha256.as_slice()), p.id)).collect();
    // A picture whose bytes are not what was written is kept anew.
    let is_whole = |id: PhotoId| -> Result<bool, StoreError> {
        let bytes = store.map(|store| store.photo_bytes(id)).transpose()?;
        Ok(matches!(bytes.flatten(), Some(Ok(_))))
    };
    let mut wanted = Vec::new();
    for one in &listing.evidence {
        let Some(hash) = &one.photo.sha256 else { continue };
        let mut says = Vec::new();
        for (sku, role) in &one.says {
            let place = (sku.as_str(), hash.as_slice());
            let is_known = shown.contains(&place) || said.get(&place).map_or(Ok(false), |id| is_whole(*id))?;
            if is_there(sku) && !is_known {
                says.push((sku.clone(), *role));
            }
        }
        if !says.is_empty() {
            wanted.push(ListedEvidence { photo: one.photo.clone(), says });
        }
    }
    Ok(wanted)
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
    for ListedEvidence { photo, says } in evidence {
        if import.stop.load(Ordering::Relaxed) {
            summary.is_interrupted = true;
            break;
        }
        let sku = says.first().map(|(sku, _)| sku.clone()).unwrap_or_default();
        let read = import.photos.read(&photo.key);
        let made = read.and_then(|bytes| embedded(embedder.as_mut(), &photo.name, bytes));
        progress.embedded();
        let (bytes, embedded) = match made {
            Ok(made) => made,
            Err(kind) => {
                summary.problems.push(photo_problem(import.name, &sku, &photo, kind));
                continue;
            }
        };
        // A product that could not be taken is named already.
        let mut of_those_there = Vec::new();
        for said in says {
            if store.product(&said.0)?.is_some() {
                of_those_there.push(said);
            }
        }
        let correction = Correction { bytes, embedded, says: of_those_there };
        match store.correct(import.embedders.identity(), &[correction]) {
            Ok(corrected) => {
                let kept = usize::from(corrected.kept > 0);
                summary.evidence += kept;
                progress.committed(&Committed { products: &[], photos: kept, reembedded: 0 });
            }
            // Somebody has removed the product meanwhile, or shows it with this picture.
            Err(CorrectionError::NoProduct { .. } | CorrectionError::Listed { .. }) => {}
            Err(CorrectionError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

fn embedded(embedder: &mut dyn Embedder, name: &str, bytes: Vec<u8>) -> Result<(Vec<u8>, Embedded), ProblemKind> {
    let embedded = embed(embedder, &bytes).map_err(|error| unusable(name, &error))?;
    Ok((bytes, embedded))
}
