//! `classify` and `search` on real photographs and on bad files, as a user calls them.

use std::path::Path;

use clothingid_shared::taxonomy::Taxonomy;
use clothingid_tests::{Outcome, Rig, photographs, rig};
use serde_json::Value;

/// Whether a line is the contract's answer of `classify`: these keys in this order, labels of the taxonomies,
/// probabilities between 0 and 1.
#[track_caller]
fn assert_reading(line: &Value) {
    let keys: Vec<_> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut wanted = ["path", "garment", "known", "category14", "category26", "ms", "engine"];
    let mut found = keys.clone();
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted, "{line}");
    let is_probability = |value: &Value| value.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number));
    assert!(is_probability(&line["garment"]) && line["known"].is_boolean(), "{line}");
    for (key, taxonomy) in [("category14", Taxonomy::category14()), ("category26", Taxonomy::category26())] {
        let label = line[key]["label"].as_str().expect("a label");
        assert!(taxonomy.index_of(label).is_some(), "`{label}` is not in {key}");
        assert!(is_probability(&line[key]["probability"]), "{line}");
    }
    assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    assert!(line["engine"].as_str().is_some_and(|engine| engine.starts_with("cpu: ")), "{line}");
}

fn classify(rig: &Rig, paths: &[&Path]) -> Outcome {
    rig.clothingid(["classify", "--json"]).args(paths).run()
}

#[test]
fn a_folder_is_answered_one_line_a_photograph_in_order() {
    let rig = Rig::new();
    let outcome = classify(&rig, &[&rig::demo().join("photos")]).expect_code(0);
    let lines = outcome.json_lines();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().expect("a path").to_owned()).collect();
    let expected: Vec<_> = photographs::shop().iter().map(|path| path.display().to_string()).collect();
    assert_eq!(paths, expected);
    lines.iter().for_each(assert_reading);
    // What the shop sells is a garment. Its category is shown only where the bundle's threshold lets it, which is another matter.
    let garments = lines.iter().filter(|line| line["garment"].as_f64() >= Some(0.5)).count();
    assert!(garments * 10 >= lines.len() * 9, "only {garments} of {} photographs are garments", lines.len());
}

#[test]
fn the_same_photograph_gives_the_same_answer_whatever_its_name_place_and_number_of_threads() {
    let rig = Rig::new();
    let good = photographs::good();
    let copies = [rig.copy(&good, "a.jpg"), rig.copy(&good, "deep/er/B.JPEG"), rig.copy(&good, "really-a-jpeg.png")];
    let paths: Vec<&Path> = copies.iter().map(std::path::PathBuf::as_path).collect();
    let mut lines = classify(&rig, &paths).expect_code(0).json_lines();
    let threads = rig.clothingid(["classify", "--json", "--threads", "2"]).arg(&good).run().expect_code(0);
    lines.extend(threads.json_lines());
    assert_eq!(lines.len(), 4);
    for line in &mut lines {
        assert_reading(line);
        let line = line.as_object_mut().expect("an object");
        line.remove("path");
        line.remove("ms");
        line.remove("engine");
    }
    assert!(lines.windows(2).all(|pair| pair[0] == pair[1]), "{lines:#?}");
}

#[test]
fn paths_are_echoed_as_given_and_taken_from_a_list_on_stdin() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "here.jpg");
    rig.copy(photographs::good(), "sub/b.jpg");
    rig.write("sub/notes.txt", "no photograph");
    let outcome = rig.clothingid(["classify", "--json", "./here.jpg", "-", "sub"]).stdin("here.jpg\n").run();
    let lines = outcome.expect_code(0).json_lines();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, ["./here.jpg", "here.jpg", "sub/b.jpg"]);
}

/// Name, bytes and a word of the error.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let jpeg = photographs::good_bytes();
    vec![
        ("corrupt.jpg", photographs::corrupt(&jpeg), "damaged JPEG"),
        ("empty.jpg", Vec::new(), "empty"),
        ("huge.png", photographs::huge(), "100000"),
        ("text.jpg", b"this is no photograph at all".to_vec(), "not a JPEG, PNG or WebP: first bytes 74 68 69 73"),
        ("truncated.jpg", photographs::truncated(&jpeg), "damaged JPEG"),
    ]
}

#[test]
fn each_bad_file_has_its_own_error_line_and_the_rest_is_answered() {
    let rig = Rig::new();
    for (name, bytes, _) in bad_files() {
        rig.write(Path::new("photos").join(name), bytes);
    }
    rig.copy(photographs::good(), "photos/good.jpg");
    rig.copy(photographs::good(), "photos/jpeg-by-another-name.png");
    for command in ["classify", "search"] {
        if command == "search" {
            import_shop(&rig);
        }
        let outcome = rig.clothingid([command, "--json", "photos", "photos/gone.jpg"]).run().expect_code(1);
        let lines = outcome.json_lines();
        assert_eq!(lines.len(), 8, "{}", outcome.stdout);
        for (name, _, word) in bad_files() {
            let path = format!("photos/{name}");
            let line = lines.iter().find(|line| line["path"] == path.as_str()).expect("a line");
            let error = line["error"].as_str().unwrap_or_else(|| panic!("{command}: no error: {line}"));
            assert!(error.contains(word), "{command} {name}: {error}");
            assert_eq!(line.as_object().map(serde_json::Map::len), Some(2), "{line}");
        }
        let gone = lines.iter().find(|line| line["path"] == "photos/gone.jpg").expect("a line");
        assert!(gone["error"].is_string(), "{gone}");
        for good in ["photos/good.jpg", "photos/jpeg-by-another-name.png"] {
            let line = lines.iter().find(|line| line["path"] == good).expect("a line");
            assert!(line.get("error").is_none(), "{command}: {line}");
        }
    }
}

/// `files.csv` says of each odd file whether it is a photograph in an unusual form or none that can be read.
#[test]
fn odd_files_are_answered_or_refused_as_the_corpus_says() {
    let rig = Rig::new();
    let folder = rig::corpus().join("files");
    let lines = classify(&rig, &[&folder]).expect_code(1).json_lines();
    let table = std::fs::read_to_string(rig::corpus().join("files.csv")).expect("files.csv");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.splitn(5, ',').collect()).collect();
    assert_eq!(lines.len(), rows.len());
    for needed in ["cmyk.jpg", "corrupt.jpg", "empty.jpg", "huge.jpg", "png-named.jpg", "truncated.jpg"] {
        assert!(rows.iter().any(|row| row[0] == needed), "`{needed}` is missing");
    }
    for row in &rows {
        let path = folder.join(row[0]).display().to_string();
        let line =
            lines.iter().find(|line| line["path"] == path.as_str()).unwrap_or_else(|| panic!("no line of {path}"));
        match row[1] {
            "decodes" => assert_reading(line),
            "refused" => assert!(line["error"].is_string(), "{line}"),
            other => panic!("`{other}` in files.csv"),
        }
    }
}

fn import_shop(rig: &Rig) {
    let (csv, photos) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
    let _ = rig.clothingid(["catalogue", "import"]).arg(csv).arg("--photos").arg(photos).run().expect_code(0);
}

#[test]
fn search_finds_a_photograph_of_the_catalogue_first_and_gives_one_match_a_product() {
    let rig = Rig::new();
    import_shop(&rig);
    let outcome = rig.clothingid(["search", "--json", "--top", "20"]).arg(rig::demo().join("photos")).run();
    let lines = outcome.expect_code(0).json_lines();
    assert_eq!(lines.len(), photographs::shop().len());
    for line in &lines {
        let mut keys: Vec<_> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["confident", "matches", "path", "verdict"], "{line}");
        assert_eq!(line["confident"].as_bool(), Some(line["verdict"] == "confident"), "{line}");
        let matches = line["matches"].as_array().expect("matches");
        assert!((1..=20).contains(&matches.len()));
        let mut skus: Vec<_> = matches.iter().map(|found| found["sku"].as_str().expect("a sku")).collect();
        let similarities: Vec<_> =
            matches.iter().map(|found| found["similarity"].as_f64().expect("a number")).collect();
        assert!(similarities.windows(2).all(|pair| pair[0] >= pair[1]), "best first: {similarities:?}");
        assert!(similarities.iter().all(|value| (-1.001..=1.001).contains(value)), "{similarities:?}");
        // The photograph itself is in the catalogue: nothing is more like it.
        assert!(similarities[0] > 0.98, "{line}");
        skus.sort_unstable();
        let all = skus.len();
        skus.dedup();
        assert_eq!(skus.len(), all, "one match a product: {line}");
        for found in matches {
            let mut keys: Vec<_> = found.as_object().expect("an object").keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, ["photo", "similarity", "sku", "title"]);
        }
    }
    let sure = lines.iter().filter(|line| line["confident"] == true).count();
    assert!(
        sure * 10 >= lines.len() * 9,
        "only {sure} of {} photographs of the shop itself are confident",
        lines.len()
    );
}

#[test]
fn importing_again_changes_nothing_and_check_is_content() {
    let rig = Rig::new();
    import_shop(&rig);
    let list = rig.clothingid(["catalogue", "list", "--json"]).run().expect_code(0);
    import_shop(&rig);
    let again = rig.clothingid(["catalogue", "list", "--json"]).run().expect_code(0);
    assert!(!list.stdout.is_empty());
    assert_eq!(list.stdout, again.stdout);
    let _ = rig.clothingid(["catalogue", "check"]).run().expect_code(0);
}

#[test]
fn a_dry_run_writes_nothing() {
    let rig = Rig::new();
    let (csv, photos) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
    let run = rig.clothingid(["catalogue", "import", "--dry-run"]).arg(csv).arg("--photos").arg(photos).run();
    let _ = run.expect_code(0);
    assert!(!rig.path("data").exists(), "a dry run made a state folder");
}
