//! How garments are shown: read from the store once, and kept while the catalogue stands.

use super::store::{Store, StoreError, StoredPhoto};
use super::{Match, PhotoId, Product, Role};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Photographs whose garments are kept, at most: some hundred bytes each.
const MOST_KEPT: usize = 1024;

/// How the garments of photographs are shown, as one connection reads them.
#[derive(Debug, Default)]
pub struct Shown {
    /// The catalogue that they are of, as [`Store::version`] says.
    version: Option<i64>,
    garments: HashMap<PhotoId, Option<Garment>>,
}

/// The garment of a photograph.
#[derive(Debug)]
pub struct Garment {
    /// Its style.
    pub style: String,
    /// What a match says of it.
    pub texts: Match,
}

impl Shown {
    /// Forgets everything if the catalogue has changed: to be called in each view of it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn begin(&mut self, store: &Store) -> Result<(), StoreError> {
        let version = Some(store.version()?);
        if self.version != version {
            self.garments.clear();
            self.version = version;
        }
        Ok(())
    }

    /// How the garment of a photograph is shown; nothing where there is none any more, or its rows are damaged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn garment(&mut self, store: &Store, photo: PhotoId) -> Result<Option<&Garment>, StoreError> {
        if self.garments.len() >= MOST_KEPT && !self.garments.contains_key(&photo) {
            self.garments.clear();
        }
        let garment = match self.garments.entry(photo) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(read(store, photo)?),
        };
        Ok(garment.as_ref())
    }
}

fn read(store: &Store, photo: PhotoId) -> Result<Option<Garment>, StoreError> {
    let Some(photo) = store.photo(photo)?.filter(|photo| photo.is_sound) else { return Ok(None) };
    let Some(stored) = store.product(&photo.sku)?.filter(|stored| stored.is_sound) else { return Ok(None) };
    let style = stored.product.style().to_owned();
    // What was taken at the counter is the staff's: the shop's own photographs are shown in its place.
    let shown = match photo.role {
        Role::Listed => Some((stored.product, photo.name)),
        _ => shown_by(store, stored.product)?
            .and_then(|(product, photos)| Some((product, photos.into_iter().next()?.name))),
    };
    Ok(shown.map(|(Product { sku, title, .. }, photo)| {
        let texts = Match { sku, title, photo, similarity: 0.0 };
        Garment { style, texts }
    }))
}

/// The photographs that the shop shows a product with: its own, or else those of the first product of its style that has some.
pub(super) fn shown_by(store: &Store, product: Product) -> Result<Option<(Product, Vec<StoredPhoto>)>, StoreError> {
    let style = product.style().to_owned();
    let own: Vec<StoredPhoto> = listed(store.photos_of(&product.sku)?).collect();
    if !own.is_empty() {
        return Ok(Some((product, own)));
    }
    for other in store.products_of_style(&style)?.into_iter().filter(|stored| stored.is_sound) {
        let photos: Vec<StoredPhoto> = listed(store.photos_of(&other.product.sku)?).collect();
        if !photos.is_empty() {
            return Ok(Some((other.product, photos)));
        }
    }
    Ok(None)
}

/// The photographs that the shop shows a product with.
pub(super) fn listed(photos: Vec<StoredPhoto>) -> impl Iterator<Item = StoredPhoto> {
    photos.into_iter().filter(|photo| photo.is_sound && photo.role == Role::Listed)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{identity, product, write};
    use super::*;

    #[test]
    fn only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, whose) = (folder.path().join("c.db"), identity("one"));
        let mut store = Store::open_or_create(&path).unwrap();
        store.commit(&whose, &[write(&whose, product("A", "title"), &[("a", "x")])], &[]).unwrap();
        let mut shown = Shown::default();
        shown.begin(&store).unwrap();
        let id = store.photos().unwrap()[0].id;
        for other in 0..3 * MOST_KEPT {
            let unknown = PhotoId::new(id.number() + 1 + i64::try_from(other).unwrap());
            assert!(shown.garment(&store, unknown).unwrap().is_none());
            assert_eq!(shown.garment(&store, id).unwrap().unwrap().texts.title, "title");
            assert!(shown.garments.len() <= MOST_KEPT);
        }
    }
}
