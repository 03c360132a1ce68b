//! The poster's study at the size of a test, by the real program on shipped photographs: every step, an interruption, the report.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use clothingid_tests::{Rig, Run, rig};
use serde_json::Value;

/// The corpus imported and packed once, for all tests.
static PACKED: LazyLock<Rig> = LazyLock::new(|| {
    let rig = Rig::new();
    let _ = rig.trainer(["import", "manifest"]).arg(rig::corpus()).args(["--out", "manifest"]).run().expect_code(0);
    let _ = rig.trainer(["pack", "manifest", "--out", "pack"]).run().expect_code(0);
    rig
});

fn study(out: &str, words: &[&str]) -> Run {
    PACKED
        .trainer(["study", "poster-mini", "--pack", "pack", "--device", "cpu", "--threads", "2"])
        .args(["--out", out, "--work", &format!("{out}-work")])
        .args(words)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a record")).expect("JSON")
}

/// A record without the times, which no two runs share.
fn numbers(out: &str, arm: &str) -> Value {
    let mut record = json(&PACKED.path(out).join(arm).join("fold-0.json"));
    assert!(record.as_object_mut().expect("an object").remove("seconds").is_some());
    record
}

#[test]
fn a_study_runs_reports_and_goes_on_after_an_interruption_to_the_same_numbers() {
    let whole = study("whole", &["--json"]).run().expect_code(0);
    assert!(whole.stderr.contains("smallest difference that can be seen"), "{}", whole.stderr);
    let findings: Value = serde_json::from_str(&whole.stdout).expect("findings");
    assert_eq!((findings["cells_done"].as_u64(), findings["cells"].as_u64()), (Some(6), Some(6)));
    let primary = findings["primary"].as_array().expect("differences");
    assert_eq!(primary.len(), 2, "{primary:?}");
    assert_eq!(primary[1]["gain"]["n"].as_u64(), findings["data"]["retrieval"][0].as_u64(), "every query once");
    let report = std::fs::read_to_string(PACKED.path("whole/report.md")).expect("a report");
    for part in ["## Table 1", "## Table 2", "## Retrieval", "cannot be told apart", "views a garment"] {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
    assert!(PACKED.path("whole/sheets/clothingid-fold-0.jpg").is_file());
    assert!(!PACKED.path("whole-work/clothingid/fold-0").exists(), "what a finished cell left");

    // Again: nothing is run; and from the records alone the same report comes out.
    let again = study("whole", &[]).run().expect_code(0);
    assert!(!again.stderr.contains("cell "), "{}", again.stderr);
    let alone = PACKED.trainer(["study", "poster-mini", "--report-only", "--out", "whole"]).run().expect_code(0);
    assert_eq!(alone.stdout, again.stdout);
    // As a page and as lines, from the folder alone.
    let page = PACKED.trainer(["report", "--study", "whole", "--html", "study.html", "--jsonl", "study.jsonl"]).run();
    assert_eq!(page.expect_code(0).stdout, "");
    let page = std::fs::read_to_string(PACKED.path("study.html")).expect("a page");
    for part in ["The primary contrast", "cannot be told apart", "data:image/jpeg;base64,"] {
        assert!(page.contains(part), "no `{part}` in the page");
    }
    let lines = std::fs::read_to_string(PACKED.path("study.jsonl")).expect("lines");
    assert!(lines.lines().any(|line| line.contains("\"network\":\"clothingid\"")), "{lines}");

    // One cell, stopped as by Ctrl-C in the middle, then taken up again.
    let running = study("broken", &["--arm", "clothingid", "--fold", "0"]).start();
    let start = Instant::now();
    while !PACKED.path("broken-work/clothingid/fold-0/pretrain/record.jsonl").exists() {
        assert!(start.elapsed() < Duration::from_secs(300), "no step yet:\n{}", running.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    let stopped = running.interrupt().expect_code(130);
    assert!(stopped.stderr.contains("--resume"), "{}", stopped.stderr);
    assert!(!PACKED.path("broken/clothingid").exists(), "a record of an unfinished cell");
    let _ = study("broken", &["--arm", "clothingid", "--fold", "0", "--resume"]).run().expect_code(0);
    assert_eq!(numbers("broken", "clothingid"), numbers("whole", "clothingid"));
    // The comparison can fail.
    assert_ne!(numbers("whole", "imagenet")["categories"], numbers("whole", "clothingid")["categories"]);

    // Another recipe under the same name does not mix with these records.
    let recipe = std::fs::read_to_string(rig::workspace().join("trainer/recipes/poster-mini.toml")).expect("a recipe");
    PACKED.write("other.toml", recipe.replacen("flip = 0.5", "flip = 0.4", 1));
    let other = PACKED.trainer(["study", "other.toml", "--pack", "pack", "--out", "whole", "--work", "w"]).run();
    let other = other.expect_code(1);
    assert!(other.stderr.contains("is of another study: the recipe was"), "{}", other.stderr);
}

#[test]
fn what_a_study_cannot_do_is_said_before_anything_runs() {
    let recipe = std::fs::read_to_string(rig::workspace().join("trainer/recipes/poster-mini.toml")).expect("a recipe");
    PACKED.write(
        "squeezenet.toml",
        recipe.replacen("name = \"frozen\"", "name = \"frozen\"\nbackbone = \"squeezenet\"", 1),
    );
    for (words, code, needed) in [
        (&["study", "squeezenet.toml", "--pack", "pack", "--out", "none"][..], 1, "--weights squeezenet=FILE"),
        (&["study", "poster-mini", "--pack", "pack", "--out", "none", "--arm", "imagenot"], 2, "its arms: `imagenet`"),
        (&["study", "poster-mini", "--pack", "pack", "--out", "none", "--fold", "2"], 2, "no fold 2"),
        (&["study", "poster-mini", "--pack", "gone", "--out", "none"], 1, "gone"),
        (&["study", "poster-mini", "--report-only", "--out", "none"], 1, "photos.csv"),
        (&["study", "gone.toml", "--pack", "pack"], 1, "gone.toml"),
    ] {
        let outcome = PACKED.trainer(words).run();
        assert_eq!(outcome.code, Some(code), "{words:?}: {}", outcome.snapshot());
        assert!(outcome.stderr.contains(needed) && !outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
    assert!(!PACKED.path("none").exists(), "something was written");
}
