//! What customers' browsers and anybody's programs may do to the page of the real program: each gets a clear answer, and nothing piles up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clothingid_tests::clerk::{run, shop};
use clothingid_tests::demo::{Answer, Demo};
use clothingid_tests::{memory, photographs};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

fn connect(demo: &Demo) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", demo.port)).expect("the page's port");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

/// One who begins a request and says no more.
fn half_a_request(demo: &Demo) -> TcpStream {
    let mut stream = connect(demo);
    stream.write_all(b"GET /api/v1/reading HTTP/1.1\r\nHost: localh").expect("half a head");
    stream
}

fn memory(demo: &Demo, figure: &str) -> u64 {
    memory::kib(demo.running.id(), figure)
}

fn said(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

/// A picture of two hundred megapixels in some two hundred kilobytes.
fn bomb() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::NoFilter);
    encoder.write_image(&vec![0; 200_000_000], 20_000, 10_000, ExtendedColorType::L8).expect("a file");
    bytes
}

#[test]
fn a_picture_of_two_hundred_megapixels_is_refused_by_what_its_head_says() {
    let demo = Demo::start();
    let _ = demo.reading();
    let bomb = bomb();
    assert!(bomb.len() < 4 << 20, "{} bytes", bomb.len());
    let before = memory(&demo, "VmHWM");
    for path in ["/api/v1/classify", "/api/v1/search"] {
        let answer = demo.ask("POST", path, "Content-Type: image/png\r\n", &bomb);
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(said(&answer).contains("20000"), "the size is named: {}", said(&answer));
    }
    // Decoded it would be 200 MB.
    let grown = memory(&demo, "VmHWM") - before;
    assert!(grown < 32 << 10, "{grown} KiB for {} bytes", bomb.len());
}

#[test]
fn a_form_that_is_cut_short_or_none_is_said_to_be() {
    let demo = Demo::start();
    let _ = demo.reading();
    let head = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n";
    let photo = photographs::good_bytes();
    let whole = [head.as_bytes(), &photo, b"\r\n--x--\r\n"].concat();
    let kind = "Content-Type: multipart/form-data; boundary=x\r\n";
    assert_eq!(demo.ask("POST", "/api/v1/classify", kind, &whole).status, 200);
    for body in
        [&whole[..head.len() / 2], &whole[..whole.len() / 2], &whole[..whole.len() - 9], b"--y\r\n", b"--x--\r\n", b""]
    {
        let answer = demo.ask("POST", "/api/v1/classify", kind, body);
        assert_eq!(answer.status, 400, "{} bytes: {}", body.len(), answer.text());
        assert!(!said(&answer).is_empty());
    }
    assert_eq!(demo.get("/readyz").status, 200);
}

#[test]
fn more_photographs_than_are_allowed_are_turned_away_with_when_to_come_again() {
    let demo = Demo::start();
    let _ = demo.reading();
    let photo = photographs::good_bytes();
    let end = Instant::now() + Duration::from_secs(60);
    let refused = loop {
        let answer = demo.ask("POST", "/api/v1/classify", "", &photo);
        if answer.status == 429 {
            break answer;
        }
        assert!(answer.status == 200 && Instant::now() < end, "{} {}", answer.status, answer.text());
    };
    assert!(refused.head.contains("\r\nretry-after: 1"), "{}", refused.head);
    assert_eq!(demo.counter("uploads_turned_away"), 1);
}

#[test]
fn the_shop_sets_the_rate_and_a_client_is_told_how_long_to_wait() {
    let rig = shop();
    let settings = std::fs::read_to_string(rig.path("shop.toml")).expect("the settings");
    rig.write("shop.toml", format!("uploads_per_second = 0.1\n{settings}"));
    let demo = run(rig);
    let _ = demo.reading();
    let photo = photographs::good_bytes();
    let answers: Vec<_> = (0..9).map(|_| demo.ask("POST", "/api/v1/classify", "", &photo)).collect();
    let (last, burst) = answers.split_last().expect("answers");
    assert!(burst.iter().all(|answer| answer.status == 200), "a few may come at once");
    let wait = last.head.lines().find_map(|line| line.strip_prefix("retry-after: ")?.parse::<u64>().ok());
    assert!(last.status == 429 && wait.is_some_and(|wait| (2..=10).contains(&wait)), "{}", last.head);
    assert!(said(last).contains("try again in"), "{}", said(last));
}

#[test]
fn a_flood_of_uploads_takes_no_memory() {
    let demo = Demo::start();
    let _ = demo.reading();
    let photo = photographs::good_bytes();
    // As fast as four clients can, without resting: how many are told to wait.
    let flood = |each: usize| -> usize {
        let client = || (0..each).filter(|_| demo.ask("POST", "/api/v1/search", "", &photo).status == 429).count();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
            clients.into_iter().map(|client| client.join().expect("a client")).sum()
        })
    };
    let _ = flood(25);
    let before = memory(&demo, "VmRSS");
    let refused = flood(250);
    let after = memory(&demo, "VmRSS");
    assert!(refused > 500, "{refused} of 1,000 are told to wait");
    assert!(after < before + 5 * 1024, "{before} KiB, then {after}");
}

#[test]
fn half_a_request_is_not_waited_for_and_a_crowd_of_them_takes_no_memory() {
    let demo = Demo::start();
    let _ = demo.reading();
    let mut first = half_a_request(&demo);
    let crowd = |count: usize| {
        // Who asks for the stream and never reads, and who never asks to the end.
        let mut all: Vec<TcpStream> = (0..count).map(|_| half_a_request(&demo)).collect();
        for _ in 0..count {
            let mut stream = connect(&demo);
            stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
            all.push(stream);
        }
        assert_eq!(demo.get("/readyz").status, 200, "others are answered");
        drop(all);
        let end = Instant::now() + Duration::from_secs(30);
        while !demo.get("/metrics").text().lines().any(|line| line == "clothingid_watchers 0") {
            assert!(Instant::now() < end, "streams stay open");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    crowd(100);
    let before = memory(&demo, "VmRSS");
    (0..5).for_each(|_| crowd(100));
    let after = memory(&demo, "VmRSS");
    assert!(after < before + 5 * 1024, "{before} KiB, then {after}");
    // The first one has said nothing more for as long as a request may take.
    let mut rest = Vec::new();
    let closed = first.read_to_end(&mut rest);
    assert!(closed.is_ok(), "{closed:?}: it is waited for");
    assert_eq!(demo.counter("connections_cut"), 1, "those who went by themselves were not cut");
}

#[test]
fn who_rests_after_an_answer_is_let_go_and_not_counted() {
    let demo = Demo::start();
    let mut stream = connect(&demo);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("it is let go");
    assert!(all.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&all));
    assert_eq!(demo.counter("connections_cut"), 0);
}

#[test]
fn more_watchers_than_there_is_room_for_are_told_so_and_counted() {
    let demo = Demo::start();
    let _ = demo.reading();
    let (mut watchers, mut refused) = (Vec::new(), 0);
    // A page that goes lets its place go a moment later, so the last ones are asked one by one.
    for _ in 0..260 {
        let mut stream = connect(&demo);
        stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("a status");
        match &head {
            b"HTTP/1.1 200" => watchers.push(stream),
            b"HTTP/1.1 503" => refused += 1,
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
    }
    assert_eq!((watchers.len(), refused), (256, 4));
    assert_eq!(demo.counter("streams_refused"), 4);
    drop(watchers);
    assert_eq!(demo.get("/readyz").status, 200);
}

#[test]
fn more_half_requests_than_there_are_places_do_not_keep_it_from_ending() {
    let demo = Demo::start();
    let _ = demo.reading();
    let crowd: Vec<TcpStream> = (0..400).map(|_| half_a_request(&demo)).collect();
    let started = Instant::now();
    let outcome = demo.running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // Each half request could hold it up for twenty seconds.
    assert!(started.elapsed() < Duration::from_secs(15), "it took {:?}", started.elapsed());
    drop(crowd);
}
