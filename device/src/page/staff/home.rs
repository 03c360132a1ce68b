//! The staff's first page: how the appliance is, and the way to everything else.

use super::gate::Here;
use super::render::{self, say};
use super::{books, log, words};
use crate::health::Stage;
use crate::page::state::PageState;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Events that are shown.
const EVENTS: usize = 12;

/// Less room than this on the catalogue's disk is pointed out.
const LITTLE_ROOM: u64 = 500 << 20;

/// `GET /staff`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let (health, language) = (&state.health, here.language);
    let (status, metrics) = (health.status(), &health.metrics);
    let books = books(&state);
    let on_disk = tokio::task::spawn_blocking(move || (books.changes(1), room(books.path()), size(books.path())));
    let (last, room, size) = match on_disk.await {
        Ok((changes, room, size)) => (changes.ok().and_then(|changes| changes.into_iter().next()), room, size),
        Err(_) => (None, None, None),
    };
    let last = last.map(|change| context! { what => change.what, ago => words::since(language, change.at) });
    let camera = serde_json::to_value(status.camera).ok();
    let camera = camera.as_ref().and_then(|camera| camera.as_str()).unwrap_or_default();
    let events = log::told(&health.events, EVENTS, language);
    let snapshot = state.shop.snapshot();
    let whole = metrics.mean(Stage::Whole).map(|time| time.as_millis());
    let values = context! {
        engine => state.facts.engine,
        bundle => format!("{} ({})", state.bundle.manifest.name, state.bundle.manifest.created),
        products => snapshot.as_ref().map_or(0, |snapshot| snapshot.product_count()),
        photos => snapshot.as_ref().map_or(0, |snapshot| snapshot.photo_count()),
        damaged => snapshot.as_ref().map_or(0, |snapshot| snapshot.damage().len()),
        is_of_another => state.shop.is_of_another(),
        camera => say(language, &format!("camera_{camera}")),
        is_camera_well => camera == "ok",
        is_ready => status.ready,
        last,
        room => room.map(words::bytes),
        is_room_little => room.is_some_and(|room| room < LITTLE_ROOM),
        size => size.map(words::bytes),
        frames => metrics.frames.load(Ordering::Relaxed),
        dropped => metrics.frames_dropped.load(Ordering::Relaxed),
        corrupt => metrics.frames_corrupt.load(Ordering::Relaxed),
        losses => metrics.camera_losses.load(Ordering::Relaxed),
        results => metrics.results.load(Ordering::Relaxed),
        whole,
        events,
        version => env!("CARGO_PKG_VERSION"),
    };
    render::page(&state, &here, "home.html", values)
}

/// Bytes that are left on a file's disk.
fn room(path: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

fn size(path: &Path) -> Option<u64> {
    Some(std::fs::metadata(path).ok()?.len())
}
