//! The engine `gpu` in the real program, on a Vulkan adapter: Mesa's software one, or what `CLOTHINGID_GPU_ADAPTER` names.

use clothingid_tests::{Outcome, Rig, photographs};
use serde_json::Value;

/// Runs a command on the adapter.
fn on_adapter(rig: &Rig, words: &[&str]) -> Outcome {
    let adapter = std::env::var("CLOTHINGID_GPU_ADAPTER").unwrap_or_else(|_| "llvmpipe".to_owned());
    rig.clothingid(words).env("CLOTHINGID_GPU_ADAPTER", adapter).run()
}

fn engine_of(line: &Value) -> &str {
    line["engine"].as_str().expect("an engine")
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_photograph_is_answered_and_signed_with_arithmetic_and_adapter() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photo.jpg");
    let lines = on_adapter(&rig, &["classify", "--json", "--engine", "gpu", "photo.jpg"]).expect_code(0).json_lines();
    assert!(engine_of(&lines[0]).starts_with("gpu: int8 "), "{}", lines[0]);
    // The same network in floats, on the processor: the labels of a clear photograph agree.
    let tract =
        rig.clothingid(["classify", "--json", "--engine", "tract", "photo.jpg"]).run().expect_code(0).json_lines();
    for head in ["category14", "category26"] {
        assert_eq!(lines[0][head]["label"], tract[0][head]["label"], "{head}");
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn it_is_measured_like_every_engine() {
    let rig = Rig::new();
    let lines = on_adapter(&rig, &["bench", "network", "--engine", "gpu", "--json"]).expect_code(0).json_lines();
    assert_eq!(lines[0]["bench"], "network");
    assert!(engine_of(&lines[0]).starts_with("gpu: int8 "), "{}", lines[0]);
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn an_unknown_arithmetic_is_refused() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photo.jpg");
    let classify =
        rig.clothingid(["classify", "--engine", "gpu", "photo.jpg"]).env("CLOTHINGID_GPU_ARITHMETIC", "int4");
    let outcome = classify.run().expect_code(1);
    assert!(outcome.stderr.contains("no arithmetic `int4`"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: set `CLOTHINGID_GPU_ARITHMETIC` to `int8`"), "{}", outcome.stderr);
}
