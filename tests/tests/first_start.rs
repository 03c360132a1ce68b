//! A new appliance is set up by who stands before it, once; and the settings are changed later by the staff. The real program, asked as a browser asks.
//!
//! The test whose name begins with `a_browser` needs what those of `kiosk.rs` need. A phone that does it is in `lan.rs`.

use std::time::{Duration, Instant};

use clothingid_tests::clerk::{Clerk, configure, location, set_pin, shop, unused};
use clothingid_tests::demo::{Answer, Demo, START};
use clothingid_tests::{Rig, browser};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// An appliance that nobody has set up: a camera, and no more settings than that. The catalogue is not in the state folder, where it would
/// be that of an appliance that is used already.
fn new() -> Rig {
    let rig = shop();
    unused(&rig);
    rig.write("shop.toml", "listen = \"127.0.0.1:0\"\n[camera]\nfolder = \"camera\"\n");
    rig
}

/// The same with a screen of its own.
fn new_with_screen() -> Rig {
    let rig = new();
    configure(&rig, "[screen]\noutput = 'png'\nfile = 'screen.png'\nwidth = 320\nheight = 240\n");
    rig
}

/// Whether the shop's network is served where a new appliance serves it.
fn is_network_served() -> bool {
    std::net::TcpStream::connect(("127.0.0.1", 8443)).is_ok()
}

fn start(rig: Rig) -> Demo {
    let running = rig.clothingid(["run", "--first-start", "--config", "shop.toml"]).start();
    Demo::of(rig, running)
}

fn restarted(demo: Demo) -> Demo {
    let Demo { rig, running, .. } = demo;
    let outcome = running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    start(rig)
}

/// Asks for the customers' page until it is as wanted: a moment after settings were changed it is that of before.
fn soon(demo: &Demo, what: &str, is_so: impl Fn(&str) -> bool) {
    let end = Instant::now() + START;
    loop {
        let answer = demo.get("/");
        if answer.status == 200 && is_so(&answer.text()) {
            return;
        }
        assert!(Instant::now() < end, "never {what}: {} {}\n{}", answer.status, answer.text(), demo.running.stderr());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn set_up(demo: &Demo, form: &str) -> Answer {
    demo.ask("POST", "/staff/settings", FORM, form.as_bytes())
}

#[test]
fn who_stands_before_it_sets_it_up_once() {
    let demo = start(new_with_screen());
    assert!(is_network_served(), "for the phone that reads the code on the screen: {}", demo.running.stderr());
    for path in ["/", "/staff", "/staff/undo", "/staff/login"] {
        let answer = demo.get(path);
        let to = location(&answer);
        assert!(
            answer.status == 303 && (to.starts_with("/staff/settings?lang=") || path == "/staff/login"),
            "{path}: {to}"
        );
    }
    assert_eq!(demo.get("/api/v1/staff/import").status, 401);
    let page = demo.get("/staff/settings?lang=de").text();
    assert!(page.contains("Dieses Gerät einrichten") && page.contains("value=\"de\" checked"), "{page}");

    // What is no PIN sets nothing, and neither does another site.
    for (form, words) in [
        ("language=de", "4 to 12 digits"),
        ("pin=2580&again=2581", "are not the same"),
        ("pin=1234&again=1234", "guessed at once"),
        ("pin=2580&again=2580&camera=video0", "names no camera"),
    ] {
        let answer = set_up(&demo, form);
        assert!(answer.status == 422 && answer.text().contains(words), "{form}: {}", answer.text());
    }
    let long = "x".repeat(61);
    let answer = set_up(&demo, &format!("pin=2580&again=2580&shop={long}"));
    assert!(
        answer.status == 422 && answer.text().contains("too long") && answer.text().contains(&long),
        "{}",
        answer.text()
    );
    for from in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let answer = demo.ask("POST", "/staff/settings", &format!("{FORM}{from}"), b"pin=2580&again=2580");
        assert_eq!(answer.status, 403, "{from}");
    }
    assert_eq!(demo.get("/").status, 303, "and it is as new as it was");

    let answer = set_up(&demo, "language=de&pin=2580&again=2580&camera=auto&shop=Ecke+%26+Kante");
    assert!(answer.status == 200 && answer.text().contains("Gespeichert"), "{}", answer.text());
    assert_eq!(answer.head.matches("set-cookie: staff=").count(), 2, "{}", answer.head);
    assert_eq!(set_up(&demo, "pin=7291&again=7291").status, 303, "once");
    soon(&demo, "in German", |page| page.contains("<html lang=\"de\"") && page.contains("Ecke &amp; Kante"));
    let clerk = Clerk::log_in(&demo, "2580");
    assert!(clerk.get("/staff/settings").text().contains("value=\"Ecke &amp; Kante\""));

    let demo = restarted(demo);
    soon(&demo, "in German", |page| page.contains("<html lang=\"de\"") && page.contains("Ecke &amp; Kante"));
    assert!(!is_network_served(), "nothing of the first start is served any more: {}", demo.running.stderr());
}

#[test]
fn what_is_used_already_is_nobodys_to_take() {
    let demo = start(shop());
    assert_eq!((demo.get("/").status, demo.get("/staff").status), (200, 503));
    assert_eq!(location(&set_up(&demo, "pin=2580&again=2580")), "/staff");
    assert_eq!(demo.get("/staff").status, 503, "no PIN was set");
}

#[test]
fn a_pin_by_the_command_line_ends_the_first_start_and_a_full_folder_says_what_holds() {
    let demo = start(new());
    assert_eq!(demo.get("/").status, 303);
    set_pin(&demo.rig, "2580");
    soon(&demo, "open", |page| page.contains("<html lang=\"en\""));
    let clerk = Clerk::log_in(&demo, "2580");
    // What cannot be kept: the PIN is the new one, and who set it is logged in.
    std::fs::create_dir(demo.rig.state().join("settings.toml")).expect("a folder in the way");
    let fields = [("language", "de"), ("present", "2580"), ("pin", "7291"), ("again", "7291")];
    let told = clerk.post("/staff/settings", &fields);
    assert!(told.status == 500 && told.head.contains("set-cookie: staff="), "{} {}", told.status, told.head);
    assert!(told.text().contains("Eine neue PIN, die eingegeben wurde, gilt trotzdem"), "{}", told.text());
    let _ = Clerk::log_in(&demo, "7291");
}

#[test]
fn the_staff_change_settings_and_stay_logged_in() {
    let rig = new();
    set_pin(&rig, "2580");
    let demo = start(rig);
    soon(&demo, "open", |page| page.contains("<html lang=\"en\""));
    let clerk = Clerk::log_in(&demo, "2580");
    let page = clerk.get("/staff/settings").text();
    assert!(page.contains("Present PIN") && page.contains("Fixed by the configuration"), "{page}");
    let refused = clerk.post("/staff/settings", &[("present", "9999"), ("pin", "7291"), ("again", "7291")]);
    assert!(refused.status == 403 && refused.text().contains("4 more times"), "{}", refused.text());
    let kept = clerk.post("/staff/settings", &[("language", "zh-Hant"), ("shop", "角落")]);
    assert!(kept.status == 200 && kept.text().contains("已儲存"), "{}", kept.text());
    soon(&demo, "in Chinese", |page| page.contains("<html lang=\"zh-Hant\"") && page.contains("角落"));
    assert_eq!(clerk.get("/staff").status, 200, "the session goes on");

    // A new PIN alone opens nothing again, and ends all sessions but the one that it begins.
    let other = Clerk::log_in(&demo, "2580");
    let fields = [("language", "zh-Hant"), ("shop", "角落"), ("present", "2580"), ("pin", "7291"), ("again", "7291")];
    let changed = clerk.post("/staff/settings", &fields);
    assert!(changed.status == 200 && changed.head.contains("set-cookie: staff="), "{}", changed.head);
    assert_eq!((clerk.get("/staff").status, other.get("/staff").status), (303, 303));
    let clerk = Clerk::log_in(&demo, "7291");
    assert_eq!(clerk.get("/staff").status, 200);

    // What the files of the configuration say goes before it, and what was chosen holds again when they no longer do.
    let settings = std::fs::read_to_string(demo.rig.path("shop.toml")).expect("settings");
    demo.rig.write("shop.toml", format!("language = \"en\"\n{settings}"));
    let demo = restarted(demo);
    soon(&demo, "in English", |page| page.contains("<html lang=\"en\"") && page.contains("角落"));
    demo.rig.write("shop.toml", settings);
    let demo = restarted(demo);
    soon(&demo, "in Chinese", |page| page.contains("<html lang=\"zh-Hant\""));

    // A file that is damaged holds nobody up, and is said.
    demo.rig.write("data/clothingid/settings.toml", "language = \n");
    let demo = restarted(demo);
    soon(&demo, "in English", |page| page.contains("<html lang=\"en\""));
    let said = demo.running.stderr();
    assert!(said.contains("settings.toml:1: ") && said.contains("does not hold until it is chosen again"), "{said}");
}

#[test]
fn without_a_first_start_and_in_the_demo_nobody_sets_anything() {
    let rig = new();
    let running = rig.clothingid(["run", "--config", "shop.toml"]).start();
    let demo = Demo::of(rig, running);
    assert_eq!((demo.get("/").status, demo.get("/staff").status), (200, 503));
    assert_eq!(location(&set_up(&demo, "pin=2580&again=2580")), "/staff");
    assert_eq!(demo.get("/staff").status, 503, "no PIN was set");
    let demo = Demo::start();
    let page = Clerk::at(&demo).get("/staff/settings");
    assert!(page.status == 404 && page.text().contains("without a configuration"), "{}", page.text());
}

#[test]
fn a_browser_sets_it_up_by_touch_in_three_languages() {
    if !browser::is_there() {
        return;
    }
    for language in ["en", "zh-Hant", "de"] {
        let demo = start(new());
        let _ = browser::run("first-start.mjs", &demo, &["2580", language], &[]);
        soon(&demo, language, |page| page.contains(&format!("<html lang=\"{language}\"")));
    }
}
