//! What stands before every address: who may ask, and what a browser may do with the answer.
//!
//! A page on loopback is reachable by any web site that the machine's browser shows: by a name that the site lets point to
//! 127.0.0.1 (so the `Host` must be a loopback name), and by requests from the site (so `Sec-Fetch-Site: cross-site` is
//! refused for the API).
//!
//! **Source** Fetch Metadata Request Headers (W3C); Content Security Policy Level 3.

use super::answer::ApiError;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Whom the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only this machine: the `Host` must be a loopback name.
    ThisMachine,
    /// The shop's network, over TLS: devices that were paired, by any name that they have for this machine.
    Network,
}

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
    ),
];

/// Refuses what may not ask, and adds the headers that every answer has.
pub async fn guard(reach: Reach, request: Request, next: Next) -> Response {
    let refused = refusal(reach, request.uri().path(), request.headers());
    let mut response = match refused {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    // The staff's pages need to know where their forms come from.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(reach: Reach, path: &str, headers: &HeaderMap) -> Option<ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if reach == Reach::ThisMachine && !text("host").is_some_and(is_loopback) {
        let error = "this page is for this machine only: ask for it as `localhost`";
        return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, error));
    }
    if path.starts_with("/api/") && text("sec-fetch-site") == Some("cross-site") {
        return Some(ApiError::new(StatusCode::FORBIDDEN, "another web site may not use this API"));
    }
    None
}

/// Whether a `Host` names this machine, with any port.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(reach: Reach, path: &str, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let headers =
            headers.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        refusal(reach, path, &headers.collect()).map(|error| error.status.as_u16())
    }

    #[test]
    fn only_loopback_names_on_loopback() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]", "[::1]:8080"] {
            assert_eq!(asked(Reach::ThisMachine, "/", &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "", "::1", "localhost:x"]
        {
            assert_eq!(asked(Reach::ThisMachine, "/", &[("host", host)]), Some(421), "{host}");
            assert_eq!(asked(Reach::Network, "/", &[("host", host)]), None, "{host}");
        }
        assert_eq!(asked(Reach::ThisMachine, "/", &[]), Some(421));
    }

    #[test]
    fn other_sites_may_link_but_not_use_the_api() {
        let cross = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(asked(Reach::ThisMachine, "/api/v1/frame.jpg", &cross), Some(403));
        assert_eq!(asked(Reach::ThisMachine, "/", &cross), None);
    }
}
