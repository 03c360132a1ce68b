//! The kiosk page and the API, as a browser and a program see them: the real `clothingid demo`, a real Chromium.
//!
//! The page's test needs Node.js, a Chromium and `tests/browser/node_modules`; where one is missing it is skipped with the
//! command that installs them, and with `CI=true` it fails.

use clothingid_tests::clerk::{configure, pin_of, run, shop};
use clothingid_tests::demo::{Demo, START};
use clothingid_tests::{Rig, browser, metrics, photographs};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// A photograph of the demo's camera.
fn photo() -> Vec<u8> {
    std::fs::read(&photographs::camera()[0]).expect("a photograph")
}

fn assert_reading(reading: &Value) {
    for key in ["category14", "category26"] {
        let probability = reading[key]["probability"].as_f64().expect(key);
        assert!((0.0..=1.0).contains(&probability) && reading[key]["label"].is_string(), "{reading}");
    }
    assert!(reading["garment"].is_f64() && reading["known"].is_boolean(), "{reading}");
    assert!(reading["ms"].as_f64().is_some_and(|ms| ms > 0.0) && reading["path"].is_string(), "{reading}");
    assert!(
        reading["engine"].as_str().is_some_and(|engine| engine.starts_with("cpu: ") || engine.starts_with("gpu: ")),
        "{reading}"
    );
}

fn assert_matches(value: &Value) {
    assert_eq!(value["confident"].as_bool(), Some(value["verdict"] == "confident"), "{value}");
    assert!(["confident", "similar", "nothing"].iter().any(|verdict| value["verdict"] == *verdict), "{value}");
    let matches = value["matches"].as_array().expect("matches");
    let similarities: Vec<f64> = matches.iter().map(|one| one["similarity"].as_f64().expect("a similarity")).collect();
    assert!(similarities.is_sorted_by(|a, b| a >= b), "{value}");
    let mut skus: Vec<_> = matches.iter().map(|one| one["sku"].as_str().expect("a sku")).collect();
    skus.sort_unstable();
    skus.dedup();
    assert_eq!(skus.len(), matches.len(), "one match a product: {value}");
}

#[test]
fn the_api_answers_as_documented() {
    let demo = Demo::start();
    let reading = demo.reading();
    assert_reading(&reading);
    assert_matches(&reading);

    assert_eq!(demo.get("/healthz").json(), serde_json::json!({"alive": true}));
    let ready = demo.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()),
        (200, serde_json::json!({"ready": true, "camera": "ok", "idle": false, "catalogue": "ok"}))
    );

    let frame = demo.get("/api/v1/frame.jpg");
    assert!(
        frame.status == 200 && frame.body.starts_with(&[0xff, 0xd8]) && frame.head.contains("x-frame: "),
        "{}",
        frame.head
    );

    let photo = photo();
    let classified = demo.ask("POST", "/api/v1/classify", "Content-Type: image/jpeg\r\n", &photo);
    assert_eq!(classified.status, 200, "{}", classified.text());
    assert_reading(&classified.json());
    let form = [
        b"--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"shirt.jpg\"\r\n\r\n".as_slice(),
        &photo,
        b"\r\n--x--\r\n",
    ]
    .concat();
    let found = demo.ask("POST", "/api/v1/search?top=3", "Content-Type: multipart/form-data; boundary=x\r\n", &form);
    let found_json = found.json();
    assert_eq!((found.status, &found_json["path"]), (200, &Value::from("shirt.jpg")), "{found_json}");
    assert_matches(&found_json);
    assert_eq!(found_json["matches"].as_array().map(Vec::len), Some(3));

    let best = &found_json["matches"][0];
    let sku = best["sku"].as_str().expect("a sku");
    let product = demo.get(&format!("/api/v1/catalogue/{sku}"));
    assert_eq!((product.status, &product.json()["title"]), (200, &best["title"]));
    let name = best["photo"].as_str().expect("a photo");
    let picture =
        demo.get(&format!("/api/v1/catalogue/{sku}/photo?name={}", name.replace('/', "%2F").replace(' ', "%20")));
    assert!(picture.status == 200 && picture.head.contains("content-type: image/"), "{}", picture.head);

    let like = demo.get(&format!("/api/v1/catalogue/{sku}/similar?top=3"));
    let matches = like.json()["matches"].as_array().cloned().expect("matches");
    assert!(like.status == 200 && matches.len() == 3, "{}", like.text());
    assert!(matches.iter().all(|other| other["sku"] != sku && other["similarity"].is_number()), "{}", like.text());
    let colours = demo.get("/api/v1/colours").json();
    let colour = colours["colours"][0]["colour"].as_str().expect("a colour").to_owned();
    let coloured = demo.get(&format!("/api/v1/catalogue/{sku}/similar?colour={colour}")).json();
    let first = coloured["matches"][0]["sku"].as_str().expect("a garment of this colour").to_owned();
    let of_first = demo.get(&format!("/api/v1/catalogue/{first}")).json()["colours"].to_string().to_lowercase();
    assert!(of_first.contains(&colour), "{of_first}");
    let filtered = demo.ask("POST", &format!("/api/v1/search?colour={colour}"), "", &photo).json();
    assert_ne!(filtered["matches"][0]["sku"], Value::Null, "{filtered}");

    let metrics = demo.get("/metrics").text();
    let value = |name: &str| metrics::value(&metrics, name);
    assert!(value("frames_total") >= 1 && value("results_total") >= 1);
    assert!(value("catalogue_items") >= 20 && value("uploads_total") == 3);
    assert!(metrics.contains("clothingid_latency_ms_bucket{stage=\"network\"") && metrics.contains("engine=\"cpu: "));

    for (status, answer) in [
        (400, demo.ask("POST", "/api/v1/classify", "", &[])),
        (404, demo.get("/api/v1/nothing")),
        (404, demo.get("/api/v1/catalogue/none")),
        (404, demo.get("/api/v1/catalogue/none/similar")),
        (400, demo.get(&format!("/api/v1/catalogue/{sku}/similar?price=cheap"))),
        (404, demo.get("/api/v1/catalogue/none/photo?name=../../etc/passwd")),
        (405, demo.ask("DELETE", "/api/v1/reading", "", &[])),
        (400, demo.ask("POST", "/api/v1/search", "Content-Type: multipart/form-data\r\n", b"x")),
        (413, demo.ask("POST", "/api/v1/classify", "", &vec![0; 17 << 20])),
        (421, demo.ask("GET", "/api/v1/reading", "Host: shop.example\r\n", &[])),
        (403, demo.ask("GET", "/api/v1/reading", "Sec-Fetch-Site: cross-site\r\n", &[])),
        (422, demo.ask("POST", "/api/v1/classify", "", b"GIF89a no photograph")),
        (422, demo.ask("POST", "/api/v1/search", "", &photo[..photo.len() / 3])),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", answer.text());
        assert!(answer.head.contains("content-security-policy: default-src 'none'"), "{}", answer.head);
    }
}

#[test]
fn the_event_stream_gives_readings_and_the_status() {
    let demo = Demo::start();
    let _ = demo.reading();
    let mut stream = TcpStream::connect(("127.0.0.1", demo.port)).expect("the page's port");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", demo.port);
    stream.write_all(request.as_bytes()).expect("a request");
    let (mut text, mut buffer, end) = (String::new(), [0; 4096], Instant::now() + Duration::from_secs(20));
    let readings = |text: &str| -> Vec<Value> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|value| value["frame"].is_u64())
            .collect()
    };
    while !(text.contains("event: status") && readings(&text).len() >= 3) {
        assert!(Instant::now() < end, "{text}");
        let len = stream.read(&mut buffer).expect("more of the stream");
        assert!(len > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..len]));
    }
    let frames: Vec<u64> = readings(&text).iter().filter_map(|reading| reading["frame"].as_u64()).collect();
    assert!(frames.is_sorted_by(|a, b| a < b), "{frames:?}");
    readings(&text).iter().for_each(assert_reading);
    // An open stream does not keep the program from ending.
    let started = Instant::now();
    let outcome = demo.running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
    stream.shutdown(Shutdown::Both).ok();
}

#[test]
fn too_many_photographs_at_once_are_turned_away() {
    let demo = Demo::start();
    let _ = demo.reading();
    // Four senders who do not go on hold all places; the fifth is told at once, and the live readings go on.
    let slow: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", demo.port)).expect("the page's port");
            let head = format!(
                "POST /api/v1/classify HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: 1000\r\n\r\nx",
                demo.port
            );
            stream.write_all(head.as_bytes()).expect("a request");
            stream
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = demo.ask("POST", "/api/v1/classify", "", &photo());
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
            break;
        }
        assert!(Instant::now() < end, "{} {}", answer.status, answer.text());
    }
    let before = demo.reading()["frame"].as_u64();
    std::thread::sleep(Duration::from_secs(1));
    assert!(demo.reading()["frame"].as_u64() > before);
    // Those who do not go on are told so, each, and their places are free again.
    for mut stream in slow {
        stream.set_read_timeout(Some(START)).expect("a timeout");
        let (mut told, mut buffer) = (String::new(), [0; 4096]);
        while !told.contains("the photograph did not come within 15 s") {
            let len = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error}: {told}"));
            assert!(len > 0, "{told}");
            told.push_str(&String::from_utf8_lossy(&buffer[..len]));
        }
        assert!(told.starts_with("HTTP/1.1 408"), "{told}");
    }
    let end = Instant::now() + Duration::from_secs(10);
    while demo.ask("POST", "/api/v1/classify", "", &photo()).status != 200 {
        assert!(Instant::now() < end, "the places were not given back");
    }
}

#[test]
fn a_port_in_use_is_said_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its number").to_string();
    let rig = Rig::new();
    let outcome = rig.clothingid(["demo", "--listen", &address]).run();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains(&format!("error: port {} is in use", taken.local_addr().expect("port").port())),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("hint: ") && outcome.stderr.contains("--listen"), "{}", outcome.stderr);
    assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
}

#[test]
fn a_configuration_with_a_typo_is_said_with_its_line() {
    let rig = Rig::new();
    let file = rig.write("shop.toml", "listen = \"127.0.0.1:0\"\nlangage = \"de\"\n");
    let outcome = rig.clothingid(["run", "--config", &file.display().to_string()]).run();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("shop.toml:2: unknown key `langage`"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: did you mean `language`?"), "{}", outcome.stderr);
}

#[test]
fn a_camera_folder_that_is_missing_or_empty_is_said() {
    let rig = Rig::new();
    let run = |folder: &str| {
        let text = format!("listen = \"127.0.0.1:0\"\n[camera]\nfolder = \"{folder}\"\n");
        let file = rig.write("shop.toml", text);
        rig.clothingid(["run", "--config", &file.display().to_string()]).run()
    };
    std::fs::create_dir_all(rig.path("empty")).expect("a folder");
    for (folder, words) in [("none", "none"), ("empty", "no photograph in")] {
        let outcome = run(folder);
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(words) && outcome.stderr.contains("hint: "), "{folder}: {}", outcome.stderr);
    }
}

#[test]
fn a_camera_that_goes_away_comes_back_and_bad_photographs_are_counted() {
    let rig = Rig::new();
    rig.write("camera/a.jpg", photo());
    rig.write("camera/b.jpg", b"no photograph");
    let text = "listen = \"127.0.0.1:0\"\n[camera]\nfolder = \"camera\"\nframes_per_second = 20\nhold_seconds = 0.2\n";
    let file = rig.write("shop.toml", text);
    let mut running = rig.clothingid(["run", "--config", &file.display().to_string()]).start();
    let line = running.wait_for("http://localhost:", START);
    let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("a port");
    let _ = running.wait_for("not a JPEG, PNG or WebP", START);
    let demo = Demo { running, port, rig };
    let _ = demo.reading();
    let wait_for = |state: &str| {
        let end = Instant::now() + Duration::from_secs(20);
        while demo.get("/readyz").json()["camera"] != state {
            assert!(Instant::now() < end, "never {state}: {}", demo.running.stderr());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    std::fs::rename(demo.rig.path("camera"), demo.rig.path("gone")).expect("a rename");
    wait_for("lost");
    assert_eq!(demo.get("/readyz").json()["ready"], true, "the network is well without a camera");
    std::fs::rename(demo.rig.path("gone"), demo.rig.path("camera")).expect("a rename");
    wait_for("ok");
    let before = demo.reading()["frame"].as_u64();
    std::thread::sleep(Duration::from_millis(500));
    assert!(demo.reading()["frame"].as_u64() > before, "frames are numbered on");
    let metrics = demo.get("/metrics").text();
    for name in ["clothingid_camera_losses_total 0", "clothingid_frames_corrupt_total 0"] {
        assert!(!metrics.contains(&format!("{name}\n")), "{metrics}");
    }
    let said = demo.running.stderr();
    assert_eq!(said.matches("not a JPEG, PNG or WebP").count(), 1, "said once: {said}");
}

#[test]
fn nothing_that_is_shown_is_stored() {
    let demo = Demo::start();
    let _ = demo.reading();
    let files = |folder: &Path| -> Vec<String> {
        let mut found: Vec<_> = walk(folder).into_iter().map(|path| path.display().to_string()).collect();
        found.sort();
        found
    };
    let before = files(demo.rig.folder());
    assert_eq!(demo.ask("POST", "/api/v1/search", "", &photo()).status, 200);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(files(demo.rig.folder()), before);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_browser_shows_live_answers() {
    if !browser::is_there() {
        return;
    }
    let demo = Demo::start();
    let pictures = browser::run("kiosk.mjs", &demo, &[], &[&demo.running.id().to_string()]);
    let size = std::fs::metadata(pictures.join("kiosk-en.png")).expect("a screenshot").len();
    assert!(size > 20_000, "a screenshot of {size} bytes shows nothing");
}

#[test]
fn a_browser_shows_the_shops_own_logo_and_colours() {
    if !browser::is_there() {
        return;
    }
    let rig = shop();
    let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 120 40\"><rect width=\"120\" height=\"40\" fill=\"#7a2e12\"/></svg>";
    rig.write("logo.svg", drawing);
    let look = "[look]\nlogo = \"logo.svg\"\naccent = \"#7a2e12\"\npaper = \"#fdfaf6\"\n";
    configure(&rig, look);
    let demo = run(rig);
    assert_eq!(demo.get("/assets/logo").text(), drawing);
    let _ = browser::run("look.mjs", &demo, &[], &[]);
}

#[test]
fn a_logo_that_is_none_is_said() {
    let rig = shop();
    rig.write("other.toml", "[look]\nlogo = \"stock.csv\"\n");
    let outcome = rig.clothingid(["run", "--config", "other.toml"]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("stock.csv` is not a PNG, JPEG, WebP or SVG file"), "{}", outcome.stderr);
}

#[test]
fn a_browser_would_find_every_answer_as_the_document_describes_it() {
    if !browser::is_there() {
        return;
    }
    let demo = Demo::start();
    let _ = demo.reading();
    let (pin, photo) = (pin_of(&demo), photographs::camera()[0].display().to_string());
    browser::check("answers.mjs", &demo, &[&pin, &photo]);
}
