//! The catalogue as staff handle it: files that cannot be used as they are, copies, space given back.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use clothingid_tests::{Rig, photographs, rig};
use zip::write::SimpleFileOptions;

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

/// The files of a folder below a folder of the same name, as office programs pack them.
fn packed(folder: &Path) -> Vec<u8> {
    let top = folder.file_name().expect("a name").to_string_lossy();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for path in photographs::photos_below(folder) {
        let name = path.strip_prefix(folder).expect("a path below the folder").display();
        archive.start_file(format!("{top}/{name}"), SimpleFileOptions::default()).expect("a file in the archive");
        archive.write_all(&std::fs::read(&path).expect("a photograph")).expect("its bytes");
    }
    archive.finish().expect("the archive").into_inner()
}

#[test]
fn photographs_in_a_zip_file_give_the_catalogue_that_the_folder_gives() {
    let [from_folder, from_zip] = [(); 2].map(|()| Rig::new());
    let (csv, folder) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
    from_zip.write("photos.zip", packed(&folder));
    let _import = from_folder.clothingid(["catalogue", "import"]).arg(&csv).arg("--photos").arg(&folder).run();
    let import = || from_zip.clothingid(["catalogue", "import"]).arg(&csv).args(["--photos", "photos.zip"]);
    let _import = import().run().expect_code(0);

    let [folder_list, zip_list] = [&from_folder, &from_zip]
        .map(|rig| rig.clothingid(["catalogue", "list", "--json"]).run().expect_code(0).stdout);
    assert!(!folder_list.is_empty());
    assert_eq!(folder_list, zip_list);
    let [folder_found, zip_found] = [&from_folder, &from_zip]
        .map(|rig| rig.clothingid(["search", "--json", "--top", "9"]).arg(&folder).run().expect_code(0).stdout);
    assert_eq!(folder_found.lines().count(), photographs::shop().len());
    assert_eq!(folder_found, zip_found);
    let again = import().arg("--dry-run").run().expect_code(0);
    assert!(again.stdout.contains("new 0, changed 0"), "{}", again.snapshot());

    // The folder's photographs are those of the ZIP file: it makes no difference which of them is named later.
    let again =
        from_zip.clothingid(["catalogue", "import"]).arg(&csv).arg("--photos").arg(&folder).run().expect_code(0);
    assert!(again.stdout.contains("new 0, changed 0"), "{}", again.snapshot());
}

#[test]
fn what_is_wrong_with_a_zip_file_of_photographs_is_said() {
    let rig = Rig::new();
    rig.write("catalogue.csv", b"sku,title,photo\n1,Tee,a.jpg\n");
    let folder = rig::workspace().join("fuzz/saved/catalogue_zip");
    let entries = std::fs::read_dir(folder).expect("the saved archives").map(|entry| entry.expect("an entry").path());
    let mut archives: Vec<PathBuf> = entries.collect();
    archives.sort();
    assert!(archives.len() >= 30, "{}", archives.len());
    let mut told = String::new();
    for archive in archives {
        rig.copy(&archive, "photos.zip");
        let import =
            rig.clothingid(["catalogue", "import", "catalogue.csv", "--photos", "photos.zip", "--dry-run"]).run();
        // Where the ZIP file is sound: three letters are no photograph.
        assert_eq!(import.code, Some(1), "{}", import.snapshot());
        let _ = writeln!(told, "{}", archive.file_stem().expect("a name").display());
        let lines =
            import.stderr.lines().filter(|line| ["error: ", "hint: "].iter().any(|kind| line.starts_with(kind)));
        lines.for_each(|line| {
            let _ = writeln!(told, "  {line}");
        });
    }
    insta::assert_snapshot!(told);
}

/// The sensors of phones that make the largest photographs have 50 million pixels.
#[test]
fn a_photograph_of_50_megapixels_is_taken() {
    let rig = Rig::new();
    let (width, height) = (8192, 6144);
    let shade = |x: u32, y: u32| image::Rgb([(x / 64).to_le_bytes()[0], (y / 64).to_le_bytes()[0], 90]);
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    image::RgbImage::from_fn(width, height, shade).write_with_encoder(encoder).expect("a JPEG");
    rig.write("photos/large.jpg", jpeg);
    rig.write("photos.zip", packed(&rig.path("photos")));
    rig.write("catalogue.csv", b"sku,title,photo\n1,Tee,large.jpg\n");
    for photos in ["photos", "photos.zip"] {
        let import = rig.clothingid(["catalogue", "import", "catalogue.csv", "--photos", photos, "--catalogue"]);
        let import = import.arg(format!("{photos}.db")).run().expect_code(0);
        assert!(import.stdout.contains("new 1, "), "{}", import.snapshot());
    }
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
    let line = &rig.clothingid(["catalogue", "compact", "--forget", "--json"]).run().expect_code(0).json_lines()[0];
    assert!(line["bytes_after"].as_u64() < line["bytes_before"].as_u64(), "{line}");
    let search =
        rig.clothingid(["search", "--json", "--catalogue", "copies/a.db", "photos/one.jpg"]).run().expect_code(0);
    assert!(search.stdout.contains("\"Shirt\""), "{}", search.stdout);
}

#[test]
fn a_change_is_listed_and_taken_back() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photos/one.jpg");
    rig.write("catalogue.csv", b"sku,title,photo,stock,variant_of\n1,Tee,one.jpg,3,T\n2,Tee L,,0,T\n");
    let import = ["catalogue", "import", "catalogue.csv", "--photos", "photos", "--by", "mia"];
    let _import = rig.clothingid(import).run().expect_code(0);
    let _remove = rig.clothingid(["catalogue", "remove", "1", "2", "--by", "mia"]).run().expect_code(0);
    let history = rig.clothingid(["catalogue", "history", "--json"]).run().expect_code(0).json_lines();
    let told = |line: &serde_json::Value| (line["number"].as_i64(), line["who"].to_string(), line["products"].as_u64());
    assert_eq!(
        history.iter().map(told).collect::<Vec<_>>(),
        [(Some(2), "\"mia\"".to_owned(), Some(2)), (Some(1), "\"mia\"".to_owned(), Some(2))]
    );
    let undo = rig.clothingid(["catalogue", "undo"]).run().expect_code(0);
    assert_eq!(undo.stdout, "undone: remove 1 2 (2 products as before)\n");
    let search = rig.clothingid(["search", "--json", "photos/one.jpg"]).run().expect_code(0);
    assert!(search.stdout.contains("\"Tee\""), "{}", search.stdout);
    let list = rig.clothingid(["catalogue", "list", "--json"]).run().expect_code(0).json_lines();
    assert_eq!((list[0]["stock"].as_str(), list[1]["stock"].as_str()), (Some("3"), Some("out")));
    let refused = rig.clothingid(["catalogue", "undo", "7"]).run().expect_code(1);
    insta::assert_snapshot!(refused.stderr);
    let _check = rig.clothingid(["catalogue", "check"]).run().expect_code(0);
}

#[test]
fn what_the_staff_say_of_a_photograph_changes_what_is_found() {
    let rig = Rig::new();
    let (csv, folder) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
    let _import = rig.clothingid(["catalogue", "import"]).arg(&csv).arg("--photos").arg(&folder).run();
    rig.copy(photographs::camera().remove(0), "counter.jpg");
    let found = || -> Vec<String> {
        let lines = rig.clothingid(["search", "--json", "counter.jpg"]).run().expect_code(0).json_lines();
        let matches = lines[0]["matches"].as_array().expect("matches").clone();
        matches.iter().map(|one| one["sku"].as_str().expect("a sku").to_owned()).collect()
    };
    let before = found();
    let (wrong, right) = (before[0].as_str(), before[3].as_str());
    let correct = ["catalogue", "correct", "counter.jpg", "--is", right, "--is-not", wrong, "--by", "mia"];
    let kept = rig.clothingid(correct).run().expect_code(0);
    assert_eq!(kept.stdout, "2 statements kept of 1 photo\n");
    let after = found();
    assert!(after[0] == right && !after.contains(&before[0]), "{before:?} {after:?}");
    let again = rig.clothingid(correct).arg("--json").run().expect_code(0).json_lines();
    assert_eq!(again[0], serde_json::json!({"photos": 1, "kept": 0, "known": 2, "failed": 0}));

    // The catalogue file neither lists nor removes it.
    let import = rig.clothingid(["catalogue", "import"]).arg(&csv).arg("--photos").arg(&folder).run();
    assert!(import.stdout.contains("new 0, changed 0"), "{}", import.snapshot());
    let evidence = rig.clothingid(["catalogue", "evidence", "--json"]).run().expect_code(0).json_lines();
    let told: Vec<_> = evidence.iter().map(|line| (line["sku"].as_str(), line["role"].as_str())).collect();
    assert_eq!(told, [(Some(right), Some("counter")), (Some(wrong), Some("mistaken"))]);
    let _check = rig.clothingid(["catalogue", "check"]).run().expect_code(0);
    let _undo = rig.clothingid(["catalogue", "undo"]).run().expect_code(0);
    assert_eq!(found(), before);
    // Undone again: what was said holds, until it is taken away by name.
    let history = rig.clothingid(["catalogue", "history", "--json"]).run().expect_code(0).json_lines();
    let last = history[0]["number"].to_string();
    let _undo = rig.clothingid(["catalogue", "undo", &last]).run().expect_code(0);
    let name = evidence[1]["name"].as_str().expect("a name");
    let _removed = rig.clothingid(["catalogue", "evidence", wrong, "--remove", name]).run().expect_code(0);
    assert_eq!(found()[0], right);

    let mut told = String::new();
    for arguments in [
        &["catalogue", "correct", "counter.jpg", "--is", "none"][..],
        &["catalogue", "correct", "none.jpg", "--is", right],
        &["catalogue", "correct", "counter.jpg", "--is", right, "--is-not", right],
        &["catalogue", "correct", "counter.jpg"],
        &["catalogue", "evidence", right, "--remove", "none.jpg"],
        &["search", "--like", "none"],
    ] {
        let refused = rig.clothingid(arguments.iter().copied()).run();
        let _ = writeln!(told, "{}: {}", arguments.join(" "), refused.snapshot());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_garment_of_the_shop_is_what_is_searched_with() {
    let rig = Rig::new();
    let (csv, folder) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
    let _import = rig.clothingid(["catalogue", "import"]).arg(&csv).arg("--photos").arg(&folder).run();
    let like = |more: &[&str]| {
        rig.clothingid(["search", "--json", "--like", "DEMO-003"]).args(more).run().expect_code(0).json_lines()[0]
            .clone()
    };
    let all = like(&[]);
    let skus: Vec<&str> =
        all["matches"].as_array().expect("matches").iter().filter_map(|m| m["sku"].as_str()).collect();
    assert!(all["like"] == "DEMO-003" && skus.len() == 5 && !skus.contains(&"DEMO-003"), "{all}");
    let white = like(&["--colour", "white"]);
    let _white = rig.clothingid(["search", "--like", "DEMO-003", "--colour", "white"]).run().expect_code(0);
    assert_ne!(white["matches"], all["matches"]);
}

#[test]
fn an_edition_goes_from_a_head_office_to_a_board() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photos/one.jpg");
    rig.write("first.csv", b"sku,title,photo\n1,Tee,one.jpg\n2,Shirt,one.jpg\n");
    rig.write("second.csv", b"sku,title,photo\n1,Long tee,one.jpg\n");
    let office = ["--catalogue", "office.db"];
    let run = |arguments: &[&str]| rig.clothingid(arguments.iter().copied()).run();
    let _key = run(&["catalogue", "key", "office.key"]).expect_code(0);
    let table = |csv| [&["catalogue", "import", csv, "--photos", "photos"][..], &office].concat();
    let export = |edition, more: &[&'static str]| {
        [&["catalogue", "export", edition, "--key", "office.key", "--json"][..], more, &office].concat()
    };
    let _import = run(&table("first.csv")).expect_code(0);
    let line = &run(&export("first.edition", &[])).expect_code(0).json_lines()[0];
    assert_eq!((line["products"].as_u64(), line["photos"].as_u64()), (Some(2), Some(2)), "{line}");
    let _import = run(&table("second.csv")).expect_code(0);
    let _remove = run(&[&["catalogue", "remove", "2"][..], &office].concat()).expect_code(0);
    let line = &run(&export("second.edition", &["--since", "first.edition"])).expect_code(0).json_lines()[0];
    assert_eq!((line["removes"].as_u64(), line["photos"].as_u64()), (Some(1), Some(0)), "{line}");

    let mut told = String::new();
    for arguments in [
        // Nobody looks for a key; another one; what is not signed; a difference on nothing.
        &["catalogue", "import", "first.edition"][..],
        &["catalogue", "import", "first.edition", "--key", "nonsense"],
        &["catalogue", "import", "office.db", "--key", "office.key.pub"],
        &["catalogue", "import", "office.db", "--unsigned"],
        &["catalogue", "import", "second.edition", "--key", "office.key.pub"],
        &["catalogue", "export", "first.edition", "--catalogue", "office.db"],
        &["catalogue", "export", "third.edition", "--since", "second.edition", "--catalogue", "office.db"],
    ] {
        let refused = run(arguments).expect_code(1);
        let _ = writeln!(told, "{}\n{}", arguments.join(" "), refused.stderr);
    }
    insta::assert_snapshot!(told);

    let _first = run(&["catalogue", "import", "first.edition", "--key", "office.key.pub"]).expect_code(0);
    let take = ["catalogue", "import", "second.edition", "--key", "office.key.pub"];
    let dry = run(&[&take[..], &["--dry-run"]].concat()).expect_code(0);
    insta::assert_snapshot!(dry.stdout);
    let _second = run(&take).expect_code(0);
    let list = run(&["catalogue", "list"]).expect_code(0);
    assert_eq!(list.stdout, "1  Long tee  (1 photo)\n");
    let search = run(&["search", "--json", "photos/one.jpg"]).expect_code(0);
    assert!(search.stdout.contains("\"Long tee\""), "{}", search.stdout);
}
