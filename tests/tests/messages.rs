//! What people read when something is wrong: each message says what, where and what to do, and nothing is half-written.

use std::net::TcpListener;

use clothingid_tests::{Outcome, Rig, photographs, rig};

/// An ordinary failure: exit code 1, a report in its form on standard error, nothing on standard output, and the
/// snapshot beside this test.
#[track_caller]
fn assert_report(name: &str, outcome: &Outcome) {
    assert_eq!(outcome.code, Some(1), "{}", outcome.snapshot());
    assert_eq!(outcome.stdout, "", "{}", outcome.snapshot());
    let report = &outcome.stderr;
    assert!(report.lines().any(|line| line.starts_with("error: ")), "no `error:` line:\n{report}");
    assert!(report.lines().any(|line| line.starts_with("hint: ")), "nothing about what to do:\n{report}");
    assert!(!report.contains("panicked"), "{report}");
    insta::assert_snapshot!(name, outcome.snapshot());
}

fn photo(rig: &Rig) {
    rig.copy(photographs::good(), "photo.jpg");
}

/// The shipped bundle with one byte of the network turned.
fn altered_bundle() -> Vec<u8> {
    let mut bytes = std::fs::read(rig::bundle()).expect("the shipped bundle");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    bytes
}

#[test]
fn a_bundle_that_is_not_there() {
    let rig = Rig::new();
    photo(&rig);
    assert_report("bundle_missing", &rig.clothingid(["classify", "--bundle", "nowhere.bundle", "photo.jpg"]).run());
}

#[test]
fn a_bundle_that_was_altered_or_cut_or_is_something_else() {
    let rig = Rig::new();
    photo(&rig);
    let altered = altered_bundle();
    rig.write("altered.bundle", &altered);
    rig.write("cut.bundle", &altered[..altered.len() / 3]);
    rig.write("letter.bundle", "Dear shop, here is your network.");
    for name in ["altered", "cut", "letter"] {
        let file = format!("{name}.bundle");
        for command in [&["classify", "--bundle", &file, "photo.jpg"][..], &["bundle", "show", "--bundle", &file]] {
            let outcome = rig.clothingid(command).run();
            assert_eq!(outcome.code, Some(1), "{}", outcome.snapshot());
            assert!(outcome.stderr.contains(&file), "the file is not named:\n{}", outcome.stderr);
            assert_eq!(outcome.stdout, "");
        }
    }
    assert_report("bundle_cut", &rig.clothingid(["classify", "--bundle", "cut.bundle", "photo.jpg"]).run());
    assert_report("bundle_letter", &rig.clothingid(["classify", "--bundle", "letter.bundle", "photo.jpg"]).run());
}

/// Imports a catalogue file with this content, with the photographs that it may name, and expects nothing in the shop.
fn import(rig: &Rig, csv: &[u8]) -> Outcome {
    rig.write("catalogue.csv", csv);
    rig.copy(photographs::good(), "photos/one.jpg");
    rig.clothingid(["catalogue", "import", "catalogue.csv", "--photos", "photos"]).run()
}

fn listed(rig: &Rig) -> usize {
    rig.clothingid(["catalogue", "list", "--json"]).run().stdout.lines().count()
}

#[test]
fn a_catalogue_file_without_a_needed_column() {
    let rig = Rig::new();
    assert_report("csv_missing_column", &import(&rig, b"sku,name,photo\n1,Tee,one.jpg\n"));
    assert_eq!(listed(&rig), 0);
}

#[test]
fn a_catalogue_file_in_another_encoding() {
    let rig = Rig::new();
    assert_report("csv_not_text", &import(&rig, b"sku,title,photo\n1,\xcf\xeb\xe0\xf2\xfc\xe5,one.jpg\n"));
    assert_eq!(listed(&rig), 0);
    let windows = import(&rig, b"sku,title,photo\n1,Bl\xfctentop,one.jpg\n").expect_code(0);
    assert!(windows.stderr.contains("note: the file is not UTF-8 and was read as Windows-1252"), "{}", windows.stderr);
    let list = rig.clothingid(["catalogue", "list", "--json"]).run().stdout;
    assert!(list.contains("Blütentop"), "{list}");
}

#[test]
fn one_photograph_for_two_products() {
    let rig = Rig::new();
    let outcome = import(&rig, b"sku,title,photo\n1,Tee,one.jpg\n2,Shirt,one.jpg\n").expect_code(0);
    assert!(
        outcome.stderr.contains("note: the photo `one.jpg` is that of several products: `1`, `2`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(listed(&rig), 2);
}

#[test]
fn an_empty_catalogue_file_and_one_that_is_not_there() {
    let rig = Rig::new();
    assert_report("csv_empty", &import(&rig, b""));
    let outcome = rig.clothingid(["catalogue", "import", "nowhere.csv", "--photos", "photos"]).run();
    assert_report("csv_missing", &outcome);
    assert_eq!(listed(&rig), 0);
}

/// Rows that cannot be used are named and counted; the good ones are imported, and the exit code says that not all were.
#[test]
fn a_sku_with_two_titles_and_a_photograph_that_does_not_exist() {
    let rig = Rig::new();
    let csv = b"sku,title,photo\n1,Tee,one.jpg\n2,Shirt,one.jpg\n2,Skirt,one.jpg\n3,Dress,gone.jpg\n";
    let outcome = import(&rig, csv);
    assert_eq!(outcome.code, Some(1), "{}", outcome.snapshot());
    for needed in ["catalogue.csv", "line 4", "`2`", "Skirt", "line 5", "gone.jpg"] {
        assert!(outcome.stderr.contains(needed), "`{needed}` is not named:\n{}", outcome.stderr);
    }
    insta::assert_snapshot!("csv_bad_rows", outcome.snapshot());
    let list = rig.clothingid(["catalogue", "list", "--json"]).run().stdout;
    assert!(list.contains("Tee") && !list.contains("Dress"), "{list}");
}

#[test]
fn a_port_in_use() {
    let rig = Rig::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let outcome = rig.clothingid(["demo", "--listen", &address]).replacing(port, "[PORT]").run();
    assert!(outcome.stderr.contains(&address), "the address is not named:\n{}", outcome.stderr);
    assert_report("port_in_use", &outcome);
}

#[test]
fn a_configuration_with_an_unknown_key_a_wrong_type_and_none_at_all() {
    let rig = Rig::new();
    rig.write("unknown.toml", "# shop\nlistn = \"127.0.0.1:0\"\n");
    rig.write("broken.toml", "listen = \n");
    for name in ["unknown", "broken", "missing"] {
        let file = format!("{name}.toml");
        let outcome = rig.clothingid(["run", "--config", &file]).run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.snapshot());
        assert!(outcome.stderr.contains(&file), "the file is not named:\n{}", outcome.stderr);
        insta::assert_snapshot!(format!("config_{name}"), outcome.snapshot());
    }
}

#[test]
fn an_engine_that_is_not_there_is_an_error_and_never_replaced_silently() {
    let rig = Rig::new();
    photo(&rig);
    // A machine without any driver, whatever this one has.
    let classify = || {
        let command = rig.clothingid(["classify", "--engine", "gpu", "photo.jpg"]);
        command.env("VK_DRIVER_FILES", "/nowhere").env("VK_ICD_FILENAMES", "/nowhere")
    };
    assert_report("engine_gpu", &classify().without_env("CLOTHINGID_GPU_ADAPTER").run());
    assert_report("engine_gpu_by_name", &classify().env("CLOTHINGID_GPU_ADAPTER", "llvmpipe").run());
}

#[test]
fn wrong_use_ends_with_2_and_says_how_it_is_meant() {
    let rig = Rig::new();
    for words in
        [&["classify"][..], &["classify", "--engine", "steam", "x.jpg"], &["clasify"], &["search", "--top", "no"]]
    {
        let outcome = rig.clothingid(words).run();
        assert_eq!(outcome.code, Some(2), "{words:?}: {}", outcome.snapshot());
        assert!(outcome.stderr.contains("--help"), "{}", outcome.stderr);
    }
}

#[test]
fn a_catalogue_that_is_not_there_yet_says_how_to_make_one() {
    let rig = Rig::new();
    photo(&rig);
    let outcome = rig.clothingid(["search", "photo.jpg"]).run();
    assert!(outcome.stderr.contains("clothingid catalogue import"), "{}", outcome.stderr);
    assert_report("catalogue_missing", &outcome);
}

#[test]
fn a_catalogue_that_is_something_else_is_left_as_it_was() {
    let rig = Rig::new();
    photo(&rig);
    let letter = rig.write("shop.db", "Dear shop, this is not a catalogue, whatever its name says.");
    assert_report("catalogue_letter", &rig.clothingid(["search", "--catalogue", "shop.db", "photo.jpg"]).run());
    assert!(std::fs::read_to_string(letter).expect("the letter").starts_with("Dear shop"));
}

#[test]
fn a_state_folder_that_cannot_be_written() {
    let rig = Rig::new();
    // A file where the folder should be: refused for root as well.
    rig.write("data", "in the way");
    let outcome = import(&rig, b"sku,title,photo\n1,Tee,one.jpg\n");
    assert_report("state_not_writable", &outcome);
}

#[test]
fn help_is_there_for_every_subcommand() {
    let rig = Rig::new();
    let help = rig.clothingid(["--help"]).run().expect_code(0).stdout;
    for command in ["demo", "run", "classify", "search", "catalogue", "bundle", "bench", "doctor"] {
        assert!(help.contains(command), "{help}");
        let own = rig.clothingid([command, "--help"]).run().expect_code(0).stdout;
        assert!(own.contains("Usage: clothingid"), "{own}");
    }
}
