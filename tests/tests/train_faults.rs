//! Training under SIGKILL and on a full disk, and what is refused before it costs hours.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use clothingid_tests::{Rig, Run, Running, rig};
use serde_json::Value;

/// The corpus packed, the recipe, and an undisturbed run of it in `whole`. Its rig lives as long as the test program.
static UNDISTURBED: LazyLock<Rig> = LazyLock::new(|| {
    let rig = Rig::new();
    let _ = rig.trainer(["import", "manifest"]).arg(rig::corpus()).args(["--out", "manifest"]).run().expect_code(0);
    let _ = rig.trainer(["pack", "manifest", "--out", "pack", "--parts", "0.8,0.1,0.05,0.05"]).run().expect_code(0);
    rig.write("recipe.toml", toml::to_string(&recipe()).expect("TOML"));
    let _ = finetune(&rig, "recipe.toml", "whole").run().expect_code(0);
    rig
});

/// Kills of a run at CI size; `CLOTHINGID_KILLS` asks for more, of which twenty are enough here.
fn kills() -> u32 {
    std::env::var("CLOTHINGID_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3).min(20)
}

/// The shipped recipe with tiny pictures, its last layers alone, and a checkpoint each second: these take a good part of the time, and a
/// kill often comes while one is written.
fn recipe() -> toml::Table {
    let path = rig::workspace().join("trainer/recipes/clothingid.toml");
    let mut recipe: toml::Table = std::fs::read_to_string(path).expect("the recipe").parse().expect("TOML");
    for (key, value) in [("side", 32), ("select_side", 32), ("prototype_side", 32), ("epochs", 6), ("batch", 8)] {
        assert!(set(&mut recipe, &[], key, value).is_some(), "the recipe has no `{key}`");
    }
    assert!(set(&mut recipe, &["sampling"], "samples", 96).is_some());
    set(&mut recipe, &[], "checkpoint_seconds", 1);
    let frozen: Vec<toml::Value> = (0..18).map(|block| format!("features.{block}.").into()).collect();
    set(&mut recipe, &[], "freeze", frozen);
    recipe
}

/// Sets a key of the second stage, or of a table in it; gives what was there.
fn set(recipe: &mut toml::Table, tables: &[&str], key: &str, value: impl Into<toml::Value>) -> Option<toml::Value> {
    let stage = recipe["finetune"].as_table_mut().expect("a stage");
    let table = tables.iter().fold(stage, |table, name| table[*name].as_table_mut().expect("a table"));
    table.insert(key.to_owned(), value.into())
}

fn finetune(rig: &Rig, recipe: &str, out: &str) -> Run {
    rig.trainer(["finetune", "--pack", "pack", "--device", "cpu", "--threads", "2"])
        .args(["--recipe", recipe, "--out", out])
        .env("OMP_NUM_THREADS", "1")
}

/// Steps of the last checkpoint.
fn step(out: &Path) -> u64 {
    let text = std::fs::read_to_string(out.join("checkpoint.json")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).map_or(0, |checkpoint| checkpoint["step"].as_u64().expect("a step"))
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().expect("the run's folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// The run in `out` ended as the undisturbed one, to the last bit, and left nothing else.
fn assert_undisturbed(rig: &Rig, out: &str) {
    for name in ["weights.safetensors", "last.safetensors"] {
        let read = |out: &str| std::fs::read(rig.path(out).join(name)).expect("weights");
        assert!(read("whole") == read(out), "`{name}` differs");
    }
    assert_eq!(names(&rig.path(out)), names(&rig.path("whole")));
}

/// Waits until there is a checkpoint of more than `before` steps, or the run is over.
fn wait_for_checkpoint(running: &Running, out: &Path, before: u64) {
    let start = Instant::now();
    while step(out) <= before && !running.stderr().contains("took ") {
        assert!(start.elapsed() < Duration::from_secs(300), "no checkpoint:\n{}", running.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_runs_end_in_the_weights_of_an_undisturbed_one() {
    let rig = &*UNDISTURBED;
    let out = rig.path("killed");
    let mut state = 0x9E37_79B9_u32;
    let mut finished = 0;
    for kill in 0..kills() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let before = step(&out);
        let running = finetune(rig, "recipe.toml", "killed").arg("--resume").start();
        // Every third kill comes while the run starts; the others after a checkpoint, up to the writing of the next one and beyond.
        if kill % 3 != 1 {
            wait_for_checkpoint(&running, &out, before);
        }
        std::thread::sleep(Duration::from_millis(u64::from(state >> 21)));
        let outcome = running.kill();
        assert!(!outcome.stderr.contains("error: "), "{}", outcome.stderr);
        assert!(step(&out) >= before, "a checkpoint was lost by kill {kill}");
        if outcome.code == Some(0) {
            // Nothing is left to be killed: once more from the beginning.
            assert_undisturbed(rig, "killed");
            std::fs::remove_dir_all(&out).expect("the run's folder");
            finished += 1;
        }
    }
    assert!(finished < kills(), "no run was killed before its end");
    let _ = finetune(rig, "recipe.toml", "killed").arg("--resume").run().expect_code(0);
    assert_undisturbed(rig, "killed");
}

/// A limit on the size of files stands for the disk that ends within one: both fail a write half-way.
#[test]
fn a_full_disk_stops_with_the_last_checkpoint_intact() {
    let rig = &*UNDISTURBED;
    let out = rig.path("full");
    let _ = finetune(rig, "recipe.toml", "full").args(["--stop-after", "30"]).run().expect_code(130);
    let before = names(&out);
    assert_eq!(step(&out), 30);
    // Less than a checkpoint's arrays by far, more than its text; in blocks of 512 or 1024 bytes, as the shell has it. The signal that
    // would end the program is ignored, as no disk sends one.
    let program = rig::program("clothingid-train").display().to_string();
    let command = "finetune --pack pack --device cpu --threads 2 --recipe recipe.toml --out full --resume";
    let limited = format!("trap '' XFSZ; ulimit -f 4000; exec '{program}' {command}");
    let stopped = Run::new("sh").args(["-c", &limited]).current_dir(rig.folder()).env("OMP_NUM_THREADS", "1").run();
    let stopped = stopped.expect_code(1);
    assert!(stopped.stderr.contains("error: cannot write `full/"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("hint: make room, then go on from the last checkpoint:"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("--out full --resume"), "{}", stopped.stderr);
    assert_eq!((step(&out), names(&out)), (30, before), "nothing half-written is left");
    let _ = finetune(rig, "recipe.toml", "full").arg("--resume").run().expect_code(0);
    assert_undisturbed(rig, "full");
}

/// What a case does to the recipe.
type Change = fn(&mut toml::Table);
/// Further words of its command line, or words that its message must have.
type Words = &'static [&'static str];

/// The size before a word, in MiB.
fn memory_before(text: &str, word: &str) -> f64 {
    let words: Vec<&str> = text.split(word).next().expect("text").split_whitespace().collect();
    let [.., number, unit] = words[..] else { panic!("no size before `{word}`: {text}") };
    number.parse::<f64>().expect("a number") * if unit == "GiB" { 1024.0 } else { 1.0 }
}

#[test]
fn the_cost_is_said_before_the_start_and_its_memory_is_near_what_was_taken() {
    let rig = &*UNDISTURBED;
    for (side, batch) in [(64, 16), (128, 64)] {
        let mut recipe = recipe();
        for (key, value) in [("side", side), ("batch", batch), ("select_side", 96)] {
            set(&mut recipe, &[], key, value);
        }
        set(&mut recipe, &[], "freeze", vec![toml::Value::from("features.0.")]);
        rig.write("cost.toml", toml::to_string(&recipe).expect("TOML"));
        let out = format!("cost-{side}");
        let stderr = finetune(rig, "cost.toml", &out).args(["--stop-after", "2"]).run().expect_code(130).stderr;
        let line = |start: &str| stderr.lines().find(|line| line.starts_with(start)).expect("a line").to_owned();
        let estimated = memory_before(&line("about "), " of memory (");
        let taken = memory_before(&line("took "), " of memory at most");
        println!("side {side}, batch {batch}: estimated {estimated} MiB, took {taken} MiB");
        assert!((0.75..1.5).contains(&(estimated / taken)), "estimated {estimated} MiB, took {taken} MiB");
    }
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let rig = &*UNDISTURBED;
    let cases: [(&str, Change, Words, Words); 6] = [
        (
            "large",
            |recipe| drop(set(recipe, &[], "batch", 3_000_000)),
            &[],
            &["of memory, and ", "hint: lower `batch`, `views` or `side`"],
        ),
        (
            "misspelt",
            |recipe| drop(set(recipe, &["optimiser"], "wieght_decay", 0.1)),
            &[],
            &["there is no key `wieght_decay`; the nearest is `weight_decay`"],
        ),
        (
            "margin",
            |recipe| drop(set(recipe, &["loss"], "softmax", "arcface")),
            &[],
            &["`loss.margin` is 0, expected an angle", "while: reading the recipe `margin.toml`"],
        ),
        (
            "endless",
            |recipe| drop(set(recipe, &["optimiser"], "rate", f64::INFINITY)),
            &[],
            &["`optimiser.rate` is inf, expected a finite number above 0"],
        ),
        (
            "other-weights",
            |recipe| drop(recipe.insert("backbone".to_owned(), "squeezenet".into())),
            &["--weights", "whole/weights.safetensors"],
            &[
                "holds no weights of the recipe's backbone `squeezenet",
                "hint: name the file's backbone in the recipe: `backbone = \"mobilenet_v2\"`",
            ],
        ),
        (
            "checkpoint-weights",
            |_| (),
            &["--weights", "CHECKPOINT"],
            &["holds no weights of", "is taken up with `--resume`"],
        ),
    ];
    let checkpoint =
        names(&rig.path("whole")).into_iter().find(|name| name.starts_with("checkpoint-")).expect("arrays");
    for (name, change, more, needed) in cases {
        let mut recipe = recipe();
        change(&mut recipe);
        rig.write(format!("{name}.toml"), toml::to_string(&recipe).expect("TOML"));
        let more = more.iter().map(|word| word.replace("CHECKPOINT", &format!("whole/{checkpoint}")));
        let outcome = finetune(rig, &format!("{name}.toml"), name).args(more).run().expect_code(1);
        for needed in needed {
            assert!(outcome.stderr.contains(needed), "{name}: no `{needed}` in\n{}", outcome.stderr);
        }
        assert!(!rig.path(name).exists(), "{name}: something was written");
    }

    // A checkpoint of another network.
    let mut other = recipe();
    other.insert("backbone".to_owned(), "squeezenet".into());
    rig.write("other.toml", toml::to_string(&other).expect("TOML"));
    let outcome = finetune(rig, "other.toml", "whole").arg("--resume").run().expect_code(1);
    assert!(outcome.stderr.contains("of another run: the network was `mobilenet_v2`"), "{}", outcome.stderr);
}
