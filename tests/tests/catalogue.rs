//! The catalogue as staff handle it: files that cannot be used as they are, copies, space given back.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clothingid_tests::{Rig, photographs};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogue-files");
    let entries = std::fs::read_dir(folder).expect("the folder of files").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    files.sort();
    files
}

#[test]
fn what_is_wrong_with_a_catalogue_file_is_said() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photos/one.jpg");
    rig.write("photos/table.csv", b"sku,title,photo\n");
    let files = files();
    assert!(files.len() >= 40, "{}", files.len());
    let mut told = String::new();
    for file in &files {
        let name = file.file_stem().expect("a name").to_string_lossy();
        rig.copy(file.clone(), "catalogue.csv");
        let import = rig.clothingid(["catalogue", "import", "catalogue.csv", "--photos", "photos", "--dry-run"]).run();
        let problems = import.stderr.lines().filter(|line| line.starts_with("error: "));
        let _ = writeln!(told, "{name}: exit {}", import.code.unwrap_or(-1));
        problems.for_each(|line| {
            let _ = writeln!(told, "  {line}");
        });
        // A table of nothing is no error; everything else that lies here is one.
        let is_empty_table = ["only-a-header"].contains(&&*name);
        assert_eq!(import.code, Some(i32::from(!is_empty_table)), "{name}: {}", import.snapshot());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_catalogue_is_copied_and_compacted_and_a_copy_overwrites_nothing() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photos/one.jpg");
    rig.write("catalogue.csv", b"sku,title,photo\n1,Tee,one.jpg\n2,Shirt,one.jpg\n");
    let _import = rig.clothingid(["catalogue", "import", "catalogue.csv", "--photos", "photos"]).run().expect_code(0);
    let copy = ["catalogue", "backup", "copies/a.db", "--json"];
    let line = &rig.clothingid(copy).run().expect_code(0).json_lines()[0];
    assert_eq!((line["products"].as_u64(), line["photos"].as_u64()), (Some(2), Some(2)), "{line}");
    let again = rig.clothingid(copy).run().expect_code(1);
    assert!(again.stderr.contains("copies/a.db"), "{}", again.stderr);

    let _remove = rig.clothingid(["catalogue", "remove", "2"]).run().expect_code(0);
    let line = &rig.clothingid(["catalogue", "compact", "--json"]).run().expect_code(0).json_lines()[0];
    assert!(line["bytes_after"].as_u64() < line["bytes_before"].as_u64(), "{line}");
    let search =
        rig.clothingid(["search", "--json", "--catalogue", "copies/a.db", "photos/one.jpg"]).run().expect_code(0);
    assert!(search.stdout.contains("\"Shirt\""), "{}", search.stdout);
}
