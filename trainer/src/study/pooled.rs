//! The records of one arm over all folds: each photograph once.

use clothingid_shared::metrics::recall_at_k;
use std::collections::BTreeSet;

use super::measure::Scores;
use super::photos::Photo;
use super::record::CellRecord;

/// Finished cells of one arm.
#[derive(Debug, Clone)]
pub struct Pooled<'a> {
    photos: &'a [Photo],
    records: Vec<&'a CellRecord>,
}

impl<'a> Pooled<'a> {
    /// Of the records given.
    #[must_use]
    pub fn new(photos: &'a [Photo], records: impl IntoIterator<Item = &'a CellRecord>) -> Self {
        Self { photos, records: records.into_iter().collect() }
    }

    /// The folds that are finished.
    #[must_use]
    pub fn folds(&self) -> BTreeSet<usize> {
        self.records.iter().map(|record| record.settings.fold).collect()
    }

    /// Of some folds only.
    #[must_use]
    pub fn only(&self, folds: &BTreeSet<usize>) -> Self {
        Self::new(self.photos, self.records.iter().copied().filter(|record| folds.contains(&record.settings.fold)))
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> &[&'a CellRecord] {
        &self.records
    }

    /// The photographs of the study.
    #[must_use]
    pub fn photos(&self) -> &'a [Photo] {
        self.photos
    }

    /// Whether each photograph of a head's categories was answered rightly.
    #[must_use]
    pub fn categories(&self, head: usize, is_large_only: bool) -> Scores {
        let mut scores = Scores::default();
        for answers in self.records.iter().map(|record| &record.categories) {
            let said = if head == 0 { &answers.category14 } else { &answers.category26 };
            for (&row, &said) in answers.rows.iter().zip(said) {
                let Some(photo) = self.photos.get(row) else { continue };
                let Some(truth) = photo.category(head).filter(|_| photo.is_large() || !is_large_only) else { continue };
                scores.rows.push(row);
                scores.groups.push(photo.group);
                scores.values.push(f64::from(u8::from(said == truth)));
                scores.categories.push(truth);
            }
        }
        scores
    }

    /// Whether each query found its garment among `k`.
    #[must_use]
    pub fn recall(&self, k: usize) -> Scores {
        self.queries(|record, place| recall_at_k(&[record.retrieval.ranks[place]], k))
    }

    /// Average precision of each query.
    #[must_use]
    pub fn precision(&self) -> Scores {
        self.queries(|record, place| record.retrieval.precision[place])
    }

    /// Whether each query found its garment first, with strangers in the gallery.
    #[must_use]
    pub fn recall_among_strangers(&self) -> Scores {
        self.queries(|record, place| recall_at_k(&[record.retrieval.ranks_among_strangers[place]], 1))
    }

    fn queries(&self, value: impl Fn(&CellRecord, usize) -> f64) -> Scores {
        let mut scores = Scores::default();
        for record in &self.records {
            for (place, &row) in record.retrieval.queries.iter().enumerate() {
                let Some(photo) = self.photos.get(row) else { continue };
                scores.rows.push(row);
                scores.groups.push(photo.group);
                scores.values.push(value(record, place));
            }
        }
        scores
    }
}
