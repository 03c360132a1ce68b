//! "Try it on my clothes": scan a garment, hold it before the camera, see how often the answer is right.

use super::form::Posted;
use super::gate::Here;
use super::render::{self, trouble_at};
use super::{books, wrong};
use crate::catalogue::StoreError;
use crate::catalogue::store::Embedded;
use crate::page::answer::ApiError;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::barcode::{self, Code};
use crate::staff::books::Word;
use crate::staff::desk::Said;
use crate::staff::find;
use crate::staff::trial::{AMONG, FEWEST, Garment, MOST, Rate};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use std::sync::Arc;
use std::time::Duration;

/// Where the page is.
const PAGE: &str = "/staff/try";

/// How long it is waited between two tries to have a picture looked at, and how often: customers come first.
const AGAIN: (Duration, usize) = (Duration::from_millis(200), 100);

/// `GET /staff/try`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let Some(inside) = &here.inside else { return StatusCode::UNAUTHORIZED.into_response() };
    let trial = inside.session.desk.trial();
    let of_garment = |garment: &Garment| context! { sku => garment.sku, title => garment.title };
    let looks: Vec<Value> = trial
        .looks
        .iter()
        .rev()
        .map(|look| context! { garment => of_garment(&look.garment), place => look.place(), first => look.answer.first().map(of_garment) })
        .collect();
    let confused: Vec<Value> = trial
        .confused()
        .iter()
        .map(|(is, first, count)| context! { is => of_garment(is), first => first.as_ref().map(of_garment), count })
        .collect();
    let rates = trial.rates().map(|(first, among)| context! { first => of_rate(first), among => of_rate(among) });
    let missed = trial.looks.iter().filter(|look| look.place() != Some(1)).count();
    let values = context! {
        next => trial.next.as_ref().map(of_garment),
        count => trial.looks.len(),
        fewest => FEWEST,
        most => MOST,
        has_room => trial.has_room(),
        among => AMONG,
        looks,
        confused,
        rates,
        missed,
    };
    render::page(&state, &here, "try.html", values)
}

fn of_rate(rate: Rate) -> Value {
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let (low, high) = (percent(rate.interval.low), percent(rate.interval.high));
    context! { hits => rate.hits, of => rate.of, share => percent(rate.share), low, high }
}

/// `POST /staff/try/garment`: which garment comes next, by its barcode or number.
pub async fn garment(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let Some(inside) = here.inside.clone() else { return StatusCode::UNAUTHORIZED.into_response() };
    let typed = form.get("code").to_owned();
    let code = match barcode::read(&typed) {
        Some(Code::Sound(code) | Code::CheckDigit { code, .. }) => code,
        None => return Redirect::to(PAGE).into_response(),
    };
    let books = books(&state);
    let found = tokio::task::spawn_blocking(move || -> Result<_, StoreError> {
        let Some(store) = books.open()? else { return Ok(None) };
        let by_code = find::by_barcode(&store, &code)?.into_iter().next();
        by_code.map_or_else(|| find::by_sku(&store, &typed), |found| Ok(Some(found)))
    });
    match found.await {
        Ok(Ok(Some(found))) => {
            let style = found.product.style().to_owned();
            let garment = Garment { sku: found.product.sku, title: found.product.title, style };
            inside.session.desk.with_trial(|trial| trial.next = Some(garment));
            Redirect::to(PAGE).into_response()
        }
        Ok(Ok(None)) => trouble_at(&state, &here, StatusCode::NOT_FOUND, "try_unknown", "", Some(PAGE)),
        Ok(Err(error)) => {
            let detail = in_words(&error);
            trouble_at(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken", &detail, Some(PAGE))
        }
        Err(error) => wrong::failed(&state, &here, &error),
    }
}

/// `POST /staff/try/look`: counts what is answered to the garment that is before the camera now. The reading is the steadied one that a
/// customer would see.
pub async fn look(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    let Some(inside) = here.inside.clone() else { return StatusCode::UNAUTHORIZED.into_response() };
    let (jpeg, reading) = match wrong::moment(&state).await {
        Ok(moment) => moment,
        Err(detail) => {
            return trouble_at(&state, &here, StatusCode::SERVICE_UNAVAILABLE, "no_frame", &detail, Some(PAGE));
        }
    };
    let (books, said) = (books(&state), Said::of(&reading));
    let wanted: Vec<String> = said.matches.iter().map(|one| one.sku.clone()).collect();
    let styles = tokio::task::spawn_blocking(move || -> Result<Vec<(String, String)>, StoreError> {
        let Some(store) = books.open()? else { return Ok(Vec::new()) };
        let style = |sku: String| Ok(store.product(&sku)?.map(|stored| (sku, stored.product.style().to_owned())));
        wanted.into_iter().filter_map(|sku| style(sku).transpose()).collect()
    });
    match styles.await {
        Ok(Ok(styles)) => {
            let style_of = |sku: &str| styles.iter().find(|(of, _)| of == sku).map(|(_, style)| style.clone());
            inside.session.desk.with_trial(|trial| trial.look(jpeg, &said, style_of));
            Redirect::to(PAGE).into_response()
        }
        Ok(Err(error)) => {
            let detail = in_words(&error);
            trouble_at(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken", &detail, Some(PAGE))
        }
        Err(error) => wrong::failed(&state, &here, &error),
    }
}

/// `POST /staff/try/keep`: keeps the pictures of the trial, all or those that were missed, as what the garments look like at the counter.
pub async fn keep(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let Some(inside) = here.inside.clone() else { return StatusCode::UNAUTHORIZED.into_response() };
    let trial = inside.session.desk.trial();
    let only_missed = form.get("which") == "missed";
    let looks = trial.looks.into_iter().filter(|look| !only_missed || look.place() != Some(1));
    let mut kept = Vec::new();
    for look in looks {
        match embedded(&state, &look.jpeg).await {
            Ok(embedded) => {
                let word = Word { is: Some(look.garment.sku), is_not: Vec::new() };
                kept.push((word, look.jpeg.to_vec(), embedded));
            }
            Err(error) => return trouble_at(&state, &here, error.status, "not_embedded", &error.error, Some(PAGE)),
        }
    }
    let (books, identity) = (books(&state), state.shop.identity().clone());
    let made = tokio::task::spawn_blocking(move || books.correct_all(&identity, kept));
    match made.await {
        Ok(Ok((corrected, change))) => {
            inside.session.desk.with_trial(|trial| *trial = Default::default());
            let values = context! { kept => corrected.kept, known => corrected.known, change, again => PAGE };
            render::page(&state, &here, "kept.html", values)
        }
        Ok(Err(error)) => wrong::refused(&state, &here, &error, PAGE),
        Err(error) => wrong::failed(&state, &here, &error),
    }
}

/// What a catalogue keeps of a picture, as soon as the worker has time.
async fn embedded(state: &PageState, jpeg: &Arc<Vec<u8>>) -> Result<Embedded, ApiError> {
    let mut tries = 0;
    loop {
        let embedded = state.uploads.embed("frame".to_owned(), jpeg.to_vec().into()).await;
        tries += 1;
        match embedded {
            Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE && tries < AGAIN.1 => {
                tokio::time::sleep(AGAIN.0).await;
            }
            embedded => return embedded,
        }
    }
}

/// `POST /staff/try/forget`: forgets the trial, with its pictures.
pub async fn forget(Extension(here): Extension<Here>, _form: Posted) -> Response {
    if let Some(inside) = &here.inside {
        inside.session.desk.with_trial(|trial| *trial = Default::default());
    }
    Redirect::to(PAGE).into_response()
}
