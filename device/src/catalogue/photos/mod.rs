//! Where the photographs of a catalogue file come from.
//!
//! - [`source`]: what gives photographs by the names that the catalogue file has; several threads read at once;
//! - [`folder`]: a folder, with folders in it;
//! - [`zip`]: the same in a ZIP file;
//! - [`embedded`]: photographs inside the program;
//! - [`open`]: which of them a path is.

pub mod embedded;
pub mod folder;
pub mod open;
pub mod source;
pub mod zip;

pub use embedded::EmbeddedPhotos;
pub use folder::PhotoFolder;
pub use open::{OpenError, open};
pub use source::PhotoSource;
pub use zip::ZipPhotos;
