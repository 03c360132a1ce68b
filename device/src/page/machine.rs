//! Health for machines.

use super::answer::{ApiError, json_text};
use super::lan::Arrival;
use super::state::{PageState, WATCHERS};
use crate::health::metrics::Facts;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use std::sync::Arc;

/// The description of the API.
pub const OPENAPI: &str = include_str!("openapi.json");

/// `GET /healthz`: the process is alive.
pub async fn healthz() -> Response {
    json_text("{\"alive\":true}".to_owned())
}

/// `GET /readyz`: the golden photographs were answered as the bundle promises, and the network runs; else 503.
pub async fn readyz(State(state): State<Arc<PageState>>) -> Response {
    let status = state.health.status();
    let code = if status.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(status)).into_response()
}

/// `GET /api/v1/screen.png`: what the appliance's own screen shows; 404 where it has none.
pub async fn screen(State(state): State<Arc<PageState>>, arrived: Option<Extension<Arrival>>) -> Response {
    let Some(screen) = state.screen.clone() else {
        return ApiError::new(StatusCode::NOT_FOUND, "this appliance has no screen of its own").into_response();
    };
    let made = tokio::task::spawn_blocking(move || {
        let is_secret = arrived.is_some_and(|Extension(arrival)| arrival.is_offered());
        (!is_secret).then(|| screen.to_png()).transpose()
    });
    let internal = |error: &dyn std::error::Error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
    };
    match made.await {
        Ok(Ok(None)) => {
            let error = "the screen shows how a device is paired, for those who stand before it";
            ApiError::new(StatusCode::FORBIDDEN, error).into_response()
        }
        Ok(Ok(Some(png))) => {
            let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")];
            (headers, png).into_response()
        }
        Ok(Err(error)) => internal(&error),
        Err(error) => internal(&error),
    }
}

/// `GET /metrics`: counters and timings as Prometheus reads them.
pub async fn metrics(State(state): State<Arc<PageState>>) -> Response {
    let text = state.health.metrics.to_text(Facts {
        engine: &state.facts.engine,
        version: env!("CARGO_PKG_VERSION"),
        catalogue_items: state.shop.product_count(),
        ready: state.health.status().ready,
        watchers: WATCHERS - state.watchers.available_permits(),
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// `GET /openapi.json`: the description of the API.
pub async fn openapi() -> Response {
    json_text(OPENAPI.to_owned())
}
