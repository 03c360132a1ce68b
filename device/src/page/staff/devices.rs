//! Phones and PCs of the staff: which are paired, and how one more is.

use super::form::Posted;
use super::gate::Here;
use super::render::{page as rendered, trouble_at};
use crate::lan::devices::MOST;
use crate::lan::{Lan, PairError};
use crate::page::state::PageState;
use crate::pipeline::in_words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use minijinja::{Value, context};
use std::sync::Arc;

/// Where the page is.
const PAGE: &str = "/staff/devices";

/// `GET /staff/devices`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let Some(lan) = &state.staff.lan else { return not_served(&state, &here) };
    let devices: Vec<Value> = lan
        .devices
        .all()
        .into_iter()
        .map(|device| context! { name => device.name, paired => device.paired, hash => device.hash })
        .collect();
    let has_room = lan.devices.has_room();
    let asked = Arc::clone(lan);
    let found = tokio::task::spawn_blocking(move || (asked.invitation(), asked.address())).await;
    let (invitation, address) = found.unwrap_or_default();
    let invitation = invitation.map(|invitation| {
        let side = invitation.code.side() + 2 * crate::lan::code::QUIET;
        let fingerprint = invitation.fingerprint;
        context! { address => invitation.address, path => invitation.code.svg_path(), side, fingerprint }
    });
    let values = context! { devices, invitation, address, has_room, most => MOST };
    rendered(&state, &here, "devices.html", values)
}

/// `GET /api/v1/staff/devices`: whether an offer stands, for the page that shows one.
pub async fn now(State(state): State<Arc<PageState>>) -> impl IntoResponse {
    let lan = state.staff.lan.clone();
    let offered = tokio::task::spawn_blocking(move || lan.is_some_and(|lan| lan.offers.standing().is_some()));
    Json(serde_json::json!({ "offered": offered.await.unwrap_or(false) }))
}

/// `POST /staff/devices/pair`: makes an offer, which the page and the screen show.
pub async fn offer(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    change(&state, &here, |lan| {
        if !lan.devices.has_room() {
            return Err(PairError::Full);
        }
        Ok(lan.offers.make().map(drop)?)
    })
    .await
}

/// `POST /staff/devices/stop`: ends it.
pub async fn stop(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    change(&state, &here, |lan| Ok(lan.offers.end()?)).await
}

/// `POST /staff/devices/remove`: a device is let in no more.
pub async fn remove(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let hash = form.get("device").to_owned();
    change(&state, &here, move |lan| lan.devices.remove(&hash).map(drop)).await
}

async fn change(
    state: &PageState,
    here: &Here,
    what: impl FnOnce(&Lan) -> Result<(), PairError> + Send + 'static,
) -> Response {
    let Some(lan) = state.staff.lan.clone() else { return not_served(state, here) };
    let failed = |words: &str| trouble_at(state, here, StatusCode::INTERNAL_SERVER_ERROR, "failed", words, Some(PAGE));
    match tokio::task::spawn_blocking(move || what(&lan)).await {
        Ok(Ok(())) => Redirect::to(PAGE).into_response(),
        Ok(Err(error)) => failed(&in_words(&error)),
        Err(error) => failed(&error.to_string()),
    }
}

fn not_served(state: &PageState, here: &Here) -> Response {
    trouble_at(state, here, StatusCode::NOT_FOUND, "no_lan", "", Some("/staff"))
}
