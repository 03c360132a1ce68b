//! A wrong match: hold the frame still, say what it shows. This is the one place where a frame is kept, and only when the staff say so.

use super::books;
use super::form::Posted;
use super::gate::{Here, Inside};
use super::render::{self, trouble, trouble_at};
use crate::camera::jpeg;
use crate::catalogue::StoreError;
use crate::catalogue::store::CorrectionError;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::books::Word;
use crate::staff::desk::{Frozen, Said};
use crate::staff::find::{self, Found};
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use serde::Deserialize;
use std::sync::Arc;

/// Products that a search shows.
const SHOWN: usize = 24;

/// Where one starts again.
const START: &str = "/staff/wrong";

/// `GET /staff/wrong`: what is seen now.
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let is_frozen = here.inside.as_ref().is_some_and(|inside| inside.session.desk.frozen().is_some());
    let has_frame = state.board.reading().is_some();
    render::page(&state, &here, "wrong.html", context! { is_frozen, has_frame })
}

/// `POST /staff/wrong`: holds the frame still.
pub async fn freeze(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    let Some(inside) = here.inside.clone() else { return unauthorised() };
    match moment(&state).await {
        Ok((jpeg, reading)) => {
            inside.session.desk.freeze(Frozen { jpeg, said: Said::of(&reading) });
            Redirect::to("/staff/wrong/choose").into_response()
        }
        Err(detail) => trouble_at(&state, &here, StatusCode::SERVICE_UNAVAILABLE, "no_frame", &detail, Some(START)),
    }
}

/// What the camera sees now, as a JPEG file, and what is said of it; or why not, in words.
pub(super) async fn moment(state: &PageState) -> Result<(Vec<u8>, Arc<String>), String> {
    let (frame, reading) = state.board.moment().ok_or_else(String::new)?;
    let made = tokio::task::spawn_blocking(move || jpeg::of_frame(frame)).await;
    let jpeg = made.map_err(|error| error.to_string())?.map_err(|error| in_words(&error))?;
    Ok((jpeg, reading))
}

/// `GET /staff/wrong/frame.jpg`: the frame that is held still.
pub async fn frame(Extension(here): Extension<Here>) -> Response {
    let frozen = here.inside.and_then(|inside| inside.session.desk.frozen());
    match frozen {
        Some(frozen) => ([(header::CONTENT_TYPE, "image/jpeg")], frozen.jpeg.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `POST /staff/wrong/thaw`: lets it go; nothing is kept.
pub async fn thaw(Extension(here): Extension<Here>, _form: Posted) -> Response {
    if let Some(Inside { session, .. }) = &here.inside {
        session.desk.thaw();
    }
    Redirect::to(START).into_response()
}

/// What is looked for, and what was chosen.
#[derive(Debug, Default, Deserialize)]
pub struct Choice {
    /// Words, a number or a barcode.
    #[serde(default)]
    q: String,
    /// The product that the frame shows.
    is: Option<String>,
    /// It shows none of the shop's.
    none: Option<String>,
}

/// `GET /staff/wrong/choose`: which product is it? Once that is chosen: what will be kept.
pub async fn choose(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    Query(choice): Query<Choice>,
) -> Response {
    let Some(frozen) = here.inside.as_ref().and_then(|inside| inside.session.desk.frozen()) else {
        return Redirect::to(START).into_response();
    };
    let (books, said) = (books(&state), frozen.said.clone());
    let (words, is) = (choice.q.clone(), choice.is.clone());
    let read = tokio::task::spawn_blocking(move || -> Result<_, StoreError> {
        let Some(store) = books.open()? else { return Ok((None, Vec::new(), 0, Vec::new())) };
        let chosen = is.map_or(Ok(None), |sku| find::by_sku(&store, &sku))?;
        let (found, count) = find::by_words(&store, &words, SHOWN)?;
        let matches = said.matches.iter().map(|one| find::by_sku(&store, &one.sku));
        let matches: Vec<Found> = matches.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok((chosen, found, count, matches))
    });
    let (chosen, found, count, matches) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => {
            return trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken", &in_words(&error));
        }
        Err(error) => return trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "failed", &error.to_string()),
    };
    if choice.is.is_some() && chosen.is_none() {
        return trouble_at(&state, &here, StatusCode::NOT_FOUND, "no_product", "", Some("/staff/wrong/choose"));
    }
    let is_none = choice.none.is_some() && chosen.is_none();
    let right = chosen.as_ref().map(|found| found.product.sku.as_str());
    let mistaken = frozen.said.mistaken(right);
    let matches: Vec<Value> = matches
        .into_iter()
        .map(|found| {
            let is_right = right == Some(&*found.product.sku);
            let is_mistaken = mistaken.iter().any(|one| one.sku == found.product.sku);
            context! { found, is_right, is_mistaken }
        })
        .collect();
    let verdict = render::say(
        here.language,
        match frozen.said.verdict.as_str() {
            "confident" => "verdict_confident",
            "similar" => "verdict_similar",
            _ => "verdict_nothing",
        },
    );
    let more = count.saturating_sub(found.len());
    render::page(
        &state,
        &here,
        "choose.html",
        context! { q => choice.q.trim(), chosen, is_none, found, more, matches, verdict },
    )
}

/// `POST /staff/wrong/choose`: keeps the frame with what is said of it.
pub async fn keep(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let Some(inside) = here.inside.clone() else { return unauthorised() };
    let Some(frozen) = inside.session.desk.frozen() else {
        return trouble_at(&state, &here, StatusCode::CONFLICT, "nothing_frozen", "", Some(START));
    };
    let is = Some(form.get("is")).filter(|sku| !sku.is_empty()).map(ToOwned::to_owned);
    let word = Word { is, is_not: form.all("is_not").filter(|sku| !sku.is_empty()).map(ToOwned::to_owned).collect() };
    if word.says().is_empty() {
        return trouble_at(&state, &here, StatusCode::BAD_REQUEST, "nothing_said", "", Some("/staff/wrong/choose"));
    }
    let bytes = frozen.jpeg.clone();
    let embedded = match state.uploads.embed("frame".to_owned(), bytes.clone().into()).await {
        Ok(embedded) => embedded,
        Err(error) => return trouble_at(&state, &here, error.status, "not_embedded", &error.error, Some(START)),
    };
    let (books, identity) = (books(&state), state.shop.identity().clone());
    let kept = tokio::task::spawn_blocking(move || books.correct(&identity, &word, (bytes, embedded)));
    match kept.await {
        Ok(Ok((corrected, change))) => {
            inside.session.desk.thaw();
            let again = START;
            render::page(
                &state,
                &here,
                "kept.html",
                context! { kept => corrected.kept, known => corrected.known, change, again },
            )
        }
        Ok(Err(error)) => refused(&state, &here, &error, "/staff/wrong/choose"),
        Err(error) => failed(&state, &here, &error),
    }
}

/// What is told where a correction is not kept.
pub(super) fn refused(state: &PageState, here: &Here, error: &CorrectionError, back: &str) -> Response {
    let (status, key) = match error {
        CorrectionError::NoProduct { .. } => (StatusCode::NOT_FOUND, "no_product"),
        CorrectionError::Listed { .. } => (StatusCode::CONFLICT, "is_listed"),
        CorrectionError::Store(StoreError::OtherIdentity { .. }) => (StatusCode::CONFLICT, "catalogue_of_another"),
        CorrectionError::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken"),
    };
    trouble_at(state, here, status, key, &in_words(error), Some(back))
}

/// What is told where a thread has ended before its work.
pub(super) fn failed(state: &PageState, here: &Here, error: &tokio::task::JoinError) -> Response {
    trouble(state, here, StatusCode::INTERNAL_SERVER_ERROR, "failed", &error.to_string())
}

fn unauthorised() -> Response {
    StatusCode::UNAUTHORIZED.into_response()
}
