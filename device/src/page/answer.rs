//! What the API says when it cannot do what it was asked.

use crate::catalogue::{GalleryError, StoreError};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clothingid_shared::picture::Format;
use serde::Serialize;
use std::time::Duration;

/// An error as the API gives it: a status and `{"error": "…"}`, with `path` where a photograph was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiError {
    /// The HTTP status.
    #[serde(skip)]
    pub status: StatusCode,
    /// The photograph's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is wrong, in words.
    pub error: String,
    /// For what passes by itself: after how many seconds it may be tried again.
    #[serde(skip)]
    pub retry_after: u64,
}

impl ApiError {
    /// An error about no photograph.
    #[must_use]
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, path: None, error: error.into(), retry_after: 1 }
    }

    /// An error about a photograph.
    #[must_use]
    pub fn about(path: impl Into<String>, status: StatusCode, error: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::new(status, error) }
    }

    /// It may be tried again after this time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: seconds.max(1), ..self }
    }
}

/// The status of a search that fails.
#[must_use]
pub fn of_gallery(error: &GalleryError) -> StatusCode {
    match error {
        // It passes by itself.
        GalleryError::Store(StoreError::BeingEmbedded { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        GalleryError::Unseen { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        response
    }
}

/// What a browser is told that a photograph is.
#[must_use]
pub fn content_type_of(photo: &[u8]) -> &'static str {
    match Format::of(photo) {
        Some(Format::Png) => "image/png",
        Some(Format::WebP) => "image/webp",
        Some(Format::Jpeg) | None => "image/jpeg",
    }
}

/// JSON text that is already made.
#[must_use]
pub fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
