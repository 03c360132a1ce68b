//! What the tests in a real browser need.

use std::path::Path;

/// What is missing for a page to be driven in a browser, if anything.
#[must_use]
pub fn missing(folder: &Path) -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|place| place.join(name).is_file());
    if !is_there(&"node") {
        Some("Node.js is missing")
    } else if !["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].iter().any(is_there) {
        Some("a Chromium is missing")
    } else if !folder.join("node_modules/playwright-core").is_dir() || !folder.join("node_modules/axe-core").is_dir() {
        Some("the browser's driver is missing")
    } else {
        None
    }
}
