//! The staff's pages as a browser sees them: the real programs, from the log-in to what the catalogue has at the end.
//!
//! The tests whose names begin with `a_browser` need what those of `kiosk.rs` need.

use clothingid_tests::clerk::{Clerk, between, location, pin_of, try_pin};
use clothingid_tests::demo::{Demo, START};
use clothingid_tests::{Rig, browser, photographs, rig};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// A shop of three articles, with barcodes, whose camera shows the first.
fn shop() -> Rig {
    let rig = Rig::new();
    let photos = photographs::shop();
    let mut table = String::from("sku,title,photo,price,currency,barcode,colour\n");
    for (photo, (sku, title, barcode)) in photos.iter().zip([
        ("A-1", "Linen shirt", "4006381333931"),
        ("A-2", "Wool coat", "036000291452"),
        ("A-3", "Silk scarf", ""),
    ]) {
        let name = photo.file_name().expect("a name").to_string_lossy().into_owned();
        rig.copy(photo, format!("photos/{name}"));
        table.push_str(&format!("{sku},{title},{name},19.90,EUR,{barcode},blue\n"));
    }
    rig.write("stock.csv", table);
    let outcome = rig.clothingid(["catalogue", "import", "stock.csv", "--photos", "photos"]).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    rig.copy(&photos[0], "camera/a.jpg");
    rig.write("shop.toml", "listen = \"127.0.0.1:0\"\nshop = \"Corner <Boutique>\"\n[camera]\nfolder = \"camera\"\n[staff]\nmedia = [\"media\"]\n");
    rig
}

/// Sets the PIN as whoever looks after the machine does.
fn set_pin(rig: &Rig, pin: &str) {
    let outcome = rig.clothingid(["staff", "set-pin"]).stdin(format!("{pin}\n")).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("the PIN is set") && !outcome.stdout.contains(pin), "{}", outcome.stdout);
}

fn run(rig: Rig) -> Demo {
    let running = rig.clothingid(["run", "--config", "shop.toml"]).start();
    Demo::of(rig, running)
}

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
fn a_barcode_says_which_article_it_is() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    for (code, words) in [
        ("4006381333931", "Linen shirt"),
        ("0036000291452", "Wool coat"),
        ("4006381333932", "its last digit would have to be 1"),
        ("73513537", "No article of the catalogue has the barcode 73513537"),
        ("%3Cb%3E", "&lt;b&gt;"),
    ] {
        let page = clerk.get(&format!("/staff/barcode?code={code}"));
        assert!(page.status == 200 && page.text().contains(words), "{code}: {}", page.text());
    }
    assert!(!clerk.get("/staff/barcode?code=4006381333931").text().contains("Wool coat"));
}

#[test]
fn a_wrong_match_is_corrected_and_taken_back() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let reading = demo.reading();
    assert_eq!(reading["matches"][0]["sku"], "A-1", "{reading}");

    assert_eq!(clerk.get("/staff/wrong/choose").status, 303, "nothing is held yet");
    assert_eq!(clerk.get("/staff/wrong/frame.jpg").status, 404);
    assert_eq!(clerk.post("/staff/wrong/choose", &[("is", "A-2")]).status, 409);
    assert!(clerk.get("/staff/wrong").text().contains("data-live=\"/api/v1/frame.jpg\""));
    let frozen = clerk.post("/staff/wrong", &[]);
    assert_eq!((frozen.status, location(&frozen).as_str()), (303, "/staff/wrong/choose"));
    let frame = clerk.get("/staff/wrong/frame.jpg");
    assert!(frame.status == 200 && frame.body.starts_with(&[0xff, 0xd8]));
    let other = Clerk::log_in(&demo, "2580");
    assert_eq!(other.get("/staff/wrong/frame.jpg").status, 404, "it lies before this one alone");

    let choose = clerk.get("/staff/wrong/choose?q=coat").text();
    assert!(choose.contains("is=A%2D2") && choose.contains("Wool coat"), "{choose}");
    assert!(clerk.get("/staff/wrong/choose?q=036000291452").text().contains("Wool coat"), "by barcode");
    assert!(clerk.get("/staff/wrong/choose?q=zzz").text().contains("No article has “zzz”"));
    assert_eq!(clerk.get("/staff/wrong/choose?is=none").status, 404);
    let confirm = clerk.get("/staff/wrong/choose?is=A-2").text();
    assert!(confirm.contains("value=\"A-1\" checked"), "what was believed is a mistake: {confirm}");
    assert!(!confirm.contains("name=\"is_not\" value=\"A-2\""), "{confirm}");

    assert_eq!(clerk.post("/staff/wrong/choose", &[]).status, 400, "nothing was said");
    assert_eq!(clerk.post("/staff/wrong/choose", &[("is", "none")]).status, 404);
    let evidence = || demo.rig.clothingid(["catalogue", "evidence"]).run().stdout;
    assert_eq!(evidence(), "", "nothing was kept until now");
    // The frame is the catalogue's own photograph of A-1: that this is a mistake cannot be kept.
    assert_eq!(clerk.post("/staff/wrong/choose", &[("is", "A-2"), ("is_not", "A-1")]).status, 409);
    let kept = clerk.post("/staff/wrong/choose", &[("is", "A-2"), ("is_not", "A-3")]);
    assert!(kept.status == 200 && kept.text().contains("From now on"), "{}", kept.text());
    let said = evidence();
    assert!(said.contains("A-2  is  ") && said.contains("A-3  is not  "), "{said}");
    assert_eq!(clerk.get("/staff/wrong/frame.jpg").status, 404, "the frame is let go");

    let change = between(&kept.text(), "name=\"number\" value=\"", "\"").expect("the change");
    let page = clerk.get("/staff/undo").text();
    assert!(page.contains("correct: is A-2, is not A-3") && page.contains("1 pictures go"), "{page}");
    assert!(page.contains(&format!("name=\"number\" value=\"{change}\"")), "{page}");
    let undone = clerk.post("/staff/undo", &[("number", &change)]);
    assert!(undone.status == 200 && undone.text().contains("Undone: correct: is A-2"), "{}", undone.text());
    assert_eq!(evidence(), "");
    assert_eq!(clerk.post("/staff/undo", &[("number", &change)]).status, 409, "once is enough");
    let history = demo.rig.clothingid(["catalogue", "history", "--json"]).run().stdout;
    let newest: Value = serde_json::from_str(history.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&newest["who"], &newest["undoes"]),
        (&"staff".into(), &change.parse::<i64>().expect("a number").into())
    );
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
fn an_article_is_added_at_the_counter_and_found_within_two_seconds() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let _ = demo.reading();
    let coat = std::fs::read(&photographs::shop()[20]).expect("a photograph");
    let search = || demo.ask("POST", "/api/v1/search?top=1", "", &coat).json();
    assert_ne!(search()["matches"][0]["sku"], "C-0001");

    let add = |fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]| clerk.upload("/staff/article", fields, files);
    // Complaints are said all at once, and what was typed stays.
    let wrong = add(&[("price", "cheap"), ("barcode", "4006381333932"), ("title", "Rain coat"), ("do", "save")], &[]);
    let page = wrong.text();
    assert_eq!(wrong.status, 422, "{page}");
    for words in ["A picture is missing", "would have to be 1", "written like 19.90", "value=\"Rain coat\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for (sku, barcode, words) in
        [("A-2", "", "number already: Wool coat"), ("", "036000291452", "barcode already: A-2")]
    {
        let taken = add(&[("sku", sku), ("barcode", barcode), ("title", "Rain coat"), ("do", "save")], &[]);
        assert!(taken.status == 422 && taken.text().contains(words), "{}", taken.text());
    }
    let taken = add(&[("title", "Rain coat"), ("do", "take")], &[("files", "", b"")]);
    assert_eq!((taken.status, location(&taken).as_str()), (303, "/staff/article"));
    assert!(clerk.get("/staff/article/photo.jpg?number=0").body.starts_with(&[0xff, 0xd8]));
    assert_eq!(add(&[("title", "Rain coat"), ("do", "drop-0")], &[]).status, 303);
    assert_eq!(clerk.get("/staff/article/photo.jpg?number=0").status, 404);

    let started = Instant::now();
    let fields =
        [("title", "Rain coat"), ("price", "89,00"), ("currency", "EUR"), ("barcode", "73513537"), ("do", "save")];
    let added = add(&fields, &[("files", "coat.jpg", &coat)]);
    assert!(added.status == 200 && added.text().contains("Rain coat has the number C-0001"), "{}", added.text());
    while search()["matches"][0]["sku"] != "C-0001" {
        assert!(started.elapsed() < Duration::from_secs(20), "never found");
    }
    let product = demo.get("/api/v1/catalogue/C-0001").json();
    assert_eq!((&product["price"], &product["barcode"]), (&"89.00".into(), &"73513537".into()));
    assert!(clerk.get("/staff/article").text().contains("C-0002"), "the next number is proposed");

    let change = between(&added.text(), "name=\"number\" value=\"", "\"").expect("the change");
    assert!(clerk.get("/staff/undo").text().contains("add C-0001"));
    assert_eq!(clerk.post("/staff/undo", &[("number", &change)]).status, 200);
    assert_eq!(clerk.get("/staff/barcode?code=73513537").text().matches("No article of the catalogue").count(), 1);

    for (files, status) in [
        (vec![("files", "a.jpg", &b"no photograph"[..])], 422),
        (vec![("files", "a.jpg", &coat[..coat.len() / 2]); 4], 400),
        (vec![("files", "a.jpg", &vec![0_u8; 60 << 20][..])], 413),
    ] {
        assert_eq!(add(&[("do", "take")], &files).status, status);
    }
    let headers = format!("{}Content-Type: multipart/form-data; boundary=part\r\n", clerk.cookie());
    let file_first =
        b"--part\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\nx\r\n--part--\r\n";
    assert_eq!(demo.ask("POST", "/staff/article", &headers, file_first).status, 403);
    assert!(matches!(demo.ask("POST", "/staff/article", &headers, b"--par").status, 400 | 403));
}

/// Waits until the import is no more under way, and gives where it is then.
fn import_state(clerk: &Clerk<'_>) -> String {
    let end = Instant::now() + START;
    loop {
        let now = clerk.get("/api/v1/staff/import").json();
        match now["state"].as_str().expect("a state") {
            "trying" | "making" | "copying" => assert!(Instant::now() < end, "{now}"),
            state => return state.to_owned(),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_table_is_tried_then_brought_in_then_taken_back() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let photos = photographs::shop();
    let [scarf, coat] = [&photos[2], &photos[10]].map(|path| std::fs::read(path).expect("a photograph"));
    let table = "sku,title,photo,price,shelf\nA-3,Silk scarf <new>,scarf.jpg,24.50,3\nB-1,Rain coat,coat.jpg,89.00,4\n\
                 B-2,Hat,hat.jpg,9.00,1\nB-3,Belt,coat.jpg,cheap,1\n";
    let files: [(&str, &str, &[u8]); 3] = [
        ("table", "summer.csv", table.as_bytes()),
        ("photos", "C:\\pictures\\scarf.jpg", &scarf),
        ("photos", "coat.jpg", &coat),
    ];
    assert_eq!(clerk.post("/staff/import/make", &[]).status, 409, "nothing was tried");
    assert_eq!(location(&clerk.upload("/staff/import/upload", &[], &files)), "/staff/import");
    assert_eq!(import_state(&clerk), "tried");
    let tried = clerk.get("/staff/import").text();
    for words in [
        "summer.csv",
        "Rain coat",
        "Silk scarf &lt;new&gt;",
        "Line 4",
        "hat.jpg",
        "Line 5",
        "written like 19.90",
        "shelf",
    ] {
        assert!(tried.contains(words), "{words}: {tried}");
    }
    assert!(
        tried.contains("<dt>New articles</dt><dd>1</dd>") && tried.contains("<dt>Changed articles</dt><dd>1</dd>"),
        "{tried}"
    );
    assert!(tried.contains("<dt>Not in the table; they stay</dt><dd>2</dd>"), "{tried}");
    assert_eq!(demo.get("/api/v1/catalogue/B-1").status, 404, "nothing is changed yet");
    assert_eq!(std::fs::read_dir(demo.rig.state().join("incoming")).map(|all| all.count()).ok(), Some(1));

    assert_eq!(clerk.post("/staff/import/make", &[]).status, 303);
    assert_eq!(import_state(&clerk), "done");
    let done = clerk.get("/staff/import").text();
    assert!(done.contains("summer.csv: 1 new, 1 changed, 0 unchanged articles; 2 pictures"), "{done}");
    let end = Instant::now() + Duration::from_secs(5);
    while demo.get("/api/v1/catalogue/B-1").status != 200 {
        assert!(Instant::now() < end, "never found");
    }
    let change = between(&done, "/staff/undo?number=", "\"").expect("the change");
    let undo = clerk.get(&format!("/staff/undo?number={change}")).text();
    assert!(undo.contains("import summer.csv") && undo.contains("goes") && undo.contains("price"), "{undo}");
    assert_eq!(clerk.post("/staff/undo", &[("number", &change)]).status, 200);
    assert_eq!(demo.rig.clothingid(["catalogue", "show", "B-1"]).run().code, Some(1));
    assert_eq!(clerk.post("/staff/import/forget", &[]).status, 303);
    assert_eq!(import_state(&clerk), "idle");
    assert_eq!(std::fs::read_dir(demo.rig.state().join("incoming")).map(|all| all.count()).ok(), Some(0));

    // Pictures in one ZIP file, in folders.
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("pictures/rain/coat.jpg", zip::write::SimpleFileOptions::default()).expect("an entry");
    archive.write_all(&coat).expect("its bytes");
    let packed = archive.finish().expect("a ZIP file").into_inner();
    let table = b"sku,title,photo\nB-1,Rain coat,pictures/rain/coat.jpg\n";
    let files: [(&str, &str, &[u8]); 2] = [("table", "winter.csv", table), ("photos", "pictures.zip", &packed)];
    assert_eq!(clerk.upload("/staff/import/upload", &[], &files).status, 303);
    assert_eq!(import_state(&clerk), "tried");
    let tried = clerk.get("/staff/import?lang=de").text();
    assert!(
        tried.contains("<dt>Neue Artikel</dt><dd>1</dd>") && tried.contains("nicht brauchbar sind</dt><dd>0</dd>"),
        "{tried}"
    );
    assert_eq!(clerk.post("/staff/import/forget", &[]).status, 303);

    // What is no import is said to be none, and nothing of it stays.
    let upload = |files: &[(&str, &str, &[u8])]| clerk.upload("/staff/import/upload", &[], files).status;
    assert_eq!(upload(&[]), 400);
    assert_eq!(upload(&[("photos", "coat.jpg", &coat)]), 400, "no table");
    assert_eq!(upload(&[("table", "a.csv", b"x"), ("photos", "x/a.csv", b"x")]), 400, "one name twice");
    assert_eq!(upload(&[("table", ".hidden", b"x")]), 400);
    assert_eq!(upload(&[("table", "a.csv", b"no table at all")]), 303);
    assert_eq!(import_state(&clerk), "failed");
    assert!(clerk.get("/staff/import?lang=en").text().contains("This cannot be brought in"));
    assert_eq!(clerk.post("/staff/import/forget", &[]).status, 303);
    let headers = format!("{}Content-Type: multipart/form-data; boundary=part\r\n", clerk.cookie());
    let file_first =
        b"--part\r\nContent-Disposition: form-data; name=\"table\"; filename=\"a.csv\"\r\n\r\nx\r\n--part--\r\n";
    assert_eq!(demo.ask("POST", "/staff/import/upload", &headers, file_first).status, 403);
    assert_eq!(std::fs::read_dir(demo.rig.state().join("incoming")).map(|all| all.count()).ok(), Some(0));
}

#[test]
fn what_was_received_is_gone_after_a_kill() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    assert_eq!(clerk.upload("/staff/import/upload", &[], &[("table", "a.csv", b"sku,title,photo\n")]).status, 303);
    let incoming = demo.rig.state().join("incoming");
    assert_eq!(std::fs::read_dir(&incoming).map(|all| all.count()).ok(), Some(1));
    let Demo { running, rig, .. } = demo;
    drop(running);
    assert!(incoming.exists(), "it was killed");
    let demo = run(rig);
    assert!(!incoming.exists());
    drop(demo);
}

#[test]
fn a_usb_stick_brings_a_table_in_and_takes_the_catalogue_and_brings_it_back() {
    let rig = shop();
    set_pin(&rig, "2580");
    let photos = photographs::shop();
    rig.copy(&photos[10], "media/STICK/photos/coat.jpg");
    rig.write("media/STICK/stock.csv", "sku,title,photo\nB-1,Rain coat,coat.jpg\n");
    rig.write("outside.csv", "sku,title,photo\nX,X,coat.jpg\n");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let stick = demo.rig.path("media/STICK").canonicalize().expect("the stick");
    let path = |name: &str| stick.join(name).display().to_string();
    assert!(clerk.get("/staff/import").text().contains("stock.csv"));
    let outside = demo.rig.path("outside.csv").display().to_string();
    for (table, photos) in
        [(&outside, &path("photos")), (&path("stock.csv"), &"/etc".to_owned()), (&path("photos"), &path("photos"))]
    {
        let refused = clerk.post("/staff/import/stick", &[("table", table), ("photos", photos)]);
        assert_eq!(refused.status, 404, "{table} {photos}");
    }

    let copy = || {
        let place = clerk.post("/staff/backup", &[("place", &stick.display().to_string())]);
        assert_eq!(place.status, 303, "{}", place.text());
        assert_eq!(import_state(&clerk), "copied");
        clerk.get("/staff/backup").text()
    };
    assert_eq!(clerk.post("/staff/backup", &[("place", "/tmp")]).status, 404);
    let copied = copy();
    assert!(copied.contains("3 articles, 3 pictures"), "{copied}");
    let edition = between(&copied, "name=\"edition\" value=\"", "\"").expect("the copy").replace("&#x2f;", "/");
    assert!(edition.ends_with(".edition") && copy().contains("-2.edition"), "a second one of the same day");

    let tried = clerk.post("/staff/import/stick", &[("table", &path("stock.csv")), ("photos", &path("photos"))]);
    assert_eq!(tried.status, 303, "{}", tried.text());
    assert_eq!((import_state(&clerk).as_str(), clerk.post("/staff/import/make", &[]).status), ("tried", 303));
    assert_eq!(import_state(&clerk), "done");
    let skus = || demo.rig.clothingid(["catalogue", "list", "--json"]).run().stdout.lines().count();
    assert_eq!(skus(), 4);
    let restored = clerk.post("/staff/backup/restore", &[("edition", &edition)]);
    assert_eq!(restored.status, 303, "{}", restored.text());
    assert_eq!(import_state(&clerk), "tried");
    let diff = clerk.get("/staff/import").text();
    assert!(diff.contains("Articles that go") && diff.contains("B-1"), "{diff}");
    assert_eq!(skus(), 4, "nothing is changed yet");
    assert_eq!(clerk.post("/staff/import/make", &[]).status, 303);
    assert_eq!((import_state(&clerk).as_str(), skus()), ("done", 3));
    assert_eq!(clerk.post("/staff/backup/restore", &[("edition", &outside)]).status, 404);
}

#[test]
fn garments_of_the_shop_are_tried_and_counted_and_their_pictures_kept() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let _ = demo.reading();
    assert_eq!(clerk.post("/staff/try/garment", &[("code", "nothing")]).status, 404);
    assert_eq!(clerk.post("/staff/try/look", &[]).status, 303, "without a garment nothing is counted");
    // The camera always shows A-1: by barcode, by number, and two that it is not.
    for code in ["4006381333931", "A-2", "A-3"] {
        assert_eq!(clerk.post("/staff/try/garment", &[("code", code)]).status, 303, "{code}");
        assert!(clerk.get("/staff/try").text().contains("before the camera</h2>"), "{code}");
        assert_eq!(clerk.post("/staff/try/look", &[]).status, 303);
    }
    let page = clerk.get("/staff/try").text();
    assert!(page.contains("Garments tried: 3") && page.contains("From 5 garments on"), "{page}");
    assert!(page.contains("found, place 1") && page.contains("Keep those that were missed (2)"), "{page}");
    let evidence = || demo.rig.clothingid(["catalogue", "evidence"]).run().stdout;
    assert_eq!(evidence(), "", "in memory until now");
    let kept = clerk.post("/staff/try/keep", &[("which", "missed")]);
    assert_eq!(kept.status, 200, "{}", kept.text());
    assert_eq!(evidence().matches("  is  ").count(), 2, "{}", evidence());
    let change = between(&kept.text(), "name=\"number\" value=\"", "\"").expect("one change");
    assert_eq!(clerk.post("/staff/undo", &[("number", &change)]).status, 200);
    assert_eq!(evidence(), "");
    assert!(clerk.get("/staff/try").text().contains("Garments tried: 0"));
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
    let folder = rig::workspace().join("tests").join("browser");
    if let Some(missing) = browser::missing(&folder) {
        let words = format!("skipped: {missing}; install it: `cargo xtask setup --system`");
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{words}");
        eprintln!("{words}");
        return;
    }
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let pictures = std::env::var_os("CLOTHINGID_SCREENSHOTS").map_or_else(|| demo.rig.path("pictures"), Into::into);
    std::fs::create_dir_all(&pictures).expect("a folder for screenshots");
    let output = Command::new("node")
        .arg("staff.mjs")
        .arg(format!("http://localhost:{}", demo.port))
        .arg("2580")
        .arg(&pictures)
        .current_dir(&folder)
        .output()
        .expect("node");
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{words}");
    assert!(output.status.success(), "{words}\n{}", demo.running.stderr());
}
