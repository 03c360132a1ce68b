//! The page of an appliance whose settings cannot be used: it says which line is wrong, and everything else waits.
//!
//! Served in the three languages at once, since the one that is wanted stands in the settings. `/healthz` answers that the process is alive,
//! `/readyz` that it is not ready and why; every other address answers 503.

use super::guard::{Reach, guard};
use super::server::{ServeError, Server};
use crate::health::Health;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::watch;

const TEMPLATE: &str = include_str!("assets/safe_mode.html");

/// Serves what is wrong at `listener`.
///
/// **Errors** the system gives no threads.
pub fn start(listener: TcpListener, problem: &str) -> Result<Server, ServeError> {
    let (closing, beside) = (watch::Sender::new(false), std::future::pending());
    // Nobody asks for its counters, and what is wrong stands on the console, too.
    Server::of(listener, closing, router(problem), beside, &Arc::new(Health::silent()))
}

fn router(problem: &str) -> Router {
    let page: Arc<str> = TEMPLATE.replace("{{problem}}", &escaped(problem)).into();
    let status: Arc<str> = json!({"ready": false, "problem": problem}).to_string().into();
    let ready = move || async move { unavailable("application/json", &status) };
    Router::new()
        .route("/healthz", get(async || super::answer::json_text("{\"alive\":true}".to_owned())))
        .route("/readyz", get(ready.clone()))
        .route("/assets/kiosk.css", get(super::kiosk::style))
        .route("/", get(move || async move { (StatusCode::SERVICE_UNAVAILABLE, Html(page.to_string())) }))
        .fallback(ready)
        .layer(middleware::from_fn(move |request, next| guard(Reach::ThisMachine, request, next)))
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
    use std::net::{SocketAddr, TcpStream};

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
        let safe_mode = start(listener, "/etc/c.toml:3: unknown key `<b>`").unwrap();
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
