//! What the staff's pages look like and do in the browser.

use axum::http::header;
use axum::response::IntoResponse;

/// `GET /staff/assets/staff.css`
pub async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("../assets/staff/staff.css"))
}

/// `GET /staff/assets/staff.js`
pub async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("../assets/staff/staff.js"))
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text)
}
