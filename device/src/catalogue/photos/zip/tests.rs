use super::ZipPhotos;
use super::archive::MOST_FILES;
use super::error::ZipError;
use super::packed::{Packed, all, archive, archive64};
use crate::catalogue::photos::PhotoSource;
use clothingid_shared::files;
use rayon::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

fn open(bytes: Vec<u8>) -> Result<ZipPhotos<Vec<u8>>, ZipError> {
    ZipPhotos::of(Path::new("photos.zip"), bytes)
}

fn stored(name: &str) -> Packed {
    Packed::stored(name, name.as_bytes())
}

#[test]
fn what_is_said_of_each_kind_of_archive() {
    let mut told = String::new();
    for (kind, bytes) in all() {
        let _ = writeln!(told, "{kind}");
        let photos = match open(bytes) {
            Ok(photos) => photos,
            Err(error) => {
                let _ = writeln!(told, "  error: {error}\n  hint: {}", error.hints().join(", "));
                continue;
            }
        };
        let mut names: Vec<&str> = photos.names().collect();
        let others: &[&str] = match kind {
            "absolute" | "above" => &["a.jpg", "/a.jpg", "C:\\a.jpg", "../a.jpg"],
            _ => &["a.jpg"],
        };
        names.extend(others.iter().filter(|name| !photos.names().any(|n| n == **name)));
        for name in names {
            match photos.read(name) {
                Ok(bytes) => {
                    assert_eq!(photos.byte_len(name), bytes.len() as u64);
                    let _ = writeln!(told, "  {name}: {} bytes", bytes.len());
                }
                Err(problem) => {
                    let _ = writeln!(told, "  {problem}");
                }
            }
        }
    }
    insta::assert_snapshot!(told);
}

/// The fuzz target begins with these files, and the end-to-end tests import from them.
#[test]
fn the_saved_archives_are_those_of_this_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/saved/catalogue_zip");
    for (kind, bytes) in all() {
        let file = folder.join(format!("{kind}.zip"));
        if std::env::var_os("CLOTHINGID_SAVE_ARCHIVES").is_some() {
            files::create_folder(&folder).unwrap();
            files::write_atomic(&file, &bytes).unwrap();
        }
        assert!(std::fs::read(&file).is_ok_and(|saved| saved == bytes), "{}", file.display());
    }
}

#[test]
fn names_are_compared_as_in_a_folder() {
    let photos = open(archive(&[stored("in/a.jpg"), stored("b.jpg")])).unwrap();
    for (name, found) in [
        ("in/a.jpg", true),
        ("in\\a.jpg", true),
        ("./in/../in//a.jpg", true),
        ("B.JPG", false),
        ("a.jpg", false),
        ("in/a.jpg/", false),
        ("in/a.jpg/x", false),
        ("", false),
        (".", false),
    ] {
        assert_eq!(photos.read(name).is_ok(), found, "{name}");
    }
    for folder in ["in", "in/", "in/../in", ".", ""] {
        let problem = photos.read(folder).unwrap_err().to_string();
        assert!(problem.ends_with("it is not a file"), "{folder}: {problem}");
    }
}

#[test]
fn the_folder_of_all_files_may_be_left_out_of_a_name() {
    let photos = open(archive(&[stored("shop/a.jpg"), stored("shop/shop/a.jpg"), stored("shop/in/b.jpg")])).unwrap();
    for (name, read) in [
        ("in/b.jpg", "shop/in/b.jpg"),
        ("shop/in/b.jpg", "shop/in/b.jpg"),
        ("a.jpg", "shop/a.jpg"),
        // Both are there: the name as it stands goes first.
        ("shop/a.jpg", "shop/a.jpg"),
        ("shop/shop/a.jpg", "shop/shop/a.jpg"),
    ] {
        assert_eq!(photos.read(name).unwrap(), read.as_bytes(), "{name}");
    }
    let told = |name| photos.read(name).unwrap_err().to_string();
    assert_eq!(
        told("IN/B.jpg"),
        "the photo `IN/B.jpg` does not exist in the ZIP file `photos.zip`, which has `in/b.jpg`"
    );
    assert!(told("SHOP/in/b.jpg").ends_with(", which has `shop/in/b.jpg`"), "{}", told("SHOP/in/b.jpg"));
    // One file beside the folder, and the names must be whole.
    let photos = open(archive(&[stored("shop/a.jpg"), stored("shop-list.txt")])).unwrap();
    assert!(photos.read("a.jpg").is_err() && photos.read("shop/a.jpg").is_ok());
}

#[test]
fn all_threads_read_at_once() {
    let bytes = |i: usize| format!("{i}").repeat(1 + i * 37).into_bytes();
    let pack = |i: usize| match i % 2 {
        0 => Packed::stored(&format!("{i}.jpg"), &bytes(i)),
        _ => Packed::deflated(&format!("{i}.jpg"), &bytes(i)),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photos.zip");
    files::write_atomic(&path, &archive(&(0..300).map(pack).collect::<Vec<_>>())).unwrap();
    let photos = ZipPhotos::open(&path).unwrap();
    (0..3000_usize).into_par_iter().for_each(|i| {
        assert_eq!(photos.read(&format!("{}.jpg", i % 300)).unwrap(), bytes(i % 300));
    });
}

/// Its places have 64 bits. The file has no bytes for the most part.
#[test]
#[expect(clippy::disallowed_methods, reason = "a sparse file is made as no program of ours makes one")]
fn an_archive_may_be_larger_than_4_gib() {
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photos.zip");
    let at = 5 << 30;
    let file = std::fs::File::create(&path).unwrap();
    file.write_all_at(&archive64(&[stored("a.jpg"), stored("b.jpg")], 2, at), at).unwrap();
    let photos = ZipPhotos::open(&path).unwrap();
    for name in ["a.jpg", "b.jpg"] {
        assert_eq!(photos.read(name).unwrap(), name.as_bytes());
    }
}

#[test]
fn more_files_than_are_kept_are_refused_before_they_are_read() {
    let one = stored("a.jpg");
    let files: Vec<Packed> = (0..60_000).map(|i| Packed { name: format!("{i}").into_bytes(), ..one.clone() }).collect();
    assert_eq!(open(archive(&files)).unwrap().names().count(), 60_000);
    // A directory that could have as many as it says: its length is checked before.
    let many = [files.as_slice(); 10].concat();
    let error = open(archive64(&many, many.len() as u64, 0)).unwrap_err();
    assert!(
        matches!(error, ZipError::TooManyFiles { found: 600_000, limit: MOST_FILES, .. }),
        "{error}: {:?}",
        error.hints()
    );
}

#[test]
fn a_path_is_a_folder_or_a_zip_file_by_what_lies_there() {
    use crate::catalogue::photos::{OpenError, open};
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("folder.zip");
    files::create_folder(&folder).unwrap();
    files::write_atomic(&folder.join("a.jpg"), b"a.jpg").unwrap();
    let file = root.path().join("photos");
    files::write_atomic(&file, &archive(&[stored("a.jpg")])).unwrap();
    for (path, kind) in [(&folder, "the folder"), (&file, "the ZIP file")] {
        let photos = open(path).unwrap();
        assert_eq!(photos.read("a.jpg").unwrap(), b"a.jpg");
        assert_eq!(photos.describe(), format!("{kind} `{}`", path.display()));
    }
    assert!(matches!(open(&root.path().join("nothing")), Err(OpenError::File(_))));
    assert!(matches!(open(&folder.join("a.jpg")), Err(OpenError::Zip(ZipError::NotZip { .. }))));
}
