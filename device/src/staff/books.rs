//! The catalogue as the staff change it. Each change is signed, so that the history says who, and can be taken back.

use crate::catalogue::store::{
    Author, Change, Corrected, Correction, CorrectionError, Embedded, PhotoWrite, ProductWrite, UndoError, Undoing,
    Undone,
};
use crate::catalogue::{Product, Role, Store, StoreError};
use clothingid_shared::embedding::EmbeddingIdentity;
use std::path::{Path, PathBuf};

/// Who changes, in the history.
pub const WHO: &str = "staff";

/// How the names of photographs begin that were taken at the counter.
const AT_THE_COUNTER: &str = "counter/";

/// The way to the catalogue's file. Each piece of work opens it for itself: a staff member does one thing at a time, and the file may be another one
/// after a change of network.
#[derive(Debug, Clone)]
pub struct Books {
    catalogue: PathBuf,
}

/// What the staff say of a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The product that it shows, if it is one of the shop's.
    pub is: Option<String>,
    /// The products that it was taken for by mistake.
    pub is_not: Vec<String>,
}

impl Word {
    /// As the store keeps it. What is said to be shown is not said to be a mistake.
    #[must_use]
    pub fn says(&self) -> Vec<(String, Role)> {
        let is = self.is.iter().map(|sku| (sku.clone(), Role::Counter));
        let is_not = self.is_not.iter().filter(|sku| self.is.as_ref() != Some(sku));
        is.chain(is_not.map(|sku| (sku.clone(), Role::Mistaken))).collect()
    }

    /// As the history has it.
    #[must_use]
    pub fn what(&self) -> String {
        let said = self.says();
        let said: Vec<String> =
            said.iter().map(|(sku, role)| format!("{} {sku}", if role.shows() { "is" } else { "is not" })).collect();
        format!("correct: {}", said.join(", "))
    }
}

impl Books {
    /// Of this catalogue.
    #[must_use]
    pub fn new(catalogue: PathBuf) -> Self {
        Self { catalogue }
    }

    /// The catalogue's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.catalogue
    }

    /// The catalogue; nothing while there is none.
    ///
    /// # Errors
    /// The file is no catalogue, or damaged as a whole.
    pub fn open(&self) -> Result<Option<Store>, StoreError> {
        match Store::open(&self.catalogue) {
            Err(StoreError::Missing { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opened to be changed.
    fn signed(&self, what: String) -> Result<Store, StoreError> {
        let mut store = Store::open(&self.catalogue)?;
        store.sign(Author { who: WHO.to_owned(), what });
        Ok(store)
    }

    /// The newest changes, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn changes(&self, most: usize) -> Result<Vec<Change>, StoreError> {
        let mut changes = self.open()?.map_or(Ok(Vec::new()), |store| store.history())?;
        changes.truncate(most);
        Ok(changes)
    }

    /// What taking back a change would do, or the last one that holds.
    ///
    /// # Errors
    /// As [`Store::undo`].
    pub fn would_undo(&self, number: Option<i64>) -> Result<Undoing, UndoError> {
        self.open()?.ok_or(UndoError::Nothing)?.would_undo(number)
    }

    /// Takes back a change.
    ///
    /// # Errors
    /// As [`Store::undo`].
    pub fn undo(&self, number: i64) -> Result<Undone, UndoError> {
        self.signed(format!("undo {number}"))?.undo(Some(number))
    }

    /// Adds a product with its photographs; with the number of the change. A catalogue that is not there yet is made.
    ///
    /// # Errors
    /// The catalogue is of another network, or the file cannot be written; nothing is changed then.
    pub fn add(
        &self,
        identity: &EmbeddingIdentity,
        product: Product,
        photos: Vec<(Vec<u8>, Embedded)>,
    ) -> Result<Option<i64>, StoreError> {
        let mut store = Store::open_or_create(&self.catalogue)?;
        store.sign(Author { who: WHO.to_owned(), what: format!("add {}", product.sku) });
        store.expect_identity(identity)?;
        store.hold_to_served()?;
        let photos = (1..).zip(photos).map(|(number, (bytes, embedded))| {
            let name = format!("{}{}-{number}", AT_THE_COUNTER, product.sku);
            PhotoWrite::Add { name, bytes, embedded }
        });
        let write = ProductWrite { photos: photos.collect(), product, remove: Vec::new() };
        store.commit(identity, &[write], &[])?;
        Ok(store.signed_change())
    }

    /// Keeps what is said of a picture; with the number of the change, where it is one.
    ///
    /// # Errors
    /// As [`Store::correct`].
    pub fn correct(
        &self,
        identity: &EmbeddingIdentity,
        word: &Word,
        (bytes, embedded): (Vec<u8>, Embedded),
    ) -> Result<(Corrected, Option<i64>), CorrectionError> {
        self.keep(identity, word.what(), &[Correction { bytes, embedded, says: word.says() }])
    }

    /// The same for many pictures, as one change.
    ///
    /// # Errors
    /// As [`Store::correct`].
    pub fn correct_all(
        &self,
        identity: &EmbeddingIdentity,
        pictures: Vec<(Word, Vec<u8>, Embedded)>,
    ) -> Result<(Corrected, Option<i64>), CorrectionError> {
        let what = format!("correct: {} pictures of a trial", pictures.len());
        let corrections = pictures.into_iter();
        let corrections: Vec<_> =
            corrections.map(|(word, bytes, embedded)| Correction { bytes, embedded, says: word.says() }).collect();
        self.keep(identity, what, &corrections)
    }

    fn keep(
        &self,
        identity: &EmbeddingIdentity,
        what: String,
        corrections: &[Correction],
    ) -> Result<(Corrected, Option<i64>), CorrectionError> {
        let mut store = self.signed(what)?;
        store.expect_identity(identity)?;
        let corrected = store.correct(identity, corrections)?;
        Ok((corrected, store.signed_change()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_as_it_was_meant() {
        let word = Word { is: Some("A".into()), is_not: vec!["B".into(), "A".into()] };
        assert_eq!(word.says(), [("A".into(), Role::Counter), ("B".into(), Role::Mistaken)]);
        assert_eq!(word.what(), "correct: is A, is not B");
        assert!(Word::default().says().is_empty());
    }

    #[test]
    fn without_a_catalogue_there_is_nothing_to_take_back_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let books = Books::new(folder.path().join("catalogue.db"));
        assert_eq!(books.changes(9).unwrap(), []);
        assert!(matches!(books.would_undo(None), Err(UndoError::Nothing)));
        assert!(books.undo(1).is_err() && !books.path().exists());
    }
}
