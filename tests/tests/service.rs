//! The program as systemd runs it: what it tells, how soon it ends, and what its page says of settings that cannot be used.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use clothingid_tests::Rig;
use clothingid_tests::clerk::shop;
use clothingid_tests::demo::{Demo, START};

/// Hears until `wanted` is told.
fn hear(service: &UnixDatagram, wanted: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    let (mut buffer, mut heard) = ([0; 4096], String::new());
    while !heard.lines().any(|line| line == wanted) {
        assert!(Instant::now() < end, "never `{wanted}`: {heard}");
        if let Ok(len) = service.recv(&mut buffer) {
            heard.push_str(&String::from_utf8_lossy(&buffer[..len]));
            heard.push('\n');
        }
    }
}

fn service_at(path: &Path) -> UnixDatagram {
    let service = UnixDatagram::bind(path).expect("a socket");
    service.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    service
}

#[test]
fn systemd_is_told_that_it_is_ready_goes_on_and_ends() {
    let rig = shop();
    rig.write("shop.toml", "[camera]\nfolder = \"camera\"\n");
    let socket = rig.path("notify");
    let service = service_at(&socket);
    let running = rig
        .clothingid(["run", "--config", "shop.toml", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "2000000")
        .start();
    hear(&service, "READY=1");
    // Fed by frames that are answered, again and again.
    hear(&service, "WATCHDOG=1");
    hear(&service, "WATCHDOG=1");
    let outcome = running.terminate();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    hear(&service, "STOPPING=1");
}

/// The best of three: machines that run tests are busy.
#[test]
fn it_ends_within_a_second_whoever_is_there() {
    let best = (0..3)
        .map(|_| {
            let demo = Demo::start();
            let _ = demo.reading();
            let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", demo.port);
            let upload = format!(
                "POST /api/v1/classify HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: image/jpeg\r\nContent-Length: 900000\r\n\r\n",
                demo.port
            );
            let clients: Vec<TcpStream> = [request.as_bytes(), upload.as_bytes(), b"GET / HTTP/1.1\r\nHos", b""]
                .into_iter()
                .cycle()
                .take(60)
                .map(|said| {
                    let mut client = TcpStream::connect(("127.0.0.1", demo.port)).expect("the page's port");
                    client.write_all(said).expect("a request");
                    client
                })
                .collect();
            let started = Instant::now();
            let outcome = demo.running.terminate();
            assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
            drop(clients);
            started.elapsed()
        })
        .min();
    assert!(best < Some(Duration::from_secs(1)), "{best:?}");
}

#[test]
fn a_typo_in_the_settings_is_on_the_page_with_its_line_at_the_address_that_they_name() {
    let rig = Rig::new();
    let port = clothingid_tests::demo::free_port();
    let config = rig.write("shop.toml", format!("listen = \"127.0.0.1:{port}\"\nlangage = \"de\"\n"));
    let mut running = rig.clothingid(["run", "--safe-mode", "--config"]).arg(&config).start();
    let _ = running.wait_for("safe mode: this is shown on http://", START);
    let demo = Demo { running, port, rig };
    let page = demo.get("/");
    assert_eq!(page.status, 503);
    for part in ["shop.toml:2: unknown key `langage`", "did you mean `language`?"] {
        assert!(page.text().contains(part), "{}", page.text());
    }
    assert_eq!(demo.get("/healthz").status, 200);
    assert_eq!(demo.get("/readyz").status, 503);
    // Mended, it goes on by itself.
    demo.rig.write(
        "shop.toml",
        format!("listen = \"127.0.0.1:{port}\"\nlanguage = \"de\"\n[camera]\nfolder = \"no-such-camera\"\n"),
    );
    let end = Instant::now() + Duration::from_secs(60);
    while !demo.get("/").text().contains("no-such-camera") {
        assert!(Instant::now() < end, "{}", demo.get("/").text());
        std::thread::sleep(Duration::from_millis(100));
    }
}
