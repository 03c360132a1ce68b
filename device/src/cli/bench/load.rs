//! The load of `bench live`: clients that watch the event stream, and photographs that come at twice the rate that is allowed.
//!
//! A program of its own, so that what it costs can be told from what the appliance costs.

use crate::cli::{Outcome, Report, print_line};
use crate::page::rate;
use clothingid_shared::files::read_text_at_most;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Ticks of `/proc/self/stat` a second: the same on every Linux that we run on.
const TICKS: f64 = 100.0;

#[derive(Debug, Serialize)]
struct Told {
    clients: u32,
    events: u64,
    uploads: u64,
    uploads_answered: u64,
    uploads_turned_away: u64,
    /// Share of one core that the load itself took.
    own_cores: f64,
}

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    events: AtomicU64,
    answered: AtomicU64,
    turned_away: AtomicU64,
}

/// Is the load for so many seconds.
pub(super) fn run(address: SocketAddr, clients: u32, seconds: u32) -> Result<Outcome, Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let counts = Arc::new(Counts::default());
    let (until, started) = (Instant::now() + Duration::from_secs(seconds.into()), Instant::now());
    let uploads = runtime.block_on(async {
        for _ in 0..clients {
            tokio::spawn(watch(address, Arc::clone(&counts)));
        }
        let photo = Arc::new(photo()?);
        let (mut sent, period) = (0_u64, Duration::from_secs_f64(1.0 / (2.0 * rate::UPLOADS_PER_SECOND)));
        let mut ticks = tokio::time::interval(period);
        while Instant::now() < until {
            ticks.tick().await;
            sent += 1;
            tokio::spawn(upload(address, Arc::clone(&photo), Arc::clone(&counts)));
        }
        Ok::<_, Report>(sent)
    })?;
    let own = processor_seconds().unwrap_or_default() / started.elapsed().as_secs_f64();
    runtime.shutdown_timeout(Duration::from_millis(200));
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let told = Told {
        clients,
        events: read(&counts.events),
        uploads,
        uploads_answered: read(&counts.answered),
        uploads_turned_away: read(&counts.turned_away),
        own_cores: (own * 100.0).round() / 100.0,
    };
    print_line(&serde_json::to_string(&told)?)?;
    Ok(Outcome::Done)
}

/// The first photograph of the demo shop.
fn photo() -> Result<Vec<u8>, Report> {
    let photos = crate::cli::demo::camera_photos();
    photos.first().map(|(_, photo)| photo.to_vec()).ok_or_else(|| Report::new("the demo has no photograph"))
}

/// Reads the event stream until the end; an event begins with `data`.
async fn watch(address: SocketAddr, counts: Arc<Counts>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return;
    }
    let mut buffer = [0; 1 << 14];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let bytes = buffer.get(..count).unwrap_or_default();
        counts.bytes.fetch_add(count as u64, Ordering::Relaxed);
        let events = bytes.windows(6).filter(|six| *six == b"data: ").count();
        counts.events.fetch_add(events as u64, Ordering::Relaxed);
    }
}

async fn upload(address: SocketAddr, photo: Arc<Vec<u8>>, counts: Arc<Counts>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let head = format!(
        "POST /api/v1/classify HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        photo.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&photo).await;
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).await.is_ok() {
        match answer.get(9..12) {
            Some(b"200") => counts.answered.fetch_add(1, Ordering::Relaxed),
            Some(b"429") => counts.turned_away.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

/// What this process has taken of the processor.
fn processor_seconds() -> Option<f64> {
    let text = read_text_at_most("/proc/self/stat".as_ref(), 1 << 14).ok()?;
    // The name may hold spaces; the rest follows its bracket: state is the 3rd field, times are the 14th and 15th.
    let fields: Vec<_> = text.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_this_process_is_read() {
        assert!(processor_seconds().is_some_and(|seconds| seconds >= 0.0));
    }
}
