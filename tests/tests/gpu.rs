//! The engine `gpu` in the real program, on a Vulkan adapter: Mesa's software one, or what `CLOTHINGID_GPU_ADAPTER` names.

use clothingid_tests::{Outcome, Rig, photographs};
use serde_json::Value;

/// Runs a command on the adapter; an empty word asks for no arithmetic.
fn on_adapter(rig: &Rig, arithmetic: &str, words: &[&str]) -> Outcome {
    let adapter = std::env::var("CLOTHINGID_GPU_ADAPTER").unwrap_or_else(|_| "llvmpipe".to_owned());
    let command = rig.clothingid(words).env("CLOTHINGID_GPU_ARITHMETIC", arithmetic);
    command.env("CLOTHINGID_GPU_ADAPTER", adapter).run()
}

fn engine_of(line: &Value) -> &str {
    line["engine"].as_str().expect("an engine")
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_photograph_is_answered_and_signed_with_arithmetic_and_adapter() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photo.jpg");
    let lines =
        on_adapter(&rig, "", &["classify", "--json", "--engine", "gpu", "photo.jpg"]).expect_code(0).json_lines();
    assert!(engine_of(&lines[0]).starts_with("gpu: int8 "), "{}", lines[0]);
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn in_floats_it_says_what_tract_says() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photo.jpg");
    let gpu = on_adapter(&rig, "float32", &["classify", "--json", "--engine", "gpu", "photo.jpg"]);
    let gpu = gpu.expect_code(0).json_lines();
    let tract = rig.clothingid(["classify", "--json", "--engine", "tract", "photo.jpg"]).run();
    let tract = tract.expect_code(0).json_lines();
    assert!(engine_of(&gpu[0]).starts_with("gpu: float32 "), "{}", gpu[0]);
    for head in ["category14", "category26"] {
        assert_eq!(gpu[0][head]["label"], tract[0][head]["label"], "{head}");
        let probability = |line: &Value| line[head]["probability"].as_f64().expect("a probability");
        let difference = (probability(&gpu[0]) - probability(&tract[0])).abs();
        assert!(difference < 1e-3, "{head}: {difference}");
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn it_is_measured_like_every_engine() {
    let rig = Rig::new();
    let lines = on_adapter(&rig, "", &["bench", "network", "--engine", "gpu", "--json"]).expect_code(0).json_lines();
    assert_eq!(lines[0]["bench"], "network");
    assert!(engine_of(&lines[0]).starts_with("gpu: int8 "), "{}", lines[0]);
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn its_layers_are_timed_and_held_against_their_definition() {
    let rig = Rig::new();
    let bench = ["bench", "network", "--engine", "gpu", "--layers", "--json"];
    let lines = on_adapter(&rig, "", &bench).expect_code(0).json_lines();
    assert_eq!(lines[1..].iter().filter(|line| line["bench"] == "layer").count(), 57);
    for arithmetic in ["int8", "float32", "float16"] {
        let verify = ["bundle", "verify", "--nodes", "--engine", "gpu", "--json"];
        let line = &on_adapter(&rig, arithmetic, &verify).expect_code(0).json_lines()[0];
        assert!(line["nodes_compared"].as_u64() >= Some(57), "{line}");
        assert!(line["first_differing_node"].is_null(), "{line}");
    }
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
