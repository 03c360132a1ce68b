//! Compiled kernels on disk: what the driver made of them at the last start. A small board's driver compiles for seconds, and not every driver
//! keeps its own.
//!
//! The driver checks whether it was itself that made them, wgpu whether it was for this adapter; that nobody else changed a byte is ours to
//! check, for a driver trusts what it is given. A file that fails any of these is as none: everything is compiled again.

use clothingid_shared::files::{create_folder, read_at_most, sha256_hex, write_atomic};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use wgpu::util::pipeline_cache_key;
use wgpu::{AdapterInfo, Device, Features, PipelineCache, PipelineCacheDescriptor};

/// Far more than a network's kernels take.
const MOST_BYTES: u64 = 64 << 20;
/// Hexadecimal digits of a SHA-256, which a file begins with.
const HASH: usize = 64;

/// The kernels of one adapter.
pub(super) struct Pipelines {
    cache: PipelineCache,
    file: PathBuf,
    /// Hash of what the file has.
    kept: Mutex<String>,
}

impl Pipelines {
    /// Reads what is kept in a folder for an adapter; none where the driver does not give its kernels away.
    pub(super) fn open(device: &Device, adapter: &AdapterInfo, folder: &Path) -> Option<Self> {
        let key = pipeline_cache_key(adapter).filter(|_| device.features().contains(Features::PIPELINE_CACHE))?;
        let file = folder.join(key);
        let known = read(&file);
        let descriptor = PipelineCacheDescriptor { label: None, data: known.as_deref(), fallback: true };
        #[expect(unsafe_code, reason = "a driver trusts the bytes, whose hash was checked")]
        // SAFETY: the bytes are those of `PipelineCache::get_data`: `keep` alone writes such files, whole, with their hash.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { cache, file, kept: Mutex::new(known.as_deref().map(sha256_hex).unwrap_or_default()) })
    }

    /// What is compiled with it is found in it the next time.
    pub(super) fn cache(&self) -> &PipelineCache {
        &self.cache
    }

    /// Writes what has come in since the file was written. Where that fails it is compiled again at the next start, which is said.
    pub(super) fn keep(&self) {
        let Some(data) = self.cache.get_data() else { return };
        let (hash, mut kept) = (sha256_hex(&data), self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        if *kept == hash {
            return;
        }
        let bytes = [hash.as_bytes(), &data].concat();
        let folder = self.file.parent().map_or(Ok(()), create_folder);
        match folder.and_then(|()| write_atomic(&self.file, &bytes)) {
            Ok(()) => *kept = hash,
            Err(error) => eprintln!("note: the compiled kernels are not kept: {error}"),
        }
    }
}

/// The bytes of a file, without the hash that they have.
fn read(file: &Path) -> Option<Vec<u8>> {
    let mut bytes = read_at_most(file, MOST_BYTES).ok()?;
    let hash: Vec<u8> = bytes.drain(..HASH.min(bytes.len())).collect();
    (hash == sha256_hex(&bytes).as_bytes()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_or_changed_file_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernels");
        assert_eq!(read(&file), None);
        let whole = [sha256_hex(b"compiled").as_bytes(), b"compiled"].concat();
        let changed = [sha256_hex(b"compiled").as_bytes(), b"compilEd"].concat();
        for (bytes, found) in
            [(whole.as_slice(), Some(b"compiled".to_vec())), (&whole[..70], None), (&changed, None), (b"", None)]
        {
            write_atomic(&file, bytes).unwrap();
            assert_eq!(read(&file), found);
        }
    }
}
