//! `bench` and `bundle` on the processor's engine, as an engineer calls them. How fast anything is, is not a test's business.

use clothingid_tests::Rig;
use serde_json::Value;

fn number(line: &Value, key: &str) -> f64 {
    line[key].as_f64().unwrap_or_else(|| panic!("no `{key}` in {line}"))
}

#[test]
fn each_layer_is_measured_beside_what_the_processor_could_do() {
    let rig = Rig::new();
    let words = ["bench", "network", "--engine", "cpu", "--layers", "--json"];
    let lines = rig.clothingid(words).run().expect_code(0).json_lines();
    let (network, layers) = lines.split_first().expect("a line");
    assert!(network["engine"].as_str().is_some_and(|engine| engine.starts_with("cpu: int8 ")), "{network}");
    assert_eq!(layers.len(), 57);
    for layer in layers {
        assert!(number(layer, "bytes") > 0.0, "{layer}");
        // Plain Rust has no instruction to be bound by.
        if network["engine"] != "cpu: int8 portable" {
            assert!(number(layer, "bound_ms") > 0.0, "{layer}");
        }
    }
    let products: f64 = layers.iter().map(|layer| number(layer, "multiply_adds")).sum();
    assert!(products > 1e8, "{products}");
}

#[test]
fn photographs_are_embedded_as_an_import_does() {
    let rig = Rig::new();
    let lines = rig.clothingid(["bench", "import", "--engine", "cpu", "--json"]).run().expect_code(0).json_lines();
    assert_eq!(lines[0]["bench"], "import");
    assert!(number(&lines[0], "photos_per_second") > 0.0 && number(&lines[0], "threads") >= 1.0, "{}", lines[0]);
}

#[test]
fn the_whole_appliance_is_measured_on_a_film_with_clients() {
    let rig = Rig::new();
    let words = ["bench", "live", "--engine", "cpu", "--seconds", "2", "--clients", "5", "--json"];
    let line = &rig.clothingid(words).run().expect_code(0).json_lines()[0];
    assert_eq!((&line["bench"], &line["frames_per_second"]), (&"live".into(), &30.0.into()), "{line}");
    // How many are lost is the machine's business; that some come through shows that the film is played and looked at.
    assert!(number(line, "lost") < number(line, "frames"), "{line}");
    assert!(number(line, "median_ms") > 0.0 && number(line, "whole_to_parts") > 0.0, "{line}");
    for parts in [&line["parts"], &line["parts_at_pace"]] {
        for part in ["decode_ms", "picture_ms", "network_ms", "search_ms"] {
            assert!(number(parts, part) > 0.0, "{part}: {line}");
        }
    }
    let load = &line["load"];
    assert!(load["clients"] == 5 && number(load, "events") > 0.0 && number(load, "uploads") > 0.0, "{line}");
}

#[test]
fn layers_are_held_against_their_definition() {
    let rig = Rig::new();
    let words = ["bundle", "verify", "--nodes", "--engine", "cpu", "--json"];
    let line = &rig.clothingid(words).run().expect_code(0).json_lines()[0];
    assert!(number(line, "nodes_compared") >= 57.0 && line["first_differing_node"].is_null(), "{line}");
    let outcome = rig.clothingid(["bundle", "verify", "--nodes", "--engine", "tract"]).run().expect_code(1);
    assert!(outcome.stderr.contains("does not run the plan"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: take `--engine cpu`"), "{}", outcome.stderr);
}
