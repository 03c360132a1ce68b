//! Each network of the shipped recipes by the real programs: two steps of training, export, and the device's answers.

use std::sync::LazyLock;

use clothingid_device::network::{EngineChoice, PhotoPath};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_tests::{Rig, rig};

/// Small, so that a test is quick; AlexNet's windows need 63.
const SIDE: i64 = 64;
/// Pictures a step.
const BATCH: i64 = 8;
/// Between libtorch and tract in float on the same weights, as a share of the largest value of the output: sums of up to 4,608 products in
/// another order, up to 52 layers deep. Two steps from random leave logits in any unit.
const FLOAT_SHARE: f32 = 1e-4;

/// The corpus imported and packed once, for all tests. Its rig lives as long as the test program.
static PACKED: LazyLock<Rig> = LazyLock::new(|| {
    let rig = Rig::new();
    let _ = rig.trainer(["import", "manifest"]).arg(rig::corpus()).args(["--out", "manifest"]).run().expect_code(0);
    // Few to choose on, and the 128 that ranges need in the train part.
    let _ = rig.trainer(["pack", "manifest", "--out", "pack", "--parts", "0.5,0.1,0.2,0.2"]).run().expect_code(0);
    rig
});

/// A shipped recipe with small pictures, two steps long.
fn recipe(name: &str) -> toml::Table {
    let path = rig::workspace().join(format!("trainer/recipes/{name}.toml"));
    let mut recipe: toml::Table = std::fs::read_to_string(path).expect("the recipe").parse().expect("TOML");
    let stage = recipe["finetune"].as_table_mut().expect("a stage");
    for (key, value) in
        [("side", SIDE), ("select_side", SIDE), ("prototype_side", SIDE), ("epochs", 1), ("batch", BATCH)]
    {
        assert!(stage.insert(key.to_owned(), toml::Value::Integer(value)).is_some(), "the recipe has no `{key}`");
    }
    let sampling = stage["sampling"].as_table_mut().expect("sampling");
    assert!(sampling.insert("samples".to_owned(), toml::Value::Integer(2 * BATCH)).is_some());
    recipe
}

/// Trains two steps from random; what the program said.
fn train(name: &str, recipe: &toml::Table) -> String {
    let rig = &*PACKED;
    rig.write(format!("{name}.toml"), toml::to_string(recipe).expect("TOML"));
    let run = rig.trainer(["finetune", "--pack", "pack", "--device", "cpu", "--threads", "2"]);
    run.args(["--recipe", &format!("{name}.toml"), "--out", name]).run().expect_code(0).stderr
}

/// The recipe of that name from training to the device.
fn reaches_the_device(name: &str) {
    let rig = &*PACKED;
    let said = train(name, &recipe(name));
    assert!(said.contains("start from random") && said.contains("epoch 1"), "{said}");

    // Random weights are no measure of the integers: the gate stands open.
    let (weights, file) = (format!("{name}/last.safetensors"), format!("{name}.bundle"));
    let export = rig.trainer(["export", "--weights", &weights, "--pack", "pack", "--out", &file]);
    let side = SIDE.to_string();
    let open = ["--side", &side, "--gate-divergence", "1e9", "--gate-cosine=-1"];
    let _ = export.args(open).run().expect_code(0);

    let bundle = Bundle::read(&rig.path(&file)).expect("the bundle");
    assert_eq!(bundle.manifest.network.backbone, recipe(name)["backbone"].as_str().expect("a name"));
    let mut path = PhotoPath::new(&bundle, EngineChoice::Tract, 1).expect("the engine");
    for photo in bundle.golden.iter().take(16) {
        let expected = &photo.answers[&ArithmeticClass::Float];
        let found = path.answer(&photo.photo).expect("an answer");
        for (expected, found) in [
            (&expected.category14, &found.category14),
            (&expected.category26, &found.category26),
            (&expected.embedding, &found.embedding),
        ] {
            let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let worst = expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest > 0.0 && expected.len() == found.len(), "{name}: {}", photo.name);
            assert!(worst <= FLOAT_SHARE * largest, "{name}: {} differs by {worst:e} of {largest:e}", photo.name);
        }
    }

    // In integers the answers are those of the export, to the last bit.
    let mut path = PhotoPath::new(&bundle, EngineChoice::Cpu, 1).expect("the engine");
    for photo in &bundle.golden {
        let expected = &photo.answers[&ArithmeticClass::Int8];
        let found = path.answer(&photo.photo).expect("an answer");
        assert_eq!(found.category14, expected.category14, "{name}: {}", photo.name);
        assert_eq!(found.category26, expected.category26, "{name}: {}", photo.name);
    }

    // The program's own word for one of them.
    let photo = &bundle.golden[0];
    let path = format!("{name}/{}", photo.name);
    rig.write(&path, &photo.photo);
    let classify = rig.clothingid(["classify", "--json", "--bundle", &file, &path]);
    let line: serde_json::Value = serde_json::from_str(&classify.run().expect_code(0).stdout).expect("one JSON object");
    let logits = &photo.answers[&ArithmeticClass::Int8].category14;
    let first = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("a category").0;
    let label = bundle.manifest.category14.taxonomy.key(first);
    assert!(label.is_some() && line["category14"]["label"].as_str() == label, "{label:?} expected: {line}");
}

#[test]
fn a_narrow_mobilenet_v2_reaches_the_device() {
    reaches_the_device("mobilenet_v2_0.5");
}

#[test]
fn squeezenet_reaches_the_device() {
    reaches_the_device("squeezenet");
}

#[test]
fn alexnet_reaches_the_device() {
    reaches_the_device("alexnet");
}

#[test]
fn resnet18_reaches_the_device() {
    reaches_the_device("resnet18");
}

/// Its export is more work than a test here should be; the exporter's own tests hold it.
#[test]
fn resnet50_trains() {
    let said = train("resnet50", &recipe("resnet50"));
    assert!(said.contains("start from random") && said.contains("epoch 1"), "{said}");
}

#[test]
fn a_wrong_backbone_picture_or_file_is_named_with_what_to_do() {
    let rig = &*PACKED;
    let refused = |name: &str, recipe: &toml::Table, more: &[&str]| {
        rig.write(format!("{name}.toml"), toml::to_string(recipe).expect("TOML"));
        let run = rig.trainer(["finetune", "--pack", "pack", "--recipe", &format!("{name}.toml"), "--out", "none"]);
        let refused = run.args(more).run().expect_code(1);
        assert!(!rig.path("none").exists(), "something was written");
        refused.stderr
    };
    let mut unknown = recipe("resnet18");
    unknown["backbone"] = "resnet20".into();
    let said = refused("unknown", &unknown, &[]);
    assert!(said.contains("no backbone `resnet20`") && said.contains("`mobilenet_v2_0.75`"), "{said}");

    let mut small = recipe("alexnet");
    small["finetune"]["side"] = 48.into();
    let said = refused("small", &small, &[]);
    assert!(said.contains("too small for `alexnet`") && said.contains("hint: raise `side`"), "{said}");

    let start = rig::workspace().join("models/imagenet/mobilenet_v2.safetensors");
    let said = refused("other", &recipe("resnet18"), &["--weights", start.to_str().expect("UTF-8")]);
    assert!(said.contains("backbone `resnet18`") && said.contains("no tensor `conv1.weight`"), "{said}");
    assert!(said.contains("hint: name the file's backbone in the recipe: `backbone = \"mobilenet_v2\"`"), "{said}");
}
