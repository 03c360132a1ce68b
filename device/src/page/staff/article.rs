//! Adding an article at the counter: photographs from the camera or from files, what is on its label, and it is found.

use super::books;
use super::changes::column_key;
use super::form_files::PostedFiles;
use super::gate::Here;
use super::render::{self, say, trouble_at};
use super::wrong::{failed, moment};
use crate::catalogue::StoreError;
use crate::config::Language;
use crate::page::answer::content_type_of;
use crate::page::state::PageState;
use crate::page::upload;
use crate::pipeline::in_words;
use crate::staff::Desk;
use crate::staff::article::{Complaint, Draft, FIELDS, PHOTOS, proposed_sku};
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use serde::Deserialize;
use std::sync::Arc;

/// Where the form is.
const FORM: &str = "/staff/article";

/// `GET /staff/article`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let Some(inside) = &here.inside else { return StatusCode::UNAUTHORIZED.into_response() };
    form(&state, &here, &inside.session.desk.draft(), &[]).await
}

async fn form(state: &PageState, here: &Here, draft: &Draft, complaints: &[Complaint]) -> Response {
    let books = books(state);
    let proposed = tokio::task::spawn_blocking(move || proposed_sku(books.open()?.as_ref())).await;
    let proposed = match proposed {
        Ok(Ok(proposed)) => proposed,
        Ok(Err(error)) => return broken(state, here, &error),
        Err(error) => return failed(state, here, &error),
    };
    let values: Vec<Value> = FIELDS
        .iter()
        .map(|name| {
            let label = if *name == "sku" { "article_number" } else { column_key(name) };
            context! { name, label => say(here.language, label), value => draft.field(name) }
        })
        .collect();
    let is_barcode_taken = complaints.iter().any(|one| matches!(one, Complaint::BarcodeTaken(_)));
    let status = if complaints.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let complaints: Vec<String> = complaints.iter().map(|one| words(here.language, one)).collect();
    let photos: Vec<usize> = (0..draft.photos.len()).collect();
    let has_room = photos.len() < PHOTOS;
    let values =
        context! { fields => values, photos, has_room, most => PHOTOS, complaints, is_barcode_taken, proposed };
    render::page_with(state, here, (status, "article.html"), values)
}

fn words(language: Language, complaint: &Complaint) -> String {
    let text = |key| say(language, key).to_owned();
    match complaint {
        Complaint::NoTitle => text("article_no_title"),
        Complaint::NoPhoto => text("article_no_photo"),
        Complaint::Price => text("article_price"),
        Complaint::Currency => text("article_currency"),
        Complaint::CheckDigit(digit) => text("article_check_digit").replace("{digit}", &digit.to_string()),
        Complaint::Field(name) => {
            let label = if *name == "sku" { "article_number" } else { column_key(name) };
            text("article_field").replace("{field}", say(language, label))
        }
        Complaint::SkuTaken(title) => text("article_sku_taken").replace("{title}", title),
        Complaint::BarcodeTaken(skus) => text("article_barcode_taken").replace("{skus}", &skus.join(", ")),
    }
}

/// Which photograph of the draft, from 0.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    number: usize,
}

/// `GET /staff/article/photo.jpg`: a photograph that is not kept yet.
pub async fn photo(Extension(here): Extension<Here>, Query(which): Query<Which>) -> Response {
    let draft = here.inside.map(|inside| inside.session.desk.draft()).unwrap_or_default();
    match draft.photos.get(which.number) {
        Some(photo) => ([(header::CONTENT_TYPE, content_type_of(photo))], photo.to_vec()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `POST /staff/article`: takes a photograph, drops one, or keeps the article. What was typed is remembered in any case.
pub async fn post(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    form: PostedFiles,
) -> Response {
    let Some(inside) = here.inside.clone() else { return StatusCode::UNAUTHORIZED.into_response() };
    let desk = &inside.session.desk;
    let mut draft = desk.draft();
    for name in FIELDS {
        draft.set(name, form.fields.get(name));
    }
    for file in form.files {
        if let Err(error) = upload::check_pixels("photo", &file) {
            return trouble_at(&state, &here, error.status, "photo_unusable", &error.error, Some(FORM));
        }
        if clothingid_shared::picture::dimensions(&file).is_err() {
            return trouble_at(&state, &here, StatusCode::UNPROCESSABLE_ENTITY, "photo_unusable", "", Some(FORM));
        }
        if draft.photos.len() < PHOTOS {
            draft.photos.push(Arc::new(file.to_vec()));
        }
    }
    match form.fields.get("do") {
        "take" => match moment(&state).await {
            Ok((photo, _)) if draft.photos.len() < PHOTOS => draft.photos.push(Arc::new(photo)),
            Ok(_) => {}
            Err(detail) => {
                desk.set_draft(draft);
                return trouble_at(&state, &here, StatusCode::SERVICE_UNAVAILABLE, "no_frame", &detail, Some(FORM));
            }
        },
        "save" => {
            desk.set_draft(draft.clone());
            let accepts_barcode = form.fields.get("anyway") == "1";
            return save(&state, &here, desk, draft, accepts_barcode).await;
        }
        "new" => draft = Draft::default(),
        other => {
            let number = other.strip_prefix("drop-").and_then(|number| number.parse::<usize>().ok());
            if let Some(number) = number.filter(|number| *number < draft.photos.len()) {
                draft.photos.remove(number);
            }
        }
    }
    desk.set_draft(draft);
    Redirect::to(FORM).into_response()
}

async fn save(state: &PageState, here: &Here, desk: &Desk, draft: Draft, accepts_barcode: bool) -> Response {
    let (books_of_check, checked) = (books(state), draft.clone());
    let checked =
        tokio::task::spawn_blocking(move || checked.product(books_of_check.open()?.as_ref(), accepts_barcode));
    let product = match checked.await {
        Ok(Ok(Ok(product))) => product,
        Ok(Ok(Err(complaints))) => return form(state, here, &draft, &complaints).await,
        Ok(Err(error)) => return broken(state, here, &error),
        Err(error) => return failed(state, here, &error),
    };
    let mut photos = Vec::new();
    for photo in &draft.photos {
        match state.uploads.embed("photo".to_owned(), photo.to_vec().into()).await {
            Ok(embedded) => photos.push((photo.to_vec(), embedded)),
            Err(error) => return trouble_at(state, here, error.status, "photo_unusable", &error.error, Some(FORM)),
        }
    }
    let (books, identity) = (books(state), state.shop.identity().clone());
    let (sku, title) = (product.sku.clone(), product.title.clone());
    let _one_at_a_time = state.books_turn.lock().await;
    // Somebody else may have taken the number since it was looked at.
    let added = tokio::task::spawn_blocking(move || -> Result<_, StoreError> {
        let is_taken = books.open()?.map_or(Ok(None), |store| store.product(&product.sku))?.is_some();
        if is_taken { Ok(None) } else { books.add(&identity, product, photos).map(Some) }
    });
    match added.await {
        Ok(Ok(Some(change))) => {
            desk.set_draft(Draft::default());
            state.health.events.say(format!("added by the staff: {sku}"));
            render::page(state, here, "added.html", context! { sku, title, change })
        }
        Ok(Ok(None)) => form(state, here, &draft, &[Complaint::SkuTaken(sku)]).await,
        Ok(Err(error)) => broken(state, here, &error),
        Err(error) => failed(state, here, &error),
    }
}

fn broken(state: &PageState, here: &Here, error: &StoreError) -> Response {
    let key = match error {
        StoreError::OtherIdentity { .. } => "catalogue_of_another",
        _ => "catalogue_broken",
    };
    trouble_at(state, here, StatusCode::INTERNAL_SERVER_ERROR, key, &in_words(error), Some(FORM))
}
