//! The report of a bundle as a page, as lines and as one side of a comparison, by the real program on shipped photographs.

use std::sync::LazyLock;

use clothingid_tests::{Rig, Run, rig};
use serde_json::Value;

/// What a run leaves, as short as it can be.
const RECORD: &str = r#"{"kind":"steps","step":10,"epoch":0,"loss":2.5,"parts":[["category14",1.5],["pairs",1.0]],"rate":0.01,"gradient":1.0,"photos_per_second":80.0}
{"kind":"epoch","step":10,"epoch":1,"select":{"photos":40,"top_1_of_14":0.5,"balanced_14":0.4,"top_1_of_26":0.3,"balanced_26":0.2,"queries":10,"recall_at_1":0.6,"recall_at_5":0.8}}
{"kind":"steps","step":20,"epoch":1,"loss":1.5,"parts":[["category14",1.0],["pairs",0.5]],"rate":0.005,"gradient":1.0,"photos_per_second":80.0}
"#;

/// What an export finds out, with two layers.
const EXPORTED: &str = r#"{"candidates":[{"equalised":0.5,"clipping":"percentile 99.9","biases_corrected":true,"agreement":{"photos":9,"category14_divergence":0.01,"category26_divergence":0.02,"embedding_cosine":0.99,"embedding_cosine_min":0.9}}],
"agreement":{"photos":9,"category14_divergence":0.01,"category26_divergence":0.02,"embedding_cosine":0.99,"embedding_cosine_min":0.9},
"layers":[{"layer":"the-stem","sqnr_db":12.5,"cosine":0.98},{"layer":"the-head","sqnr_db":30.0,"cosine":0.999}]}"#;

/// The corpus packed once, with one of its sources declared not to be passed on, and a page, lines and JSON of the shipped bundle on it.
static REPORTED: LazyLock<Rig> = LazyLock::new(|| {
    let rig = Rig::new();
    let _ = rig.trainer(["import", "manifest"]).arg(rig::corpus()).args(["--out", "manifest"]).run().expect_code(0);
    let sources = std::fs::read_to_string(rig.path("manifest/sources.toml")).expect("the sources");
    let closed = sources.find("[sources.freesewing_showcase]").expect("a source");
    let (before, after) = sources.split_at(closed);
    rig.write("manifest/sources.toml", format!("{before}{}", after.replacen("may_ship = true", "may_ship = false", 1)));
    // The figures are not the point here: much to report on, little to fit the rival on.
    let parts = ["--parts", "0.25,0.1,0.05,0.6"];
    let _ = rig.trainer(["pack", "manifest", "--out", "pack"]).args(parts).run().expect_code(0);
    rig.write("run/record.jsonl", RECORD);
    rig.write("export.json", EXPORTED);
    let outcome = report(&rig)
        .args(["--trained-elsewhere", "--run", "run", "--export-report", "export.json"])
        .args(["--out", "report.md", "--html", "report.html", "--jsonl", "report.jsonl", "--only-shippable"])
        .run()
        .expect_code(0);
    assert_eq!(outcome.stdout, "", "data of a report that goes into files");
    assert!(outcome.stderr.contains("was trained on another pack"), "{}", outcome.stderr);
    rig
});

fn report(rig: &Rig) -> Run {
    rig.trainer(["report", "--pack", "pack", "--bundle"]).arg(rig::bundle())
}

fn read(name: &str) -> String {
    std::fs::read_to_string(REPORTED.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_page_is_complete_and_shows_only_what_it_may() {
    let page = read("report.html");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for from_elsewhere in ["<script", "<link", "src=\"http", "href=\"http", "@import", "url("] {
        assert!(!page.contains(from_elsewhere), "`{from_elsewhere}` in the page");
    }
    for heading in [
        "What was measured",
        "Against the rival",
        "Training run run",
        "Accuracy",
        "Confusions",
        "Reliability",
        "Worst mistakes",
        "Finding the same garment",
        "Float against int8",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "no section `{heading}`");
    }
    for said in ["The bundle was trained on another pack", "the-stem", "This page may be passed on", "not shown"] {
        assert!(page.contains(said), "the page does not say `{said}`");
    }
    let shown = page.matches("data:image/jpeg;base64,").count();
    assert!(shown >= 8, "{shown} photographs: mistakes and answers are shown");
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an identifier twice: {ids:?}");
    // The photographs of the closed source are known by their paths, and never by their pixels.
    let manifest = read("manifest/manifest.csv");
    let closed: Vec<&str> = manifest
        .lines()
        .filter(|row| row.contains(",freesewing_showcase,"))
        .filter_map(|row| row.split(',').next())
        .collect();
    let tiles = page.split("<figure class=\"tile").skip(1).filter_map(|rest| rest.split("</figure>").next());
    let is_closed = |tile: &&str| closed.iter().any(|path| tile.contains(&format!("title=\"{path}\"")));
    let (hidden, shown): (Vec<&str>, Vec<&str>) = tiles.partition(is_closed);
    assert!(!hidden.is_empty() && hidden.iter().all(|tile| !tile.contains("<img") && tile.contains("not shown")));
    assert!(!shown.is_empty() && shown.iter().all(|tile| tile.contains("<img")));
}

#[test]
fn every_metric_is_a_line_with_its_interval() {
    let lines: Vec<Value> =
        read("report.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.len() > 100, "{}", lines.len());
    // What a threshold on matches lets through is on the page and in the markdown too, and there are matches to say it of.
    let matches: Vec<&Value> = lines.iter().filter(|line| line["head"] == "confident").collect();
    assert_eq!(matches.len(), 12, "{matches:?}");
    assert_eq!(lines.iter().filter(|line| line["head"] == "similar").count(), 8);
    assert!(matches.iter().all(|line| line["n"].as_u64() > Some(0)), "{matches:?}");
    for name in ["report.md", "report.html"] {
        assert!(read(name).contains("garments that the gallery does not have"), "{name}");
    }
    for line in &lines {
        let number = |key: &str| line[key].as_f64().unwrap_or_else(|| panic!("no `{key}` in {line}"));
        for key in ["metric", "head", "slice", "network"] {
            assert!(line[key].is_string(), "no `{key}` in {line}");
        }
        assert!(number("value").is_finite() && number("high") >= number("low"), "{line}");
        // A share lies in its interval; a calibration error may lie below.
        let is_inside = (number("low")..=number("high")).contains(&number("value"));
        assert!(is_inside || line["metric"] != "top_1", "{line}");
    }
    let report: Value = serde_json::from_str(&read("report.md.json")).expect("the report");
    let top_1 =
        lines.iter().find(|line| line["metric"] == "top_1" && line["slice"] == "all" && line["network"] == "int8");
    assert_eq!(top_1.expect("top-1")["value"], report["figures"]["int8"]["category14"]["top_1"]["value"]);
    // `evaluate` finds the same on the same part, without the rival.
    let evaluate = ["evaluate", "--pack", "pack", "--trained-elsewhere", "--json", "--bundle"];
    let again = REPORTED.trainer(evaluate).arg(rig::bundle()).run().expect_code(0).json_lines().remove(0);
    for of in ["category14", "matching", "garment_auroc"] {
        assert_eq!(again[of], report["figures"]["int8"][of], "{of}");
    }
    let photos = report["raw"]["photos"].as_array().expect("answers");
    assert_eq!(Some(photos.len()), report["n"].as_u64().and_then(|n| usize::try_from(n).ok()));
}

#[test]
fn a_report_does_not_differ_from_itself_and_says_how_it_was_compared() {
    let itself = || REPORTED.trainer(["compare", "report.md.json", "report.md.json"]);
    let all = itself().args(["--all", "--json", "--html", "compare.html"]).run().expect_code(0);
    let rows = all.json_lines();
    assert!(rows.len() > 100, "{}", rows.len());
    assert!(rows.iter().all(|row| row["difference"]["value"].as_f64() == Some(0.0)));
    let paired = rows.iter().filter(|row| row["difference"]["kind"] == "paired").count();
    assert!(paired > 50, "{paired} paired");
    let page = read("compare.html");
    assert!(page.contains("Two side by side") && !page.contains("http"), "{page}");

    let text = itself().run().expect_code(0);
    // How many answers are shown at all, and whether every match is told from every stranger, is the network's own matter.
    let is_its_own = |line: &&str| [" known ", " confident ", " similar "].iter().any(|head| line.contains(head));
    let lines: Vec<&str> = text.stdout.lines().filter(|line| !is_its_own(line)).collect();
    insta::assert_snapshot!("compare_itself", masked(&lines.join("\n")));

    // Without answers the same is compared by intervals alone, and that is said.
    let unpaired = REPORTED.trainer(["compare", "report.jsonl", "report.md.json"]).run().expect_code(0);
    assert!(unpaired.stdout.contains("Unpaired: ") && !unpaired.stdout.contains("Paired: "), "{}", unpaired.stdout);
}

#[test]
fn worn_and_pasted_garments_ask_for_their_photographs_and_are_called_proxies() {
    let evaluate = || REPORTED.trainer(["evaluate", "--customer-to-shop", "pack", "--bundle"]).arg(rig::bundle());
    let refused = evaluate().run().expect_code(1);
    assert!(refused.stderr.contains("hint: or measure all the same with `--trained-elsewhere`"), "{}", refused.stderr);
    let text = evaluate().arg("--trained-elsewhere").run().expect_code(0);
    assert!(text.stderr.contains("may be too good"), "{}", text.stderr);
    assert!(text.stdout.starts_with("Proxies: no source has photographs by customers"), "{}", text.stdout);
    for said in ["proxy: worn garments", "proxy: garments pasted", "R@20", "mAP", "bundle - ImageNet, paired"] {
        assert!(text.stdout.contains(said), "no `{said}`:\n{}", text.stdout);
    }
    let line = evaluate().args(["--trained-elsewhere", "--json"]).run().expect_code(0).json_lines().remove(0);
    let proxies = line["proxies"].as_array().expect("proxies");
    assert_eq!(proxies.iter().map(|found| &found["proxy"]).collect::<Vec<_>>(), ["worn", "pasted"]);
    for found in proxies {
        let (queries, garments) = (found["queries"].as_u64(), found["garments"].as_u64());
        assert!(queries > Some(1) && garments > Some(0) && garments <= queries, "{found}");
        let measures = found["measures"].as_array().expect("measures");
        assert_eq!(measures.len(), 4);
        for measure in measures {
            let value = |of: &str| measure[of]["value"].as_f64().expect("a figure");
            assert!((value("bundle") - value("rival") - value("gain")).abs() < 1e-9, "{measure}");
            assert_eq!(measure["gain"]["n"].as_u64(), queries);
        }
    }
}

#[test]
fn ways_to_search_are_measured_beside_what_the_device_does() {
    let evaluate = || {
        REPORTED.trainer(["evaluate", "--trained-elsewhere", "--ways-to-search", "pack", "--bundle"]).arg(rig::bundle())
    };
    let text = evaluate().run().expect_code(0).stdout;
    for said in ["the query looked at several times", "categories of query", "queries chose", ", chosen)", "1 added: "]
    {
        assert!(text.contains(said), "no `{said}`:\n{text}");
    }
    let line = evaluate().arg("--json").run().expect_code(0).json_lines().remove(0);
    assert_eq!(line["arithmetic"], "int8");
    for found in line["questions"].as_array().expect("questions") {
        let ways = found["ways"].as_array().expect("ways");
        assert_eq!(ways.iter().filter(|way| way["is_chosen"] == true).count(), 1, "{found}");
        for measure in ways.iter().flat_map(|way| way["measures"].as_array().expect("measures")) {
            let value = |of: &str| measure[of]["value"].as_f64().expect("a figure");
            assert!((value("after") - value("before") - value("gain")).abs() < 1e-9, "{measure}");
            assert_eq!(measure["gain"]["n"], found["queries"]);
        }
        assert!(ways[0]["measures"].as_array().is_some_and(|m| m.iter().all(|m| m["gain"]["value"] == 0.0)), "{found}");
    }
    let added: Vec<u64> = line["added_views"]
        .as_array()
        .expect("views")
        .iter()
        .map(|found| found["added"].as_u64().expect("a number"))
        .collect();
    assert_eq!(added, [1, 2, 3]);
}

#[test]
fn attributes_are_read_from_notes_and_photographs_without_them_are_refused() {
    let rig = Rig::new();
    // The shop's words are made up, and told apart by what stands on the photograph: above or below the waist.
    let below = ["shorts", "skirt", "jeans", "trousers"];
    let table = std::fs::read_to_string(rig::corpus().join("manifest.csv")).expect("the corpus");
    let mut manifest = "path,source,cat26,item_id,group,note\n".to_owned();
    for row in table.lines().skip(1).filter(|row| row.contains(",clothing_cc0,") && !row.contains('"')) {
        let cells: Vec<&str> = row.split(',').collect();
        let [path, category, item, group] = [cells[0], cells[4], cells[5], cells[6]];
        let colour = if below.contains(&category) { "Blue" } else { "Red" };
        if !category.is_empty() {
            manifest += &format!("{path},myntra_kaggle,{category},{item},{group},Unisex|{colour}|a garment\n");
        }
    }
    rig.write("m/manifest.csv", manifest);
    let pack = ["pack", "m", "--out", "pack", "--parts", "0.45,0.1,0.05,0.4", "--root"];
    let _ = rig.trainer(pack).arg(rig::corpus()).run().expect_code(0);
    let evaluate = |rig: &Rig| {
        rig.trainer(["evaluate", "--trained-elsewhere", "--attributes", "pack", "--bundle"]).arg(rig::bundle())
    };
    let line = evaluate(&rig).arg("--json").run().expect_code(0).json_lines().remove(0);
    let attributes = line["attributes"].as_array().expect("attributes");
    // One word for everyone is nothing to tell apart.
    assert_eq!(attributes.iter().map(|of| &of["attribute"]).collect::<Vec<_>>(), ["colour"]);
    assert_eq!((attributes[0]["words"].as_u64(), attributes[0]["left_out"].as_u64()), (Some(2), Some(0)));
    let by = attributes[0]["by_representation"].as_array().expect("representations");
    assert_eq!(by.iter().map(|of| &of["representation"]).collect::<Vec<_>>(), ["embedding", "pooled"]);
    for figures in by.iter().flat_map(|of| of["measures"].as_array().expect("measures")) {
        assert!(figures["bundle"]["value"].as_f64() > Some(0.7), "{figures}");
        assert!(figures["rival"]["value"].as_f64() > Some(0.6), "{figures}");
    }
    let text = evaluate(&rig).run().expect_code(0).stdout;
    assert!(text.contains("\ncolour: 2 words of 20") && text.contains("top-1, pooled features"), "{text}");

    let refused = evaluate(&REPORTED).run().expect_code(1);
    assert!(refused.stderr.contains("hint: photographs of the source `myntra_kaggle`"), "{}", refused.stderr);
}

/// Figures that another network would change become `#.###`; differences of nothing stay.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dot) = rest.find('.') {
        let bytes = rest.as_bytes();
        let is_figure = dot > 0
            && bytes[dot - 1].is_ascii_digit()
            && bytes.get(dot + 1..dot + 4).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
        if is_figure {
            let figure = &rest[dot - 1..dot + 4];
            masked.push_str(&rest[..dot - 1]);
            let is_no_difference = figure == "0.000" && masked.ends_with('+');
            masked.push_str(if is_no_difference { figure } else { "#.###" });
            rest = &rest[dot + 4..];
        } else {
            masked.push_str(&rest[..=dot]);
            rest = &rest[dot + 1..];
        }
    }
    masked + rest
}

#[test]
fn two_runs_are_compared_by_their_records() {
    let rig = Rig::new();
    rig.write("a/record.jsonl", RECORD);
    rig.write("b/record.jsonl", RECORD.replace("\"balanced_14\":0.4", "\"balanced_14\":0.45"));
    let text = rig.trainer(["compare", "a", "b"]).run().expect_code(0).stdout;
    insta::assert_snapshot!("compare_runs", text);
}

#[test]
fn what_cannot_be_reported_or_compared_is_named_with_what_to_do() {
    let rig = Rig::new();
    rig.write("letter.json", "Dear shop");
    rig.write("empty/record.jsonl", "");
    rig.write("run/record.jsonl", RECORD);
    rig.write(
        "metrics.jsonl",
        "{\"metric\":\"x\",\"head\":\"y\",\"slice\":\"all\",\"network\":\"z\",\"value\":1.0,\"low\":null,\"high\":null,\"n\":3}\n",
    );
    for (words, code, needed) in [
        (&["compare", "letter.json", "run"][..], 1, "letter.json"),
        (&["compare", "run", "empty"], 1, "empty/record.jsonl"),
        (&["compare", "run", "gone"], 1, "gone"),
        (&["compare", "run", "metrics.jsonl"], 1, "no metric in common"),
        (&["compare", "run"], 2, "--help"),
        (&["report"], 2, "--bundle"),
        (&["report", "--study", "gone"], 1, "gone"),
        (&["report", "--study", "x", "--bundle", "y"], 2, "cannot be used with"),
        (&["evaluate", "--bundle", "b"], 2, "--manifest"),
        (&["evaluate", "--bundle", "b", "--attributes", "p", "--customer-to-shop", "p"], 2, "cannot be used with"),
        (&["evaluate", "--bundle", "gone", "--customer-to-shop", "p"], 1, "gone"),
        (&["evaluate", "--bundle", "b", "--ways-to-search", "p", "--manifest", "m"], 2, "cannot be used with"),
        (&["report", "--bundle", "b", "--pack", "p", "--html", "h.html", "--run", "gone"], 1, "gone"),
        (
            &["report", "--bundle", "b", "--pack", "p", "--html", "h.html", "--export-report", "letter.json"],
            1,
            "letter.json",
        ),
    ] {
        let outcome = rig.trainer(words).run();
        assert_eq!(outcome.code, Some(code), "{words:?}: {}", outcome.snapshot());
        assert!(
            outcome.stderr.contains(needed) && !outcome.stderr.contains("panicked"),
            "{words:?}: {}",
            outcome.stderr
        );
    }
    assert!(!rig.path("h.html").exists());
    let refused = report(&REPORTED).args(["--html", "refused.html"]).run().expect_code(1);
    assert!(refused.stderr.contains("hint: or report all the same with `--trained-elsewhere`"), "{}", refused.stderr);
    assert!(!REPORTED.path("refused.html").exists());
}
