//! Who may come in: what stands before every address of the staff's.
//!
//! A session is a cookie that no script reads and no other site sends (`HttpOnly`, `SameSite=Strict`). Staff pages never cross a network in the
//! clear, so they are for browsers on this machine and, over TLS, for [devices that were paired](crate::page::lan). What changes something must come from a page of ours, by what the browser says of where
//! it comes from here, and by the token in its form ([`form`](super::form)).
//!
//! **Source** RFC 6265bis; Fetch Metadata Request Headers (W3C).

use super::render::{trouble, trouble_at};
use super::settings;
use crate::config::Language;
use crate::page::answer::ApiError;
use crate::page::guard::is_loopback;
use crate::page::lan::Arrival;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::{Session, VaultError};
use crate::token::Token;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// The cookie's name.
const COOKIE: &str = "staff";

/// The addresses that a browser sends it to.
pub const PATHS: [&str; 2] = ["/staff", "/api/v1/staff"];

/// Who may use an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Whoever is at this machine or has a paired device: the log-in and what it looks like.
    Open,
    /// Who is logged in.
    Staff,
    /// Who is logged in; at the first start, while there is no PIN, as [`Self::Open`].
    Settings,
}

/// Who asks, where, and in which language: in the extensions of each request that is let in.
#[derive(Debug, Clone)]
pub struct Here {
    /// The language of the answer.
    pub language: Language,
    /// The address without its query.
    pub path: String,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Who is logged in.
    pub inside: Option<Inside>,
}

/// One who is logged in.
#[derive(Debug, Clone)]
pub struct Inside {
    /// The session.
    pub session: Session,
    /// The browser's token.
    pub token: Token,
}

impl Here {
    /// The token that each form must carry; empty where nobody is logged in.
    #[must_use]
    pub fn form_token(&self) -> String {
        self.inside.as_ref().map(|inside| inside.token.form_token()).unwrap_or_default()
    }
}

/// Lets in who may come in, tells all others what to do.
pub async fn gate(door: Door, State(state): State<Arc<PageState>>, request: Request, next: Next) -> Response {
    let mut response = match admit(door, &state, &request) {
        Ok(here) => {
            let mut request = request;
            request.extensions_mut().insert(here);
            next.run(request).await
        }
        Err(refused) => *refused,
    };
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn admit(door: Door, state: &PageState, request: &Request) -> Result<Here, Box<Response>> {
    let (headers, path) = (request.headers(), request.uri().path());
    let wished = wished_language(request.uri());
    let is_secure = request.extensions().get::<Arrival>().is_some();
    let language = wished.unwrap_or(state.facts.language);
    let mut here = Here { language, path: path.to_owned(), is_secure, inside: None };
    let refuse = |here: &Here, status, key| Err(Box::new(refusal(state, here, status, key)));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let host = text(headers, header::HOST.as_str());
    let is_local = peer.is_some_and(|ip| ip.to_canonical().is_loopback()) && host.is_some_and(is_loopback);
    if !is_local && !is_secure {
        return refuse(&here, StatusCode::FORBIDDEN, "only_here");
    }
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    if is_change && !is_from_here(headers) {
        return refuse(&here, StatusCode::FORBIDDEN, "from_elsewhere");
    }
    let access = &state.staff.access;
    let broken = |here: &Here, error: &VaultError| {
        let words = in_words(error);
        Box::new(trouble(state, here, StatusCode::INTERNAL_SERVER_ERROR, "pin_broken", &words))
    };
    if door != Door::Open && !access.has_pin().map_err(|error| broken(&here, &error))? {
        let is_first_start = state.staff.is_first_start();
        return match path {
            _ if is_first_start && door == Door::Settings => Ok(here),
            _ if is_first_start && !path.starts_with("/api/") => Err(Box::new(settings::first(here.language))),
            "/staff" => refuse(&here, StatusCode::SERVICE_UNAVAILABLE, "no_pin"),
            _ if path.starts_with("/api/") => refuse(&here, StatusCode::UNAUTHORIZED, "no_pin"),
            _ => Err(Box::new(Redirect::to("/staff").into_response())),
        };
    }
    let token = cookies(headers, COOKIE).next();
    if let Some(token) = token {
        // Addresses of the API are asked by pages by themselves.
        let session = if path.starts_with("/api/") {
            access.seen(&token, Instant::now())
        } else {
            access.session(&token, wished, Instant::now())
        };
        if let Some(session) = session.map_err(|error| broken(&here, &error))? {
            here.language = session.language;
            here.inside = Some(Inside { session, token });
        }
    }
    if door == Door::Open || here.inside.is_some() {
        return Ok(here);
    }
    if path.starts_with("/api/") {
        return refuse(&here, StatusCode::UNAUTHORIZED, "log_in_first");
    }
    let back = if is_change { came_from(headers).unwrap_or("/staff") } else { path };
    let expired = if token.is_some() { "&expired=1" } else { "" };
    let language = here.language.tag();
    Err(Box::new(Redirect::to(&format!("/staff/login?to={back}&lang={language}{expired}")).into_response()))
}

/// A refusal as a page, or as JSON where a program asks.
fn refusal(state: &PageState, here: &Here, status: StatusCode, key: &str) -> Response {
    if here.path.starts_with("/api/") {
        ApiError::new(status, super::render::say(here.language, key)).into_response()
    } else {
        trouble_at(state, here, status, key, "", None)
    }
}

/// Whether what changes something comes from a page of this address, as far as the browser says. A program that is no browser says nothing.
fn is_from_here(headers: &HeaderMap) -> bool {
    let is_own = match text(headers, "sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => true,
    };
    let origin = text(headers, header::ORIGIN.as_str());
    let is_origin = origin.is_none_or(|origin| {
        let place = origin.split_once("://").map(|(_, place)| place);
        place.is_some() && place.map(str::to_ascii_lowercase) == text(headers, "host").map(str::to_ascii_lowercase)
    });
    is_own && is_origin
}

/// The page of ours that a request comes from.
fn came_from(headers: &HeaderMap) -> Option<&str> {
    let (_, rest) = text(headers, header::REFERER.as_str())?.split_once("://")?;
    let path = rest.get(rest.find('/')?..)?;
    path.split(['?', '#']).next().filter(|path| is_ours(path))
}

/// Whether this is an address of the staff's without a query, and nothing that leads elsewhere.
#[must_use]
pub fn is_ours(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'/' || byte == b'-';
    (path == "/staff" || path.starts_with("/staff/")) && path.bytes().all(is_plain)
}

/// The language that an address asks for.
#[must_use]
pub fn wished_language(uri: &Uri) -> Option<Language> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.into_iter().find(|(key, _)| key == "lang").and_then(|(_, tag)| Language::of_tag(&tag))
}

/// The tokens of all cookies of a name.
pub fn cookies<'a>(headers: &'a HeaderMap, wanted: &'a str) -> impl Iterator<Item = Token> + 'a {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(name, _)| *name == wanted).filter_map(|(_, value)| value.parse().ok())
}

/// The cookies of a session that begins, or the end of those that are there.
#[must_use]
pub fn set_cookies(token: Option<&Token>, is_secure: bool) -> Vec<HeaderValue> {
    let value = token.map_or_else(|| "; Max-Age=0".to_owned(), Token::to_string);
    // On this machine itself there is no TLS.
    let secure = if is_secure { "; Secure" } else { "" };
    let of = |path: &&str| format!("{COOKIE}={value}{secure}; HttpOnly; SameSite=Strict; Path={path}").parse().ok();
    PATHS.iter().filter_map(of).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_ours() {
        let host = ("host", "localhost:8080");
        for (pairs, expected) in [
            (&[host][..], true),
            (&[host, ("origin", "http://localhost:8080")], true),
            (&[host, ("origin", "http://LOCALHOST:8080"), ("sec-fetch-site", "same-origin")], true),
            (&[host, ("origin", "http://localhost:9090")], false),
            (&[host, ("origin", "http://evil.example")], false),
            (&[host, ("origin", "null")], false),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8080")], false),
            (&[("origin", "http://localhost")], false),
        ] {
            assert_eq!(is_from_here(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn only_addresses_of_the_staffs_are_led_back_to() {
        for path in ["/staff", "/staff/wrong", "/staff/wrong/choose"] {
            assert!(is_ours(path), "{path}");
        }
        for path in
            ["", "/", "//evil.example", "/staffx", "/staff/../", "/staff/\\evil", "/staff?to=x", "https://x/staff"]
        {
            assert!(!is_ours(path), "{path}");
        }
        let from = |referer| came_from(&headers(&[("referer", referer)])).map(ToOwned::to_owned);
        assert_eq!(from("http://localhost:8080/staff/undo?number=3"), Some("/staff/undo".into()));
        assert_eq!(from("http://evil.example/"), None);
        assert_eq!(from("nothing"), None);
    }

    #[test]
    fn a_cookie_is_read_among_others() {
        let token = Token::random().unwrap();
        let line = format!("other=1; staff={token}; staffx=2");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, line.parse().unwrap());
        assert_eq!(cookies(&headers, COOKIE).next(), Some(token));
        headers.insert(header::COOKIE, HeaderValue::from_static("staff=; staff=1"));
        assert_eq!(cookies(&headers, COOKIE).next(), None);
        let set = set_cookies(Some(&token), false);
        assert_eq!(set.len(), 2);
        assert_eq!(set[0].to_str().unwrap(), format!("staff={token}; HttpOnly; SameSite=Strict; Path=/staff"));
        assert!(
            set_cookies(Some(&token), true).iter().all(|line| line.to_str().unwrap().contains("; Secure; HttpOnly"))
        );
        assert!(set_cookies(None, false).iter().all(|line| line.to_str().unwrap().contains("Max-Age=0")));
    }
}
