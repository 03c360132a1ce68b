//! The page of an appliance whose settings cannot be used: it says which line is wrong, and everything else waits.
//!
//! Served in the three languages at once, since the one that is wanted stands in the settings. `/healthz` answers that the process is alive,
//! `/readyz` that it is not ready and why; every other address answers 503.

use super::guard::{Reach, guard};
use super::server::ServeError;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch;

const TEMPLATE: &str = include_str!("assets/safe_mode.html");

/// A running page of the safe mode.
#[derive(Debug)]
pub struct SafeMode {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl SafeMode {
    /// Serves what is wrong at `listener`.
    ///
    /// **Errors** the system gives no threads.
    pub fn start(listener: TcpListener, problem: &str) -> Result<Self, ServeError> {
        let address = listener.local_addr().map_err(ServeError::Start)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ServeError::Start)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(ServeError::Start)?
        };
        let (closing, mut is_closing) = watch::channel(false);
        let reach = if address.ip().is_loopback() { Reach::ThisMachine } else { Reach::Network };
        let router = router(problem, reach);
        let thread = std::thread::Builder::new()
            .name("safe-mode".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let until = async move {
                        let _ = is_closing.wait_for(|is_closing| *is_closing).await;
                    };
                    // A server that ends early leaves a process that says on its console what is wrong.
                    let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
                });
                runtime.shutdown_timeout(Duration::from_millis(200));
            })
            .map_err(ServeError::Start)?;
        Ok(Self { address, closing, thread })
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it.
    pub fn end(self) {
        self.closing.send_replace(true);
        let _ = self.thread.join();
    }
}

fn router(problem: &str, reach: Reach) -> Router {
    let page: Arc<str> = TEMPLATE.replace("{{problem}}", &escaped(problem)).into();
    let status: Arc<str> = json!({"ready": false, "problem": problem}).to_string().into();
    let ready = move || async move { unavailable("application/json", &status) };
    Router::new()
        .route("/healthz", get(async || super::answer::json_text("{\"alive\":true}".to_owned())))
        .route("/readyz", get(ready.clone()))
        .route("/assets/kiosk.css", get(super::kiosk::style))
        .route("/", get(move || async move { (StatusCode::SERVICE_UNAVAILABLE, Html(page.to_string())) }))
        .fallback(ready)
        .layer(middleware::from_fn(move |request, next| guard(reach, request, next)))
}

fn unavailable(kind: &'static str, text: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(axum::http::header::CONTENT_TYPE, kind)], text.to_owned()).into_response()
}

/// Text inside HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn asked(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn the_line_is_shown_and_nothing_else_is_served() {
        let listener = super::super::bind("127.0.0.1:0").unwrap();
        let safe_mode = SafeMode::start(listener, "/etc/c.toml:3: unknown key `<b>`").unwrap();
        let page = asked(safe_mode.address(), "/");
        assert!(page.starts_with("HTTP/1.1 503 ") && page.contains("/etc/c.toml:3: unknown key `&lt;b&gt;`"), "{page}");
        for language in ["lang=\"en\"", "lang=\"de\"", "lang=\"zh-Hant\""] {
            assert!(page.contains(language), "{language}");
        }
        assert!(asked(safe_mode.address(), "/healthz").starts_with("HTTP/1.1 200 "));
        for path in ["/readyz", "/api/v1/reading", "/staff"] {
            let answer = asked(safe_mode.address(), path);
            assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"ready\":false"), "{path}: {answer}");
        }
        safe_mode.end();
    }
}
