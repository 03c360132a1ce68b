//! What was changed, and taking the last change back.

use super::form::Posted;
use super::gate::Here;
use super::render::{self, say, trouble};
use super::{books, words};
use crate::catalogue::store::{Fate, UndoError, Undoing};
use crate::config::Language;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;
use std::sync::Arc;

/// Changes that are listed.
const LISTED: usize = 30;

/// Products of one change that are listed.
const PRODUCTS: usize = 50;

/// Which change; the last one that holds where none is named.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    number: Option<String>,
}

/// `GET /staff/undo`
pub async fn page(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    Query(which): Query<Which>,
) -> Response {
    let Ok(number) = which.number.map(|number| number.parse::<i64>()).transpose() else {
        return trouble(&state, &here, StatusCode::BAD_REQUEST, "form_incomplete", "number");
    };
    let books = books(&state);
    let read = tokio::task::spawn_blocking(move || (books.would_undo(number), books.changes(LISTED)));
    let (would, changes) = match read.await {
        Ok((would, Ok(changes))) => (would, changes),
        Ok((_, Err(error))) => return failed(&state, &here, &in_words(&error)),
        Err(error) => return failed(&state, &here, &error.to_string()),
    };
    let language = here.language;
    let (would, why_not) = match would {
        Ok(undoing) => (Some(in_view(language, &undoing)), None),
        Err(UndoError::Nothing) => (None, None),
        Err(error) => (None, Some(why_not(language, &error))),
    };
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            let ago = words::since(language, change.at);
            let is_open = !change.is_undone && change.is_sound;
            context! { number => change.number, what => change.what, who => change.who, ago, products => change.products,
                is_undone => change.is_undone, is_open }
        })
        .collect();
    render::page(&state, &here, "undo.html", context! { would, why_not, changes, done => Value::from(()) })
}

/// `POST /staff/undo`: takes back the change that was shown, and no other.
pub async fn undo(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let Ok(number) = form.get("number").parse::<i64>() else {
        return trouble(&state, &here, StatusCode::BAD_REQUEST, "form_incomplete", "number");
    };
    let books = books(&state);
    match tokio::task::spawn_blocking(move || books.undo(number)).await {
        Ok(Ok(undone)) => {
            state.health.events.say(format!("undone by the staff: {}", undone.what));
            let done = context! { what => undone.what, products => undone.products, left => undone.left,
            unembedded => undone.unembedded };
            let none: Vec<Value> = Vec::new();
            let values = context! { would => Value::from(()), why_not => Value::from(()), changes => none, done };
            render::page(&state, &here, "undo.html", values)
        }
        Ok(Err(error)) => {
            let words = why_not(here.language, &error);
            let values = context! { words, more => "", detail => in_words(&error), back => "/staff/undo" };
            render::page_with(&state, &here, (StatusCode::CONFLICT, "trouble.html"), values)
        }
        Err(error) => failed(&state, &here, &error.to_string()),
    }
}

fn failed(state: &PageState, here: &Here, detail: &str) -> Response {
    trouble(state, here, StatusCode::INTERNAL_SERVER_ERROR, "catalogue_broken", detail)
}

/// What a change would do, in words.
fn in_view(language: Language, undoing: &Undoing) -> Value {
    let rows: Vec<Value> = undoing
        .products
        .iter()
        .take(PRODUCTS)
        .map(|(sku, title, fate)| context! { sku, title, fate => in_words_of(language, fate) })
        .collect();
    let change = &undoing.change;
    context! {
        number => change.number,
        what => change.what,
        who => change.who,
        ago => words::since(language, change.at),
        more => undoing.products.len().saturating_sub(rows.len()),
        rows,
        is_undo => change.undoes.is_some(),
    }
}

fn in_words_of(language: Language, fate: &Fate) -> String {
    let counted = |key, count: usize| say(language, key).replace("{count}", &count.to_string());
    match fate {
        Fate::Goes => say(language, "fate_goes").to_owned(),
        Fate::Returns(photos) => counted("fate_returns", *photos),
        Fate::Stays => say(language, "fate_stays").to_owned(),
        Fate::Changes { columns, photos_gone, photos_back } => {
            let columns = columns.iter().map(|column| say(language, column_key(column)).to_owned());
            let mut parts: Vec<String> = columns.collect();
            if *photos_gone > 0 {
                parts.push(counted("fate_photos_gone", *photos_gone));
            }
            if *photos_back > 0 {
                parts.push(counted("fate_photos_back", *photos_back));
            }
            if parts.is_empty() { say(language, "fate_order").to_owned() } else { parts.join(" · ") }
        }
    }
}

/// The text that names a column.
#[must_use]
pub fn column_key(column: &str) -> &'static str {
    match column {
        "title" => "column_title",
        "price" => "column_price",
        "currency" => "column_currency",
        "barcode" => "column_barcode",
        "colour" => "column_colour",
        "size" => "column_size",
        "variant_of" => "column_variant_of",
        "url" => "column_url",
        "category" => "column_category",
        "stock" => "column_stock",
        _ => "column_damaged",
    }
}

fn why_not(language: Language, error: &UndoError) -> String {
    let text = |key| say(language, key);
    match error {
        UndoError::Nothing => text("undo_nothing").to_owned(),
        UndoError::Unknown { number } => text("undo_unknown").replace("{number}", &number.to_string()),
        UndoError::Already { number } => text("undo_already").replace("{number}", &number.to_string()),
        UndoError::ChangedSince { sku, by } => {
            text("undo_changed_since").replace("{sku}", sku).replace("{number}", &by.to_string())
        }
        UndoError::Damaged { .. } | UndoError::History { .. } => text("undo_damaged").to_owned(),
        UndoError::Store(_) => text("catalogue_broken").to_owned(),
    }
}
