//! The catalogue as customers see it: products and their photographs.

use super::answer::ApiError;
use super::state::PageState;
use crate::catalogue::{PhotoId, Product, Store, StoreError};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clothingid_shared::picture::Format;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Why a product or photograph cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The catalogue cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The photograph's bytes are not what was stored.
    #[error("the photograph is damaged")]
    Damaged,
}

/// Products and the numbers of their photographs in memory, the photographs themselves in the store.
#[derive(Debug, Default)]
pub struct ShopWindow {
    products: BTreeMap<String, Product>,
    photos: BTreeMap<(String, String), PhotoId>,
    store: Option<Mutex<Store>>,
}

impl ShopWindow {
    /// A shop that owns nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads what the shop owns; damaged rows are left out.
    ///
    /// **Errors** the catalogue cannot be read.
    pub fn open(store: Store) -> Result<Self, ShopError> {
        let sound = store.products()?.into_iter().filter(|stored| stored.is_sound);
        let products = sound.map(|stored| (stored.product.sku.clone(), stored.product)).collect();
        let sound = store.photos()?.into_iter().filter(|stored| stored.is_sound);
        let photos = sound.map(|stored| ((stored.sku, stored.name), stored.id)).collect();
        Ok(Self { products, photos, store: Some(Mutex::new(store)) })
    }

    /// How many products there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// A product.
    #[must_use]
    pub fn product(&self, sku: &str) -> Option<&Product> {
        self.products.get(sku)
    }

    /// The bytes of a product's photograph; `name` as the catalogue names it.
    ///
    /// **Errors** the catalogue cannot be read, or the photograph is damaged.
    pub fn photo(&self, sku: &str, name: &str) -> Result<Option<Vec<u8>>, ShopError> {
        let (Some(id), Some(store)) = (self.photos.get(&(sku.to_owned(), name.to_owned())), &self.store) else {
            return Ok(None);
        };
        let bytes = store.lock().unwrap_or_else(PoisonError::into_inner).photo_bytes(*id)?;
        bytes.transpose().map_err(|_| ShopError::Damaged)
    }
}

/// `GET /api/v1/catalogue/{sku}`: a product.
pub async fn product(State(state): State<Arc<PageState>>, Path(sku): Path<String>) -> Response {
    match state.shop.product(&sku) {
        Some(product) => Json(product).into_response(),
        None => ApiError::new(StatusCode::NOT_FOUND, format!("no product `{sku}` in the catalogue")).into_response(),
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
    let read = tokio::task::spawn_blocking(move || state.shop.photo(&sku, &name)).await;
    match read {
        Ok(Ok(Some(bytes))) => {
            let kind = match Format::of(&bytes) {
                Some(Format::Png) => "image/png",
                Some(Format::WebP) => "image/webp",
                Some(Format::Jpeg) | None => "image/jpeg",
            };
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=600")];
            (headers, bytes).into_response()
        }
        Ok(Ok(None)) => ApiError::about(which.name, StatusCode::NOT_FOUND, "no such photograph").into_response(),
        Ok(Err(error)) => internal(which.name, &error),
        Err(error) => internal(which.name, &error),
    }
}

fn internal(path: String, error: &dyn std::error::Error) -> Response {
    ApiError::about(path, StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}
