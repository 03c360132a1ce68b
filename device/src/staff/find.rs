//! Finding products by what somebody types: words, a number, a barcode.

use super::barcode;
use crate::catalogue::store::{Store, StoreError};
use crate::catalogue::{Product, Role};
use serde::Serialize;

/// A product that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its fields.
    pub product: Product,
    /// The photograph to show: it may be that of another product of its style.
    pub photo: Option<ShownPhoto>,
}

/// A photograph as the page asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPhoto {
    /// Whose it is.
    pub sku: String,
    /// Its name.
    pub name: String,
}

/// The products that have all of these words in number, barcode, name, colours, sizes or kind: the best `most`, and how many there are.
/// A product that is named by its number or barcode comes first.
///
/// # Errors
/// The file cannot be read.
pub fn by_words(store: &Store, typed: &str, most: usize) -> Result<(Vec<Found>, usize), StoreError> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut hits: Vec<(u8, Product)> = Vec::new();
    if !words.is_empty() {
        store.each_product(|stored| {
            if let Some(rank) = rank(&stored.product, &typed, &words).filter(|_| stored.is_sound) {
                hits.push((rank, stored.product));
            }
        })?;
    }
    hits.sort_by(|(a, one), (b, other)| (a, &one.title, &one.sku).cmp(&(b, &other.title, &other.sku)));
    let count = hits.len();
    let found = hits.into_iter().take(most).map(|(_, product)| shown(store, product));
    Ok((found.collect::<Result<_, _>>()?, count))
}

/// Less is better; nothing where a word is nowhere.
fn rank(product: &Product, typed: &str, words: &[&str]) -> Option<u8> {
    let sku = product.sku.to_lowercase();
    let is_code = product.barcode.as_deref().is_some_and(|code| barcode::is_same(&code.to_lowercase(), typed));
    if sku == typed || is_code {
        return Some(0);
    }
    if sku.starts_with(typed) {
        return Some(1);
    }
    let title = product.title.to_lowercase();
    let others = product.colours.iter().chain(&product.sizes).chain(&product.barcode).chain(&product.category);
    let others: Vec<String> = others.map(|text| text.to_lowercase()).collect();
    let is_there =
        |word: &&str| title.contains(*word) || sku.contains(*word) || others.iter().any(|text| text.contains(*word));
    words.iter().all(is_there).then(|| if words.iter().all(|word| title.contains(word)) { 2 } else { 3 })
}

/// All products that have this barcode.
///
/// # Errors
/// The file cannot be read.
pub fn by_barcode(store: &Store, code: &str) -> Result<Vec<Found>, StoreError> {
    let mut hits = Vec::new();
    store.each_product(|stored| {
        if stored.is_sound && stored.product.barcode.as_deref().is_some_and(|known| barcode::is_same(known, code)) {
            hits.push(stored.product);
        }
    })?;
    hits.into_iter().map(|product| shown(store, product)).collect()
}

/// One product by its number.
///
/// # Errors
/// The file cannot be read.
pub fn by_sku(store: &Store, sku: &str) -> Result<Option<Found>, StoreError> {
    store.product(sku)?.filter(|stored| stored.is_sound).map(|stored| shown(store, stored.product)).transpose()
}

/// With the photograph that the shop shows it with.
fn shown(store: &Store, product: Product) -> Result<Found, StoreError> {
    let listed = |sku: &str| -> Result<Option<ShownPhoto>, StoreError> {
        let photos = store.photos_of(sku)?;
        let first = photos.into_iter().find(|photo| photo.is_sound && photo.role == Role::Listed);
        Ok(first.map(|photo| ShownPhoto { sku: photo.sku, name: photo.name }))
    };
    let own = listed(&product.sku)?;
    let photo = match (own, &product.variant_of) {
        (None, Some(style)) => listed(style)?,
        (own, _) => own,
    };
    Ok(Found { product, photo })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(sku: &str, title: &str, barcode: Option<&str>) -> Product {
        Product {
            sku: sku.into(),
            title: title.into(),
            barcode: barcode.map(Into::into),
            colours: vec!["Dark Blue".into()],
            ..Product::default()
        }
    }

    #[test]
    fn numbers_come_before_names_and_names_before_the_rest() {
        let shirt = product("A-1", "Linen shirt", Some("036000291452"));
        for (typed, expected) in [
            ("a-1", Some(0)),
            ("0036000291452", Some(0)),
            ("a", Some(1)),
            ("shirt linen", Some(2)),
            ("LINEN", Some(2)),
            ("blue shirt", Some(3)),
            ("red shirt", None),
            ("1", Some(3)),
        ] {
            let typed = typed.to_lowercase();
            let words: Vec<_> = typed.split_whitespace().collect();
            assert_eq!(rank(&shirt, &typed, &words), expected, "{typed}");
        }
    }
}
