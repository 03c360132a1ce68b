//! The shop's network: the real program over TLS, from a phone that nobody knows to one that is paired, logged in and removed again.
//!
//! The test whose name begins with `a_browser` needs what those of `kiosk.rs` need.

use std::path::Path;
use std::time::{Duration, Instant};

use clothingid_tests::clerk::{Clerk, between, configure, run, set_pin, shop, unused};
use clothingid_tests::command::Outcome;
use clothingid_tests::demo::{Answer, Demo, START, free_port};
use clothingid_tests::{Rig, browser, phone};

/// The appliance of a shop that also serves its network, here this machine.
fn served() -> (Demo, u16) {
    let (rig, port) = (shop(), free_port());
    set_pin(&rig, "2580");
    configure(&rig, &format!("[lan]\nlisten = \"127.0.0.1:{port}\"\n"));
    let demo = run(rig);
    let said = demo.running.stderr();
    assert!(said.contains(&format!("https://127.0.0.1:{port} for paired devices; certificate ")), "{said}");
    (demo, port)
}

/// One request over TLS by another program, which trusts the appliance's own certificate and no other.
fn ask(demo: &Demo, port: u16, path: &str, more: &[&str]) -> Answer {
    let address = format!("https://127.0.0.1:{port}{path}");
    let certificate = demo.rig.state().join("lan/certificate.pem");
    let certificate = certificate.to_str().expect("a path in UTF-8");
    let outcome = curl(&demo.rig, &["--cacert", certificate, "--include", &address], more);
    assert_eq!(outcome.code, Some(0), "{path}: {}{}", outcome.stderr, demo.running.stderr());
    Answer::of(outcome.stdout.as_bytes())
}

fn curl(rig: &Rig, first: &[&str], more: &[&str]) -> Outcome {
    let run = clothingid_tests::command::Run::new("curl").current_dir(rig.folder());
    run.args(["--silent", "--show-error", "--max-time", "20", "--http1.1"]).args(first).args(more).run()
}

/// An offer that the command line makes, as the address that a phone opens.
fn offered(rig: &Rig) -> String {
    let outcome = rig.clothingid(["staff", "pair", "--config", "shop.toml"]).run().expect_code(0);
    assert!(outcome.stdout.contains('█'), "a code for phones: {}", outcome.stdout);
    outcome.stdout.lines().find(|line| line.starts_with("https://")).expect("an address").to_owned()
}

fn code_of(address: &str) -> &str {
    address.rsplit('/').next().expect("a code")
}

#[test]
fn only_a_paired_device_comes_in_and_only_until_it_is_removed() {
    let (demo, port) = served();
    for path in ["/", "/staff", "/staff/login", "/api/v1/reading", "/api/v1/frame.jpg", "/metrics", "/openapi.json"] {
        let answer = ask(&demo, port, path, &[]);
        assert_eq!(answer.status, 401, "{path}: {}", answer.text());
        assert!(answer.head.contains("www-authenticate: bearer"), "{path}: {}", answer.head);
        let as_staff =
            ask(&demo, port, path, &["--header", "Authorization: Bearer 00", "--cookie", "device=1; staff=2"]);
        assert_eq!(as_staff.status, 401, "{path}");
    }
    let page = ask(&demo, port, "/staff", &["--header", "Accept: text/html"]);
    assert!(page.status == 401 && page.text().contains("This device is not paired"), "{}", page.text());
    assert_eq!(ask(&demo, port, "/healthz", &[]).status, 200);
    // Nothing is served in the clear, and nothing is paired at the appliance itself.
    let clear = curl(&demo.rig, &[&format!("http://127.0.0.1:{port}/")], &[]);
    assert_ne!(clear.code, Some(0), "{}", clear.stdout);
    assert_eq!(demo.get(&format!("/pair/{}", "0".repeat(64))).status, 404);

    let address = offered(&demo.rig);
    assert_eq!(ask(&demo, port, &format!("/pair/{}", "0".repeat(64)), &[]).status, 410);
    let asked = ask(&demo, port, &format!("/pair/{}", code_of(&address)), &[]);
    assert!(asked.status == 200 && asked.text().contains("Pair this device"), "{}", asked.text());
    let form = format!("code={}&name=Anna%27s%20phone", code_of(&address));
    let paired = ask(&demo, port, "/pair", &["--data", &form]);
    assert_eq!(paired.status, 200, "{}", paired.text());
    let token = paired.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(&demo, port, "/pair", &["--data", &form]).status, 410, "an offer is taken up once");

    let bearer = format!("Authorization: Bearer {token}");
    let with = |path: &str, more: &[&str]| ask(&demo, port, path, &[&["--header", &bearer], more].concat());
    assert_eq!(with("/api/v1/catalogue/A-1", &[]).json()["title"], "Linen shirt");
    // The staff's pages ask for the PIN here too, and their session is for TLS alone.
    assert!(with("/staff", &[]).head.contains("location: /staff/login"));
    let entered = with("/staff/login", &["--data", "pin=2580&to=/staff"]);
    assert!(entered.status == 303 && entered.head.contains("; secure; httponly; samesite=strict"), "{}", entered.head);
    let session = between(&entered.head, "set-cookie: ", ";").expect("a session");
    let home = with("/staff", &["--cookie", &session]);
    assert!(home.status == 200 && home.text().contains("Phones and PCs"), "{}", home.text());
    let stolen = ask(&demo, port, "/staff", &["--cookie", &session]);
    assert_eq!(stolen.status, 401, "a session without the device is worth nothing");

    let clerk = Clerk::log_in(&demo, "2580");
    let devices = clerk.get("/staff/devices").text();
    assert!(devices.contains("Anna&#x27;s phone") && !devices.contains(&token), "{devices}");
    let hash = between(&devices, "name=\"device\" value=\"", "\"").expect("a device");
    std::thread::scope(|scope| {
        // Who watches when the device is removed has watched for the last time. The first event is there in any case.
        let watched = scope.spawn(|| with("/api/v1/events", &["--raw", "--max-time", "19"]));
        let asked = Instant::now();
        while !demo.get("/metrics").text().contains("\nclothingid_watchers 1\n") {
            assert!(asked.elapsed() < START, "the stream is not open");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(clerk.post("/staff/devices/remove", &[("device", &hash)]).status, 303);
        let watched = watched.join().expect("a stream that ends").text();
        assert!(watched.contains("event: page"), "{watched}");
    });
    assert_eq!(with("/api/v1/reading", &[]).status, 401);
    assert_eq!(with("/staff", &["--cookie", &session]).status, 401);
}

#[test]
fn the_page_shows_an_offer_and_ends_it() {
    let (demo, port) = served();
    let clerk = Clerk::log_in(&demo, "2580");
    assert!(!clerk.get("/staff/devices").text().contains("/pair/"));
    assert_eq!(clerk.post("/staff/devices/pair", &[]).status, 303);
    let page = clerk.get("/staff/devices").text();
    let address = between(&page, "<code id=\"address\">", "<").expect("an address").replace("&#x2f;", "/");
    assert!(page.contains("<path d=\"M4 4h7v1h-7z"), "{page}");
    assert_eq!(ask(&demo, port, &format!("/pair/{}", code_of(&address)), &[]).status, 200);
    assert_eq!(clerk.post("/staff/devices/stop", &[]).status, 303);
    assert_eq!(ask(&demo, port, &format!("/pair/{}", code_of(&address)), &[]).status, 410);
}

/// What a phone reads from the appliance's own screen.
fn read_from(screen: &Path) -> Option<String> {
    phone::scan(&image::open(screen).ok()?.into_luma8())
}

#[test]
fn the_appliances_own_screen_shows_an_offer_until_it_is_taken_up() {
    let (rig, port) = (shop(), free_port());
    let screen = "[screen]\noutput = 'png'\nfile = 'screen.png'\nwidth = 320\nheight = 240\n";
    configure(&rig, &format!("{screen}[lan]\nlisten = \"127.0.0.1:{port}\"\n"));
    let demo = run(rig);
    let file = demo.rig.path("screen.png");
    let address = offered(&demo.rig);
    let soon = |wanted: Option<&str>| {
        let end = Instant::now() + START;
        while read_from(&file).as_deref() != wanted {
            assert!(Instant::now() < end, "never {wanted:?}: {:?}", read_from(&file));
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    soon(Some(&address));
    let form = format!("code={}&name=Phone", code_of(&address));
    assert_eq!(ask(&demo, port, "/pair", &["--data", &form]).status, 200);
    soon(None);
}

#[test]
fn a_phone_sets_a_new_appliance_up_by_the_code_on_its_screen() {
    let (rig, port) = (shop(), free_port());
    unused(&rig);
    let settings = "listen = \"127.0.0.1:0\"\n[camera]\nfolder = \"camera\"\n";
    let screen = "[screen]\noutput = 'png'\nfile = 'screen.png'\nwidth = 320\nheight = 240\n";
    rig.write("shop.toml", format!("{settings}{screen}[lan]\nlisten = \"127.0.0.1:{port}\"\n"));
    let running = rig.clothingid(["run", "--first-start", "--config", "shop.toml"]).start();
    let demo = Demo::of(rig, running);
    let file = demo.rig.path("screen.png");
    let seen = |is_wanted: &dyn Fn(Option<&str>) -> bool| {
        let end = Instant::now() + START;
        loop {
            let read = read_from(&file);
            if is_wanted(read.as_deref()) {
                return read;
            }
            assert!(Instant::now() < end, "the screen shows {read:?}: {}", demo.running.stderr());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let address = seen(&|read| read.is_some()).expect("a code");
    assert_eq!(ask(&demo, port, "/staff/settings", &[]).status, 401, "who has not read the code sets nothing");
    let form = format!("code={}&name=Passer-by", code_of(&address));
    let passer_by = ask(&demo, port, "/pair", &["--data", &form]).json()["token"].as_str().expect("a token").to_owned();
    let another = seen(&|read| read.is_some_and(|read| read != address)).expect("another code");
    let form = format!("code={}&name=Phone", code_of(&another));
    let paired = ask(&demo, port, "/pair", &["--data", &form]);
    let bearer = format!("Authorization: Bearer {}", paired.json()["token"].as_str().expect("a token"));
    let with = |path: &str, more: &[&str]| ask(&demo, port, path, &[&["--header", &bearer], more].concat());
    assert!(with("/staff", &[]).head.contains("location: /staff/settings?lang=en"));
    let form = "language=de&pin=2580&again=2580&camera=auto";
    let kept = with("/staff/settings", &["--data", form]);
    assert!(kept.status == 200 && kept.head.contains("; secure; httponly"), "{}", kept.head);
    // The code goes, the phone stays, and nobody else who has read a code.
    let passer_by = format!("Authorization: Bearer {passer_by}");
    assert_eq!(ask(&demo, port, "/staff/login", &["--header", &passer_by]).status, 401);
    seen(&|read| read.is_none() && demo.running.stderr().matches("ClothingID ").count() >= 2);
    assert!(with("/staff/login", &[]).text().contains("Anmelden"));
}

#[test]
fn phones_stay_paired_over_a_restart() {
    let (demo, port) = served();
    let form = format!("code={}&name=Till", code_of(&offered(&demo.rig)));
    let token = ask(&demo, port, "/pair", &["--data", &form]).json()["token"].as_str().expect("a token").to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let Demo { rig, running, .. } = demo;
    let outcome = running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let demo = run(rig);
    assert_eq!(ask(&demo, port, "/readyz", &["--header", &bearer]).status, 200);
}

#[test]
fn those_who_connect_and_say_nothing_hold_up_neither_this_machine_nor_the_network_for_long() {
    let (demo, port) = served();
    let silent: Vec<_> =
        (0..300).map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection")).collect();
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", demo.running.id())).expect("descriptors").count();
    let end = Instant::now() + START;
    while demo.counter("lan_refused") != 284 {
        assert!(Instant::now() < end, "{} refused", demo.counter("lan_refused"));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(descriptors() < 120, "{} descriptors", descriptors());
    assert_eq!(demo.get("/readyz").status, 200);
    // Who has not greeted within the handshake's time makes room again, while he is still there.
    while curl(&demo.rig, &["--insecure", &format!("https://127.0.0.1:{port}/healthz")], &[]).code != Some(0) {
        assert!(Instant::now() < end, "nobody comes in any more");
    }
    assert!(demo.counter("connections_cut") > 0);
    drop(silent);
}

#[test]
fn what_cannot_be_served_is_said() {
    let rig = shop();
    let refused = |config: &str, arguments: &[&str]| {
        rig.write("other.toml", config);
        let outcome = rig.clothingid(["run", "--config", "other.toml"]).args(arguments).run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        outcome.stderr
    };
    let said = refused("", &["--listen", "0.0.0.0:0"]);
    assert!(said.contains("`0.0.0.0:0` can be reached from other machines") && said.contains("[lan]"), "{said}");
    let said = refused("[lan]\nlisten = '127.0.0.1:0'\ncertificate = 'shop.toml'\nkey = 'shop.toml'\n", &[]);
    assert!(said.contains("shop.toml` holds no certificate in PEM"), "{said}");
    rig.write("data/clothingid/lan/devices.json", "{");
    let said = refused("[lan]\nlisten = '127.0.0.1:0'\n", &[]);
    assert!(said.contains("devices.json` is no list of paired devices") && said.contains("pair the phones"), "{said}");
    rig.write("other.toml", "[lan]\nlisten = '127.0.0.1:0'\n");
    std::fs::remove_dir_all(rig.path("data/clothingid/lan")).expect("the folder");
    let outcome = rig.clothingid(["staff", "pair", "--config", "other.toml"]).run();
    assert!(outcome.code == Some(1) && outcome.stderr.contains("start the appliance first"), "{}", outcome.stderr);
    assert!(!rig.path("data/clothingid/lan").exists(), "nothing is made");
    let outcome = rig.clothingid(["staff", "pair", "--config", "shop.toml"]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("does not serve the shop's network"), "{}", outcome.stderr);
}

#[test]
fn a_browser_on_a_phone_is_paired_and_does_the_staffs_work() {
    if !browser::is_there() {
        return;
    }
    let (demo, _) = served();
    let _ = browser::run("phone.mjs", &demo, &["2580"], &[]);
}
