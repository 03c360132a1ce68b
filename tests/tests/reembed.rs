//! A change of network as a shop lives through it: the old answers until the new ones are complete, through kills, with the progress told.

use clothingid_device::catalogue::Store;
use clothingid_device::catalogue::import::{Embedders, NetworkEmbedders};
use clothingid_device::catalogue::store::{Embedded, PhotoWrite, ProductWrite};
use clothingid_device::network::{EngineChoice, read_bundle};
use clothingid_shared::embedding::{ArithmeticClass, Embedding, EmbeddingIdentity, l2_normalise};
use clothingid_tests::demo::{Answer, Demo, START};
use clothingid_tests::{Rig, made_up, photographs};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Photographs of the shop: enough that embedding them takes some seconds on one thread.
const PHOTOS: usize = 400;

fn identity(class: ArithmeticClass) -> EmbeddingIdentity {
    read_bundle(None).expect("the bundle").identity(class)
}

/// A catalogue file with one photograph a product, and a configuration that runs the integer network on it.
fn shop(rig: &Rig) {
    let from = photographs::shop();
    let mut csv = "sku,title,photo\n".to_owned();
    for i in 0..PHOTOS {
        rig.copy(&from[i % from.len()], format!("photos/{i}.jpg"));
        writeln!(csv, "S{i},Product {i},{i}.jpg").unwrap();
    }
    rig.write("shop.csv", csv);
    for (i, photo) in photographs::camera().iter().enumerate() {
        rig.copy(photo, format!("camera/{i}.jpg"));
    }
    rig.write(
        "config.toml",
        "catalogue = 'c.db'\nengine = 'cpu'\nlisten = '127.0.0.1:0'\n[camera]\nfolder = 'camera'\n",
    );
}

/// A product as the network before embeds it.
fn embedded_before(sku: &str, photo: &[u8]) -> (EmbeddingIdentity, ProductWrite) {
    let bundle = read_bundle(None).expect("the bundle");
    let embedders = NetworkEmbedders::new(&bundle, EngineChoice::Tract).expect("the network");
    let mut floats = embedders.open().expect("the network").embed(photo).expect("an embedding");
    let quantised = Embedding::quantise(&floats).expect("a direction");
    l2_normalise(&mut floats);
    let embedded = Embedded { quantised, floats };
    let photos = vec![PhotoWrite::Add { name: "a.jpg".into(), bytes: photo.to_vec(), embedded }];
    let write = ProductWrite { product: made_up::product(sku, "t"), photos, remove: Vec::new() };
    (embedders.identity().clone(), write)
}

fn appliance(rig: Rig) -> Demo {
    let running = rig.clothingid(["run", "--config", "config.toml"]).start();
    Demo::of(rig, running)
}

fn search(demo: &Demo) -> Answer {
    let photo = std::fs::read(&photographs::shop()[0]).expect("a photograph");
    demo.ask("POST", "/api/v1/search?top=1", "Content-Type: image/jpeg\r\n", &photo)
}

fn status(demo: &Demo) -> Value {
    demo.get("/readyz").json()
}

/// The status once this holds of it.
fn wait_until(demo: &Demo, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + 2 * START;
    loop {
        let status = status(demo);
        if holds(&status) {
            return status;
        }
        assert!(Instant::now() < end, "{what}: {status}\n{}", demo.running.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_under_way(status: &Value) -> bool {
    status["reembedding"]["done"].as_u64().is_some_and(|done| done > 0)
}

#[test]
fn the_network_before_answers_until_the_catalogue_is_embedded() {
    let rig = Rig::new();
    shop(&rig);
    let import = ["catalogue", "import", "shop.csv", "--photos", "photos", "--catalogue", "c.db", "--engine", "tract"];
    let _done = rig.clothingid(import).run().expect_code(0);
    let photo = std::fs::read(&photographs::camera()[0]).expect("a photograph");
    let (whose, late) = embedded_before("LATE", &photo);
    let demo = appliance(rig);

    let under_way = wait_until(&demo, "it begins", is_under_way);
    assert_eq!(under_way["catalogue"], "ok");
    assert!(under_way["reembedding"]["photos"].as_u64().is_some_and(|n| n == PHOTOS as u64), "{under_way}");
    assert_eq!(demo.reading()["engine"], "tract: float", "the network before answers");
    let found = search(&demo).json();
    assert_eq!(found["matches"].as_array().map(Vec::len), Some(1), "{found}");

    // What comes meanwhile with the old network, too, is found by the new one.
    Store::open(&demo.rig.path("c.db")).expect("the catalogue").commit(&whose, &[late], &[]).expect("a product");
    assert!(is_under_way(&status(&demo)), "it came too late");
    let _status = wait_until(&demo, "it ends", |status| status["reembedding"].is_null() && status["ready"] == true);
    let end = Instant::now() + START;
    while !demo.reading()["engine"].as_str().expect("an engine").starts_with("cpu: int8") {
        assert!(Instant::now() < end, "the new network does not answer: {}", demo.running.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    let found = demo.ask("POST", "/api/v1/search?top=1", "Content-Type: image/jpeg\r\n", &photo).json();
    assert_eq!(found["matches"][0]["sku"], "LATE", "{found}");
    let store = Store::open(&demo.rig.path("c.db")).expect("the catalogue");
    assert_eq!(store.served().expect("whose"), Some(identity(ArithmeticClass::Int8)));
    assert_eq!(store.check().expect("a check").damage, []);
}

#[test]
fn without_the_network_before_search_is_off_until_it_comes_back_by_itself() {
    let rig = Rig::new();
    shop(&rig);
    // Embeddings of a network that nobody has any more.
    let gone = made_up::identity("gone");
    let from = photographs::shop();
    let mut store = Store::open_or_create(&rig.path("c.db")).expect("a catalogue");
    for i in 0..PHOTOS {
        let bytes = std::fs::read(&from[i % from.len()]).expect("a photograph");
        let photos = [("a.jpg".to_owned(), bytes)];
        let product = made_up::write(&gone, made_up::product(&format!("S{i}"), "t"), &photos);
        store.commit(&gone, &[product], &[]).expect("a product");
    }
    drop(store);

    let mut left = PHOTOS as u64;
    let mut demo = appliance(rig);
    // Killed twice on the way: what was told as done is not done again.
    for _ in 0..2 {
        let under_way = wait_until(&demo, "it begins", is_under_way);
        assert_eq!(under_way["catalogue"], "failed");
        let (done, photos) = (&under_way["reembedding"]["done"], under_way["reembedding"]["photos"].as_u64());
        assert!(photos.is_some_and(|photos| photos <= left), "{under_way}, {left} were left");
        left = photos.expect("a count") - done.as_u64().expect("a count");
        let refused = search(&demo);
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(refused.text().contains("is not yet embedded with the network in use"), "{}", refused.text());
        assert!(demo.reading()["category14"]["label"].is_string(), "what a garment is, is said all the same");
        let Demo { running, rig, .. } = demo;
        let _killed = running.kill();
        demo = appliance(rig);
    }
    let done = wait_until(&demo, "it ends", |status| status["reembedding"].is_null() && status["catalogue"] == "ok");
    assert_eq!(done["ready"], true);
    let end = Instant::now() + START;
    while search(&demo).status != 200 {
        assert!(Instant::now() < end, "search does not come back: {}", demo.running.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    let found = search(&demo).json();
    assert_eq!(found["matches"].as_array().map(Vec::len), Some(1), "{found}");
    let store = Store::open(&demo.rig.path("c.db")).expect("the catalogue");
    assert_eq!(store.check().expect("a check").damage, []);
    assert_eq!(store.value_count(&gone).expect("the identities"), None, "the old embeddings are gone");
}

#[test]
fn a_catalogue_is_embedded_by_hand_and_searched_by_the_old_network_meanwhile() {
    let rig = Rig::new();
    shop(&rig);
    let at = ["--catalogue", "c.db"];
    let import = ["catalogue", "import", "shop.csv", "--photos", "photos", "--engine", "tract"];
    let _done = rig.clothingid(import).args(at).run().expect_code(0);
    let find = |engine| rig.clothingid(["search", "--engine", engine]).arg(&photographs::shop()[0]).args(at).run();
    let refused = find("cpu").expect_code(1);
    assert!(
        refused.stderr.contains("`clothingid catalogue embed --catalogue c.db --engine cpu`"),
        "{}",
        refused.stderr
    );

    let mut running = rig.clothingid(["catalogue", "embed", "--json", "--threads", "1"]).args(at).start();
    let _line = running.wait_for("committed", START);
    // It is held in the middle, however long the search takes.
    running.signal("STOP");
    let _found = find("tract").expect_code(0);
    running.signal("CONT");
    let stopped = running.interrupt().expect_code(130);
    assert!(stopped.stderr.contains("Go on with: `clothingid catalogue embed --catalogue c.db`"), "{}", stopped.stderr);
    let done = rig.clothingid(["catalogue", "embed"]).args(at).run().expect_code(0);
    assert!(done.stdout.contains("photos embedded; the network "), "{}", done.stdout);
    let _found = find("cpu").expect_code(0);
    let again = rig.clothingid(["catalogue", "embed"]).args(at).run().expect_code(0);
    assert!(again.stdout.starts_with("0 photos embedded"), "{}", again.stdout);
}
