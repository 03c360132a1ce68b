//! The log-in, and the way out.

use super::form::{Fields, Posted};
use super::gate::{Here, is_ours, set_cookies};
use super::render::{page_with, trouble};
use crate::config::Language;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::Tried;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one waits for those who try a PIN at the same time.
pub(super) const TURN: Duration = Duration::from_secs(3);

/// What the log-in may be asked with.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    to: Option<String>,
    expired: Option<String>,
}

/// What stands above the log-in.
enum Word {
    None,
    Expired,
    Wrong(u32),
    Wait(Duration),
    Busy,
}

/// `GET /staff/login`
pub async fn page(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    Query(asked): Query<Asked>,
) -> Response {
    let to = asked.to.as_deref().filter(|to| is_ours(to)).unwrap_or("/staff");
    if here.inside.is_some() {
        return Redirect::to(to).into_response();
    }
    match state.staff.access.has_pin() {
        Ok(true) => {}
        Ok(false) => return Redirect::to("/staff").into_response(),
        Err(error) => {
            let detail = in_words(&error);
            return trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "pin_broken", &detail);
        }
    }
    let word = match state.staff.access.wait(Instant::now()) {
        Ok(wait) if wait > Duration::ZERO => Word::Wait(wait),
        _ if asked.expired.is_some() => Word::Expired,
        _ => Word::None,
    };
    form(&state, &here, to, word)
}

fn form(state: &PageState, here: &Here, to: &str, word: Word) -> Response {
    let (status, key, count) = match word {
        Word::None => (StatusCode::OK, None, 0),
        Word::Expired => (StatusCode::OK, Some("session_expired"), 0),
        Word::Wrong(tries) => (StatusCode::FORBIDDEN, Some("pin_wrong"), u64::from(tries)),
        Word::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, Some("pin_wait"), seconds(wait)),
        Word::Busy => (StatusCode::TOO_MANY_REQUESTS, Some("pin_busy"), 0),
    };
    let is_locked = matches!(word, Word::Wait(_));
    // The page of a wait is no failure when it is only looked at.
    let notice = key.map(|key| super::render::say(here.language, key));
    let mut response = page_with(state, here, (status, "login.html"), context! { to, notice, count, is_locked });
    if is_locked {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(count));
    }
    response
}

/// Rounded up: a wait of no seconds would be none.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// `POST /staff/login`
pub async fn log_in(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, fields: Fields) -> Response {
    let to = Some(fields.get("to")).filter(|to| is_ours(to)).unwrap_or("/staff").to_owned();
    let language = Language::of_tag(fields.get("lang")).unwrap_or(here.language);
    let here = Here { language, ..here };
    // While nobody may try, nobody waits for a turn either.
    if let Ok(wait) = state.staff.access.wait(Instant::now())
        && wait > Duration::ZERO
    {
        return form(&state, &here, &to, Word::Wait(wait));
    }
    let Ok(Ok(turn)) = tokio::time::timeout(TURN, Arc::clone(&state.log_in_turn).acquire_owned()).await else {
        return form(&state, &here, &to, Word::Busy);
    };
    let (staff, typed) = (Arc::clone(&state.staff), fields.get("pin").to_owned());
    let tried = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        staff.access.log_in(&typed, language, Instant::now())
    });
    match tried.await {
        Ok(Ok(Tried::Right(token))) => {
            let mut response = Redirect::to(&to).into_response();
            for cookie in set_cookies(Some(&token), here.is_secure) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Ok(Tried::Wrong { tries })) => form(&state, &here, &to, Word::Wrong(tries)),
        Ok(Ok(Tried::Wait(wait))) => {
            state.health.events.say(format!("wrong PINs at the staff's page: nobody may try for {} s", wait.as_secs()));
            form(&state, &here, &to, Word::Wait(wait))
        }
        Ok(Ok(Tried::NoPin)) => Redirect::to("/staff").into_response(),
        Ok(Err(error)) => {
            let detail = in_words(&error);
            trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "pin_broken", &detail)
        }
        Err(error) => trouble(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "failed", &error.to_string()),
    }
}

/// `POST /staff/logout`
pub async fn log_out(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    if let Some(inside) = &here.inside {
        state.staff.access.log_out(&inside.token);
    }
    let mut response = Redirect::to("/").into_response();
    for cookie in set_cookies(None, here.is_secure) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
