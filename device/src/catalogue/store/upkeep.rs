//! Copies for safety, and space given back.

use super::schema::{connect, write_ahead};
use super::unfinished::{Unfinished, sweep};
use super::{Check, Store, StoreError};
use clothingid_shared::files::{FileError, create_folder, folder_of};
use rusqlite::OpenFlags;
use std::fs::File;
use std::io;
use std::path::Path;

impl Store {
    /// Writes a copy of the catalogue as it is now, while others read and write it, and looks at every byte of the copy. The file appears
    /// under its name when it is whole.
    ///
    /// # Errors
    /// There is a file of that name, which is never overwritten; the disk is full; the catalogue is damaged ([`Check::damage`] of the copy is
    /// then what was found, and there is no copy).
    pub fn backup(&self, copy: &Path) -> Result<Check, StoreError> {
        let check = self.copy(copy, |written| -> Result<bool, StoreError> {
            // A copy is born without a journal beside it; the first who opens it as a catalogue expects one.
            write_ahead(&written.connection).map_err(|e| written.error("writing a copy", e))?;
            Ok(true)
        })?;
        Ok(check.unwrap_or_default())
    }

    /// Writes a copy that `change` makes something else of; the rest is as with [`Store::backup`]. `change` says whether the copy is to be
    /// looked at; what was found is returned.
    ///
    /// # Errors
    /// As [`Store::backup`], and those of `change`.
    pub fn copy_changed<E: From<StoreError>>(
        &self,
        copy: &Path,
        change: impl FnOnce(&mut Self) -> Result<bool, E>,
    ) -> Result<Option<Check>, E> {
        self.copy(copy, |written| {
            let is_checked = change(written)?;
            written.connection.execute_batch("VACUUM").map_err(|e| written.error("writing a copy", e))?;
            Ok(is_checked)
        })
    }

    fn copy<E: From<StoreError>>(
        &self,
        copy: &Path,
        change: impl FnOnce(&mut Self) -> Result<bool, E>,
    ) -> Result<Option<Check>, E> {
        let failed = |source: io::Error| StoreError::from(FileError::Write { path: copy.to_owned(), source });
        if copy.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()).into());
        }
        create_folder(folder_of(copy)).map_err(StoreError::from)?;
        sweep(copy);
        let unfinished = Unfinished::beside(copy);
        unfinished.remove().map_err(failed)?;
        let name = unfinished.path.to_string_lossy();
        self.connection.execute("VACUUM INTO ?1", [&name]).map_err(|e| self.error("writing a copy", e))?;
        let check = {
            let connection = connect(&unfinished.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let mut written = Self::new(connection, copy);
            let is_checked = change(&mut written)?;
            let check = if is_checked { Some(written.check()?) } else { None };
            written.connection.close().map_err(|(_, e)| StoreError::of(copy, "writing a copy", e))?;
            check
        };
        if check.as_ref().is_none_or(|check| check.damage.is_empty()) {
            File::open(&unfinished.path).and_then(|file| file.sync_all()).map_err(failed)?;
            unfinished.name(copy).map_err(failed)?;
        }
        Ok(check)
    }

    /// Gives back the space of what was removed: bytes of the file before and after. Readers go on meanwhile; writers wait.
    ///
    /// # Errors
    /// The disk has no room for a second copy meanwhile, another program writes: nothing is changed then.
    pub fn compact(&self) -> Result<[u64; 2], StoreError> {
        let before = self.byte_len()?;
        let work = || {
            self.connection.execute_batch("VACUUM")?;
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        work().map_err(|e| self.error("giving space back", e))?;
        Ok([before, self.byte_len()?])
    }

    /// Bytes of the file by its own account: its pages.
    fn byte_len(&self) -> Result<u64, StoreError> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let bytes = || Ok(pragma("page_count")?.saturating_mul(pragma("page_size")?));
        bytes().map(i64::cast_unsigned).map_err(|e| self.error("reading its size", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::store::spoil;
    use crate::catalogue::testing::{identity, product, write};

    fn store(folder: &Path) -> Store {
        let whose = identity("one");
        let mut store = Store::open_or_create(&folder.join("c.db")).unwrap();
        let large = "x".repeat(200_000);
        let products = ["A", "B"].map(|sku| write(&whose, product(sku, "t"), &[("a.jpg", &large)]));
        store.commit(&whose, &products, &[]).unwrap();
        store
    }

    #[test]
    fn a_copy_is_the_catalogue_as_it_was_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let copy = folder.path().join("deep/copy.db");
        // Another one reads an old state meanwhile.
        let reader = Store::open(store.path()).unwrap();
        let check = reader.at_one_time(|_| store.backup(&copy)).unwrap();
        assert_eq!((check.products, check.photos, check.damage.len()), (2, 2, 0));
        store.remove("A").unwrap();
        let copied = Store::open(&copy).unwrap();
        assert_eq!(copied.check().unwrap(), Check { products: 2, ..check });
        assert_eq!(store.products().unwrap().len(), 1);
        assert!(matches!(store.backup(&copy), Err(StoreError::File(_))), "it is there already");
        drop(copied);
        let left: Vec<_> = std::fs::read_dir(copy.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["copy.db"], "nothing else stays");
    }

    #[test]
    fn a_damaged_catalogue_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        drop(store(folder.path()));
        spoil(&path, "UPDATE photo_bytes SET bytes = zeroblob(9) WHERE photo = 1");
        let copy = folder.path().join("copy.db");
        let check = Store::open(&path).unwrap().backup(&copy).unwrap();
        assert_eq!(check.damage.len(), 1, "{:?}", check.damage);
        assert!(!copy.exists());
    }

    #[test]
    fn space_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        store.remove("A").unwrap();
        let [before, after] = store.compact().unwrap();
        assert!(after + 150_000 < before, "{before} {after}");
        assert_eq!(store.check().unwrap().products, 1);
        assert_eq!(store.check().unwrap().damage, []);
    }
}
