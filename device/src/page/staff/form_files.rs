//! Forms with photographs: read into memory with a bound on size, time and number. The token comes before the files, so that nothing is read of a
//! form that no page of ours has sent.

use super::form::{Fields, from_elsewhere, has_token};
use super::gate::Here;
use super::render::{trouble, trouble_at};
use crate::page::state::PageState;
use crate::page::upload;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Photographs of one form, at most.
pub const FILES: usize = 3;

/// The whole form, at most.
pub const MOST_BYTES: usize = FILES * upload::MAX_BYTES + super::form::MOST_BYTES;

/// How long a sender may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one waits for another form with files.
const TURN: Duration = Duration::from_secs(5);

/// Fields of a form are shorter.
const MOST_OF_A_FIELD: usize = 4096;

/// A form that a page of the session has sent, with its photographs.
#[derive(Debug)]
pub struct PostedFiles {
    /// Its fields.
    pub fields: Fields,
    /// Its files: none of them empty, of no more than [`upload::MAX_BYTES`] each.
    pub files: Vec<Bytes>,
    /// Held for as long as the files are in memory: one form at a time.
    _turn: OwnedSemaphorePermit,
}

/// What is wrong with a form with files.
#[derive(Debug)]
pub enum Bad {
    /// No page of the session has sent it.
    Elsewhere,
    /// It is cut off, too large or no form.
    Form(MultipartError),
    /// More than [`FILES`].
    TooManyFiles,
}

impl From<MultipartError> for Bad {
    fn from(error: MultipartError) -> Self {
        Self::Form(error)
    }
}

/// Reads a form and its files, once what came before them says that it `is_ours`.
///
/// **Errors** [`Bad`].
pub async fn read(mut form: Multipart, is_ours: impl Fn(&Fields) -> bool) -> Result<(Fields, Vec<Bytes>), Bad> {
    let (mut fields, mut files) = (Fields::default(), Vec::new());
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_none() {
            let value = text(field).await?;
            fields.push(name, value);
            continue;
        }
        if !is_ours(&fields) {
            return Err(Bad::Elsewhere);
        }
        let bytes = field.bytes().await?;
        // A field for files that nobody chose sends one without a byte.
        if !bytes.is_empty() {
            files.push(bytes);
        }
        if files.len() > FILES {
            return Err(Bad::TooManyFiles);
        }
    }
    if is_ours(&fields) { Ok((fields, files)) } else { Err(Bad::Elsewhere) }
}

impl FromRequest<Arc<PageState>> for PostedFiles {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<PageState>) -> Result<Self, Response> {
        let Some(here) = request.extensions().get::<Here>().cloned() else {
            use axum::response::IntoResponse as _;
            return Err(StatusCode::UNAUTHORIZED.into_response());
        };
        let headers = request.headers().clone();
        let form = Multipart::from_request(request, state).await.map_err(|_| from_elsewhere(state, &here))?;
        let turn = tokio::time::timeout(TURN, Arc::clone(&state.files_turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(trouble_at(state, &here, StatusCode::TOO_MANY_REQUESTS, "busy", "", Some(&here.path)));
        };
        let read = read(form, |fields| has_token(&here, &headers, fields));
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok((fields, files))) => Ok(Self { fields, files, _turn: turn }),
            Ok(Err(Bad::Elsewhere)) => Err(from_elsewhere(state, &here)),
            Ok(Err(Bad::TooManyFiles)) => {
                Err(trouble_at(state, &here, StatusCode::BAD_REQUEST, "too_many_photos", "", Some(&here.path)))
            }
            Ok(Err(Bad::Form(error))) => Err(trouble(state, &here, error.status(), key(&error), &error.body_text())),
            Err(_) => Err(trouble_at(state, &here, StatusCode::REQUEST_TIMEOUT, "form_too_slow", "", Some(&here.path))),
        }
    }
}

fn key(error: &MultipartError) -> &'static str {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "form_too_large" } else { "form_incomplete" }
}

/// A field's text, as much of it as a field has.
async fn text(mut field: Field<'_>) -> Result<String, MultipartError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        let room = MOST_OF_A_FIELD.saturating_sub(bytes.len());
        bytes.extend(chunk.iter().take(room));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
