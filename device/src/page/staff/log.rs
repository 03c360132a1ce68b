//! What happened since the start: every event that is remembered. What was before that is in the machine's own journal.

use super::gate::Here;
use super::{render, words};
use crate::config::Language;
use crate::health::Events;
use crate::page::state::PageState;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use minijinja::{Value, context};
use std::sync::Arc;
use std::time::Duration;

/// `GET /staff/log`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let events = told(&state.health.events, Events::REMEMBERED, here.language);
    render::page(&state, &here, "log.html", context! { events })
}

/// The newest events, newest first: `what` happened, in the technician's language, and how long `ago`, in the reader's.
pub fn told(events: &Events, most: usize, language: Language) -> Vec<Value> {
    let now = events.now();
    let newest = events.newest(most).into_iter();
    newest
        .map(|event| {
            let ago = Duration::try_from_secs_f64(now - event.seconds).unwrap_or_default();
            context! { what => event.what, ago => words::ago(language, ago) }
        })
        .collect()
}
