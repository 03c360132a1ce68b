//! How every file of ours is read, written and trusted: errors that name the path, writes that are whole or not there,
//! reads with a bound for what comes from outside, checksums, and the one rule for which files of a folder are photographs.

mod atomic;
mod bounded;
mod checksum;
mod names;
mod partial;
mod photos;
mod sweep;

pub use atomic::{
    FileError, create_folder, create_scratch, read, read_text, write_atomic, write_atomic_with, write_private,
};
pub use bounded::{MOST_PHOTO_BYTES, read_at_most, read_text_at_most};
pub use checksum::{Sha256Writer, sha256_hex};
pub use names::{folder_of, with_end};
pub use partial::{Lock, append_scratch, keep, lock, try_lock};
pub use photos::{photos_in, walk_photos};
pub use sweep::{sweep, sweep_temporaries};
