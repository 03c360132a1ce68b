//! A running appliance whose state folder can no longer be written: a disk that its system has taken for broken.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use clothingid_tests::clerk::{Clerk, set_pin, shop};
use clothingid_tests::demo::{Demo, START};
use clothingid_tests::{Rig, memory, photographs};

/// What the store refuses before its memory is looked at, and again after.
const REFUSALS: usize = 100;

/// Memory may grow by so much.
const MOST_GROWTH_KIB: u64 = 5 * 1024;

/// Whether anything in the state folder may be written.
fn let_write(rig: &Rig, may: bool) {
    let set =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    for entry in std::fs::read_dir(rig.state()).expect("the state folder").flatten() {
        if entry.path().is_file() {
            set(&entry.path(), if may { 0o600 } else { 0o400 });
        }
    }
    set(&rig.state(), if may { 0o700 } else { 0o500 });
}

#[test]
fn a_store_that_cannot_be_written_is_searched_on_and_what_was_not_kept_is_said() {
    let rig = shop();
    set_pin(&rig, "2580");
    let running = rig.clothingid(["run", "--config", "shop.toml"]).heeding_permissions().start();
    let demo = Demo::of(rig, running);
    let clerk = Clerk::log_in(&demo, "2580");
    let _ = demo.reading();
    let_write(&demo.rig, false);
    let keep = || {
        assert_eq!(clerk.post("/staff/wrong", &[]).status, 303);
        clerk.post("/staff/wrong/choose", &[("is", "A-2"), ("is_not", "A-3")])
    };
    let refuse = |times: usize| {
        for _ in 0..times {
            let refused = keep();
            assert!(refused.status == 500 && refused.text().contains("Nothing was changed"), "{}", refused.text());
        }
    };
    refuse(REFUSALS);
    let memory = memory::kib(demo.running.id(), "VmRSS");
    refuse(REFUSALS);
    let grown = memory::kib(demo.running.id(), "VmRSS").saturating_sub(memory);
    assert!(grown < MOST_GROWTH_KIB, "{grown} KiB for {REFUSALS} refusals");
    assert_eq!(demo.counter("requests_failed"), 2 * REFUSALS as u64);
    let before = demo.reading();
    assert_eq!(before["matches"][0]["sku"], "A-1", "{before}");
    let found = demo.ask("POST", "/api/v1/search", "", &photographs::good_bytes());
    assert!(
        found.status == 200 && !found.json()["matches"].as_array().expect("matches").is_empty(),
        "{}",
        found.text()
    );
    assert_eq!(demo.get("/readyz").json()["catalogue"], "ok");
    // A picture that does not change is looked at again after a while.
    let end = Instant::now() + START;
    while demo.reading()["frame"].as_u64() <= before["frame"].as_u64() {
        assert!(Instant::now() < end, "readings do not go on");
        std::thread::sleep(Duration::from_millis(50));
    }

    let_write(&demo.rig, true);
    let kept = keep();
    assert!(kept.status == 200 && kept.text().contains("From now on"), "{}", kept.text());
    assert_eq!(demo.counter("requests_failed"), 2 * REFUSALS as u64, "what is kept did not fail");
    let outcome = demo.running.interrupt();
    assert!(outcome.code == Some(0) && !outcome.stderr.contains("panicked"), "{}", outcome.stderr);
}
