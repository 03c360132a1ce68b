//! The garment of the shop beside the answer: its price and its photograph, looked up when the match changes.

use super::seen::Source;
use crate::catalogue::Match;
use crate::config::Language;
use crate::pipeline::Shop;
use crate::words;
use clothingid_shared::picture::{self, Picture};

/// What a shop says of a garment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sold {
    /// As the catalogue has it.
    pub price: Option<String>,
    /// Its currency.
    pub currency: Option<String>,
    /// The photograph's bytes.
    pub photo: Option<Vec<u8>>,
}

/// Who knows the shop's garments.
pub trait Articles: Send + Sync {
    /// A garment by its number, with one of its photographs; nothing where it is no longer there or cannot be read.
    fn find(&self, sku: &str, photo: &str) -> Option<Sold>;
}

impl Articles for Shop {
    fn find(&self, sku: &str, photo: &str) -> Option<Sold> {
        let snapshot = self.snapshot()?;
        // A catalogue that cannot be read is told of where it is searched.
        let card = snapshot.product(sku).ok().flatten()?;
        let named = card.photos.iter().find(|(_, name)| name == photo).or(card.photos.first());
        let photo = named.and_then(|(id, _)| snapshot.photo(*id).ok().flatten());
        Some(Sold { price: card.product.price, currency: card.product.currency, photo })
    }
}

/// The garment that is shown, ready to be drawn.
#[derive(Default)]
pub struct Article {
    sku: String,
    photo: String,
    /// The price as the language writes it; empty where none is known.
    pub price: String,
    /// Its photograph, where it can be read.
    pub picture: Option<Picture>,
    /// Counts the garments shown, so that the same one is not drawn again.
    pub number: u64,
}

impl Article {
    /// Becomes the garment of a match; looks it up where it is another one than before.
    pub fn show(&mut self, best: &Match, source: &Source, language: Language) {
        if self.number > 0 && self.sku == best.sku && self.photo == best.photo {
            return;
        }
        self.sku.clone_from(&best.sku);
        self.photo.clone_from(&best.photo);
        self.number += 1;
        let sold = source.articles.find(&best.sku, &best.photo).unwrap_or_default();
        self.price =
            sold.price.map(|price| words::price(language, &price, sold.currency.as_deref())).unwrap_or_default();
        self.picture = sold.photo.and_then(|bytes| picture::decode(&bytes).ok());
    }

    /// Forgets it: the next one is looked up, as after a change of the catalogue.
    pub fn forget(&mut self) {
        self.sku.clear();
        self.photo.clear();
    }
}
