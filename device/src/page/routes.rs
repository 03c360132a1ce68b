//! All addresses.

use super::guard::{Reach, guard};
use super::state::PageState;
use super::{kiosk, lan, live, look, machine, shop, staff, upload};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

use super::answer::ApiError;
use crate::lan::Lan;

/// What answers at an address.
type Handler = MethodRouter<Arc<PageState>>;

/// Every address that customers may use, with its method, in the order of `openapi.json`. Those of the staff are in [`staff::table`].
fn table() -> [(&'static str, &'static str, Handler); 22] {
    let limit = DefaultBodyLimit::max(upload::MAX_BYTES + 4096);
    [
        ("get", "/", get(kiosk::page)),
        ("get", "/assets/kiosk.css", get(kiosk::style)),
        ("get", "/assets/kiosk.js", get(kiosk::script)),
        ("get", "/assets/icon.svg", get(kiosk::icon)),
        ("get", "/assets/shop.css", get(look::style)),
        ("get", "/assets/logo", get(look::logo)),
        ("get", "/api/v1/reading", get(live::reading)),
        ("get", "/api/v1/events", get(live::events)),
        ("get", "/api/v1/frame.jpg", get(live::frame)),
        ("post", "/api/v1/classify", post(upload::classify).layer(limit)),
        ("post", "/api/v1/search", post(upload::search).layer(limit)),
        ("get", "/api/v1/catalogue/{sku}", get(shop::product)),
        ("get", "/api/v1/catalogue/{sku}/photo", get(shop::photo)),
        ("get", "/api/v1/catalogue/{sku}/similar", get(shop::similar)),
        ("get", "/api/v1/colours", get(shop::colours)),
        ("get", "/api/v1/screen.png", get(machine::screen)),
        ("get", "/pair/{code}", get(lan::ask)),
        ("post", "/pair", post(lan::pair).layer(DefaultBodyLimit::max(staff::form::MOST_BYTES))),
        ("get", "/healthz", get(machine::healthz)),
        ("get", "/readyz", get(machine::readyz)),
        ("get", "/metrics", get(machine::metrics)),
        ("get", "/openapi.json", get(machine::openapi)),
    ]
}

/// The router of all addresses for this machine itself.
pub fn router(state: Arc<PageState>) -> Router {
    guarded(noted(addresses(&state), &state), Reach::ThisMachine).with_state(state)
}

/// The router of all addresses for the shop's network.
pub fn lan_router(state: Arc<PageState>, way: Arc<Lan>) -> Router {
    let admit = move |state, request, next| lan::admit(Arc::clone(&way), state, request, next);
    let addresses = noted(addresses(&state), &state);
    let addresses = addresses.layer(middleware::from_fn_with_state(Arc::clone(&state), admit));
    guarded(addresses, Reach::Network).with_state(state)
}

/// Addresses that a page or a program asks for by itself, whether or not somebody is there.
const BY_ITSELF: [&str; 8] = [
    "/api/v1/reading",
    "/api/v1/events",
    "/api/v1/frame.jpg",
    "/api/v1/screen.png",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
];

/// Notes that somebody uses the appliance, and what it could not do for him.
fn noted(addresses: Router<Arc<PageState>>, state: &Arc<PageState>) -> Router<Arc<PageState>> {
    let health = Arc::clone(&state.health);
    let note = move |request: Request, next: Next| {
        let health = Arc::clone(&health);
        async move {
            if !BY_ITSELF.contains(&request.uri().path()) {
                health.activity.note();
            }
            let response = next.run(request).await;
            match response.status() {
                StatusCode::REQUEST_TIMEOUT => health.metrics.count(&health.metrics.connections_cut),
                // What is not there yet, or taken by others.
                StatusCode::SERVICE_UNAVAILABLE => {}
                status if status.is_server_error() => health.metrics.count(&health.metrics.requests_failed),
                _ => {}
            }
            response
        }
    };
    addresses.layer(middleware::from_fn(note))
}

fn guarded(addresses: Router<Arc<PageState>>, reach: Reach) -> Router<Arc<PageState>> {
    addresses.layer(middleware::from_fn(move |request, next| guard(reach, request, next)))
}

fn addresses(state: &Arc<PageState>) -> Router<Arc<PageState>> {
    table()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
        .merge(staff::table::router(state))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method: see `/openapi.json`")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_exactly_the_addresses_there_are() {
        let described: serde_json::Value = serde_json::from_str(machine::OPENAPI).unwrap();
        let mut described: Vec<(String, String)> = described["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
            })
            .collect();
        let mut served: Vec<_> =
            table().iter().map(|&(method, path, _)| (method.to_owned(), path.to_owned())).collect();
        served.extend(staff::table::table().iter().map(|&(method, path, ..)| (method.to_owned(), path.to_owned())));
        described.sort();
        served.sort();
        assert_eq!(described, served);
    }
}
