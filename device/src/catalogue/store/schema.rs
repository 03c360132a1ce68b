//! The file's form, how it is made, and how old forms are brought up to date.

use super::unfinished::{Unfinished, sweep};
use super::{Store, StoreError, without_room};
use clothingid_shared::files;
use rusqlite::{Connection, OpenFlags, ffi};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// `ClID`: says to SQLite and to `file` whose database it is.
const APPLICATION_ID: i64 = 0x436C_4944;

/// One step for each form that there was: `MIGRATIONS[n]` makes form `n + 1` of form `n`. Steps are never changed.
///
/// Photographs and float rows have tables of their own, so that opening a catalogue reads the small rows alone.
/// Rows of `embedding` lie in the order of identity and photograph: the served ones are read in one sweep.
const MIGRATIONS: [&str; 4] = ["
    CREATE TABLE setting (
        key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE product (
        sku TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL, price TEXT, currency TEXT, barcode TEXT,
        colours TEXT NOT NULL, sizes TEXT NOT NULL, variant_of TEXT, url TEXT, checksum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE photo (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sku TEXT NOT NULL REFERENCES product(sku) ON DELETE CASCADE,
        name TEXT NOT NULL, position INTEGER NOT NULL, sha256 BLOB NOT NULL, checksum BLOB NOT NULL,
        UNIQUE (sku, name)
    ) STRICT;
    CREATE TABLE photo_bytes (
        photo INTEGER PRIMARY KEY REFERENCES photo(id) ON DELETE CASCADE, bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE identity (
        id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, value_count INTEGER NOT NULL, checksum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE embedding (
        identity INTEGER NOT NULL REFERENCES identity(id) ON DELETE CASCADE,
        photo INTEGER NOT NULL REFERENCES photo(id) ON DELETE CASCADE,
        scale REAL NOT NULL, quantised BLOB NOT NULL, checksum BLOB NOT NULL,
        PRIMARY KEY (identity, photo)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX embedding_photo ON embedding(photo);
    CREATE TABLE embedding_float (
        identity INTEGER NOT NULL REFERENCES identity(id) ON DELETE CASCADE,
        photo INTEGER NOT NULL REFERENCES photo(id) ON DELETE CASCADE,
        floats BLOB NOT NULL, checksum BLOB NOT NULL,
        PRIMARY KEY (identity, photo)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX embedding_float_photo ON embedding_float(photo);
", "
    -- What was before each change, for as long as it can be undone. A photograph that was removed keeps its bytes and embeddings, so these
    -- no longer hang on its row.
    CREATE TABLE change (
        id INTEGER PRIMARY KEY AUTOINCREMENT, mark BLOB NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        undoes INTEGER, checksum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE past_product (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        change INTEGER NOT NULL REFERENCES change(id) ON DELETE CASCADE,
        sku TEXT NOT NULL, state TEXT NOT NULL,
        title TEXT NOT NULL, price TEXT, currency TEXT, barcode TEXT, colours TEXT NOT NULL, sizes TEXT NOT NULL, variant_of TEXT, url TEXT,
        category TEXT, stock TEXT, checksum BLOB NOT NULL,
        UNIQUE (change, sku)
    ) STRICT;
    CREATE INDEX past_product_sku ON past_product(sku);
    CREATE TABLE past_photo (
        change INTEGER NOT NULL REFERENCES change(id) ON DELETE CASCADE,
        id INTEGER NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, sha256 BLOB NOT NULL,
        checksum BLOB NOT NULL,
        PRIMARY KEY (change, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX past_photo_id ON past_photo(id);
    CREATE INDEX past_photo_sku ON past_photo(change, sku);

    ALTER TABLE product ADD COLUMN category TEXT;
    ALTER TABLE product ADD COLUMN stock TEXT;

    CREATE TABLE free_photo_bytes (photo INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    INSERT INTO free_photo_bytes SELECT photo, bytes FROM photo_bytes;
    DROP TABLE photo_bytes;
    ALTER TABLE free_photo_bytes RENAME TO photo_bytes;
    CREATE TABLE free_embedding (
        identity INTEGER NOT NULL REFERENCES identity(id) ON DELETE CASCADE,
        photo INTEGER NOT NULL, scale REAL NOT NULL, quantised BLOB NOT NULL, checksum BLOB NOT NULL,
        PRIMARY KEY (identity, photo)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO free_embedding SELECT identity, photo, scale, quantised, checksum FROM embedding;
    DROP TABLE embedding;
    ALTER TABLE free_embedding RENAME TO embedding;
    CREATE INDEX embedding_photo ON embedding(photo);
    CREATE TABLE free_embedding_float (
        identity INTEGER NOT NULL REFERENCES identity(id) ON DELETE CASCADE,
        photo INTEGER NOT NULL, floats BLOB NOT NULL, checksum BLOB NOT NULL,
        PRIMARY KEY (identity, photo)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO free_embedding_float SELECT identity, photo, floats, checksum FROM embedding_float;
    DROP TABLE embedding_float;
    ALTER TABLE free_embedding_float RENAME TO embedding_float;
    CREATE INDEX embedding_float_photo ON embedding_float(photo);
", "
    -- With a number for each row: without, rows of a kilobyte lie in the inner pages of the tree too, and one is found through six of them
    -- and two of its own. The hundred of a search took 3 to 10 ms, and take 1.2.
    CREATE TABLE numbered_float (
        identity INTEGER NOT NULL REFERENCES identity(id) ON DELETE CASCADE,
        photo INTEGER NOT NULL, floats BLOB NOT NULL, checksum BLOB NOT NULL,
        PRIMARY KEY (identity, photo)
    ) STRICT;
    INSERT INTO numbered_float (identity, photo, floats, checksum)
        SELECT identity, photo, floats, checksum FROM embedding_float ORDER BY identity, photo;
    DROP TABLE embedding_float;
    ALTER TABLE numbered_float RENAME TO embedding_float;
    CREATE INDEX embedding_float_photo ON embedding_float(photo);
", "
    -- What a photograph says of its product; nothing where the shop lists it.
    ALTER TABLE photo ADD COLUMN role TEXT;
    ALTER TABLE past_photo ADD COLUMN role TEXT;
"];

/// The newest form.
#[expect(clippy::cast_possible_wrap, reason = "a handful of migrations")]
const NEWEST: i64 = MIGRATIONS.len() as i64;

impl Store {
    /// Opens a catalogue that is there.
    ///
    /// # Errors
    /// No file, another kind of file, one that is cut short, a newer one, or one that another program holds.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        look_at_first_bytes(path)?;
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut store = Self::new(connection, path);
        store.look_at_form()?;
        // An edition stays as it was signed.
        if store.setting(crate::catalogue::edition::SETTING)?.is_none() {
            write_ahead(&store.connection).map_err(|e| store.error("opening", e))?;
        }
        Ok(store)
    }

    /// Opens a catalogue, after making an empty one where there is none.
    ///
    /// The new file gets its name only when it is whole: a kill in between leaves no half file, and a file that is
    /// there, whatever it is, is never overwritten. What a killed program left unfinished is removed.
    ///
    /// # Errors
    /// As [`Store::open`]; the folder cannot be made or written.
    pub fn open_or_create(path: &Path) -> Result<Self, StoreError> {
        sweep(path);
        if !path.exists() {
            create(path)?;
        }
        Self::open(path)
    }

    /// Opens a catalogue that is only read and that nobody writes meanwhile, and looks at nothing beside it: it may lie on a medium that
    /// cannot be written, and a journal that somebody laid beside it is none of its own.
    ///
    /// # Errors
    /// As [`Store::open`]; a file in an old form, which cannot be brought up to date here.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        look_at_first_bytes(path)?;
        let uri = without_room::uri(path, "immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let store = Self::new(connect(Path::new(&uri), flags)?, path);
        let (application, found) = store.form()?;
        if application != APPLICATION_ID {
            return Err(store.of_another_program());
        }
        match found {
            NEWEST => Ok(store),
            newer if newer > NEWEST => Err(StoreError::Newer { path: path.to_owned(), found, known: NEWEST }),
            _ => Err(StoreError::Older { path: path.to_owned(), found, known: NEWEST }),
        }
    }

    /// Whose file it is, and its form.
    fn form(&self) -> Result<(i64, i64), StoreError> {
        let pragma = |name: &str| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(|e| self.error("reading the header", e))
        };
        Ok((pragma("application_id")?, pragma("user_version")?))
    }

    fn of_another_program(&self) -> StoreError {
        StoreError::NotACatalogue {
            path: self.path.clone(),
            expected: "an SQLite database of ClothingID",
            found: "one of another program".to_owned(),
        }
    }

    fn look_at_form(&mut self) -> Result<(), StoreError> {
        let (application, found) = self.form()?;
        if application != APPLICATION_ID {
            return Err(self.of_another_program());
        }
        if found > NEWEST {
            return Err(StoreError::Newer { path: self.path.clone(), found, known: NEWEST });
        }
        if found < NEWEST {
            migrate(&mut self.connection).map_err(|e| self.error("bringing its form up to date", e))?;
        }
        Ok(())
    }
}

/// SQLite takes an empty file for a new database: we do not, because it was a catalogue once.
fn look_at_first_bytes(path: &Path) -> Result<(), StoreError> {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let unreadable = |source| files::FileError::Read { path: path.to_owned(), source };
    let mut first = Vec::new();
    File::open(path).and_then(|f| f.take(16).read_to_end(&mut first)).map_err(unreadable)?;
    if first == MAGIC {
        return Ok(());
    }
    let found = match first.as_slice() {
        [] => "an empty file".to_owned(),
        bytes => {
            let hex: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            format!("first bytes {}", hex.join(" "))
        }
    };
    Err(StoreError::NotACatalogue { path: path.to_owned(), expected: "an SQLite database", found })
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let prepare = |connection: &Connection| -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Checks each page's cells as it is read, and trusts nothing that the schema could call.
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)
    };
    without_room::open(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX, prepare)
        .map_err(|e| StoreError::of(path, "opening", e))
}

fn create(path: &Path) -> Result<(), StoreError> {
    create_as(path, |connection| {
        migrate(connection)?;
        write_ahead(connection)
    })
}

/// Makes sure that there is a journal beside the file: without one a reader would hold up every writer. Nothing to do for all but a file that
/// was made on a full disk, or copied by another program.
pub(super) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mode =
        |connection: &Connection| connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    if mode(connection)? == "wal" {
        return Ok(());
    }
    // Where it cannot be, SQLite leaves the mode as it was and says so in its answer.
    let set = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    if set == "wal" { Ok(()) } else { Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)) }
}

/// Makes a catalogue under another name in the same folder, then gives it its own. Whatever fails, nothing stays behind.
fn create_as(path: &Path, form: impl FnOnce(&mut Connection) -> rusqlite::Result<()>) -> Result<(), StoreError> {
    let folder = files::folder_of(path);
    files::create_folder(folder)?;
    let failed = |source: io::Error| files::FileError::Write { path: path.to_owned(), source };
    let temporary = Unfinished::beside(path);
    temporary.remove().map_err(failed)?;

    let mut connection = connect(&temporary.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    form(&mut connection).map_err(|e| StoreError::of(path, "making the file", e))?;
    // Closing writes the journal back, so that the file alone is the catalogue.
    connection.close().map_err(|(_, e)| StoreError::of(path, "making the file", e))?;

    match temporary.name(path) {
        // Another import has just made one.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(failed).map_err(StoreError::from),
    }
}

/// Runs the steps that are missing, all or none.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let form: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(usize::try_from(form).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_that_could_not_be_made_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        let failed = create_as(&path, |connection| {
            // With its journal, as when the disk is full.
            connection
                .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); BEGIN; INSERT INTO t VALUES (1);")?;
            Err(rusqlite::Error::InvalidQuery)
        });
        assert!(failed.is_err() && !path.exists());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
        drop(Store::open_or_create(&path).unwrap());
    }
}
