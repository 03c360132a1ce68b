//! The staff's addresses.

use super::gate::{Door, gate};
use super::{
    article, backup, changes, devices, files, form, form_files, home, import, light, log, login, plain, scan, settings,
    trial, wrong,
};
use crate::page::state::PageState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// What answers at an address.
type Handler = MethodRouter<Arc<PageState>>;

/// An address: method, path, who may use it, what answers.
pub type Row = (&'static str, &'static str, Door, Handler);

/// Every address of the staff's, in the order of `openapi.json`.
#[must_use]
pub fn table() -> Vec<Row> {
    use Door::{Open, Settings, Staff};
    let photos = DefaultBodyLimit::max(form_files::MOST_BYTES);
    let forms = || DefaultBodyLimit::max(form::MOST_BYTES);
    vec![
        ("get", "/staff", Staff, get(home::page)),
        ("get", "/staff/assets/staff.css", Open, get(files::style)),
        ("get", "/staff/assets/staff.js", Open, get(files::script)),
        ("get", "/staff/login", Open, get(login::page)),
        ("post", "/staff/login", Open, post(login::log_in).layer(forms())),
        ("post", "/staff/logout", Staff, post(login::log_out).layer(forms())),
        ("get", "/staff/article", Staff, get(article::page)),
        ("post", "/staff/article", Staff, post(article::post).layer(photos)),
        ("get", "/staff/article/photo.jpg", Staff, get(article::photo)),
        ("get", "/staff/import", Staff, get(import::page)),
        ("post", "/staff/import/upload", Staff, post(import::upload).layer(DefaultBodyLimit::disable())),
        ("post", "/staff/import/stick", Staff, post(import::stick).layer(forms())),
        ("post", "/staff/import/make", Staff, post(import::make).layer(forms())),
        ("post", "/staff/import/stop", Staff, post(import::stop).layer(forms())),
        ("post", "/staff/import/forget", Staff, post(import::forget).layer(forms())),
        ("get", "/api/v1/staff/import", Staff, get(import::progress)),
        ("get", "/staff/backup", Staff, get(backup::page)),
        ("post", "/staff/backup", Staff, post(backup::copy).layer(forms())),
        ("post", "/staff/backup/restore", Staff, post(backup::restore).layer(forms())),
        ("get", "/staff/devices", Staff, get(devices::page)),
        ("get", "/api/v1/staff/devices", Staff, get(devices::now)),
        ("post", "/staff/devices/pair", Staff, post(devices::offer).layer(forms())),
        ("post", "/staff/devices/stop", Staff, post(devices::stop).layer(forms())),
        ("post", "/staff/devices/remove", Staff, post(devices::remove).layer(forms())),
        ("get", "/staff/settings", Settings, get(settings::page)),
        ("post", "/staff/settings", Settings, post(settings::keep).layer(forms())),
        ("get", "/staff/light", Staff, get(light::page)),
        ("post", "/staff/light", Staff, post(light::set).layer(forms())),
        ("get", "/api/v1/staff/light", Staff, get(light::now)),
        ("get", "/staff/cleaning", Staff, get(plain::cleaning)),
        ("get", "/staff/cleaning/now", Staff, get(plain::cleaning_now)),
        ("get", "/staff/help", Staff, get(plain::help)),
        ("get", "/staff/log", Staff, get(log::page)),
        ("get", "/staff/undo", Staff, get(changes::page)),
        ("post", "/staff/undo", Staff, post(changes::undo).layer(forms())),
        ("get", "/staff/barcode", Staff, get(scan::page)),
        ("get", "/staff/try", Staff, get(trial::page)),
        ("post", "/staff/try/garment", Staff, post(trial::garment).layer(forms())),
        ("post", "/staff/try/look", Staff, post(trial::look).layer(forms())),
        ("post", "/staff/try/keep", Staff, post(trial::keep).layer(forms())),
        ("post", "/staff/try/forget", Staff, post(trial::forget).layer(forms())),
        ("get", "/staff/wrong", Staff, get(wrong::page)),
        ("post", "/staff/wrong", Staff, post(wrong::freeze).layer(forms())),
        ("get", "/staff/wrong/frame.jpg", Staff, get(wrong::frame)),
        ("get", "/staff/wrong/choose", Staff, get(wrong::choose)),
        ("post", "/staff/wrong/choose", Staff, post(wrong::keep).layer(forms())),
        ("post", "/staff/wrong/thaw", Staff, post(wrong::thaw).layer(forms())),
    ]
}

/// The router of all of them, each behind the gate.
pub fn router(state: &Arc<PageState>) -> Router<Arc<PageState>> {
    table().into_iter().fold(Router::new(), |router, (_, path, door, handler)| {
        let before =
            from_fn_with_state(Arc::clone(state), move |state, request, next| gate(door, state, request, next));
        router.route(path, handler.layer(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who opens another door says so here.
    #[test]
    fn only_the_log_in_and_what_it_looks_like_are_open() {
        let open = table().into_iter().filter(|(_, _, door, _)| *door == Door::Open);
        let open: Vec<_> = open.map(|(method, path, ..)| (method, path)).collect();
        let expected = [
            ("get", "/staff/assets/staff.css"),
            ("get", "/staff/assets/staff.js"),
            ("get", "/staff/login"),
            ("post", "/staff/login"),
        ];
        assert_eq!(open, expected);
        let at_the_first_start = table().into_iter().filter(|(_, _, door, _)| *door == Door::Settings);
        assert!(at_the_first_start.map(|(_, path, ..)| path).eq(["/staff/settings"; 2]));
        for (_, path, ..) in table() {
            assert!(
                super::super::gate::PATHS.iter().any(|of| path == *of || path.starts_with(&format!("{of}/"))),
                "{path}: no cookie"
            );
        }
    }
}
