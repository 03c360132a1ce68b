//! The file is the index or nothing: each byte flipped, each length.

use super::*;
use crate::catalogue::index::Finder;
use crate::catalogue::testing::{direction, identity, product, write};
use crate::catalogue::{Product, Store};
use clothingid_shared::files;

fn shop(folder: &Path) -> (PathBuf, Keeper) {
    let (path, whose) = (folder.join("c.db"), identity("one"));
    let mut store = Store::open_or_create(&path).unwrap();
    let of = |sku: &str| Product { price: Some("9.90".into()), colours: vec!["red".into()], ..product(sku, "t") };
    let writes = ["A", "B"].map(|sku| write(&whose, of(sku), &[("a", sku), ("b", "x")]));
    store.commit(&whose, &writes, &[]).unwrap();
    let keeper = Keeper::read(&store, &whose).unwrap();
    (path, keeper)
}

fn answer(keeper: &Keeper) -> Vec<(i64, u32)> {
    let mut finder = Finder::default();
    finder.query.set(&direction(&identity("one"), b"A")).unwrap();
    keeper.index().find(&mut finder, None, 10, 10);
    finder.hits.iter().map(|hit| (hit.id, hit.similarity.to_bits())).collect()
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keeper) = shop(folder.path());
    assert!(Keeper::load(&path, &identity("one")).is_none(), "none yet");
    assert!(!keeper.wants_saving(), "not worth it");
    // What a killed program has left, and what one that runs is writing.
    let (dead, alive) = (format!("c.db.index.{}-0.tmp", u32::MAX), format!("c.db.index.{}-0.tmp", std::process::id()));
    files::write_atomic(&folder.path().join(&dead), b"half").unwrap();
    files::write_atomic(&folder.path().join(&alive), b"half").unwrap();
    keeper.save(&path).unwrap();
    assert!(!folder.path().join(dead).exists() && folder.path().join(alive).exists());
    assert!(Keeper::load(&path, &identity("two")).is_none(), "another network's");
    let read = Keeper::load(&path, &identity("one")).unwrap();
    assert_eq!(answer(&read), answer(&keeper));
    assert_eq!((read.index.photo_count(), read.index.product_count()), (4, 2));
    assert_eq!(read.position, keeper.position);
    assert_eq!(read.index.products, keeper.index.products);
    assert_eq!(read.facets, keeper.facets);
}

#[test]
fn every_flip_and_every_length_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keeper) = shop(folder.path());
    keeper.save(&path).unwrap();
    let (whose, bytes) = (identity("one"), files::read(&beside(&path)).unwrap());
    let load = |bytes: &[u8]| read(bytes, bytes.len() as u64, &whose);
    assert!(load(&bytes).is_some());
    for at in 0..bytes.len() {
        for bit in [1_u8, 128] {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            assert!(load(&flipped).is_none(), "byte {at}");
        }
        assert!(load(&bytes[..at]).is_none(), "cut at {at}");
    }
    assert!(load(&[&bytes[..], b"x"].concat()).is_none(), "longer");
    // A length that no memory has is refused before room is made for it.
    let mut endless = bytes.clone();
    endless[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(load(&endless).is_none());
    files::write_atomic(&beside(&path), &bytes[..100]).unwrap();
    assert!(Keeper::load(&path, &whose).is_none());
    files::create_folder(&folder.path().join("d.db.index")).unwrap();
    assert!(Keeper::load(&folder.path().join("d.db"), &whose).is_none(), "a folder of that name");
}

/// The checksum made right again: whoever wrote it, no file makes a search fail.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len().saturating_sub(4);
    let mut sum = Hasher::new();
    sum.update(&bytes[..end]);
    bytes.truncate(end);
    bytes.extend(sum.finalize().to_le_bytes());
    bytes
}

#[test]
fn no_file_with_a_right_checksum_makes_a_search_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keeper) = shop(folder.path());
    keeper.save(&path).unwrap();
    let (whose, bytes) = (identity("one"), files::read(&beside(&path)).unwrap());
    let store = Store::open(&path).unwrap();
    let mut taken = 0;
    for at in 0..bytes.len() - 4 {
        for value in [0, 0x7F, 0xFF, bytes[at] ^ 1] {
            let mut other = bytes.clone();
            other[at] = value;
            let other = summed(other);
            if let Some(mut read) = Keeper::of_bytes(&other, &whose) {
                answer(&read);
                read.follow(&store).unwrap();
                taken += 1;
            }
        }
    }
    assert!(taken > 100, "{taken}: values of rows and the like");
}

/// A header that lies, with a checksum that is right.
#[test]
fn what_does_not_fit_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keeper) = shop(folder.path());
    keeper.save(&path).unwrap();
    let (whose, bytes) = (identity("one"), files::read(&beside(&path)).unwrap());
    for (from, to) in [("\"rows\":4", "\"rows\":5"), ("\"names\":2", "\"names\":1"), ("\"facets\":[{", "\"facets\":[ ")]
    {
        let at = bytes.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
        let mut lying = bytes.clone();
        lying[at..at + to.len()].copy_from_slice(to.as_bytes());
        let lying = summed(lying);
        assert!(Keeper::of_bytes(&lying, &whose).is_none(), "{to}");
    }
}
