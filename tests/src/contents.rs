//! All that a catalogue answers with, for comparison: fields, photographs' bytes, embeddings.

use clothingid_device::catalogue::store::checksum::sha256;
use clothingid_device::catalogue::{Product, Store};
use clothingid_shared::embedding::EmbeddingIdentity;
use std::collections::BTreeMap;

use crate::made_up::{embedded, identity};

/// What a catalogue of made-up photographs holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The products by number.
    pub items: BTreeMap<String, Item>,
    /// Whose embeddings are searched.
    pub served: Option<EmbeddingIdentity>,
    /// How many embeddings wait for another identity to be served.
    pub waiting: usize,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its fields.
    pub product: Product,
    /// Its photographs in their order: name, and SHA-256 of the bytes.
    pub photos: Vec<(String, [u8; 32])>,
}

impl Item {
    /// A product with photographs: names and bytes.
    #[must_use]
    pub fn new(product: Product, photos: &[(String, Vec<u8>)]) -> Self {
        Self { product, photos: photos.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect() }
    }
}

impl Contents {
    /// Reads all of a store whose embeddings are made up and belong to identities of these names. Each photograph's bytes must be there, and
    /// each embedding must be that of its bytes, whatever `check` thinks of it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(store: &Store, identities: &[&str]) -> Result<Self, String> {
        let said = |error: &dyn std::error::Error| format!("{error} ({:?})", error.source().map(ToString::to_string));
        let mut contents = Self { served: store.served().map_err(|e| said(&e))?, ..Self::default() };
        for stored in store.products().map_err(|e| said(&e))? {
            let item = Item { product: stored.product, photos: Vec::new() };
            contents.items.insert(item.product.sku.clone(), item);
        }
        let mut photos = store.photos().map_err(|e| said(&e))?;
        photos.sort_by_key(|photo| photo.position);
        let mut all_bytes = BTreeMap::new();
        for photo in photos {
            let bytes = store.photo_bytes(photo.id).map_err(|e| said(&e))?.ok_or("a photo without bytes")?;
            let bytes = bytes.map_err(|e| said(&e))?;
            let item = contents.items.get_mut(&photo.sku).ok_or_else(|| format!("no product `{}`", photo.sku))?;
            item.photos.push((photo.name, sha256(&bytes)));
            all_bytes.insert(photo.id, bytes);
        }
        for whose in identities.iter().map(|name| identity(name)) {
            let mut rows = Vec::new();
            store.embeddings(&whose, |row| rows.push(row)).map_err(|e| said(&e))?;
            // Those of photographs that an undo would bring back are not searched.
            rows.retain(|row| all_bytes.contains_key(&row.photo));
            for row in &rows {
                let made = embedded(&whose, all_bytes.get(&row.photo).ok_or("an embedding without photo")?);
                let floats = store.float_row(&whose, row.photo).map_err(|e| said(&e))?;
                if row.embedding != made.quantised || floats != Some(Ok(made.floats)) {
                    return Err(format!("the embedding of photo {} is another photo's", row.photo));
                }
            }
            if contents.served.as_ref() != Some(&whose) {
                contents.waiting += rows.len();
            } else if rows.len() != all_bytes.len() {
                return Err(format!("{} embeddings of {} photos", rows.len(), all_bytes.len()));
            }
        }
        Ok(contents)
    }

    /// In what this differs from another one, in a line.
    #[must_use]
    pub fn difference(&self, other: &Self) -> String {
        let skus = self.items.keys().chain(other.items.keys());
        let mut differ: Vec<_> = skus.filter(|sku| self.items.get(*sku) != other.items.get(*sku)).collect();
        differ.dedup();
        let (served, waiting) = ([&self.served, &other.served], [self.waiting, other.waiting]);
        format!("products {differ:?}, served {served:?}, waiting {waiting:?}")
    }
}
