//! The index in a file beside the catalogue, `catalogue.db.index`: never needed, only faster.
//!
//! Little-endian: 8 bytes that name the form, the length of a JSON header, the header, then columns whose lengths follow from it (rows, scales,
//! photographs, products of the rows; the same of what was taken for products by mistake; groups, facets and prices of the products; ends and order of the names, their text), and a CRC-32 of all
//! before it.
//!
//! Promise: any bytes are an index or nothing, and whoever gets nothing reads the catalogue. A file that is torn, flipped, of another form, of
//! another network or of another catalogue is nothing. Memory is in proportion to the file's length, which is looked at before anything is read.
//!
//! The file is read and not mapped into memory: a mapped file that is cut short or whose disk fails kills the program that looks at it, and
//! reading 100,000 rows of 256 values takes some 20 ms.

use super::facet::Facet;
use super::index::Index;
use super::keeper::Keeper;
use super::names::Names;
use super::position::Position;
use super::products::Products;
use super::segment::Segment;
use crate::catalogue::scan::Rows;
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files::{FileError, sweep_temporaries, with_end, write_atomic_with};
use crc32fast::Hasher;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the file begins with; the last byte is its form.
const MAGIC: &[u8; 8] = b"ClIDidx\x02";

/// The longest header: a catalogue in which each of 100,000 products has colours of its own has one of 10 MB.
const LONGEST_HEADER: u64 = 64 << 20;

/// What the columns are of.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    identity: String,
    position: Position,
    value_count: usize,
    rows: usize,
    mistaken: usize,
    counter: BTreeSet<i64>,
    names: usize,
    name_bytes: usize,
    facets: Vec<Facet>,
}

impl Header {
    /// Bytes of all columns; nothing where that is more than a number can say.
    fn column_bytes(&self) -> Option<u64> {
        let segment = |rows: usize| Rows::byte_len(rows, self.value_count)?.checked_add(rows.checked_mul(4 + 8 + 4)?);
        let rows = segment(self.rows)?.checked_add(segment(self.mistaken)?)?;
        let names = self.names.checked_mul(4 + 4 + 8 + 4 + 4)?.checked_add(self.name_bytes)?;
        u64::try_from(rows.checked_add(names)?).ok()
    }
}

/// The file beside a catalogue.
#[must_use]
pub fn beside(catalogue: &Path) -> PathBuf {
    with_end(catalogue, ".index")
}

impl Keeper {
    /// The index that was written beside the catalogue, if it is whole and of this network. It may be old, or of another catalogue: whoever
    /// uses it [follows](Keeper::follow) the catalogue first.
    #[must_use]
    pub fn load(catalogue: &Path, identity: &EmbeddingIdentity) -> Option<Self> {
        let file = File::open(beside(catalogue)).ok()?;
        let facts = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        read(BufReader::with_capacity(1 << 16, file), facts.len(), identity)
    }

    /// The same of bytes that are in memory.
    #[must_use]
    pub fn of_bytes(bytes: &[u8], identity: &EmbeddingIdentity) -> Option<Self> {
        read(bytes, bytes.len() as u64, identity)
    }

    /// Writes the index beside the catalogue, wholly or not at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&mut self, catalogue: &Path) -> Result<(), FileError> {
        let path = beside(catalogue);
        sweep_temporaries(&path);
        self.compacted();
        write_atomic_with(&path, |file| write(self, file))?;
        self.unsaved = Some(0);
        Ok(())
    }

    /// Whether it is time to write it: the catalogue is large, and the file missing or far behind.
    #[must_use]
    pub fn wants_saving(&self) -> bool {
        const MANY: usize = 256;
        // In proportion to what is written: an import of a large shop does not wear out the card that it lies on.
        let many = MANY.max(self.index.product_count() / 8);
        self.is_large() && self.unsaved.is_none_or(|changed| changed >= many)
    }
}

/// Reads and sums.
struct Summed<R> {
    inner: R,
    sum: Hasher,
}

impl<R: Read> Summed<R> {
    fn bytes(&mut self, len: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        // Not into a buffer of zeros: filling it costs as much as reading.
        self.inner.by_ref().take(len as u64).read_to_end(&mut bytes).ok()?;
        self.sum.update(&bytes);
        (bytes.len() == len).then_some(bytes)
    }

    fn segment(&mut self, rows: usize, value_count: usize) -> Option<Segment> {
        let bytes = self.bytes(Rows::byte_len(rows, value_count)?)?;
        let scales = self.column(rows, f32::from_le_bytes)?;
        let photos = self.column(rows, i64::from_le_bytes)?;
        let products = self.column(rows, u32::from_le_bytes)?;
        Segment::from_parts(Rows::from_parts(bytes, scales, value_count)?, photos, products)
    }

    fn column<T, const N: usize>(&mut self, len: usize, value: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
        let bytes = self.bytes(len.checked_mul(N)?)?;
        Some(bytes.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect())
    }
}

fn read(inner: impl Read, byte_len: u64, identity: &EmbeddingIdentity) -> Option<Keeper> {
    let mut file = Summed { inner, sum: Hasher::new() };
    if file.bytes(MAGIC.len())? != MAGIC {
        return None;
    }
    let header_len = file.column(1, u64::from_le_bytes)?.first().copied()?;
    if header_len > LONGEST_HEADER.min(byte_len) {
        return None;
    }
    let header: Header = serde_json::from_slice(&file.bytes(usize::try_from(header_len).ok()?)?).ok()?;
    // Before any column is made room for.
    if header.identity != identity.as_str()
        || (16 + header_len).checked_add(header.column_bytes()?)?.checked_add(4)? != byte_len
    {
        return None;
    }
    let Header { position, value_count, rows, mistaken, counter, names, name_bytes, facets, .. } = header;
    let base = file.segment(rows, value_count)?;
    let mistaken = file.segment(mistaken, value_count)?;
    let groups = file.column(names, u32::from_le_bytes)?;
    let kinds = file.column(names, u32::from_le_bytes)?;
    let prices = file.column(names, u64::from_le_bytes)?;
    let ends = file.column(names, u32::from_le_bytes)?;
    let order = file.column(names, u32::from_le_bytes)?;
    let text = file.bytes(name_bytes)?;
    let sum = std::mem::take(&mut file.sum).finalize();
    if file.column(1, u32::from_le_bytes)? != [sum] {
        return None;
    }
    let products = Products::from_parts(groups, kinds, prices, facets)?;
    let names = Names::from_parts(String::from_utf8(text).ok()?, ends, order)?;
    let index = Index { counter: Arc::new(counter), mistaken: Arc::new(mistaken), ..Index::of(base, products) };
    Some(Keeper::kept(identity.clone(), position, names, index))
}

fn write(keeper: &Keeper, file: &mut impl Write) -> std::io::Result<()> {
    let Index { base, counter, mistaken, products, .. } = &keeper.index;
    let (groups, kinds, prices, facets) = products.parts();
    let (text, ends, order) = keeper.names.parts();
    let header = serde_json::to_vec(&Header {
        identity: keeper.identity.as_str().to_owned(),
        position: keeper.position.clone(),
        value_count: base.rows().value_count(),
        rows: base.len(),
        mistaken: mistaken.len(),
        counter: BTreeSet::clone(counter),
        names: ends.len(),
        name_bytes: text.len(),
        facets: facets.to_vec(),
    })?;
    let mut sum = Hasher::new();
    let mut put = |bytes: &[u8]| {
        sum.update(bytes);
        file.write_all(bytes)
    };
    put(MAGIC)?;
    put(&(header.len() as u64).to_le_bytes())?;
    put(&header)?;
    for segment in [base, mistaken] {
        put(segment.rows().bytes())?;
        put(&column(segment.rows().scales(), |value| value.to_le_bytes()))?;
        put(&column(segment.photos(), |value| value.to_le_bytes()))?;
        put(&column(segment.products(), |value| value.to_le_bytes()))?;
    }
    put(&column(groups, |value| value.to_le_bytes()))?;
    put(&column(kinds, |value| value.to_le_bytes()))?;
    put(&column(prices, |value| value.to_le_bytes()))?;
    put(&column(ends, |value| value.to_le_bytes()))?;
    put(&column(&order, |value| value.to_le_bytes()))?;
    put(text.as_bytes())?;
    file.write_all(&sum.finalize().to_le_bytes())
}

fn column<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| bytes(*value)).collect()
}

#[cfg(test)]
mod tests;
