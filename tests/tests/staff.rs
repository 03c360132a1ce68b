//! The staff's pages as a browser sees them: the real programs, from the log-in to what the catalogue has at the end.
//!
//! The tests whose names begin with `a_browser` need what those of `kiosk.rs` need.

use clothingid_tests::clerk::{Clerk, location, pin_of, run, set_pin, shop, try_pin};
use clothingid_tests::demo::{Demo, START};
use clothingid_tests::{Rig, browser, photographs};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Every address of the staff's that is not open to everyone, as the program describes itself (a test beside the routes holds the description
/// to them).
fn addresses(demo: &Demo) -> Vec<(String, String)> {
    let described = demo.get("/openapi.json").json();
    let paths = described["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
    });
    let is_staff = |path: &str| path == "/staff" || path.starts_with("/staff/") || path.starts_with("/api/v1/staff");
    let is_open = |path: &str| path == "/staff/login" || path.starts_with("/staff/assets/");
    let found: Vec<_> = all.filter(|(_, path)| is_staff(path) && !is_open(path)).collect();
    assert!(found.len() >= 10, "{found:?}");
    found
}

#[test]
fn a_customer_comes_in_nowhere_and_neither_does_another_site() {
    let demo = Demo::start();
    let pin = pin_of(&demo);
    let clerk = Clerk::at(&demo);
    let stranger = format!("Cookie: staff={}\r\n", "0".repeat(64));
    for (method, path) in addresses(&demo) {
        let here = format!("{method} {path}");
        for cookie in ["", &stranger, "Cookie: staff=\r\n"] {
            let answer = demo.ask(&method, &path, cookie, &[]);
            let expected = if path.starts_with("/api/") { 401 } else { 303 };
            assert_eq!(answer.status, expected, "{here} {cookie}: {}", answer.text());
            if expected == 303 {
                let to = location(&answer);
                assert!(to.starts_with("/staff/login?to=/staff"), "{here}: {to}");
                assert_eq!(to.contains("expired"), cookie == stranger, "{here}: {to}");
            }
        }
        // Whoever is logged in sends no form that is not the page's.
        let with = |more: &str| demo.ask(&method, &path, &format!("{}{more}", clerk.cookie()), &[]);
        for host in ["Host: 192.0.2.1\r\n", "Host: evil.example\r\n"] {
            assert_eq!(with(host).status, 421, "{here}");
        }
        if method != "GET" {
            let form = "Content-Type: application/x-www-form-urlencoded\r\n";
            assert_eq!(with(form).status, 403, "{here}: without the form's token");
            assert_eq!(clerk.send(&path, &[("token", &"0".repeat(64))]).status, 403, "{here}: with another one");
            for from in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
                let token = format!("{from}X-Staff-Token: {}\r\n", clerk.token());
                assert_eq!(with(&token).status, 403, "{here}: {from}");
            }
        }
    }
    assert_eq!(clerk.get("/staff").status, 200, "and the session goes on");
    let elsewhere = "Origin: http://evil.example\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let answer = demo.ask("POST", "/staff/login", elsewhere, format!("pin={pin}").as_bytes());
    assert_eq!((answer.status, answer.head.contains("set-cookie")), (403, false), "{}", answer.head);
    for (method, path, status) in
        [("GET", "/staff/nothing", 404), ("DELETE", "/staff/undo", 405), ("GET", "/staff/logout", 405)]
    {
        assert_eq!(demo.ask(method, path, "", &[]).status, status, "{method} {path}");
    }
}

#[test]
fn the_session_is_a_cookie_that_nobody_else_reads() {
    let demo = Demo::start();
    let answer = try_pin(&demo, &pin_of(&demo));
    assert_eq!((answer.status, location(&answer).as_str()), (303, "/staff"));
    let cookies: Vec<_> = answer.head.lines().filter(|line| line.starts_with("set-cookie: staff=")).collect();
    assert_eq!(cookies.len(), 2, "{}", answer.head);
    assert!(cookies.iter().all(|cookie| cookie.contains("httponly; samesite=strict; path=/")), "{cookies:?}");
    let clerk = Clerk::at(&demo);
    let home = clerk.get("/staff");
    assert!(home.head.contains("cache-control: no-store") && home.head.contains("form-action 'self'"), "{}", home.head);
    assert!(home.text().contains(" articles with "), "{}", home.text());
    // Led back to where one was, and nowhere else.
    for (to, expected) in [("/staff/undo", "/staff/undo"), ("//evil.example", "/staff"), ("/staff/../x", "/staff")] {
        let form = format!("pin={}&to={}", pin_of(&demo), to.replace('/', "%2F"));
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer = demo.ask("POST", "/staff/login", headers, form.as_bytes());
        assert_eq!((answer.status, location(&answer).as_str()), (303, expected), "{to}");
    }
    let out = clerk.post("/staff/logout", &[]);
    assert_eq!((out.status, out.head.matches("max-age=0").count()), (303, 2), "{}", out.head);
    assert_eq!(clerk.get("/staff").status, 303);
}

#[test]
fn without_a_pin_nothing_is_reachable_and_the_page_says_how_to_set_one() {
    let demo = run(shop());
    let page = demo.get("/staff");
    assert!(page.status == 503 && page.text().contains("clothingid staff set-pin"), "{}", page.text());
    let german = demo.get("/staff?lang=de").text();
    assert!(german.contains("Noch ist keine PIN gesetzt") && german.contains("lang=\"de\""), "{german}");
    for (method, path) in addresses(&demo) {
        let answer = demo.ask(&method, &path, "", &[]);
        let expected = match path.as_str() {
            "/staff" => 503,
            _ if path.starts_with("/api/") => 401,
            _ => 303,
        };
        assert_eq!(answer.status, expected, "{method} {path}");
    }
    assert_eq!(location(&try_pin(&demo, "")), "/staff", "and no PIN is right");
    set_pin(&demo.rig, "2580");
    assert_eq!(demo.get("/staff").status, 303, "it is taken up at once");
    let clerk = Clerk::log_in(&demo, "2580");
    let home = clerk.get("/staff?lang=zh-Hant").text();
    assert!(home.contains("比對錯誤") && home.contains("Corner &lt;Boutique&gt;"), "{home}");
    assert!(clerk.get("/staff").text().contains("比對錯誤"), "the language is kept");
}

#[test]
fn wrong_pins_lock_out_until_a_new_one_is_set() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    for tries in (1..5).rev() {
        let answer = try_pin(&demo, "2581");
        assert!(answer.status == 403 && answer.text().contains(&format!("{tries} more times")), "{}", answer.text());
    }
    let locked = try_pin(&demo, "2581");
    assert!(locked.status == 429 && locked.text().contains("for 30 seconds"), "{}", locked.text());
    assert!(locked.head.contains("retry-after: 30"), "{}", locked.head);
    assert_eq!(try_pin(&demo, "2580").status, 429, "not even the right one");
    assert_eq!(demo.get("/staff/login?lang=de").status, 429);
    assert!(demo.get("/staff/login?lang=de").text().contains("kann sich niemand anmelden"));
    assert_eq!(clerk.get("/staff").status, 200, "who is in stays in");

    // Started again, nobody may try either.
    let outcome = demo.running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let demo = run(demo.rig);
    let locked = try_pin(&demo, "2580");
    assert!(locked.status == 429 && locked.text().contains("for 30 seconds"), "{}", locked.text());

    set_pin(&demo.rig, "7291");
    let clerk = Clerk::log_in(&demo, "7291");
    set_pin(&demo.rig, "7291");
    let ended = clerk.get("/staff/barcode");
    assert_eq!((ended.status, location(&ended).as_str()), (303, "/staff/login?to=/staff/barcode&lang=en&expired=1"));
    assert!(demo.get(&location(&ended)).text().contains("You were away for a while"));
    let posted = clerk.post("/staff/undo", &[("number", "1")]);
    assert_eq!(posted.status, 303, "{}", posted.text());
}

#[test]
fn a_pin_that_is_guessed_at_once_is_not_set() {
    let rig = Rig::new();
    for (pin, words) in
        [("1234", "guessed at once"), ("0000", "guessed at once"), ("123", "4 to 12 digits"), ("", "4 to 12 digits")]
    {
        let outcome = rig.clothingid(["staff", "set-pin"]).stdin(format!("{pin}\n")).run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(words) && outcome.stderr.contains("hint: "), "{pin}: {}", outcome.stderr);
    }
    assert!(!rig.state().exists());
}

#[test]
fn malformed_and_huge_forms_are_refused_in_words() {
    let demo = Demo::start();
    let clerk = Clerk::at(&demo);
    let _ = demo.reading();
    let headers = clerk.cookie();
    for number in ["", "x", "-1e9", "99999999999999999999", "7"] {
        let status = clerk.post("/staff/undo", &[("number", number)]).status;
        assert!(status == 400 || status == 409, "{number}: {status}");
    }
    assert_eq!(clerk.get("/staff/undo?number=x").status, 400);
    for body in [&b"\xff\xfe\x00"[..], b"%%%=&&&", b"token=%00"] {
        assert_eq!(demo.ask("POST", "/staff/wrong", &headers, body).status, 403);
    }
    let huge = demo.ask("POST", "/staff/wrong", &headers, &vec![b'a'; 1 << 20]);
    assert!(huge.status == 413 && huge.text().contains("too much for this form"), "{}", huge.text());
    assert_eq!(try_pin(&demo, &"9".repeat(100_000)).status, 413);
    assert_eq!(clerk.get(&format!("/staff/barcode?code={}", "9".repeat(5000))).status, 200);

    // A sender who does not go on is told so, and the page goes on meanwhile.
    let mut slow = TcpStream::connect(("127.0.0.1", demo.port)).expect("the port");
    let head = format!(
        "POST /staff/wrong HTTP/1.1\r\nHost: localhost:{}\r\n{headers}Content-Length: 1000\r\nConnection: close\r\n\r\nx",
        demo.port
    );
    slow.write_all(head.as_bytes()).expect("a request");
    slow.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    assert_eq!(clerk.get("/staff").status, 200);
    let started = Instant::now();
    let mut text = String::new();
    let _ = slow.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 408") && started.elapsed() < START, "{text}");
}

#[test]
fn light_cleaning_and_help_are_there() {
    let demo = Demo::start();
    let clerk = Clerk::at(&demo);
    let _ = demo.reading();
    let light = clerk.get("/api/v1/staff/light").json();
    assert!(light["mean"].as_f64().is_some_and(|mean| (1.0..255.0).contains(&mean)), "{light}");
    assert!(["too_dark", "good", "too_bright"].iter().any(|word| light["verdict"] == *word), "{light}");
    let page = clerk.get("/staff/light").text();
    assert!(page.contains("<meter") && page.contains("no settings that could be changed"), "{page}");
    assert_eq!(clerk.post("/staff/light", &[("do", "lock")]).status, 303, "photographs have no controls");
    let cleaning = clerk.get("/staff/cleaning/now").text();
    assert!(
        cleaning.contains("data-cleaning=\"30\"") && !cleaning.contains("<a ") && !cleaning.contains("<button"),
        "{cleaning}"
    );
    let help = clerk.get("/staff/help?lang=de").text();
    assert!(help.contains("Falscher Treffer") && help.matches("<h2>").count() >= 10, "{help}");
}

#[test]
fn what_happened_is_told_newest_first_and_names_are_only_text() {
    let rig = shop();
    set_pin(&rig, "2580");
    rig.write("camera/<i>b.jpg", b"no photograph");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let end = Instant::now() + START;
    let page = loop {
        let page = clerk.get("/staff/log").text();
        if page.contains("&lt;i&gt;b.jpg") && page.contains("frames come from camera") {
            break page;
        }
        assert!(Instant::now() < end, "{page}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(!page.contains("<i>") && page.contains("journal"), "{page}");
    // Somebody guesses PINs: the newest event of all.
    for _ in 0..5 {
        let _ = try_pin(&demo, "0000");
    }
    for path in ["/staff/log", "/staff"] {
        let page = clerk.get(path).text();
        let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("no `{words}` at {path}: {page}"));
        assert!(at("wrong PINs at the staff") < at("frames come from camera"), "{path}: {page}");
    }
}

#[test]
fn nothing_of_the_camera_is_on_the_disk_until_staff_say_so() {
    let demo = Demo::start();
    let clerk = Clerk::at(&demo);
    let _ = demo.reading();
    let files = || photographs_and_sizes(demo.rig.folder());
    let before = files();
    assert_eq!(clerk.post("/staff/wrong", &[]).status, 303);
    assert_eq!(clerk.upload("/staff/article", &[("do", "take")], &[]).status, 303);
    assert_eq!(clerk.get("/staff/wrong/choose?q=dress").status, 200);
    assert_eq!(files(), before);
}

/// Every file below a folder with its size, but for what SQLite writes beside a catalogue that is open.
fn photographs_and_sizes(folder: &std::path::Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = entries
        .flat_map(|path| {
            if path.is_dir() {
                return photographs_and_sizes(&path);
            }
            let size = path.metadata().map_or(0, |facts| facts.len());
            vec![(path.display().to_string(), size)]
        })
        .filter(|(path, _)| !path.ends_with("-shm") && !path.ends_with("-wal"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_browser_does_the_staffs_work_in_three_languages() {
    if !browser::is_there() {
        return;
    }
    let rig = shop();
    set_pin(&rig, "2580");
    rig.write("media/STICK/stick.csv", "sku,title,photo,barcode\nS-1,Straw hat,hat.jpg,96385074\n");
    rig.copy(&photographs::shop()[1], "media/STICK/photos/hat.jpg");
    let _ = browser::run("staff.mjs", &run(rig), &["2580"], &[]);
}

#[test]
fn a_browser_is_kept_out_as_a_customer_and_tries_thirty_garments_as_staff() {
    if !browser::is_there() {
        return;
    }
    let demo = Demo::start();
    let _ = demo.reading();
    let pin = pin_of(&demo);
    let _ = browser::run("doors.mjs", &demo, &[&pin], &[]);
}
