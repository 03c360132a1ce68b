//! Compiled kernels on disk: what the driver made of them at the last start. A small board's driver compiles for seconds, and not every driver
//! keeps its own.
//!
//! The driver checks whether it was itself that made them; that the bytes are whole, and for this adapter, is ours to check, for a driver
//! trusts what it is given, and the state folder is the appliance's alone. A file that fails any of these is as none: everything is compiled
//! again.

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
    /// wgpu's name for the adapter.
    key: String,
    file: PathBuf,
    /// Hash of what the file has.
    kept: Mutex<String>,
}

impl Pipelines {
    /// Reads what is kept in a folder for an adapter; none where the driver does not give its kernels away.
    pub(super) fn open(device: &Device, adapter: &AdapterInfo, folder: &Path) -> Option<Self> {
        let key = pipeline_cache_key(adapter).filter(|_| device.features().contains(Features::PIPELINE_CACHE))?;
        let file = folder.join(&key);
        let known = read(&file, &key);
        let descriptor = PipelineCacheDescriptor { label: None, data: known.as_deref(), fallback: true };
        #[expect(unsafe_code, reason = "a driver trusts the bytes, whose hash was checked")]
        // SAFETY: the bytes are those of `PipelineCache::get_data` for this adapter: `keep` alone writes such files, with a hash of adapter and
        // bytes, into a folder of ours.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        let kept = known.map(|bytes| hash(&key, &bytes)).unwrap_or_default();
        Some(Self { cache, key, file, kept: Mutex::new(kept) })
    }

    /// What is compiled with it is found in it the next time.
    pub(super) fn cache(&self) -> &PipelineCache {
        &self.cache
    }

    /// Writes what has come in since the file was written. Where that fails it is compiled again at the next start, which is said.
    pub(super) fn keep(&self) {
        let Some(data) = self.cache.get_data() else { return };
        let (hash, mut kept) = (hash(&self.key, &data), self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        if *kept == hash {
            return;
        }
        if data.len() as u64 > MOST_BYTES - HASH as u64 {
            eprintln!("note: the compiled kernels are not kept: they are {} MiB", data.len() >> 20);
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

/// Of an adapter's kernels.
fn hash(key: &str, bytes: &[u8]) -> String {
    sha256_hex(&[key.as_bytes(), b"\n", bytes].concat())
}

/// The bytes of a file, without the hash that they have.
fn read(file: &Path, key: &str) -> Option<Vec<u8>> {
    let mut bytes = read_at_most(file, MOST_BYTES).ok()?;
    let found: Vec<u8> = bytes.drain(..HASH.min(bytes.len())).collect();
    (found == hash(key, &bytes).as_bytes()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_or_changed_file_or_that_of_another_adapter_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernels");
        assert_eq!(read(&file, "adapter"), None);
        let whole = [hash("adapter", b"compiled").as_bytes(), b"compiled"].concat();
        let changed = [hash("adapter", b"compiled").as_bytes(), b"compilEd"].concat();
        for (bytes, found) in
            [(whole.as_slice(), Some(b"compiled".to_vec())), (&whole[..70], None), (&changed, None), (b"", None)]
        {
            write_atomic(&file, bytes).unwrap();
            assert_eq!(read(&file, "adapter"), found);
            assert_eq!(read(&file, "another"), None);
        }
    }
}
