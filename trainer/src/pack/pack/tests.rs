use std::os::unix::fs::FileExt;
use std::path::Path;

use clothingid_shared::taxonomy::{FILES, TaxonomyError};

use super::{HEADER_FILE, INDEX_FILE, PHOTOS_FILE, Pack};
use crate::import::{Part, ViewSplit};
use crate::pack::blocks::BLOCKS_FILE;
use crate::pack::{PackError, sample};

fn packed(folder: &Path) -> std::path::PathBuf {
    let out = folder.join("pack");
    sample::pack(&sample::manifest(folder, 20), &out).unwrap();
    out
}

#[test]
fn every_photograph_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = sample::manifest(folder.path(), 20);
    let out = folder.path().join("pack");
    sample::pack(&manifest, &out).unwrap();
    let pack = Pack::open(&out).unwrap();
    assert_eq!(pack.rows().len(), manifest.rows.len());
    for (index, row) in manifest.rows.iter().enumerate() {
        let packed = &pack.rows()[index];
        assert_eq!(pack.read(index).unwrap(), std::fs::read(manifest.file(row)).unwrap());
        assert_eq!((packed.path.as_str(), packed.item_id.as_str()), (row.path.as_str(), row.item_id.as_str()));
        assert_eq!((packed.is_garment, packed.view_split), (row.is_garment(), row.view_split()));
        assert_eq!(pack.sources()[packed.source].key, row.source);
        assert_eq!(packed.may_ship, row.source == "clothing_cc0");
    }
    assert_eq!(pack.items(), 22);
    assert_eq!(Part::ALL.iter().map(|&part| pack.rows_in(part).len()).sum::<usize>(), pack.rows().len());
    assert!(pack.rows().iter().any(|row| row.view_split == ViewSplit::Query && row.cat14.is_some()));
    assert!(matches!(pack.read(999), Err(PackError::NoSuchRow { row: 999, .. })));
}

#[test]
fn an_unfinished_pack_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    std::fs::remove_file(out.join(HEADER_FILE)).unwrap();
    assert!(Pack::open(&out).unwrap_err().to_string().ends_with("holds no finished pack: `pack.json` is missing"));
}

#[test]
fn a_torn_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [PHOTOS_FILE, INDEX_FILE, BLOCKS_FILE, HEADER_FILE] {
        let out = packed(folder.path());
        let path = out.join(name);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
        let error = Pack::open(&out).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        std::fs::write(&path, bytes).unwrap();
        assert!(Pack::open(&out).is_ok());
    }
}

#[test]
fn a_flipped_byte_is_noticed_when_its_photograph_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    let file = std::fs::OpenOptions::new().write(true).open(out.join(PHOTOS_FILE)).unwrap();
    let pack = Pack::open(&out).unwrap();
    file.write_all_at(&[0x5a, 0xa5], pack.rows()[2].offset + 30).unwrap();
    assert!(pack.read(1).is_ok());
    let error = pack.read(2).unwrap_err();
    assert!(matches!(&error, PackError::Damaged { photo, .. } if photo == "3.jpg"), "{error}");
}

/// A pack as it was written before there were block checksums.
fn without_blocks(out: &Path) {
    let path = out.join(HEADER_FILE);
    let mut header: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(header.as_object_mut().unwrap().remove("blocks_sha256").is_some());
    std::fs::write(&path, header.to_string()).unwrap();
    std::fs::remove_file(out.join(BLOCKS_FILE)).unwrap();
}

#[test]
fn a_pack_without_block_checksums_is_the_same_pack_and_its_damage_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    let pack = Pack::open(&out).unwrap();
    assert_eq!(pack.damaged_blocks(), Some(Vec::new()));
    without_blocks(&out);
    let old = Pack::open(&out).unwrap();
    assert_eq!((old.identity(), old.rows()), (pack.identity(), pack.rows()));
    assert_eq!(old.damaged_blocks(), None);
    for row in 0..old.rows().len() {
        assert_eq!(old.read(row).unwrap(), pack.read(row).unwrap());
    }
    let file = std::fs::OpenOptions::new().write(true).open(out.join(PHOTOS_FILE)).unwrap();
    file.write_all_at(&[0x5a, 0xa5], old.rows()[2].offset + 30).unwrap();
    assert!(old.read(1).is_ok() && old.read(2).is_err());
}

#[test]
fn a_damaged_block_is_found_and_what_is_whole_in_it_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    let offset = Pack::open(&out).unwrap().rows()[2].offset;
    let file = std::fs::OpenOptions::new().write(true).open(out.join(PHOTOS_FILE)).unwrap();
    file.write_all_at(&[0x5a, 0xa5], offset + 30).unwrap();
    let pack = Pack::open(&out).unwrap();
    assert_eq!(pack.damaged_blocks(), Some(vec![0]));
    assert!(pack.read(1).is_ok() && matches!(pack.read(2), Err(PackError::Damaged { .. })));
    // Without its checksums the blocks would be believed: they are a file that is checked too.
    let path = out.join(BLOCKS_FILE);
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("0,", "0,f")).unwrap();
    assert!(matches!(Pack::open(&out), Err(PackError::Torn { .. })));
}

#[test]
fn the_taxonomies_of_other_objects_lie_beside_the_pack_and_are_part_of_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    let clothing = Pack::open(&out).unwrap();
    assert_eq!(clothing.identity(), clothing.header().index_sha256, "as it always was");
    assert!(!std::fs::read_to_string(out.join(HEADER_FILE)).unwrap().contains("taxonomies"));
    assert!(!out.join(FILES[0]).exists() && clothing.taxonomies().is_clothing());

    let mut manifest = sample::manifest(folder.path(), 20);
    manifest.taxonomies.category14.categories.reverse();
    sample::pack(&manifest, &out).unwrap();
    let other = Pack::open(&out).unwrap();
    let dress =
        |pack: &Pack| pack.rows()[0].cat14.and_then(|at| pack.taxonomies().category14.key(at).map(str::to_owned));
    assert_eq!(dress(&other).as_deref(), Some("dress"));
    assert_eq!(other.header().index_sha256, clothing.header().index_sha256, "keys are the same in any order");
    assert_ne!(other.identity(), clothing.identity());
    // Another order would make each output another category.
    std::fs::remove_file(out.join(FILES[1])).unwrap();
    assert!(matches!(Pack::open(&out), Err(PackError::Taxonomy(TaxonomyError::Half { .. }))));
    std::fs::remove_file(out.join(FILES[0])).unwrap();
    let error = Pack::open(&out).unwrap_err().to_string();
    assert!(error.contains("is torn: expected taxonomies with checksum"), "{error}");
}

#[test]
fn another_form_and_a_newer_version_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed(folder.path());
    let path = out.join(HEADER_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
    let error = Pack::open(&out).unwrap_err().to_string();
    assert!(
        error.contains("has version 9, written by clothingid-train") && error.ends_with("reads version 1"),
        "{error}"
    );
    std::fs::write(&path, text.replace("clothingid-pack", "parquet")).unwrap();
    assert!(Pack::open(&out).unwrap_err().to_string().contains("its form is `parquet`"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_in_the_header_or_index_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), is_index in proptest::prelude::any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        for name in [PHOTOS_FILE, INDEX_FILE, HEADER_FILE] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        if is_index {
            let header = format!(
                "{{\"form\":\"clothingid-pack\",\"version\":1,\"written_by\":\"x\",\"photos\":1,\"photos_byte_len\":0,\"index_sha256\":\"{}\",\"seed\":1,\"fractions\":{{\"train\":1,\"select\":0,\"calibrate\":0,\"report\":0}},\"duplicate_pairs\":0,\"sources\":[]}}",
                clothingid_shared::files::sha256_hex(&bytes)
            );
            std::fs::write(folder.path().join(HEADER_FILE), header).unwrap();
            std::fs::write(folder.path().join(INDEX_FILE), &bytes).unwrap();
        } else {
            std::fs::write(folder.path().join(HEADER_FILE), &bytes).unwrap();
        }
        proptest::prop_assert!(Pack::open(folder.path()).is_err());
    }
}
