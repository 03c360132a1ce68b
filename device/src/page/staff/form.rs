//! What is sent to the staff's pages: forms, read with a bound on size and time, and only those that a page of ours has sent.

use super::gate::Here;
use super::render::{trouble, trouble_at};
use crate::page::state::PageState;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::time::Duration;

/// A form without files has less.
pub const MOST_BYTES: usize = 64 << 10;

/// How long a sender may take.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The form's field that carries the session's token, and the header in its place for scripts.
pub const TOKEN: &str = "token";
/// See [`TOKEN`].
pub const TOKEN_HEADER: &str = "x-staff-token";

/// The fields of a form that a page of the session has sent. Each handler that changes something takes this or its like for files: a test
/// sends each address a form without the token.
#[derive(Debug)]
pub struct Posted(Fields);

/// The fields of any form: of the log-in, which comes before all sessions.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field without space around it; empty where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The values of all fields of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Of a query or a form's body.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Adds a field.
    pub fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }
}

impl std::ops::Deref for Posted {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

/// Whether a form or its header has the session's token.
#[must_use]
pub fn has_token(here: &Here, headers: &HeaderMap, fields: &Fields) -> bool {
    let wanted = here.form_token();
    let sent = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_else(|| fields.get(TOKEN));
    // Who could measure how long this takes would learn of a hash that is no secret's beginning.
    !wanted.is_empty() && sent == wanted
}

impl FromRequest<Arc<PageState>> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<PageState>) -> Result<Self, Response> {
        let Some(here) = here(&request) else { return Err(StatusCode::UNAUTHORIZED.into_response()) };
        let read = tokio::time::timeout(PATIENCE, Bytes::from_request(request, state)).await;
        match read {
            Ok(Ok(bytes)) => Ok(Self::read(&bytes)),
            Ok(Err(refused)) => Err(trouble(state, &here, refused.status(), "form_too_large", &refused.body_text())),
            Err(_) => Err(trouble_at(state, &here, StatusCode::REQUEST_TIMEOUT, "form_too_slow", "", None)),
        }
    }
}

impl FromRequest<Arc<PageState>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<PageState>) -> Result<Self, Response> {
        let Some(here) = here(&request) else { return Err(StatusCode::UNAUTHORIZED.into_response()) };
        let headers = request.headers().clone();
        let fields = Fields::from_request(request, state).await?;
        if has_token(&here, &headers, &fields) { Ok(Self(fields)) } else { Err(from_elsewhere(state, &here)) }
    }
}

/// What is told of a form without the token.
#[must_use]
pub fn from_elsewhere(state: &PageState, here: &Here) -> Response {
    trouble_at(state, here, StatusCode::FORBIDDEN, "from_elsewhere", "", None)
}

/// Who asks. The gate is before every address of the staff's; without it nobody is let in.
fn here(request: &Request) -> Option<Here> {
    request.extensions().get::<Here>().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_what_is_none_has_no_fields() {
        let fields = Fields::read(b"a=+x%20&b=%E4%B8%AD&a=2&c");
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c"), fields.get("d")), ("x", "中", "", ""));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["x", "2"]);
        assert_eq!(Fields::read(b"\xff\x00&&==&%").get("a"), "");
    }
}
