//! Making an edition of a catalogue.

use super::fingerprint::{self, Fingerprint};
use super::read::{Edition, EditionError};
use super::{Kind, SETTING};
use crate::catalogue::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an edition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Products in the file.
    pub products: usize,
    /// Products that it removes.
    pub removes: usize,
    /// Photographs whose bytes are in the file.
    pub photos: usize,
}

/// Makes an edition at `path`, whole or as the difference from an earlier one. The file appears when it is whole; one of that name is never
/// overwritten.
///
/// # Errors
/// The catalogue is damaged, the earlier edition is a difference itself, the disk is full.
pub fn write(store: &Store, path: &Path, since: Option<&Edition>) -> Result<Written, EditionError> {
    let (now, damage) = fingerprint::all(store)?;
    if let Some(damage) = damage.into_iter().next() {
        return Err(EditionError::Damaged(damage));
    }
    let earlier = since.map(Edition::contents).transpose()?;
    let kind = match &earlier {
        None => Kind::Whole,
        Some(earlier) => Kind::Difference { before: differences(&earlier.fingerprints, &now) },
    };
    let mut written = Written { products: now.len(), removes: 0, photos: 0 };
    let text = serde_json::to_string(&kind).map_err(EditionError::Form)?;
    let check = store.copy_changed(path, |copy| {
        copy.forget_all()?;
        copy.clear_settings()?;
        if let (Kind::Difference { before }, Some(earlier)) = (&kind, &earlier) {
            let same: Vec<String> = now.keys().filter(|sku| !before.contains_key(*sku)).cloned().collect();
            copy.remove_all(&same)?;
            copy.forget_all()?;
            let known: Vec<_> = copy.photos()?.into_iter().filter(|photo| earlier.has(photo)).map(|p| p.id).collect();
            copy.drop_bytes(&known)?;
            written.products -= same.len();
            written.removes = before.keys().filter(|sku| !now.contains_key(*sku)).count();
            written.photos = copy.photos()?.len() - known.len();
        } else {
            written.photos = copy.photos()?.len();
        }
        copy.set_setting(SETTING, &text)?;
        Ok(earlier.is_none())
    })?;
    match check.and_then(|check| check.damage.into_iter().next()) {
        Some(damage) => Err(EditionError::Damaged(damage)),
        None => Ok(written),
    }
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
