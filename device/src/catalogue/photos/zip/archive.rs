//! The archive itself: its directory, entry by entry, and the bytes of one entry. The one place of the crate `zip`.
//!
//! The crate reads the directory, with ZIP64, bytes in front of the archive, and names in UTF-8 and code page 437. The bytes of an entry are
//! read here, by the sizes and the checksum that the directory gives: the crate would have the whole record of every entry kept in memory,
//! some 300 bytes in place of 40.
//!
//! **Source** APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.

use super::error::ZipError;
use super::window::{ReadAt, Window};
use ::zip::CompressionMethod;
use ::zip::read::{Config, ZipFileEntry};
use ::zip::unstable::read::ZipIterable;
use clothingid_shared::files::{FileError, MOST_PHOTO_BYTES};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Files of one archive, at most: five photographs of each of a hundred thousand products. Each takes some 170 bytes of memory, its name in
/// lower case with it.
pub(super) const MOST_FILES: usize = 500_000;

/// What stands before each file.
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

/// What an archive begins with: a file, or the end of an empty directory.
const BEGINNINGS: [&[u8]; 2] = [LOCAL_HEADER, b"PK\x05\x06"];

/// One entry of the directory.
pub(super) struct Entry {
    /// As it stands there.
    pub(super) name: String,
    pub(super) content: Content,
}

/// What an entry stands for.
pub(super) enum Content {
    Folder,
    File(Result<Place, Unusable>),
}

/// Where a file's bytes are, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    header_at: u64,
    packed_len: u64,
    byte_len: u64,
    crc32: u32,
    is_deflated: bool,
}

impl Place {
    /// Bytes of the file, as the directory has it; no more are ever unpacked.
    pub(super) fn byte_len(&self) -> u64 {
        self.byte_len
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it is a link or a device in the ZIP file, and not a file")]
    NoFile,
    #[error("it is encrypted: pack the photographs without a password")]
    Encrypted,
    #[error("it is compressed by the method {0}: pack the photographs as an ordinary ZIP file (Deflate)")]
    Method(u16),
    #[error("it has more than {} MiB", MOST_PHOTO_BYTES >> 20)]
    TooLarge,
    #[error("the ZIP file has two files of this name")]
    Twice,
}

/// Shows each entry of the directory to `visit`, in its order, with no more than one in memory.
///
/// # Errors
/// It is no archive, is damaged, or has more than [`MOST_FILES`]; or what `visit` returns.
pub(super) fn walk<S: ReadAt>(
    path: &Path,
    source: &S,
    mut visit: impl FnMut(Entry) -> Result<(), ZipError>,
) -> Result<(), ZipError> {
    let path = || path.to_owned();
    let damaged = |error| match error {
        // Not the archive's fault. Where it ends too early, and where its bytes mean nothing, it is.
        ::zip::result::ZipError::Io(source) if !is_of_the_bytes(&source) => {
            FileError::Read { path: path(), source }.into()
        }
        source => ZipError::Damaged { path: path(), source: source.into() },
    };
    let mut archive = match ZipIterable::try_new(Window::new(source, 0), Config::default()) {
        Ok(archive) => archive,
        // The crate has no kind of error for it; the version is pinned, and a test reads such an archive.
        Err(error) if error.to_string().contains("ulti-disk") => return Err(ZipError::SeveralParts { path: path() }),
        Err(error) => {
            return Err(match damaged(error) {
                ZipError::Damaged { path, .. } if !begins_as_one(source) => ZipError::NotZip { path },
                error => error,
            });
        }
    };
    if archive.len() > MOST_FILES {
        return Err(ZipError::TooManyFiles { path: path(), found: archive.len(), limit: MOST_FILES });
    }
    for entry in archive.files().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        visit(Entry { name, content: content(&entry) })?;
    }
    Ok(())
}

fn is_of_the_bytes(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput)
}

/// Whether the first bytes are an archive's. One that cannot be read does not begin as one.
fn begins_as_one<S: ReadAt>(source: &S) -> bool {
    let mut first = [0; 4];
    Window::new(source, 0).read_exact(&mut first).is_ok() && BEGINNINGS.contains(&first.as_slice())
}

fn content(entry: &ZipFileEntry<'_>) -> Content {
    // The type of a file in Unix (`S_IFMT`); 0 where none is said.
    let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
    let method = entry.compression();
    let file = if entry.is_dir() || kind == 0o040_000 {
        return Content::Folder;
    } else if kind != 0 && kind != 0o100_000 {
        Err(Unusable::NoFile)
    } else if entry.encrypted() {
        Err(Unusable::Encrypted)
    } else if method != CompressionMethod::STORE && method != CompressionMethod::DEFLATE {
        #[expect(deprecated, reason = "the number of a method that has no name here")]
        let number = method.to_u16();
        Err(Unusable::Method(number))
    } else if entry.size() > MOST_PHOTO_BYTES {
        Err(Unusable::TooLarge)
    } else {
        Ok(Place {
            header_at: entry.header_start(),
            packed_len: entry.compressed_size(),
            byte_len: entry.size(),
            crc32: entry.crc32(),
            is_deflated: method == CompressionMethod::DEFLATE,
        })
    };
    Content::File(file)
}

/// The bytes of a file.
///
/// # Errors
/// Why they cannot be had, in words: it cannot be read, or is not what the directory says.
pub(super) fn unpack<S: ReadAt>(source: &S, place: &Place) -> Result<Vec<u8>, String> {
    let damaged = |what: &str| format!("it is damaged in the ZIP file: {what}");
    let unread = |error: io::Error| match is_of_the_bytes(&error) {
        true => damaged(&error.to_string()),
        false => error.to_string(),
    };
    let mut window = Window::new(source, place.header_at);
    let mut header = [0; 30];
    window.read_exact(&mut header).map_err(unread)?;
    let [.., name_low, name_high, extra_low, extra_high] = header;
    if !header.starts_with(LOCAL_HEADER) {
        return Err(damaged("no file begins where the directory says"));
    }
    let skipped =
        i64::from(u16::from_le_bytes([name_low, name_high])) + i64::from(u16::from_le_bytes([extra_low, extra_high]));
    window.seek(SeekFrom::Current(skipped)).map_err(unread)?;

    let packed = window.take(place.packed_len);
    // One more, to see whether there are more than the directory says. It says no more than the largest photograph has.
    let most = place.byte_len.saturating_add(1);
    let mut bytes = Vec::new();
    let read = match place.is_deflated {
        true => DeflateDecoder::new(packed).take(most).read_to_end(&mut bytes),
        false => { packed }.take(most).read_to_end(&mut bytes),
    };
    read.map_err(unread)?;
    if bytes.len() as u64 != place.byte_len {
        return Err(damaged("it has another size than the directory says"));
    }
    let mut crc = Crc::new();
    crc.update(&bytes);
    if crc.sum() != place.crc32 {
        return Err(damaged("its checksum is wrong"));
    }
    Ok(bytes)
}
