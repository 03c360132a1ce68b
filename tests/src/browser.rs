//! The tests in a real browser: what they need, and how their scripts are run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::demo::Demo;
use crate::rig;

/// Runs a script of `tests/browser` on a page, with the page's address, then `before`, a folder for screenshots (the demo's own, or
/// `CLOTHINGID_SCREENSHOTS`), then `after`. Gives that folder.
///
/// # Panics
/// A check of the script failed.
pub fn run(script: &str, demo: &Demo, before: &[&str], after: &[&str]) -> PathBuf {
    let pictures = std::env::var_os("CLOTHINGID_SCREENSHOTS").map_or_else(|| demo.rig.path("pictures"), Into::into);
    std::fs::create_dir_all(&pictures).expect("a folder for screenshots");
    let folder = pictures.display().to_string();
    check(script, demo, &[before, &[&folder], after].concat());
    pictures
}

/// Runs a script of `tests/browser` on a page, with the page's address, then `arguments`.
///
/// # Panics
/// A check of the script failed.
pub fn check(script: &str, demo: &Demo, arguments: &[&str]) {
    let (is_well, words) = drive(script, demo.port, arguments);
    assert!(is_well, "{words}\n{}", demo.running.stderr());
}

/// Runs a script of `tests/browser` on the page at a port of this machine; whether all its checks were well, and what it said.
///
/// # Panics
/// There is no Node.js.
#[must_use]
pub fn drive(script: &str, port: u16, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("node");
    command.arg(script).arg(format!("http://localhost:{port}")).args(arguments).current_dir(folder());
    let output = command.output().expect("node");
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{words}");
    (output.status.success(), words)
}

/// Whether a page can be driven in a browser here; where it cannot, that is said, and with `CI=true` it is a failure.
///
/// # Panics
/// Something is missing with `CI=true`.
#[must_use]
pub fn is_there() -> bool {
    let Some(missing) = missing(&folder()) else { return true };
    let words = format!("skipped: {missing}; install it: `cargo xtask setup --system`");
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{words}");
    eprintln!("{words}");
    false
}

fn folder() -> PathBuf {
    rig::workspace().join("tests").join("browser")
}

/// What is missing for a page to be driven in a browser, if anything.
fn missing(folder: &Path) -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|place| place.join(name).is_file());
    if !is_there(&"node") {
        Some("Node.js is missing")
    } else if !["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].iter().any(is_there) {
        Some("a Chromium is missing")
    } else if !["playwright-core", "axe-core", "ajv"].iter().all(|name| folder.join("node_modules").join(name).is_dir())
    {
        Some("the browser's driver is missing")
    } else {
        None
    }
}
