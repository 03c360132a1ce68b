//! Pages that only say something: help, and the screen's cleaning.

use super::gate::Here;
use super::render;
use crate::page::state::PageState;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use std::sync::Arc;

/// For so long the screen ignores touches while it is wiped.
const CLEANING_SECONDS: u32 = 30;

/// `GET /staff/help`: what each page does. Nothing of it needs a network.
pub async fn help(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    render::page(&state, &here, "help.html", context! {})
}

/// `GET /staff/cleaning`
pub async fn cleaning(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    render::page(&state, &here, "cleaning.html", context! { seconds => CLEANING_SECONDS })
}

/// `GET /staff/cleaning/now`: a page on which there is nothing to touch, and which leads back by itself.
pub async fn cleaning_now(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    render::page(&state, &here, "cleaning-now.html", context! { seconds => CLEANING_SECONDS })
}
