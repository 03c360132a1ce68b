//! The catalogue on a USB stick, and back.

use super::form::Posted;
use super::gate::Here;
use super::import;
use super::render::{self, trouble_at};
use super::words;
use crate::page::state::PageState;
use crate::staff::importing::{Busy, Shown, Source};
use crate::staff::sticks;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use std::path::Path;
use std::sync::Arc;

/// Where the page is.
const PAGE: &str = "/staff/backup";

/// `GET /staff/backup`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let copied = match state.staff.importing.shown() {
        Shown::Copied(path, written) => {
            // Said once.
            state.staff.importing.forget();
            let path = path.display().to_string();
            Some(
                context! { path, products => written.products, photos => written.photos, evidence => written.evidence, left_out => written.left_out },
            )
        }
        Shown::Working(_) => return Redirect::to(import::PAGE).into_response(),
        _ => None,
    };
    let staff = Arc::clone(&state.staff);
    let found = tokio::task::spawn_blocking(move || (sticks::places(&staff.media), sticks::editions(&staff.media)));
    let (places, editions) = found.await.unwrap_or_default();
    let places: Vec<Value> = places
        .iter()
        .map(|place| context! { path => place.path.display().to_string(), room => words::bytes(place.room) })
        .collect();
    let editions: Vec<String> = editions.iter().map(|path| path.display().to_string()).collect();
    render::page(&state, &here, "backup.html", context! { copied, places, editions })
}

/// `POST /staff/backup`: copies the catalogue to a stick.
pub async fn copy(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let (staff, wanted) = (Arc::clone(&state.staff), form.get("place").to_owned());
    let place = tokio::task::spawn_blocking(move || {
        let places = sticks::places(&staff.media);
        places.into_iter().find(|place| place.path == Path::new(&wanted)).map(|place| place.path)
    });
    let Ok(Some(place)) = place.await else {
        return trouble_at(&state, &here, StatusCode::NOT_FOUND, "stick_gone", "", Some(PAGE));
    };
    match state.staff.importing.copy(place, state.shop.path().to_owned()) {
        Ok(()) => Redirect::to(import::PAGE).into_response(),
        Err(Busy) => trouble_at(&state, &here, StatusCode::CONFLICT, "import_busy", "", Some(import::PAGE)),
    }
}

/// `POST /staff/backup/restore`: looks what the catalogue of a stick would change; it is made from the import's page.
pub async fn restore(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let (staff, wanted) = (Arc::clone(&state.staff), form.get("edition").to_owned());
    let found = tokio::task::spawn_blocking(move || {
        sticks::inside(&staff.media.roots, Path::new(&wanted)).filter(|path| path.is_file())
    });
    let Ok(Some(path)) = found.await else {
        return trouble_at(&state, &here, StatusCode::NOT_FOUND, "stick_gone", "", Some(PAGE));
    };
    import::begin(&state, &here, Source { photos: path.clone(), table: path, received: None })
}
