//! How every file of ours is read, written and trusted: errors that name the path, writes that are whole or not there,
//! checksums, and the one rule for which files of a folder are photographs.

mod atomic;
mod checksum;
mod photos;

pub use atomic::{FileError, create_folder, read, read_text, write_atomic, write_atomic_with};
pub use checksum::{Sha256Writer, sha256_hex};
pub use photos::{photos_in, walk_photos};
