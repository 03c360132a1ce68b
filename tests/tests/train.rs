//! A whole training run by the real program on shipped photographs: import, pack, two short epochs, interruption, resume.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use clothingid_tests::{Rig, Run, documented, photographs, rig};
use serde_json::Value;

/// The corpus imported and packed once, for all tests. Its rig lives as long as the test program.
static PACKED: LazyLock<Rig> = LazyLock::new(|| {
    let rig = Rig::new();
    let corpus = rig::corpus();
    let import = rig.trainer(["import", "manifest"]).arg(&corpus).args(["--out", "manifest"]).run().expect_code(0);
    assert!(import.stderr.contains("imported"), "{}", import.stderr);
    // More to choose epochs on than usual: with 20 photographs an accuracy says nothing.
    let _ = rig.trainer(["pack", "manifest", "--out", "pack", "--parts", "0.6,0.3,0.05,0.05"]).run().expect_code(0);
    rig.write("recipe.toml", short_recipe());
    rig
});

/// A recipe of the trainer's.
fn recipe(name: &str) -> toml::Table {
    let path = rig::workspace().join("trainer/recipes").join(name);
    std::fs::read_to_string(path).expect("the recipe").parse().expect("TOML")
}

/// The shipped recipe with small pictures and few of them: two short epochs.
fn short_recipe() -> String {
    let mut recipe = recipe("clothingid.toml");
    let stage = recipe["finetune"].as_table_mut().expect("a stage");
    for (key, value) in [("side", 96), ("select_side", 128), ("prototype_side", 96), ("epochs", 2), ("batch", 16)] {
        assert!(stage.insert(key.to_owned(), toml::Value::Integer(value)).is_some(), "the recipe has no `{key}`");
    }
    let sampling = stage["sampling"].as_table_mut().expect("sampling");
    assert!(sampling.insert("samples".to_owned(), toml::Value::Integer(960)).is_some());
    // The average of the weights reaches back ten steps and not hundreds: there are 120 in all.
    let optimiser = stage["optimiser"].as_table_mut().expect("optimiser");
    assert!(optimiser.insert("average".to_owned(), toml::Value::Float(0.9)).is_some());
    toml::to_string(&recipe).expect("TOML")
}

fn finetune(out: &str, seed: &str) -> Run {
    let rig = &*PACKED;
    rig.trainer(["finetune", "--pack", "pack", "--recipe", "recipe.toml", "--device", "cpu", "--threads", "2"])
        .args(["--out", out, "--seed", seed])
}

/// The lines of a run's record.
fn record(out: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(PACKED.path(out).join("record.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_kind<'a>(record: &'a [Value], kind: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
    record.iter().filter(move |line| line["kind"] == kind)
}

#[test]
fn two_short_epochs_lower_the_loss_and_beat_chance_by_far_and_an_interrupted_run_ends_the_same() {
    // One uninterrupted run.
    let whole = finetune("whole", "3").run().expect_code(0);
    assert!(whole.stderr.contains("epoch 2"), "{}", whole.stderr);
    let uninterrupted = record("whole");
    let losses: Vec<f64> =
        of_kind(&uninterrupted, "steps").map(|line| line["loss"].as_f64().expect("a loss")).collect();
    assert!(losses.len() >= 2, "{losses:?}");
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "the loss does not fall: {losses:?}");
    let figures = &of_kind(&uninterrupted, "epoch").next_back().expect("an epoch")["select"];
    println!("losses {losses:?}, figures {figures}");
    // Chance, of guessing or of always saying the commonest, is one share of the categories that occur: 9 and 15.
    for (name, chance) in [("balanced_14", 1.0 / 9.0), ("balanced_26", 1.0 / 15.0)] {
        let accuracy = figures[name].as_f64().expect("an accuracy");
        assert!(accuracy > 2.0 * chance, "{name} {accuracy} on {} photographs; chance is {chance}", figures["photos"]);
    }

    // The same run, interrupted as by Ctrl-C once it has recorded its first steps, then taken up again.
    let mut running = finetune("broken", "3").start();
    wait_for_record(&mut running, "broken");
    let stopped = running.interrupt().expect_code(130);
    assert!(stopped.stderr.contains("--resume"), "the command that resumes is not shown:\n{}", stopped.stderr);
    let at = last_step(&record("broken"));
    assert!(at < last_step(&uninterrupted), "the run was over before it was interrupted");

    // Not by accident: without `--resume` the folder is left alone.
    let refused = finetune("broken", "3").run().expect_code(1);
    assert!(refused.stderr.contains("hint: go on with it: `--resume`"), "{}", refused.stderr);
    let other = finetune("broken", "4").arg("--resume").run().expect_code(1);
    assert!(other.stderr.contains("of another run"), "another run's checkpoint was taken:\n{}", other.stderr);

    let resumed = finetune("broken", "3").arg("--resume").run().expect_code(0);
    assert!(resumed.stderr.contains("epoch 2"), "{}", resumed.stderr);
    let resumed = record("broken");
    let epochs = |record: &[Value]| of_kind(record, "epoch").map(|line| line["select"].clone()).collect::<Vec<_>>();
    assert_eq!(epochs(&resumed), epochs(&uninterrupted), "the same figures after each epoch");
    let last_loss = |record: &[Value]| of_kind(record, "steps").next_back().expect("steps")["loss"].clone();
    assert_eq!(last_loss(&resumed), last_loss(&uninterrupted), "the same loss");
    for name in ["weights.safetensors", "last.safetensors"] {
        let read = |out: &str| std::fs::read(PACKED.path(out).join(name)).expect("weights");
        assert!(read("whole") == read("broken"), "`{name}` differs");
    }

    // The comparison can fail: another seed ends elsewhere.
    let _ = finetune("other", "4").run().expect_code(0);
    assert_ne!(last_loss(&record("other")), last_loss(&uninterrupted));
}

fn last_step(record: &[Value]) -> u64 {
    record.iter().filter_map(|line| line["step"].as_u64()).max().unwrap_or(0)
}

fn wait_for_record(running: &mut clothingid_tests::Running, out: &str) {
    let start = Instant::now();
    while record(out).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(300), "no record yet:\n{}", running.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_folder_of_ones_own_photographs_is_imported_and_packed() {
    let rig = Rig::new();
    let text = std::fs::read_to_string(rig::corpus().join("manifest.csv")).expect("the corpus");
    let mut copied = 0;
    for row in text.lines().skip(1).filter(|row| !row.contains('"')) {
        let cells: Vec<&str> = row.split(',').collect();
        let (path, category) = (cells[0], cells[3]);
        if ["dress", "hoodie", "polo"].contains(&category) && copied < 40 {
            rig.copy(rig::corpus().join(path), Path::new("mine").join(category).join(format!("{copied}.jpg")));
            copied += 1;
        }
    }
    rig.write("mine/dress/broken.jpg", "no photograph");
    // The broken one is named and nothing imported, until it may be left out.
    let words = ["import", "imagefolder", "mine", "--out", "manifest"];
    let refused = rig.trainer(words).run().expect_code(1);
    let all = copied + 1;
    let expected = format!("error: 1 of {all} rows and photographs do not fit; nothing was imported");
    assert!(refused.stderr.contains(&expected) && refused.stderr.contains("broken.jpg"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--skip-bad") && !rig.path("manifest/manifest.csv").exists(), "{}", refused.stderr);
    let listed = std::fs::read_to_string(rig.path("manifest/problems.csv")).expect("the list");
    assert!(listed.lines().count() == 2 && listed.contains("broken.jpg"), "{listed}");
    let import = rig.trainer(words).arg("--skip-bad").run().expect_code(1);
    assert!(import.stderr.contains(&format!("imported {copied} photos")), "{}", import.stderr);
    assert!(import.stderr.contains("skipped 1"), "{}", import.stderr);

    let pack = rig.trainer(["pack", "manifest", "--out", "pack"]).run().expect_code(0);
    assert!(pack.stderr.contains(&format!("packed {copied} photos")), "{}", pack.stderr);
    assert!(pack.stderr.contains("leaks: ") && pack.stderr.contains("these have no photograph"), "{}", pack.stderr);
    let checked = rig.trainer(["pack", "--check", "pack"]).run().expect_code(0);
    assert!(checked.stderr.contains("0 damaged photos, all blocks whole"), "{}", checked.stderr);
}

#[test]
fn input_that_would_spoil_a_training_run_is_named_before_it_begins() {
    let rig = Rig::new();
    rig.copy(rig::demo().join("camera/02-demo-002.jpg"), "a.jpg");
    for name in ["b", "c", "d"] {
        rig.copy(&photographs::shop()[usize::from(name.as_bytes()[0] - b'a')], format!("{name}.jpg"));
    }
    rig.write("torn.jpg", photographs::truncated(&photographs::good_bytes()));
    let head = "path,source,item_id,group,cat14,part";
    for (lines, needed) in [
        ("a.jpg,s,a,a,toga,\nb.jpg,s,b,b,dress,", "/manifest.csv:2`: `toga` is no category of the taxonomy of 14"),
        (
            "a.jpg,s,a,g,dress,train\nb.jpg,s,b,g,dress,report",
            "puts group `g` into two parts: `train` in line 2 and `report` in line 3",
        ),
        (
            "a.jpg,s,a,a,dress,train\nb.jpg,s,a,b,dress,report",
            "`a.jpg` of part `train` and `b.jpg` of part `report` belong together",
        ),
        ("a.jpg,s,a,a,dress,\ntorn.jpg,s,b,b,dress,", "1 of 2 photographs cannot be packed"),
        ("a.jpg,s,a,a,dress,\ngone.jpg,s,b,b,dress,", "gone.jpg"),
    ] {
        rig.write("m/manifest.csv", format!("{head}\n{lines}\n"));
        let outcome = rig.trainer(["pack", "m", "--root", ".", "--out", "p"]).run().expect_code(1);
        assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(needed), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
        assert!(!rig.path("p").exists(), "a pack in spite of: {lines}");
    }
    // What may be wanted is a warning that names it.
    let lines = "a.jpg,s,a,a,dress,\nb.jpg,s,b,b,shirt,\nc.jpg,s,c,c,shirt,\nd.jpg,s,d,d,shirt,";
    rig.write("m/manifest.csv", format!("{head}\n{lines}\n"));
    let outcome = rig.trainer(["pack", "m", "--root", ".", "--out", "p"]).run().expect_code(0);
    let warning = "warning: of 14 categories, these have one photograph, which can be learned from or asked about but not both: `dress`";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
}

/// DeepFashion's In-Shop benchmark in miniature, by the real program.
#[test]
fn a_published_source_is_imported_and_packed() {
    let rig = Rig::new();
    let (mut boxes, mut status) = (String::new(), String::new());
    for (number, side) in (1_usize..=4).zip(["train", "train", "query", "gallery"]) {
        let item = format!("id_0000000{}", number.div_ceil(2));
        let name = format!("img/WOMEN/Dresses/{item}/0{number}_1_front.jpg");
        rig.copy(&photographs::shop()[number], Path::new("In-shop/Img").join(&name));
        boxes += &format!("{name} 3 1 010 010 100 120\n");
        status += &format!("{name} {item} {side}\n");
    }
    rig.write("In-shop/Anno/list_item_inshop.txt", "2\nid_00000001\nid_00000002\n");
    rig.write(
        "In-shop/Anno/list_bbox_inshop.txt",
        format!("4\nimage_name clothes_type pose_type x_1 y_1 x_2 y_2\n{boxes}"),
    );
    let list = "In-shop/Eval/list_eval_partition.txt";
    rig.write(list, format!("4\nimage_name item_id evaluation_status\n{status}"));
    let words = ["import", "deepfashion-in-shop", "In-shop", "--out", "manifest"];
    let import = rig.trainer(words).run().expect_code(0);
    assert!(import.stderr.contains("imported 4 photos") && !import.stderr.contains("warning"), "{}", import.stderr);
    let pack = rig.trainer(["pack", "manifest", "--out", "pack"]).run().expect_code(0);
    assert!(pack.stderr.contains("packed 4 photos of 2 items"), "{}", pack.stderr);
    let header = std::fs::read_to_string(rig.path("pack/pack.json")).expect("a pack");
    assert!(header.contains("\"may_ship\": false") && header.contains("non-commercial research"), "{header}");

    rig.write(list, format!("4\nimage_name item_id evaluation_status\n{}", status.replace("gallery", "galery")));
    let refused = rig.trainer(words).run().expect_code(1);
    let needed = "list_eval_partition.txt:6`: `galery` is no evaluation status: train, query or gallery";
    assert!(refused.stderr.contains(needed), "{}", refused.stderr);
    let import = rig.trainer(words).arg("--skip-bad").run().expect_code(1);
    assert!(import.stderr.contains("imported 3 photos"), "{}", import.stderr);
}

/// Every command of the page for people who train, as it stands there, in its order; the recipe alone is made shorter.
#[test]
fn the_ten_minutes_of_the_documents_end_in_a_bundle_that_answers() {
    let rig = Rig::new();
    let table = std::fs::read_to_string(rig::corpus().join("manifest.csv")).expect("the corpus");
    for (number, row) in table.lines().skip(1).filter(|row| !row.contains('"')).enumerate() {
        let cells: Vec<&str> = row.split(',').collect();
        let folder = if cells[4].is_empty() { "no_garment" } else { cells[4] };
        rig.copy(rig::corpus().join(cells[0]), Path::new("photos").join(folder).join(format!("{number}.jpg")));
    }
    rig.copy(rig::demo().join("camera/02-demo-002.jpg"), "some/photo.jpg");
    // Two photographs of things that are no clothes, and the lists of what they are.
    for (key, number) in [("bolt", 1), ("nut", 2)] {
        rig.copy(&photographs::shop()[number], Path::new("things").join(key).join("1.jpg"));
    }
    let list = |keys: [&str; 2]| {
        keys.map(|key| format!("[[categories]]\nkey = \"{key}\"\nnames = {{ en = \"{key}\" }}\n")).concat()
    };
    rig.write("things-taxonomies/category14.toml", list(["fastener", "tool"]));
    rig.write("things-taxonomies/category26.toml", list(["bolt", "nut"]));
    let mut short = recipe("own.toml");
    for (stage, side) in [("identify", 64), ("finetune", 96)] {
        let stage = short[stage].as_table_mut().expect("a stage");
        for (key, value) in [("side", side), ("select_side", 96), ("prototype_side", 64), ("epochs", 1)] {
            assert!(stage.insert(key.to_owned(), toml::Value::Integer(value)).is_some(), "the recipe has no `{key}`");
        }
    }
    rig.write("trainer/recipes/own.toml", toml::to_string(&short).expect("TOML"));
    rig.write("trainer/recipes/poster.toml", toml::to_string(&recipe("poster-mini.toml")).expect("TOML"));

    let page = std::fs::read_to_string(rig::workspace().join("docs/training.md")).expect("the page");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("clothingid")).collect();
    assert_eq!(lines.len(), 11, "{lines:?}");
    for line in lines {
        let mut words = line.split_whitespace();
        let program = words.next().expect("a program");
        let outcome = rig.program(program, words).run();
        assert_eq!(outcome.code, Some(0), "`{line}`:\n{}\n{}", outcome.stdout, outcome.stderr);
        if line.starts_with("clothingid-train export") {
            // Sixteen other things are too few to learn "no garment" from, and that is said.
            assert!(outcome.stderr.contains("warning: `garment` is not set"), "{}", outcome.stderr);
        }
        if line.starts_with("clothingid-train report") {
            assert!(outcome.stderr.contains("logistic regression"), "{}", outcome.stderr);
            let page = std::fs::read_to_string(rig.path("report.html")).expect("the page");
            for part in ["Training run runs/finetune", "Signal to quantisation noise", "must not be passed on"] {
                assert!(page.contains(part), "no `{part}` in the page");
            }
        }
        if line.contains("classify") {
            assert!(outcome.stdout.contains("some/photo.jpg"), "{}", outcome.stdout);
        }
    }

    // Weights are held to the pack that they were trained on.
    let _ = rig.trainer(["pack", "data/manifest", "--out", "other", "--seed", "2"]).run().expect_code(0);
    let export = |more: &[&str]| {
        rig.trainer([
            "export",
            "--weights",
            "runs/finetune/weights.safetensors",
            "--pack",
            "other",
            "--out",
            "x.bundle",
        ])
        .args(more)
        .run()
    };
    let refused = export(&[]).expect_code(1);
    assert!(refused.stderr.contains("was trained on another pack"), "{}", refused.stderr);
    assert!(!rig.path("x.bundle").exists());
    let refused = rig.trainer(["report", "--bundle", "mine.bundle", "--pack", "other"]).run().expect_code(1);
    assert!(refused.stderr.contains("another pack"), "{}", refused.stderr);
}

#[test]
fn wrong_input_is_named_with_what_to_do() {
    let rig = Rig::new();
    rig.write("recipe.toml", short_recipe().replace("epochs", "epoks"));
    rig.write("empty/notes.txt", "no photograph");
    for (words, needed) in [
        (&["finetune", "--pack", "pack", "--recipe", "gone.toml", "--out", "run"][..], "gone.toml"),
        (&["finetune", "--pack", "pack", "--recipe", "recipe.toml", "--out", "run"], "epoks"),
        (&["pack", "gone", "--out", "pack"], "gone"),
        (&["import", "manifest", "gone", "--out", "manifest"], "gone"),
        (&["import", "imagefolder", "empty", "--out", "manifest"], "empty"),
    ] {
        let outcome = rig.trainer(words).run();
        assert_eq!(outcome.code, Some(1), "{words:?}: {}", outcome.snapshot());
        assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(needed), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
    for words in [&["finetune"][..], &["fine-tune"], &["pack", "manifest", "--out", "p", "--parts", "1,2"]] {
        assert_eq!(rig.trainer(words).run().code, Some(2), "{words:?}");
    }
    assert!(!rig.path("run").exists() && !rig.path("pack").exists(), "something was half-written");
}

#[test]
fn commands_of_the_trainer_in_the_documents_exist() {
    let rig = Rig::new();
    let (seen, wrong) =
        documented::check(&documented::documents(), "clothingid-train", |words| rig.trainer(words).run().stdout);
    assert!(seen > 3, "only {seen} commands found in the documents");
    assert!(wrong.is_empty(), "commands that do not exist:\n{}", wrong.join("\n"));
}
