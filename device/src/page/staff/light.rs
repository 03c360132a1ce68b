//! How bright the live frame is, and the camera's controls.

use super::form::Posted;
use super::gate::Here;
use super::render::{self, say, trouble_at};
use crate::camera::FrameDecoder;
use crate::page::answer::ApiError;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::camera;
use crate::staff::light::{Light, Verdict};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use minijinja::{Value, context};
use std::sync::Arc;
use std::time::Duration;

/// Where the page is.
const PAGE: &str = "/staff/light";

/// How often it is looked for the camera's answer.
const ANSWER: (Duration, usize) = (Duration::from_millis(50), 30);

/// `GET /staff/light`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let light = measured(&state).await.ok().map(|light| {
        let key = match light.verdict {
            Verdict::TooDark => "light_too_dark",
            Verdict::Good => "light_good",
            Verdict::TooBright => "light_too_bright",
        };
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let words = say(here.language, key);
        context! { words, is_good => light.verdict == Verdict::Good, mean => percent(light.mean / 255.0), dark => percent(light.dark),
            bright => percent(light.bright) }
    });
    let answer = state.staff.camera.answer();
    let controls: Vec<Value> = answer
        .controls
        .iter()
        .map(|one| {
            let key = one.control.key();
            let words = say(here.language, &format!("control_{key}")).to_owned();
            context! { key, words, least => one.least, most => one.most, step => one.step, value => one.value,
            has_automatic => one.is_automatic.is_some(), is_automatic => one.is_automatic == Some(true) }
        })
        .collect();
    let can_lock = answer.controls.iter().any(|one| one.is_automatic == Some(true));
    let can_free = answer.controls.iter().any(|one| one.is_automatic == Some(false));
    let remarks = answer.remarks;
    render::page(&state, &here, "light.html", context! { light, controls, can_lock, can_free, remarks })
}

/// `POST /staff/light`: sets the camera's controls, locks them as they are, or leaves them to the camera.
pub async fn set(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let desk = &state.staff.camera;
    let before = desk.answer();
    let wishes = match form.get("do") {
        "lock" => camera::locked(&before.controls),
        "free" => camera::automatic(&before.controls),
        _ => camera::wished(&before.controls, |name| form.get(name)),
    };
    if !wishes.is_empty() {
        desk.ask(&wishes);
        let (staff, all) = (Arc::clone(&state.staff), desk.wishes());
        let kept = tokio::task::spawn_blocking(move || camera::keep(&staff.folder, &all)).await;
        if let Ok(Err(error)) = kept {
            let detail = in_words(&error);
            return trouble_at(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "not_kept", &detail, Some(PAGE));
        }
        // The camera is asked between two frames; its answer is shown where it comes soon.
        for _ in 0..ANSWER.1 {
            if desk.answer().number != before.number {
                break;
            }
            tokio::time::sleep(ANSWER.0).await;
        }
    }
    Redirect::to(PAGE).into_response()
}

/// `GET /api/v1/staff/light`: the same for the page's script.
pub async fn now(State(state): State<Arc<PageState>>) -> Response {
    match measured(&state).await {
        Ok(light) => Json(light).into_response(),
        Err(words) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, words).into_response(),
    }
}

async fn measured(state: &PageState) -> Result<Light, String> {
    let (frame, _) = state.board.moment().ok_or("no frame yet")?;
    let measure = move || {
        let mut decoder = FrameDecoder::new();
        let picture = decoder.decode(&frame).map_err(|error| in_words(&error))?;
        Ok(Light::of(picture.rgb()))
    };
    tokio::task::spawn_blocking(measure).await.map_err(|error| error.to_string())?
}
