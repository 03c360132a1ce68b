#![expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]

use std::path::Path;

use super::{FILES, Taxonomies, TaxonomyError};

const COARSE: &str = "# two shapes\n[[categories]]\nkey = \"round\"\nnames = { en = \"Round\" }\n\n[[categories]]\nkey = \"angular\"\nnames = { en = \"Angular\" }\n";
const FINE: &str = "[[categories]]\nkey = \"disc\"\nin14 = \"round\"\nnames = { en = \"Disc\", de = \"Scheibe\" }\n\n[[categories]]\nkey = \"square\"\nin14 = \"angular\"\nnames = { en = \"Square\" }\n\n[[categories]]\nkey = \"star\"\nnames = { en = \"Star\" }\n";

fn put(folder: &Path, texts: [&str; 2]) {
    FILES.iter().zip(texts).for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
}

#[test]
fn a_folder_without_the_files_means_clothing_and_gets_none_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let clothing = Taxonomies::beside(folder.path()).unwrap();
    assert_eq!(clothing, Taxonomies::clothing());
    assert_eq!((clothing.classes(), clothing.identity(), clothing.words(0)), ([14, 26], None, "taxonomy of 14".into()));
    clothing.write(folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // The very files that are compiled in are those of clothing.
    let shipped = Taxonomies::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("taxonomies")).unwrap();
    assert!(shipped.is_clothing() && shipped.identity().is_none());
}

#[test]
fn what_is_written_is_read_and_comments_of_equal_files_stay() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(from.path(), [COARSE, FINE]);
    let shapes = Taxonomies::read(from.path()).unwrap();
    assert_eq!(shapes.classes(), [2, 3]);
    assert!(shapes.words(1).ends_with("category26.toml`"));
    shapes.write(to.path()).unwrap();
    let again = Taxonomies::beside(to.path()).unwrap();
    assert_eq!((&again.category14, &again.category26), (&shapes.category14, &shapes.category26));
    assert_eq!(again.identity(), shapes.identity());
    shapes.write(from.path()).unwrap();
    assert_eq!(std::fs::read_to_string(from.path().join(FILES[0])).unwrap(), COARSE);
    // Clothing does not take their place: someone's lists would be gone.
    let error = Taxonomies::clothing().write(to.path()).unwrap_err();
    assert!(matches!(error, TaxonomyError::Occupied { .. }), "{error}");
}

#[test]
fn only_keys_and_their_order_make_another_identity() {
    let folder = tempfile::tempdir().unwrap();
    let read = |texts: [&str; 2]| {
        put(folder.path(), texts);
        Taxonomies::read(folder.path()).unwrap()
    };
    let first = read([COARSE, FINE]);
    assert_eq!(read([COARSE, &FINE.replace("Scheibe", "Kreis")]).identity(), first.identity());
    let other = read([COARSE, &FINE.replace("\"star\"", "\"cross\"")]);
    assert_ne!(other.identity(), first.identity());
    assert_eq!(first.difference(&first.keys()), None);
    assert_eq!(
        first.difference(&other.keys()).unwrap().to_string(),
        "`category26` is a list of 3 (`disc`, `square`, `cross`), expected a list of 3 (`disc`, `square`, `star`)"
    );
    let difference = first.difference(&Taxonomies::clothing().keys()).unwrap();
    assert_eq!(
        (difference.slot, difference.found.as_str()),
        ("category14", "a list of 14 (`tshirt`, `shirt`, `blouse_top`, …)")
    );
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (texts, file, needed) in [
        (["", FINE], 0, "is no list of categories"),
        (["categories = []\n", FINE], 0, "0 categories, expected 2 to 4096"),
        ([COARSE, "colours = 1\n"], 1, "is no list of categories"),
        ([COARSE, &FINE.replace("\"star\"", "\"disc\"")], 1, "categories 1 and 3 have the same key `disc`"),
        ([COARSE, &FINE.replace("\"star\"", "\"a star\"")], 1, "category 3 has the key `a star`"),
        ([COARSE, &FINE.replace("in14 = \"round\"", "in14 = \"oval\"")], 1, "`disc` is in `oval`"),
    ] {
        put(folder.path(), texts);
        let error = Taxonomies::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(FILES[file]) && error.contains(needed), "{error}");
    }
    std::fs::remove_file(folder.path().join(FILES[0])).unwrap();
    let error = Taxonomies::beside(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("has `category26.toml` and no `category14.toml`"), "{error}");
    assert!(Taxonomies::read(folder.path()).is_err());
}
