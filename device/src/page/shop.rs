//! The catalogue as customers see it: products and their photographs.

use super::answer::{ApiError, content_type_of, of_gallery};
use super::state::PageState;
use super::wish::Wish;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// `GET /api/v1/catalogue/{sku}`: a product.
pub async fn product(State(state): State<Arc<PageState>>, Path(sku): Path<String>) -> Response {
    let name = sku.clone();
    let read =
        tokio::task::spawn_blocking(move || state.shop.snapshot().map_or(Ok(None), |snapshot| snapshot.product(&name)));
    match read.await {
        Ok(Ok(Some(card))) => Json(card.product).into_response(),
        Ok(Ok(None)) => no_product(&sku),
        Ok(Err(error)) => internal(sku, &error),
        Err(error) => internal(sku, &error),
    }
}

/// `GET /api/v1/catalogue/{sku}/similar?top=K&…`: garments of other styles that look like a product.
pub async fn similar(
    State(state): State<Arc<PageState>>,
    Path(sku): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let filter = match wish.filter() {
        Ok(filter) => filter,
        Err(error) => return error.into_response(),
    };
    let (name, top) = (sku.clone(), wish.top());
    let read = tokio::task::spawn_blocking(move || state.shop.like(&name, top, &filter));
    match read.await {
        Ok(Ok(Some(matches))) => Json(json!({"sku": sku, "matches": matches})).into_response(),
        Ok(Ok(None)) => no_product(&sku),
        Ok(Err(error)) => ApiError::about(sku, of_gallery(&error), error.to_string()).into_response(),
        Err(error) => internal(sku, &error),
    }
}

/// `GET /api/v1/colours`: the colours of the shop's products, the most frequent first.
pub async fn colours(State(state): State<Arc<PageState>>) -> Response {
    let count = move || state.shop.snapshot().map_or_else(Vec::new, |snapshot| snapshot.colours());
    match tokio::task::spawn_blocking(count).await {
        Ok(colours) => {
            let colours: Vec<_> =
                colours.into_iter().map(|(colour, products)| json!({"colour": colour, "products": products})).collect();
            Json(json!({"colours": colours})).into_response()
        }
        Err(error) => internal("colours".to_owned(), &error),
    }
}

/// Which photograph of a product.
#[derive(Debug, Deserialize)]
pub struct WhichPhoto {
    name: String,
}

/// `GET /api/v1/catalogue/{sku}/photo?name=…`: a photograph of a product, as it was imported.
pub async fn photo(
    State(state): State<Arc<PageState>>,
    Path(sku): Path<String>,
    Query(which): Query<WhichPhoto>,
) -> Response {
    let name = which.name.clone();
    let read = tokio::task::spawn_blocking(move || {
        let Some(snapshot) = state.shop.snapshot() else { return Ok(None) };
        snapshot.photo_id(&sku, &name)?.map_or(Ok(None), |id| snapshot.photo(id))
    });
    match read.await {
        Ok(Ok(Some(bytes))) => {
            let kind = content_type_of(&bytes);
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=600")];
            (headers, bytes).into_response()
        }
        Ok(Ok(None)) => ApiError::about(which.name, StatusCode::NOT_FOUND, "no such photograph").into_response(),
        Ok(Err(error)) => internal(which.name, &error),
        Err(error) => internal(which.name, &error),
    }
}

fn no_product(sku: &str) -> Response {
    ApiError::new(StatusCode::NOT_FOUND, format!("no product `{sku}` in the catalogue")).into_response()
}

fn internal(path: String, error: &dyn std::error::Error) -> Response {
    ApiError::about(path, StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}
