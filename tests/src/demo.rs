//! The real `clothingid demo`, asked over HTTP as any program would.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::metrics;
use serde_json::Value;

use crate::{Rig, Running};

/// How long a demo may take to its first answer.
pub const START: Duration = Duration::from_secs(60);

/// A port that is free now, for what must come back to the same one.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// A running demo on a port that the system chose. Dropping it ends it.
#[derive(Debug)]
pub struct Demo {
    /// The program.
    pub running: Running,
    /// Where it listens.
    pub port: u16,
    /// Its folder.
    pub rig: Rig,
}

impl Demo {
    /// Starts the program and waits for its port.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start() -> Self {
        let rig = Rig::new();
        let running = rig.clothingid(["demo", "--listen", "127.0.0.1:0"]).start();
        Self::of(rig, running)
    }

    /// A program that was started otherwise; waits for its port.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn of(rig: Rig, mut running: Running) -> Self {
        let line = running.wait_for("http://localhost:", START);
        let port =
            line.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("a port at the end of the line");
        Self { running, port, rig }
    }

    /// One request with headers of one's own, each ended by CR and LF.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let host = if headers.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: localhost:{}\r\n", self.port)
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut bytes = Vec::new();
        // A server that is being exchanged for another one closes a connection that it has taken and not read from yet: as a browser does, ask again.
        for _ in 0..3 {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the page's port");
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
            // A server that refuses early may close before it has read everything.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            let _ = stream.read_to_end(&mut bytes);
            if !bytes.is_empty() {
                break;
            }
        }
        Answer::of(&bytes)
    }

    /// One request without a body.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", &[])
    }

    /// A counter of `/metrics`.
    ///
    /// # Panics
    /// There is none of this name.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        metrics::value(&self.get("/metrics").text(), &format!("{name}_total"))
    }

    /// The first reading, waited for.
    ///
    /// # Panics
    /// There is none within [`START`].
    #[must_use]
    pub fn reading(&self) -> Value {
        let end = Instant::now() + START;
        loop {
            let answer = self.get("/api/v1/reading");
            if answer.status == 200 {
                return answer.json();
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(Instant::now() < end, "no reading: {}", self.running.stderr());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// An answer of the program.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// What follows them, put together where it came in chunks.
    pub body: Vec<u8>,
}

impl Answer {
    /// Takes the bytes apart.
    ///
    /// # Panics
    /// They are no answer.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {bytes:?}"));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in ASCII").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = &bytes[end + 4..];
        let body = if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_vec() };
        Self { status, head, body }
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap_or("0"), 16).unwrap_or(0);
        if len == 0 || rest.len() < end + 2 + len {
            break;
        }
        body.extend(&rest[end + 2..end + 2 + len]);
        rest = &rest[(end + 4 + len).min(rest.len())..];
    }
    body
}
