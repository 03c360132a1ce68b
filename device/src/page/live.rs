//! The latest reading, its frame, and the stream of both.

use super::answer::{ApiError, json_text};
use super::lan::Arrival;
use super::state::PageState;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;

/// How often a stream says how the appliance is, so that a watcher can tell silence from a broken line.
const STATUS_EVERY: Duration = Duration::from_secs(2);

/// `GET /api/v1/reading`: the latest reading.
pub async fn reading(State(state): State<Arc<PageState>>) -> Response {
    match state.board.reading() {
        Some(text) => json_text(text.to_string()),
        None => nothing_yet().into_response(),
    }
}

/// `GET /api/v1/frame.jpg`: the frame of the latest reading.
pub async fn frame(State(state): State<Arc<PageState>>) -> Response {
    let made = tokio::task::spawn_blocking(move || state.board.frame_jpeg()).await;
    match made {
        Ok(Ok(Some((number, jpeg)))) => {
            let number = (HeaderName::from_static("x-frame"), number.to_string());
            ([(header::CONTENT_TYPE, "image/jpeg".to_owned()), number], jpeg).into_response()
        }
        Ok(Ok(None)) => nothing_yet().into_response(),
        Ok(Err(error)) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// `GET /api/v1/events`: what the page is made of (`page`, once), each reading as it comes (`message`), how the appliance is (`status`), and that the
/// catalogue was changed (`catalogue`).
///
/// A watcher who reads slowly misses readings and then gets the newest; nothing piles up for him. A device of the shop's network that is removed watches
/// no more from the next `status` on.
pub async fn events(State(state): State<Arc<PageState>>, arrived: Option<Extension<Arrival>>) -> Response {
    let Ok(permit) = Arc::clone(&state.watchers).try_acquire_owned() else {
        state.health.metrics.count(&state.health.metrics.streams_refused);
        return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open").into_response();
    };
    let (to, stream) = mpsc::channel::<Result<Event, Infallible>>(1);
    tokio::spawn(async move {
        let _permit = permit;
        // Ends when the watcher goes (sending fails) or the server does.
        let mut closing = state.closing.subscribe();
        tokio::select! {
            () = send_events(&state, arrived.as_deref(), &to) => {}
            _ = closing.wait_for(|is_closing| *is_closing) => {}
        }
    });
    Sse::new(ReceiverStream::new(stream)).into_response()
}

async fn send_events(state: &PageState, arrival: Option<&Arrival>, to: &mpsc::Sender<Result<Event, Infallible>>) {
    let mut readings = state.board.watch();
    readings.mark_changed();
    let mut ticks = tokio::time::interval(STATUS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let made_of = serde_json::to_string(&state.facts.made_of()).unwrap_or_default();
    if to.send(Ok(Event::default().event("page").data(made_of))).await.is_err() {
        return;
    }
    let mut catalogue = state.shop.version();
    loop {
        let event = tokio::select! {
            changed = readings.changed() => {
                if changed.is_err() {
                    return;
                }
                let Some(text) = readings.borrow_and_update().clone() else { continue };
                Event::default().data(text.as_str())
            }
            _ = ticks.tick() => {
                if arrival.is_some_and(|arrival| !arrival.is_paired()) {
                    return;
                }
                let now = state.shop.version();
                if std::mem::replace(&mut catalogue, now) != now
                    && to.send(Ok(Event::default().event("catalogue").data(now.to_string()))).await.is_err()
                {
                    return;
                }
                let status = serde_json::to_string(&state.health.status()).unwrap_or_default();
                Event::default().event("status").data(status)
            }
        };
        if to.send(Ok(event)).await.is_err() {
            return;
        }
    }
}

fn nothing_yet() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no frame yet")
}
