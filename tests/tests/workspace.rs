//! What the workspace promises beside its programs: links, licences, sizes, and documents that tell the truth.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clothingid_tests::messages::{self, Source};
use clothingid_tests::{Rig, documented, rig};
use serde_json::Value;

/// Folders that are not ours or not tracked.
const NOT_OURS: [&str; 6] = [".git", "target", "third_party", "node_modules", "artifacts", "test-results"];

fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                if !NOT_OURS.iter().any(|not_ours| name == *not_ours) {
                    walk(&path, found);
                }
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&rig::workspace(), &mut found);
    found.sort();
    found
}

fn toml_file(path: &Path) -> toml::Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn size(path: &Path) -> u64 {
    path.metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display())).len()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn cross_reads_our_configuration_through_its_link_and_the_image_is_there() {
    let root = rig::workspace();
    assert_eq!(std::fs::read_link(root.join("Cross.toml")).expect("the link"), Path::new("cross.toml"));
    let config = toml_file(&root.join("cross.toml"));
    let keys = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
    let target = config["target"]["aarch64-unknown-linux-gnu"].as_table().expect("the target");
    // `cross` only warns of keys that it does not know, and goes on without them.
    assert_eq!((keys(&config), keys(target)), (vec!["target".to_owned()], vec!["dockerfile".into(), "env".into()]));

    let passed = target["env"]["passthrough"].as_array().expect("a list");
    let passed: Vec<&str> = passed.iter().map(|name| name.as_str().expect("text")).collect();
    for needed in ["LINKER=aarch64-linux-gnu-gcc", "RUNNER=qemu-aarch64-static -L /usr/aarch64-linux-gnu"] {
        let needed = format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{needed}");
        assert!(passed.contains(&needed.as_str()), "no `{needed}` in {passed:?}");
    }

    let dockerfile = target["dockerfile"]["file"].as_str().expect("a path");
    let text = std::fs::read_to_string(root.join(dockerfile)).expect("the Dockerfile");
    let image = text.lines().find_map(|line| line.strip_prefix("FROM ")).expect("an image");
    let date = image.strip_prefix("debian:bookworm-").and_then(|rest| rest.strip_suffix("-slim")).unwrap_or_default();
    assert!(date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit()), "`{image}` has no date");
    // What becomes part of the program has its version.
    for pinned in ["gcc-aarch64-linux-gnu", "gcc-12-aarch64-linux-gnu", "libc6-dev-arm64-cross"] {
        let is_pinned =
            text.split_whitespace().any(|word| word.strip_prefix(pinned).is_some_and(|rest| rest.starts_with('=')));
        assert!(is_pinned, "`{dockerfile}` lacks `{pinned}=VERSION`");
    }
    assert!(text.split_whitespace().any(|word| word == "qemu-user-static"), "`{dockerfile}` cannot run what it builds");
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    // Written apart, so that this file passes its own test.
    let machine_paths = ["root", "work", "Users", "var/tmp"].map(|folder| format!("/{folder}/"));
    let mut named = Vec::new();
    for path in files() {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            let names_one = |machine: &String| {
                line.match_indices(machine.as_str()).any(|(at, _)| {
                    line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"._-*/}])".contains(c))
                })
            };
            if machine_paths.iter().any(names_one) {
                named.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(named.is_empty(), "paths of one machine:\n{}", named.join("\n"));
}

#[test]
fn every_file_of_a_board_is_one_that_the_program_has() {
    let folder = rig::workspace().join("firmware-config/boards");
    let names = std::fs::read_dir(&folder).expect("boards").map(|entry| entry.expect("an entry").path());
    let there: BTreeSet<String> = names
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    let known: BTreeSet<String> = clothingid_device::config::board::KNOWN.map(|(name, _)| name.to_owned()).into();
    assert_eq!(there, known);
}

#[test]
fn the_service_starts_a_command_that_exists_with_its_state_where_the_manual_says() {
    let unit =
        std::fs::read_to_string(rig::workspace().join("firmware-config/systemd/clothingid.service")).expect("unit");
    for line in [
        "ExecStart=/usr/bin/clothingid run --first-start --safe-mode",
        "Environment=XDG_DATA_HOME=/var/lib",
        "StateDirectory=clothingid",
    ] {
        assert!(unit.lines().any(|found| found == line), "no line `{line}`");
    }
    let _ = Rig::new().clothingid(["run", "--help"]).run().expect_code(0);
}

#[test]
fn every_dependency_has_an_allowed_licence_and_comes_from_the_public_registry() {
    let root = rig::workspace();
    let rules = toml_file(&root.join("deny.toml"));
    let allowed: BTreeSet<&str> =
        rules["licenses"]["allow"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    let manifest = root.join("Cargo.toml");
    let manifest = manifest.to_str().expect("a path in UTF-8");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = output(&cargo, &["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo's metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("`{name}` states no licence"));
        assert!(may_be_used(licence, &allowed), "`{name}`: `{licence}` is not allowed by deny.toml");
        if let Some(source) = package["source"].as_str() {
            assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "`{name}`");
        }
    }
}

#[test]
fn no_dependency_wants_libclang_of_whoever_builds() {
    let lock = toml_file(&rig::workspace().join("Cargo.lock"));
    let packages = lock["package"].as_array().expect("packages");
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        assert!(!["bindgen", "clang-sys", "v4l-sys"].contains(&name), "`{name}` is in the tree");
    }
}

/// Whether a licence expression can be met with allowed licences alone. `/` is the old form of `OR`.
fn may_be_used(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    let split = |separator: &str| split_outside(expression, separator);
    let choices = if expression.contains('/') { split("/") } else { split(" OR ") };
    if choices.len() > 1 {
        return choices.iter().any(|choice| may_be_used(choice, allowed));
    }
    let parts = split(" AND ");
    if parts.len() > 1 {
        return parts.iter().all(|part| may_be_used(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => may_be_used(inner, allowed),
        None => allowed.contains(expression),
    }
}

/// Splits at a separator that stands outside all parentheses.
fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(separator) {
        let before = &text[..at];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Unicode-3.0"]);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(may_be_used(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn the_appliance_is_one_small_program_that_needs_the_c_library_alone() {
    let rig = Rig::new();
    let program = rig::program("clothingid");
    let program_path = program.to_str().expect("a path in UTF-8");
    let allowed = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
    for line in output("objdump", &["-p", program_path]).lines() {
        if let Some(library) = line.trim().strip_prefix("NEEDED") {
            assert!(allowed.contains(&library.trim()), "needs `{}`", library.trim());
        }
    }
    let stripped = rig.path("stripped");
    output("strip", &["-o", stripped.to_str().expect("a path in UTF-8"), program_path]);
    // What ships is optimised as one program (`[profile.release]`), and a fifth smaller.
    assert!(size(&stripped) <= 40 << 20, "{} bytes", size(&stripped));
}

#[test]
fn what_ships_is_as_small_as_promised() {
    assert!(size(&rig::bundle()) <= 6_000_000, "the bundle has {} bytes", size(&rig::bundle()));
    let demo = rig::demo();
    let shop: u64 = files().iter().filter(|path| path.starts_with(&demo)).map(|path| size(path)).sum();
    assert!(shop > 0 && shop <= 8_000_000, "the demo shop has {shop} bytes");
}

#[test]
fn commands_in_the_documents_exist() {
    let root = rig::workspace();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = root.join("Cargo.toml");
    let manifest = manifest.to_str().expect("a path in UTF-8");
    let help = output(&cargo, &["run", "--quiet", "--manifest-path", manifest, "--package", "xtask", "--", "help"]);
    let documents = documented::documents();
    for needed in ["cargo run --release -- demo", "cargo xtask test"] {
        let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
        assert!(readme.contains(needed), "README.md lacks `{needed}`");
    }
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (document, command) in documented::commands(&documents, "cargo xtask") {
        seen += 1;
        for word in command.first().into_iter().chain(command.iter().filter(|word| word.starts_with("--"))) {
            let known = help.split(|c: char| c.is_whitespace() || "[]|".contains(c)).any(|known| known == word);
            if !known {
                wrong.push(format!("{}: `cargo xtask {}`: `{word}`", document.display(), command.join(" ")));
            }
        }
    }
    let rig = Rig::new();
    let (more, unknown) = documented::check(&documents, "clothingid", |words| rig.clothingid(words).run().stdout);
    wrong.extend(unknown);
    assert!(seen + more > 10, "only {} commands found in the documents", seen + more);
    assert!(wrong.is_empty(), "commands that do not exist:\n{}", wrong.join("\n"));
}

/// What docs/messages.md says under these headings stands in no error of its own: in a call that tells the journal, or in any literal.
const JOURNAL: &str = "What the journal says";
const ELSEWHERE: &str = "What else is said";

#[test]
fn every_message_of_the_appliance_is_explained_and_no_other() {
    let root = rig::workspace();
    let document = std::fs::read_to_string(root.join("docs/messages.md")).expect("docs/messages.md");
    let rows = messages::rows(&document);
    let (mut errors, mut told, mut literals) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for path in ["device/src", "shared/src"].into_iter().flat_map(|folder| messages::sources(&root.join(folder))) {
        let source = Source::of(&std::fs::read_to_string(&path).expect("a source"));
        errors.extend(source.said_in("#[error("));
        errors.extend(source.said_in("Report::new("));
        told.extend(source.said_in("events.say("));
        literals.extend(source.literals());
    }
    assert!(errors.len() > 200 && told.len() > 15, "only {} and {} messages found", errors.len(), told.len());

    let mut wrong = Vec::new();
    let mut listed = [BTreeSet::new(), BTreeSet::new()];
    for row in &rows {
        let (is_there, list) = match row.section.as_str() {
            ELSEWHERE => (messages::stands_in(&row.message, &literals), None),
            JOURNAL => (told.contains(&row.message), Some(1)),
            _ => (errors.contains(&row.message), Some(0)),
        };
        if !is_there {
            wrong.push(format!("`{}`: no code says `{}`", row.section, row.message));
        }
        if row.columns != 3 {
            wrong.push(format!("`{}`: cause or remedy is missing of `{}`", row.section, row.message));
        }
        if list.is_some_and(|list| !listed[list].insert(row.message.clone())) {
            wrong.push(format!("`{}`: twice: `{}`", row.section, row.message));
        }
    }
    for (said, listed, place) in [(&errors, &listed[0], "a table of its place"), (&told, &listed[1], JOURNAL)] {
        let missing = said.difference(listed).filter(|message| messages::has_words(message));
        wrong.extend(missing.map(|message| format!("not explained, in {place}: `{message}`")));
    }
    for pair in rows.windows(2).filter(|pair| pair[0].section == pair[1].section) {
        if messages::order(&pair[0].message) > messages::order(&pair[1].message) {
            wrong.push(format!("`{}` stands before `{}`", pair[0].message, pair[1].message));
        }
    }
    assert!(wrong.is_empty(), "docs/messages.md:\n{}", wrong.join("\n"));
}

/// The tests that a document names as `FILE::NAME`, and each that is none; a file without a folder is one of these end-to-end tests.
fn tests_named_in(document: &str, root: &Path) -> (usize, Vec<String>) {
    let code = document.split('`').skip(1).step_by(2);
    let named: BTreeSet<(&str, &str)> =
        code.filter_map(|code| code.split_once("::")).filter(|(file, _)| file.ends_with(".rs")).collect();
    let is_test = |&(file, name): &(&str, &str)| {
        let folder = if file.contains('/') { root.to_owned() } else { root.join("tests/tests") };
        let source = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        let Some((before, _)) = source.split_once(&format!("fn {name}(")) else { return false };
        // Between the attribute and its function stand other attributes at most.
        before.rsplit_once("#[test]").is_some_and(|(_, between)| !between.contains(['{', ';']))
    };
    let missing = named.iter().filter(|test| !is_test(test)).map(|(file, name)| format!("{file}::{name}"));
    (named.len(), missing.collect())
}

#[test]
fn the_threat_model_names_tests_that_exist() {
    let root = rig::workspace();
    let document = std::fs::read_to_string(root.join("docs/security.md")).expect("docs/security.md");
    let (named, missing) = tests_named_in(&document, &root);
    assert!(named >= 40, "only {named} tests are named");
    assert!(missing.is_empty(), "no tests: {missing:#?}");

    let own = "workspace.rs::the_threat_model_names_tests_that_exist";
    let wrong = ["workspace.rs::size", "workspace.rs::nothing", "nowhere.rs::size", "tests/src/rig.rs::workspace"];
    let spoiled = format!("`{own}` `{}`", wrong.join("` `"));
    let mut expected = wrong.map(str::to_owned);
    expected.sort();
    assert_eq!(tests_named_in(&spoiled, &root), (5, expected.to_vec()));
}
