//! What a product is, whichever catalogue it is in: its fields and its photographs in their order, without numbers and embeddings.

use crate::catalogue::store::Item;
use crate::catalogue::store::checksum::Fields;
use crate::catalogue::store::rows::product_checksum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of one product: hexadecimal, 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// Of each of these products.
pub fn all(items: &[Item]) -> BTreeMap<String, Fingerprint> {
    items.iter().map(|item| (item.product.sku.clone(), Fingerprint::of(item))).collect()
}

impl Fingerprint {
    fn of(item: &Item) -> Self {
        let fields = Fields::of("fingerprint").bytes(&product_checksum(&item.product));
        let photos = item.photos.iter().fold(fields, |fields, photo| fields.text(&photo.name).bytes(&photo.sha256));
        Self(photos.finish().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
