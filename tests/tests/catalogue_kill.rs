//! The catalogue under SIGKILL, Ctrl-C and flipped bytes: what was told as stored is there, nothing is half.

use clothingid_tests::{Outcome, Rig, photographs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Products of two photographs each; enough that an import takes longer than the longest wait before a kill.
const PRODUCTS: usize = 150;

/// Kills of a run at CI size; `CLOTHINGID_KILLS` asks for more.
fn kills() -> u32 {
    std::env::var("CLOTHINGID_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

/// A catalogue file of [`PRODUCTS`] products, all with photographs of their own name.
fn shop(rig: &Rig) -> PathBuf {
    let from = photographs::shop();
    let mut csv = "sku,title,photo,price\n".to_owned();
    for i in 0..PRODUCTS {
        for view in 0..2 {
            let name = format!("{i}-{view}.jpg");
            rig.copy(&from[(2 * i + view) % from.len()], format!("photos/{name}"));
            writeln!(csv, "S{i},Product {i},{name},{i}.50").unwrap();
        }
    }
    rig.write("shop.csv", csv)
}

fn import(rig: &Rig) -> clothingid_tests::Run {
    rig.clothingid(["catalogue", "import", "shop.csv", "--photos", "photos", "--catalogue", "state/c.sqlite", "--json"])
}

/// The products that an import told as stored. A line that the kill cut in two was not told.
fn told(outcome: &Outcome) -> BTreeSet<String> {
    let whole = outcome.stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let committed = lines.filter(|line| line["event"] == "committed");
    committed
        .flat_map(|line| line["skus"].as_array().expect("skus").clone())
        .map(|s| s.as_str().unwrap().to_owned())
        .collect()
}

/// The stored products; each must be whole.
fn stored(rig: &Rig) -> BTreeSet<String> {
    let _done = rig.clothingid(["catalogue", "check", "--catalogue", "state/c.sqlite"]).run().expect_code(0);
    let listed = rig.clothingid(["catalogue", "list", "--json", "--catalogue", "state/c.sqlite"]).run().expect_code(0);
    let whole = listed.json_lines().into_iter().inspect(|line| {
        assert_eq!(line["photos"].as_array().expect("photos").len(), 2, "half a product: {line}");
    });
    whole.map(|line| line["sku"].as_str().unwrap().to_owned()).collect()
}

/// `import … 2>&1 | head -1`: nobody reads any longer, and the import is made to its end.
#[test]
fn an_import_that_nobody_listens_to_is_made_to_its_end() {
    let rig = Rig::new();
    shop(&rig);
    let program = clothingid_tests::rig::program("clothingid").display().to_string();
    let command = "catalogue import shop.csv --photos photos --catalogue state/c.sqlite --json";
    let piped = format!("{{ '{program}' {command} 2>&1; echo $? > status; }} | head -n 1");
    let _ = clothingid_tests::Run::new("sh").args(["-c", &piped]).current_dir(rig.folder()).run();
    assert_eq!(std::fs::read_to_string(rig.path("status")).expect("a status"), "0\n");
    assert_eq!(stored(&rig).len(), PRODUCTS);
}

#[test]
fn killed_imports_lose_nothing_told_and_leave_nothing_half() {
    let rig = Rig::new();
    shop(&rig);
    let mut all_told = BTreeSet::new();
    let mut state = 0x9E37_79B9_u32;
    for kill in 0..kills() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut running = import(&rig).start();
        // From before the file is made to somewhere in the batches; every third kill comes right after one was told.
        if kill % 3 == 2 {
            let _line = running.wait_for("\"event\"", Duration::from_secs(60));
        } else {
            std::thread::sleep(Duration::from_millis(u64::from(state >> 22)));
        }
        all_told.extend(told(&running.kill()));
        if rig.path("state/c.sqlite").exists() {
            let stored = stored(&rig);
            let lost: Vec<_> = all_told.difference(&stored).collect();
            assert!(lost.is_empty(), "told and lost after kill {kill}: {lost:?}");
            if stored.len() == PRODUCTS {
                // Nothing is left to be killed: once more from the beginning.
                std::fs::remove_dir_all(rig.path("state")).expect("the state folder");
                all_told.clear();
            }
        } else {
            assert!(all_told.is_empty());
        }
    }
    let last = import(&rig).run().expect_code(0);
    let done = last.json_lines().pop().expect("the sum");
    assert_eq!(done["new"].as_u64().unwrap() + done["unchanged"].as_u64().unwrap(), PRODUCTS as u64, "{done}");
    assert_eq!(stored(&rig).len(), PRODUCTS);
    let again = import(&rig).run().expect_code(0);
    assert_eq!(again.json_lines().pop().expect("the sum")["unchanged"], PRODUCTS);
}

#[test]
fn an_interrupted_import_says_how_to_go_on() {
    let rig = Rig::new();
    shop(&rig);
    let mut running = import(&rig).start();
    let _line = running.wait_for("committed", Duration::from_secs(60));
    let outcome = running.interrupt().expect_code(130);
    assert!(
        outcome.stderr.contains("clothingid catalogue import shop.csv --photos photos"),
        "no command that goes on: {}",
        outcome.stderr
    );
    assert_eq!(stored(&rig), told(&outcome));
    let done = import(&rig).run().expect_code(0).json_lines().pop().expect("the sum");
    assert_eq!(done["interrupted"], false);
    assert_eq!(stored(&rig).len(), PRODUCTS);
}

#[test]
fn a_flipped_byte_of_a_photograph_is_named_and_importing_again_mends_it() {
    let rig = Rig::new();
    let photo = photographs::good();
    rig.copy(&photo, "photos/a.jpg");
    rig.write("shop.csv", "sku,title,photo\nA1,Dress,a.jpg\n");
    let catalogue = rig.path("c.sqlite");
    let at = ["--catalogue", "c.sqlite"];
    let import = || rig.clothingid(["catalogue", "import", "shop.csv", "--photos", "photos"]).args(at).run();
    let _done = import().expect_code(0);

    // The photograph's bytes lie in pages of the file; its middle is in one of them.
    let picture = std::fs::read(&photo).unwrap();
    let needle = &picture[picture.len() / 2..picture.len() / 2 + 32];
    let mut bytes = std::fs::read(&catalogue).unwrap();
    let place = bytes.windows(32).position(|w| w == needle).expect("the photograph in the file");
    bytes[place] ^= 1;
    rig.write("c.sqlite", bytes);

    let check = rig.clothingid(["catalogue", "check"]).args(at).run().expect_code(1);
    assert!(check.stderr.contains("the picture of the photo `a.jpg` of the product `A1`"), "{}", check.stderr);
    assert!(check.stderr.contains("hint: import again"), "{}", check.stderr);
    // The picture is not needed for an answer.
    let _done = rig.clothingid(["search", "--json"]).arg(&photo).args(at).run().expect_code(0);
    let _done = import().expect_code(0);
    let _done = rig.clothingid(["catalogue", "check"]).args(at).run().expect_code(0);
}
