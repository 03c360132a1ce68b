//! Which product has this barcode? A scanner types digits and Enter, which sends the form.

use super::books;
use super::gate::Here;
use super::render::{self, trouble};
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::{barcode, find};
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;
use std::sync::Arc;

/// What was scanned.
#[derive(Debug, Default, Deserialize)]
pub struct Scanned {
    #[serde(default)]
    code: String,
}

/// `GET /staff/barcode`
pub async fn page(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    Query(scanned): Query<Scanned>,
) -> Response {
    let read = barcode::read(&scanned.code);
    let (code, expected) = match &read {
        None => ("", None),
        Some(barcode::Code::Sound(code)) => (code.as_str(), None),
        Some(barcode::Code::CheckDigit { code, expected }) => (code.as_str(), Some(*expected)),
    };
    let (books, wanted) = (books(&state), code.to_owned());
    // One with a wrong check digit is looked for all the same: a label may be wrong, too.
    let found = tokio::task::spawn_blocking(move || match books.open()? {
        Some(store) if !wanted.is_empty() => find::by_barcode(&store, &wanted),
        _ => Ok(Vec::new()),
    });
    match found.await {
        Ok(Ok(found)) => render::page(&state, &here, "barcode.html", context! { code, expected, found }),
        Ok(Err(error)) => {
            trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken", &in_words(&error))
        }
        Err(error) => trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "failed", &error.to_string()),
    }
}
