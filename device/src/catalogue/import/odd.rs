//! What is no error in a catalogue file, and most likely not meant either: it is imported, and pointed out.

use super::plan::Hashes;
use crate::catalogue::Product;
use crate::catalogue::csv::ListedProduct;
use std::collections::HashMap;

/// A product that is a variant of a style which is no product, and of which there is no other variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneVariant {
    /// The product.
    pub sku: String,
    /// The style that it names.
    pub style: String,
}

/// One photograph, under whatever names, for several products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPhoto {
    /// As the first row names it.
    pub name: String,
    /// The products, in the file's order.
    pub skus: Vec<String>,
}

/// The listed variants whose style is neither a product, listed or stored, nor that of another variant.
pub(super) fn lone<'a>(
    listed: impl Iterator<Item = &'a Product> + Clone,
    others: impl Iterator<Item = &'a Product>,
) -> Vec<LoneVariant> {
    let mut named: HashMap<&str, usize> = HashMap::new();
    for product in listed.clone().chain(others) {
        // A style that is a product counts twice: the product is enough.
        *named.entry(&product.sku).or_default() += 2;
        if let Some(style) = &product.variant_of {
            *named.entry(style).or_default() += 1;
        }
    }
    let is_lone = |style: &str| named.get(style).is_some_and(|count| *count == 1);
    let variants = listed.filter_map(|product| Some((product, product.variant_of.as_ref()?)));
    variants
        .filter(|(_, style)| is_lone(style))
        .map(|(product, style)| LoneVariant { sku: product.sku.clone(), style: style.clone() })
        .collect()
}

/// The photographs of several products, in the order of their first rows.
pub(super) fn shared(products: &[ListedProduct], hashes: &[Hashes]) -> Vec<SharedPhoto> {
    let mut places: HashMap<[u8; 32], usize> = HashMap::new();
    let mut all: Vec<SharedPhoto> = Vec::new();
    for (product, hashes) in products.iter().zip(hashes) {
        for (photo, hash) in product.photos.iter().zip(hashes) {
            let Ok(hash) = hash else { continue };
            let place = *places.entry(*hash).or_insert_with(|| {
                all.push(SharedPhoto { name: photo.name.clone(), skus: Vec::new() });
                all.len() - 1
            });
            let sku = &product.product.sku;
            // A product's photographs come one after the other.
            if let Some(photo) = all.get_mut(place).filter(|photo| photo.skus.last() != Some(sku)) {
                photo.skus.push(sku.clone());
            }
        }
    }
    all.retain(|photo| photo.skus.len() > 1);
    all
}
