//! Reading on a disk that has no room for SQLite's index of its journal: 32 KiB beside the file, made by whoever opens it first.
//!
//! The index is then kept in memory, as SQLite does where it may not write the folder. Whoever writes needs the room, and is refused.

use rusqlite::{Connection, OpenFlags, ffi};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The option that keeps the index in memory.
const WITHOUT_INDEX: &str = "readonly_shm=1";

/// Opens the file and prepares the connection, which reads the file for the first time.
pub(super) fn open(
    path: &Path,
    flags: OpenFlags,
    prepare: impl Fn(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<Connection> {
    let prepared = |connection: Connection| prepare(&connection).map(|()| connection);
    match Connection::open_with_flags(path, flags).and_then(prepared) {
        // The failed attempt has left the empty index that a reader asks for.
        Err(error) if lacks_room(&error) => {
            Connection::open_with_flags(uri(path, WITHOUT_INDEX), flags | OpenFlags::SQLITE_OPEN_URI).and_then(prepared)
        }
        other => other,
    }
}

fn lacks_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// The path as SQLite takes it with an option behind.
pub(super) fn uri(path: &Path, option: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if plain(*byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri + "?" + option
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::store::Store;
    use crate::catalogue::testing::{identity, product, write};

    #[test]
    fn a_path_is_found_again_whatever_is_in_it() {
        assert_eq!(uri(Path::new("a/B_1.db"), WITHOUT_INDEX), "file:a/B_1.db?readonly_shm=1");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("50% für ?alle #1&2.db");
        let whose = identity("one");
        let mut store = Store::open_or_create(&path).unwrap();
        store.commit(&whose, &[write(&whose, product("A", "t"), &[("a.jpg", "a")])], &[]).unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
        let reader = Connection::open_with_flags(uri(&path, WITHOUT_INDEX), flags).unwrap();
        let count = reader.query_row("SELECT count(*) FROM product", [], |row| row.get::<_, i64>(0));
        assert_eq!(count.unwrap(), 1);
    }
}
