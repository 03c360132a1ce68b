//! What the staff do to the catalogue, from their pages to what it has at the end: the real programs.

use clothingid_tests::clerk::{Clerk, between, location, run, set_pin, shop};
use clothingid_tests::demo::{Demo, START};
use clothingid_tests::photographs;
use serde_json::Value;
use std::io::Write;
use std::time::{Duration, Instant};

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
fn an_article_is_added_at_the_counter_and_found() {
    let rig = shop();
    set_pin(&rig, "2580");
    let demo = run(rig);
    let clerk = Clerk::log_in(&demo, "2580");
    let _ = demo.reading();
    let coat = std::fs::read(&photographs::shop()[20]).expect("a photograph");
    let nearest =
        |photo: &[u8]| demo.ask("POST", "/api/v1/search?top=1", "", photo).json()["matches"][0]["sku"].clone();
    assert_ne!(nearest(&coat), "C-0001");
    // From the press of the button to the first search that finds it.
    let found_after = |started: Instant, photo: &[u8], sku: &str| {
        while nearest(photo) != sku {
            assert!(started.elapsed() < Duration::from_secs(20), "{sku} is never found");
        }
        started.elapsed()
    };

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

    // Three pictures: two of the camera, and a file.
    for _ in 0..2 {
        assert_eq!(add(&[("title", "Rain coat"), ("do", "take")], &[]).status, 303);
    }
    let started = Instant::now();
    let fields =
        [("title", "Rain coat"), ("price", "89,00"), ("currency", "EUR"), ("barcode", "73513537"), ("do", "save")];
    let added = add(&fields, &[("files", "coat.jpg", &coat)]);
    assert!(added.status == 200 && added.text().contains("Rain coat has the number C-0001"), "{}", added.text());
    let mut waits = vec![found_after(started, &coat, "C-0001")];
    let product = demo.get("/api/v1/catalogue/C-0001").json();
    assert_eq!((&product["price"], &product["barcode"]), (&"89.00".into(), &"73513537".into()));
    let list = demo.rig.clothingid(["catalogue", "list", "--json"]).run().json_lines();
    let added_one = list.iter().find(|product| product["sku"] == "C-0001").expect("the article");
    assert_eq!(added_one["photos"].as_array().map(Vec::len), Some(3), "{added_one}");
    assert!(clerk.get("/staff/article").text().contains("C-0002"), "the next number is proposed");

    let change = between(&added.text(), "name=\"number\" value=\"", "\"").expect("the change");
    for (number, sku) in [(21, "C-0002"), (22, "C-0003")] {
        let photo = std::fs::read(&photographs::shop()[number]).expect("a photograph");
        let started = Instant::now();
        assert_eq!(add(&[("title", sku), ("do", "save")], &[("files", "a.jpg", &photo)]).status, 200);
        waits.push(found_after(started, &photo, sku));
    }
    // Two seconds are asked for; how long it takes is told and not tested.
    println!("found after {waits:?}");
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
    let _ = demo.reading();
    assert_eq!(clerk.post("/staff/wrong", &[]).status, 303);
    assert_eq!(clerk.post("/staff/wrong/choose", &[("is", "A-2"), ("is_not", "A-3")]).status, 200);
    let copied = copy();
    assert!(
        copied.contains("3 articles, 3 pictures") && copied.contains("what you have said of 1 pictures"),
        "{copied}"
    );
    let edition = between(&copied, "name=\"edition\" value=\"", "\"").expect("the copy").replace("&#x2f;", "/");
    assert!(edition.ends_with(".edition") && copy().contains("-2.edition"), "a second one of the same day");

    let tried = clerk.post("/staff/import/stick", &[("table", &path("stock.csv")), ("photos", &path("photos"))]);
    assert_eq!(tried.status, 303, "{}", tried.text());
    assert_eq!((import_state(&clerk).as_str(), clerk.post("/staff/import/make", &[]).status), ("tried", 303));
    assert_eq!(import_state(&clerk), "done");
    let evidence =
        |more: &[&str]| demo.rig.clothingid(["catalogue", "evidence"]).args(more).run().expect_code(0).stdout;
    let said = evidence(&[]);
    let name = said.lines().find_map(|line| line.split_whitespace().find(|word| word.starts_with("mistaken/")));
    evidence(&["A-3", "--remove", name.expect("a name")]);
    assert_eq!(evidence(&[]).lines().count() + 1, said.lines().count());
    let skus = || demo.rig.clothingid(["catalogue", "list", "--json"]).run().stdout.lines().count();
    assert_eq!(skus(), 4);
    let restored = clerk.post("/staff/backup/restore", &[("edition", &edition)]);
    assert_eq!(restored.status, 303, "{}", restored.text());
    assert_eq!(import_state(&clerk), "tried");
    let diff = clerk.get("/staff/import").text();
    assert!(diff.contains("Articles that go") && diff.contains("B-1"), "{diff}");
    assert!(diff.contains("<dt>Pictures of the counter to be kept</dt><dd>1</dd>"), "{diff}");
    assert_eq!(skus(), 4, "nothing is changed yet");
    assert_eq!(clerk.post("/staff/import/make", &[]).status, 303);
    assert_eq!((import_state(&clerk).as_str(), skus()), ("done", 3));
    assert!(clerk.get("/staff/import").text().contains("what was said of 1 pictures of the counter"));
    let sorted = |text: String| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(evidence(&[])), sorted(said));
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
