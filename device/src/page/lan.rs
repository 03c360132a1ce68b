//! The page on the shop's network: only for devices that were paired, and over TLS alone.
//!
//! A paired device shows a token with every request: browsers in a cookie that no script reads, programs as `Authorization: Bearer`. What it may do then is
//! what one at the appliance itself may; the staff's pages ask for the PIN here too. [`pair`] is where an offer is taken up.
//!
//! **Source** RFC 6750 (bearer tokens), RFC 6265bis (cookies).

use super::answer::ApiError;
use super::staff::form::Fields;
use super::staff::gate::{Here, cookies, wished_language};
use super::staff::render::{page_with, trouble_at};
use super::state::PageState;
use crate::lan::{Lan, PairError};
use crate::pipeline::in_words;
use crate::token::Token;
use axum::Extension;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use std::sync::Arc;
use std::time::SystemTime;

/// The cookie's name.
const COOKIE: &str = "device";

/// A year without use: after it a phone is paired again.
const COOKIE_SECONDS: u32 = 365 * 24 * 3600;

/// What a request over the network carries in its extensions once it is let in: of a paired device, or to an address that is open to all.
#[derive(Debug, Clone)]
pub struct Arrival(Arc<Lan>, Option<Token>);

impl Arrival {
    /// Removes all devices but the one that asks.
    ///
    /// **Errors** the list cannot be written.
    pub fn keep_only_this(&self) -> Result<(), PairError> {
        self.0.devices.keep_only(self.1)
    }

    /// Whether the device is still paired.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        self.1.is_some_and(|token| self.0.devices.name_of(token).is_some())
    }

    /// Whether an offer stands, which is for who stands before the appliance and for nobody else on the network.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        self.0.offers.standing().is_some()
    }
}

/// Lets in devices that were paired, and all who want to be.
pub async fn admit(lan: Arc<Lan>, State(state): State<Arc<PageState>>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let (of_program, of_browser) = (of_program(headers), cookies(headers, COOKIE).next());
    let is_paired = of_program.or(of_browser).is_some_and(|token| lan.devices.name_of(token).is_some());
    let here = here(&state, &request);
    if !is_paired && !is_open(request.uri().path()) {
        return refusal(&state, &here, request.headers());
    }
    // A browser that is used keeps its cookie. One that is just being paired gets another.
    let looks = *request.method() == Method::GET && wants_a_page(headers);
    let kept = of_browser.filter(|_| is_paired && of_program.is_none() && looks);
    let extensions = request.extensions_mut();
    extensions.insert(here);
    extensions.insert(Arrival(lan, of_program.or(of_browser)));
    let mut response = next.run(request).await;
    if let Some(token) = kept {
        response.headers_mut().append(header::SET_COOKIE, cookie(token));
    }
    response
}

/// Addresses for those who are not paired yet, with what these look like.
fn is_open(path: &str) -> bool {
    matches!(path, "/pair" | "/assets/icon.svg" | "/staff/assets/staff.css" | "/staff/assets/staff.js" | "/healthz")
        || path.starts_with("/pair/")
}

fn refusal(state: &PageState, here: &Here, headers: &HeaderMap) -> Response {
    let mut response = if wants_a_page(headers) {
        trouble_at(state, here, StatusCode::UNAUTHORIZED, "not_paired", "", None)
    } else {
        ApiError::new(StatusCode::UNAUTHORIZED, "this device is not paired with the appliance").into_response()
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn here(state: &PageState, request: &Request) -> Here {
    let language = wished_language(request.uri()).unwrap_or(state.facts.language);
    // Pages link to their own address in other languages, and to no other site's: `//elsewhere` is one.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_');
    let path = request.uri().path();
    let is_ours = *request.method() == Method::GET && !path.starts_with("//") && path.bytes().all(is_plain);
    Here { language, path: if is_ours { path } else { "/" }.to_owned(), is_secure: true, inside: None }
}

fn wants_a_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"))
}

/// The token of a program.
fn of_program(headers: &HeaderMap) -> Option<Token> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { token.trim().parse().ok() } else { None }
}

/// `GET /pair/{code}`: asks before the offer is taken up, so that a look at the address alone does not use it.
pub async fn ask(
    State(state): State<Arc<PageState>>,
    arrived: Option<Extension<Arrival>>,
    here: Option<Extension<Here>>,
    Path(code): Path<String>,
) -> Response {
    let Some((Extension(Arrival(lan, _)), here)) = arrived.zip(here) else { return only_on_the_network() };
    let typed = code.clone();
    let stands = tokio::task::spawn_blocking(move || typed.parse().is_ok_and(|code| lan.offers.is(code)));
    if !stands.await.unwrap_or(false) {
        return trouble_at(&state, &here, StatusCode::GONE, "offer_over", "", None);
    }
    page_with(&state, &here, (StatusCode::OK, "pair.html"), context! { code })
}

/// `POST /pair`: takes an offer up. A browser gets a cookie, a program the token.
pub async fn pair(
    State(state): State<Arc<PageState>>,
    arrived: Option<Extension<Arrival>>,
    here: Option<Extension<Here>>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let Some((arrived, here)) = arrived.zip(here) else { return only_on_the_network() };
    let Extension(Arrival(lan, _)) = arrived;
    let (is_page, name) = (wants_a_page(&headers), fields.get("name").to_owned());
    let code: Option<Token> = fields.get("code").parse().ok();
    let taken = tokio::task::spawn_blocking(move || -> Result<Option<Token>, PairError> {
        let taken = code.map(|code| lan.offers.take(code)).transpose()?;
        taken.unwrap_or(false).then(|| lan.devices.pair(&name, SystemTime::now())).transpose()
    });
    let refuse = |status, key, words: &str, detail: &str| match is_page {
        true => trouble_at(&state, &here, status, key, detail, None),
        false => ApiError::new(status, words).into_response(),
    };
    let failed = |words: &str| refuse(StatusCode::INTERNAL_SERVER_ERROR, "failed", words, words);
    match taken.await {
        Ok(Ok(Some(token))) => {
            state.health.events.say("a device of the staff was paired".to_owned());
            if !is_page {
                return Json(serde_json::json!({ "token": token.to_string() })).into_response();
            }
            let mut response = Redirect::to("/staff").into_response();
            response.headers_mut().append(header::SET_COOKIE, cookie(token));
            response
        }
        Ok(Ok(None)) => refuse(StatusCode::GONE, "offer_over", "this offer is over, or was taken up", ""),
        Ok(Err(error)) => failed(&in_words(&error)),
        Err(error) => failed(&error.to_string()),
    }
}

/// `Lax`: it must be there when the page is opened from a bookmark or another program; what changes something asks for more.
fn cookie(token: Token) -> HeaderValue {
    let text = format!("{COOKIE}={token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age={COOKIE_SECONDS}");
    // Hexadecimal digits and what stands here.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// At the appliance itself there is nothing to be paired.
fn only_on_the_network() -> Response {
    ApiError::new(StatusCode::NOT_FOUND, "this address is for devices on the shop's network").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_token_is_read() {
        let token = Token::random().unwrap();
        let of = |value: String| {
            of_program(&[(header::AUTHORIZATION, HeaderValue::try_from(value).unwrap())].into_iter().collect())
        };
        assert_eq!(of(format!("Bearer {token}")), Some(token));
        assert_eq!(of(format!("bearer  {token}")), Some(token));
        assert_eq!((of(format!("Basic {token}")), of("Bearer".into()), of("Bearer x".into())), (None, None, None));
    }

    #[test]
    fn only_what_pairing_needs_is_open() {
        for path in
            ["/", "/staff", "/staff/login", "/api/v1/reading", "/metrics", "/pairs", "/openapi.json", "/staff/assets"]
        {
            assert!(!is_open(path), "{path}");
        }
        assert!(is_open("/pair/x") && is_open("/pair") && is_open("/healthz"));
    }
}
