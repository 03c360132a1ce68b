//! What a product is, whichever catalogue it is in: its fields and its photographs in their order, without numbers and embeddings.

use crate::catalogue::store::checksum::Fields;
use crate::catalogue::store::read::product_checksum;
use crate::catalogue::store::{Damage, Store, StoreError, StoredPhoto};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of one product: hexadecimal, 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// The fingerprints of all products that are what was written, and what is damaged.
///
/// # Errors
/// The file cannot be read.
pub fn all(store: &Store) -> Result<(BTreeMap<String, Fingerprint>, Vec<Damage>), StoreError> {
    let mut damage = Vec::new();
    let mut photos: BTreeMap<String, Vec<StoredPhoto>> = BTreeMap::new();
    for photo in store.photos()? {
        if photo.is_sound {
            photos.entry(photo.sku.clone()).or_default().push(photo);
        } else {
            damage.push(photo.damage());
        }
    }
    let mut fingerprints = BTreeMap::new();
    for stored in store.products()? {
        let product = stored.product;
        if !stored.is_sound {
            damage.push(Damage::Product { sku: product.sku });
            continue;
        }
        let mut photos = photos.remove(&product.sku).unwrap_or_default();
        photos.sort_by_key(|photo| photo.position);
        let fields = Fields::of("fingerprint").bytes(&product_checksum(&product));
        let sum = photos.iter().fold(fields, |fields, photo| fields.text(&photo.name).bytes(&photo.sha256)).finish();
        let hex = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        fingerprints.insert(product.sku, Fingerprint(hex));
    }
    Ok((fingerprints, damage))
}
