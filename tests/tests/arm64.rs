//! The appliance for boards with 64-bit Arm, run by QEMU's user emulation beside the one for this machine: what both answer must be equal, to the
//! integer. Which kernels run is chosen by the processor that is played: that of a Raspberry Pi 5, which has dot products of bytes as Jetson Orin
//! has, and that of a Raspberry Pi 3, which has none and runs plain Rust. How fast anything is, emulation does not tell.

use std::path::{Path, PathBuf};

use clothingid_tests::command::tool;
use clothingid_tests::demo::Demo;
use clothingid_tests::{Outcome, Rig, Run, photographs, rig};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// The libraries of the other processor, where Debian's cross compiler has them.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// A processor that is played, and the kernels that it chooses.
const PROCESSORS: [(&str, &str); 2] = [("cortex-a76", "neon-dotprod"), ("cortex-a53", "portable")];

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap_or_else(|| panic!("`{name}` is not set: `cargo xtask test --suite arm64`")).into()
}

/// The program for boards, on a processor.
fn emulated(rig: &Rig, processor: &str, words: &[&str]) -> Run {
    emulated_program(rig, &variable("CLOTHINGID_ARM64_PROGRAM"), processor, words)
}

/// Any program for boards, on a processor.
fn emulated_program(rig: &Rig, program: &Path, processor: &str, words: &[&str]) -> Run {
    let run = Run::new(variable("CLOTHINGID_ARM64_EMULATOR")).args(["-L", LIBRARIES, "-cpu", processor]);
    rig.surrounded(run.arg(program).args(words))
}

/// What was printed, without the names of engines and without times; the names must be those of the kernels that are expected.
fn answers(outcome: &Outcome, kernels: &str) -> Vec<Value> {
    let mut lines = outcome.json_lines();
    assert!(!lines.is_empty(), "{}", outcome.stderr);
    for line in &mut lines {
        let fields = line.as_object_mut().expect("an object");
        fields.remove("ms");
        if let Some(engine) = fields.remove("engine") {
            let engine = engine.as_str().unwrap_or_default();
            assert!(engine.starts_with("cpu: int8 ") && engine.ends_with(kernels), "{engine}, expected {kernels}");
        }
    }
    lines
}

/// Answers of this machine's own program, whatever its kernels are.
fn own(rig: &Rig, words: &[&str]) -> Vec<Value> {
    answers(&rig.clothingid(words).run().expect_code(0), "")
}

/// What the catalogue holds of each photograph: its name, its embedding in bytes and in floats.
fn embeddings(catalogue: &Path) -> Vec<(String, f64, Vec<u8>, Vec<u8>)> {
    let database =
        Connection::open_with_flags(catalogue, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the catalogue's file");
    let mut rows = database
        .prepare(
            "SELECT photo.name, scale, quantised, floats FROM embedding JOIN embedding_float USING (identity, photo)
             JOIN photo ON photo.id = embedding.photo ORDER BY photo.name",
        )
        .expect("the tables");
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("embeddings")
}

/// The demo shop.
fn import(catalogue: &str) -> Vec<String> {
    let shop = rig::demo();
    let path = |name: &str| shop.join(name).display().to_string();
    let words = ["catalogue", "import", "--engine", "cpu", "--catalogue", catalogue].map(str::to_owned);
    words.into_iter().chain([path("catalogue.csv"), "--photos".to_owned(), path("photos")]).collect()
}

fn words(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn golden_answers_are_those_of_the_export_and_every_layer_that_of_the_reference() {
    let rig = Rig::new();
    for (processor, kernels) in PROCESSORS {
        let verify = emulated(&rig, processor, &["bundle", "verify", "--nodes", "--engine", "cpu", "--json"]);
        let [line] = &answers(&verify.run().expect_code(0), kernels)[..] else { panic!("one line") };
        assert_eq!((&line["photos"], &line["failed"]), (&64.into(), &0.into()), "{line}");
        assert_eq!(
            (line["largest_logit_difference"].as_f64(), line["smallest_cosine"].as_f64()),
            (Some(0.0), Some(1.0))
        );
        assert!(line["nodes_compared"].as_u64() >= Some(57) && line["first_differing_node"].is_null(), "{line}");
    }
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn photographs_are_classified_as_on_this_machine() {
    let rig = Rig::new();
    let camera = rig::demo().join("camera").display().to_string();
    let classify = ["classify", "--json", "--engine", "cpu", camera.as_str()];
    let expected = own(&rig, &classify);
    assert_eq!(expected.len(), photographs::camera().len());
    // No two photographs are alike, so that equal lines say something.
    assert!((1..expected.len()).all(|at| expected[at]["category26"] != expected[at - 1]["category26"]));
    for (processor, kernels) in PROCESSORS {
        let found = answers(&emulated(&rig, processor, &classify).run().expect_code(0), kernels);
        assert_eq!(found, expected, "{processor}");
    }
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn a_catalogue_has_the_embeddings_that_it_has_here_and_gives_the_same_matches() {
    let rig = Rig::new();
    let _ = rig.clothingid(import("own.db")).run().expect_code(0);
    let expected = embeddings(&rig.path("own.db"));
    assert_eq!(expected.len(), photographs::shop().len());
    assert!((1..expected.len()).all(|at| expected[at].3 != expected[at - 1].3), "embeddings that are alike");
    let camera = rig::demo().join("camera").display().to_string();
    let search = ["search", "--json", "--engine", "cpu", &camera, "--catalogue"];
    let matches = own(&rig, &[&search[..], &["own.db"]].concat());
    assert_eq!(matches.len(), photographs::camera().len());
    for (processor, kernels) in PROCESSORS {
        let catalogue = format!("{processor}.db");
        let _ = emulated(&rig, processor, &words(&import(&catalogue))).run().expect_code(0);
        let found = embeddings(&rig.path(&catalogue));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{processor}: `{}`", expected.0);
        }
        assert_eq!(found.len(), expected.len());
        // Each program in the other's catalogue.
        let searched = emulated(&rig, processor, &[&search[..], &["own.db"]].concat()).run().expect_code(0);
        assert_eq!(answers(&searched, kernels), matches, "{processor}");
        assert_eq!(own(&rig, &[&search[..], &[catalogue.as_str()]].concat()), matches, "{processor}");
    }
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn one_other_picture_is_noticed() {
    let rig = Rig::new();
    let picture = image::open(photographs::good()).expect("a photograph").to_rgb8();
    let mut spoilt = picture.clone();
    let (width, height) = picture.dimensions();
    let patch = image::RgbImage::from_pixel(width / 4, height / 4, image::Rgb([255, 0, 255]));
    image::imageops::overlay(&mut spoilt, &patch, i64::from(width / 2), i64::from(height / 2));
    for (name, picture) in [("right.png", picture), ("spoilt.png", spoilt)] {
        picture.save(rig.path(name)).expect("a PNG");
    }
    let classify = |name| ["classify", "--json", "--engine", "cpu", name];
    let expected = own(&rig, &classify("right.png"));
    rig.copy(rig.path("spoilt.png"), "right.png");
    for (processor, kernels) in PROCESSORS {
        let found = answers(&emulated(&rig, processor, &classify("right.png")).run().expect_code(0), kernels);
        assert_ne!(found, expected, "{processor}");
    }
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn the_independent_engine_runs_and_says_the_same() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "photo.jpg");
    let expected = &own(&rig, &["classify", "--json", "--engine", "cpu", "photo.jpg"])[0];
    let found = emulated(&rig, PROCESSORS[0].0, &["classify", "--json", "--engine", "tract", "photo.jpg"]).run();
    let found = &found.expect_code(0).json_lines()[0];
    assert!(found["engine"].as_str().is_some_and(|engine| engine.starts_with("tract: float")), "{found}");
    assert_eq!(found["category14"]["label"], expected["category14"]["label"]);
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn package_and_archive_for_boards_hold_the_program_for_boards() {
    let rig = Rig::new();
    let at = |name: &str| rig.path(name).display().to_string();
    let program = variable("CLOTHINGID_ARM64_PROGRAM").display().to_string();
    let made = tool("cargo", &["xtask", "package", &at("made"), "--arch", "arm64", "--program", &program]);
    let [archive, package] = made.lines().collect::<Vec<_>>().try_into().expect("an archive and a package");
    assert_eq!(tool("dpkg-deb", &["--field", package, "Architecture"]), "arm64\n");
    tool("dpkg-deb", &["--extract", package, &at("package")]);
    std::fs::create_dir(rig.path("archive")).expect("a folder");
    tool("tar", &["-xzf", archive, "--strip-components=1", "-C", &at("archive")]);
    rig.copy(photographs::good(), "photo.jpg");
    let classify = ["classify", "--json", "--engine", "cpu", "photo.jpg"];
    let expected = own(&rig, &classify);
    let (processor, kernels) = PROCESSORS[0];
    let source = rig::workspace().join("firmware-config/systemd/clothingid.service");
    for tree in ["package", "archive"] {
        let installed = rig.path(tree).join("usr/bin/clothingid");
        let found = emulated_program(&rig, &installed, processor, &classify).run().expect_code(0);
        assert_eq!(answers(&found, kernels), expected, "{tree}");
        // The unit is that of the stock system's test.
        let unit = std::fs::read(rig.path(tree).join("lib/systemd/system/clothingid.service")).expect("a unit");
        assert_eq!(unit, std::fs::read(&source).expect("the unit"), "{tree}");
    }
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn the_appliance_runs_reads_its_camera_and_ends_when_asked() {
    let rig = Rig::new();
    rig.copy(photographs::good(), "camera/photo.jpg");
    rig.write("shop.toml", "listen = '127.0.0.1:0'\nengine = 'cpu'\n[camera]\nfolder = 'camera'\n");
    let expected = own(&rig, &["classify", "--json", "--engine", "cpu", "camera/photo.jpg"])[0].clone();
    let (processor, kernels) = PROCESSORS[0];
    let running = emulated(&rig, processor, &["run", "--config", "shop.toml"]).start();
    let demo = Demo::of(rig, running);
    let reading = demo.reading();
    assert_eq!(reading["category26"]["label"], expected["category26"]["label"], "{reading}");
    assert_eq!(reading["engine"], format!("cpu: int8 {kernels}"));
    assert_eq!(demo.get("/readyz").json()["ready"], true);
    let outcome = demo.running.terminate();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs the arm64 build: `cargo xtask test --suite arm64`"]
fn the_network_can_be_measured() {
    let rig = Rig::new();
    for (processor, kernels) in PROCESSORS {
        let bench = emulated(&rig, processor, &["bench", "network", "--engine", "cpu", "--layers", "--json"]);
        let lines = bench.run().expect_code(0).json_lines();
        assert_eq!(lines[0]["engine"], format!("cpu: int8 {kernels}"));
        assert_eq!(lines[1..].iter().filter(|line| line["bench"] == "layer").count(), 57);
    }
}
