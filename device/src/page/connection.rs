//! One connection: how it is taken in, and from the first line of its first request to its end.

use crate::health::Health;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long the head of a request may take, and how long one waits for the next.
const HEAD: Duration = Duration::from_secs(20);
/// Bytes of a head and of what is read ahead; our own are below 2 KiB.
const BUFFER: usize = 32 << 10;

/// After a connection that the system would not give.
const REST: Duration = Duration::from_millis(200);

/// The next who connects. `troubled` is told where the system gives none, once until it gives one again.
pub(super) async fn accept(listener: &TcpListener, troubled: impl Fn(&io::Error)) -> (TcpStream, SocketAddr) {
    let mut is_told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    troubled(&error);
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Answers what `peer` asks until it goes, is silent for too long, or the server ends: an answer that is open then is finished, if the server waits for
/// it. What goes wrong is the peer's; silence is counted.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    router: Router,
    health: &Health,
    mut closing: watch::Receiver<bool>,
) {
    let router = TowerToHyperService::new(router);
    let has_asked = AtomicBool::new(false);
    let has_asked = &has_asked;
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        ended = connection.as_mut() => {
            // One that rests after an answer is let go in the same way, and nothing is wrong with that.
            if ended.is_err_and(|error| error.is_timeout()) && !has_asked.load(Ordering::Relaxed) {
                health.metrics.count(&health.metrics.connections_cut);
            }
            return;
        }
        _ = closing.wait_for(|is_closing| *is_closing) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
