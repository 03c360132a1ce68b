//! A server of files by HTTPS that can break off: enough of HTTP for `curl`, with parts of files.

use clothingid_device::lan::Identity;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Serves a folder until the test ends.
pub(crate) struct Server {
    pub(crate) address: String,
    /// What whoever asks must trust.
    pub(crate) certificate: PathBuf,
    break_after: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(folder: PathBuf, keys: &Path) -> Self {
        std::fs::create_dir_all(keys).expect("a folder");
        let identity = Identity::kept_in(keys, &["localhost".to_owned()]).expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("https://localhost:{}/shops", listener.local_addr().expect("an address").port());
        let (break_after, asked) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let server = Self { address, certificate: keys.join("certificate.pem"), break_after, asked };
        let (breaks, asked, config) = (Arc::clone(&server.break_after), Arc::clone(&server.asked), identity.config());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever breaks off is the next one's affair.
                let _ = answer(stream, &config, &folder, &breaks, &asked);
            }
        });
        server
    }

    /// Breaks the next answer off that is longer than this.
    pub(crate) fn break_after(&self, byte_len: usize) {
        self.break_after.store(byte_len, Ordering::SeqCst);
    }

    /// What was asked for: path and part.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("what was asked"))
    }
}

fn answer(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    folder: &Path,
    breaks: &AtomicUsize,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let (mut name, mut from, mut line) = (String::new(), 0, String::new());
    while stream.read_line(&mut line)? > 2 {
        if let Some(path) = line.strip_prefix("GET /shops/") {
            name = path.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().expect("a part");
        }
        line.clear();
    }
    asked.lock().expect("what was asked").push(format!("{name} from {from}"));
    let stream = stream.get_mut();
    let Ok(bytes) = std::fs::read(folder.join(&name)) else {
        write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        return stream.flush();
    };
    let part = bytes.get(from..).unwrap_or_default();
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let last = bytes.len().saturating_sub(1);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{last}/{}\r\nConnection: close\r\n\r\n",
        part.len(),
        bytes.len()
    )?;
    let most = breaks.load(Ordering::SeqCst);
    if most > 0 && part.len() > most {
        breaks.store(0, Ordering::SeqCst);
        stream.write_all(&part[..most])?;
        return stream.flush();
    }
    stream.write_all(part)?;
    stream.conn.send_close_notify();
    stream.flush()
}
