//! Rows of the scan, each with the photograph and the product that it shows.

use crate::catalogue::scan::{Candidates, Mask, Query, Rows};
use clothingid_shared::embedding::Embedding;

/// Rows, one a photograph.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    rows: Rows,
    photos: Vec<i64>,
    products: Vec<u32>,
}

impl Segment {
    /// No rows yet, of this many values.
    #[must_use]
    pub fn new(value_count: usize) -> Self {
        Self { rows: Rows::new(value_count), photos: Vec::new(), products: Vec::new() }
    }

    /// No rows yet, and room for so many.
    #[must_use]
    pub fn with_room(value_count: usize, rows: usize) -> Self {
        let (photos, products) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        Self { rows: Rows::with_room(value_count, rows), photos, products }
    }

    /// Gives back the room that was taken for more.
    pub fn settle(&mut self) {
        self.rows.settle();
        self.photos.shrink_to_fit();
        self.products.shrink_to_fit();
    }

    /// Rows that were written as they lie here; nothing where there is not one photograph and product for each.
    #[must_use]
    pub fn from_parts(rows: Rows, photos: Vec<i64>, products: Vec<u32>) -> Option<Self> {
        (rows.len() == photos.len() && rows.len() == products.len()).then_some(Self { rows, photos, products })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The number of each row's photograph.
    #[must_use]
    pub fn photos(&self) -> &[i64] {
        &self.photos
    }

    /// The number of each row's product.
    #[must_use]
    pub fn products(&self) -> &[u32] {
        &self.products
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// Adds a row. One of another length is not taken: `false`.
    #[must_use]
    pub fn push(&mut self, photo: i64, product: u32, embedding: &Embedding) -> bool {
        let is_taken = self.rows.push(embedding);
        if is_taken {
            self.photos.push(photo);
            self.products.push(product);
        }
        is_taken
    }

    /// Adds the rows of another one that the mask has.
    pub fn extend(&mut self, other: &Self, mask: &Mask) {
        let rows = other.photos.iter().zip(&other.products).enumerate();
        for (row, (photo, product)) in rows {
            if mask.has(row) && self.rows.push_from(&other.rows, row) {
                self.photos.push(*photo);
                self.products.push(*product);
            }
        }
    }

    /// Gives the rows of the mask to `candidates`, under their photographs' numbers, each in the group that `group` says of its product and
    /// similarity; those of which it says nothing are left out.
    pub fn scan(
        &self,
        query: &mut Query,
        mask: &Mask,
        group: impl Fn(u32, f32) -> Option<u32>,
        candidates: &mut Candidates,
    ) {
        let label = |row: usize, similarity| {
            let group = group(self.products.get(row).copied()?, similarity)?;
            Some((self.photos.get(row).copied()?, group))
        };
        self.rows.scan(query, mask, label, candidates);
    }
}
