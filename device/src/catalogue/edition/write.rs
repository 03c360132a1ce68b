//! Making an edition of a catalogue.

use super::fingerprint::{self, Fingerprint};
use super::read::{Edition, EditionError, sound};
use super::{Kind, SETTING};
use crate::catalogue::store::{Store, StoredPhoto};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an edition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Products in the file.
    pub products: usize,
    /// Products that it removes.
    pub removes: usize,
    /// Photographs of the shop whose bytes are in the file.
    pub photos: usize,
    /// Pictures of the counter, in a copy.
    pub evidence: usize,
    /// Of what they say, what is damaged and was left out.
    pub left_out: usize,
}

/// What the staff have found out at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// It is of this counter, in this light, and not the other boards'.
    StaysHere,
    /// The shop's own copy has it.
    GoesAlong,
}

/// Makes an edition at `path`, whole or as the difference from an earlier one. The file appears when it is whole; one of that name is never
/// overwritten.
///
/// # Errors
/// The catalogue is damaged, the earlier edition is a difference itself, the disk is full.
pub fn write(store: &Store, path: &Path, since: Option<&Edition>) -> Result<Written, EditionError> {
    made(store, path, since, Evidence::StaysHere)
}

/// Makes a whole edition at `path` for the shop itself, with what its staff have found out. Else as [`write`].
///
/// # Errors
/// The catalogue is damaged, the disk is full.
pub fn copy(store: &Store, path: &Path) -> Result<Written, EditionError> {
    made(store, path, None, Evidence::GoesAlong)
}

fn made(store: &Store, path: &Path, since: Option<&Edition>, evidence: Evidence) -> Result<Written, EditionError> {
    let earlier = since.map(Edition::contents).transpose()?;
    let mut written = Written { products: 0, removes: 0, photos: 0, evidence: 0, left_out: 0 };
    // What is looked at is the copy: the catalogue may be another one by now.
    let check = store.copy_changed(path, |copy| -> Result<bool, EditionError> {
        copy.clear_settings()?;
        for photo in copy.evidence()? {
            let goes_along = evidence == Evidence::GoesAlong;
            if goes_along && is_whole(copy, &photo)? {
                continue;
            }
            copy.forget_evidence(&photo.sku, &photo.name)?;
            written.left_out += usize::from(goes_along);
        }
        copy.forget_all()?;
        let now = fingerprint::all(&sound(copy)?);
        let kind = match &earlier {
            None => Kind::Whole,
            Some(earlier) => Kind::Difference { before: differences(&earlier.fingerprints, &now) },
        };
        if let (Kind::Difference { before }, Some(earlier)) = (&kind, &earlier) {
            let same: Vec<String> = now.keys().filter(|sku| !before.contains_key(*sku)).cloned().collect();
            copy.remove_all(&same)?;
            copy.forget_all()?;
            let (known, new): (Vec<_>, Vec<_>) = copy.photos()?.into_iter().partition(|photo| earlier.has(photo));
            for photo in &new {
                copy.photo_bytes(photo.id)?.transpose().map_err(EditionError::Damaged)?;
            }
            copy.drop_bytes(&known.iter().map(|photo| photo.id).collect::<Vec<_>>())?;
            written.removes = before.keys().filter(|sku| !now.contains_key(*sku)).count();
        }
        written.products = copy.products()?.len();
        let kept = copy.evidence()?;
        written.photos = copy.stored_photo_count()? - kept.len();
        written.evidence = kept.iter().map(|photo| &photo.sha256).collect::<BTreeSet<_>>().len();
        copy.set_setting(SETTING, &serde_json::to_string(&kind).map_err(EditionError::Form)?)?;
        Ok(earlier.is_none())
    })?;
    match check.and_then(|check| check.damage.into_iter().next()) {
        Some(damage) => Err(EditionError::Damaged(damage)),
        None => Ok(written),
    }
}

/// Whether all of one piece of evidence is what was written. What is not is no reason for a shop to be without a copy.
fn is_whole(copy: &Store, photo: &StoredPhoto) -> Result<bool, EditionError> {
    if !photo.is_sound || !matches!(copy.photo_bytes(photo.id)?, Some(Ok(_))) {
        return Ok(false);
    }
    let served = copy.served()?;
    for identity in copy.identities()? {
        let Some(value_count) = copy.value_count(&identity)? else { return Ok(false) };
        match (copy.embedding_of(&identity, photo.id, value_count)?, copy.float_row(&identity, photo.id)?) {
            (Some(Ok(_)), Some(Ok(_))) => {}
            // Its turn has not come yet.
            (None, None) if served.as_ref() != Some(&identity) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The products that are not the same, and what they were.
fn differences(
    before: &BTreeMap<String, Fingerprint>,
    now: &BTreeMap<String, Fingerprint>,
) -> BTreeMap<String, Option<Fingerprint>> {
    let all: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let differing = all.into_iter().filter(|sku| before.get(*sku) != now.get(*sku));
    differing.map(|sku| (sku.clone(), before.get(sku).cloned())).collect()
}
