//! The shop's own logo and colours on the customers' page.

use super::answer::ApiError;
use super::state::PageState;
use crate::config::Colour;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clothingid_shared::files::{self, FileError};
use clothingid_shared::picture::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A logo has less.
const MOST_BYTES: u64 = 1 << 20;

/// What the shop looks like; that of the program where it says nothing.
#[derive(Debug, Clone, Default, Hash)]
pub struct Look {
    logo: Option<Logo>,
    style: String,
}

#[derive(Debug, Clone, Hash)]
struct Logo {
    content_type: &'static str,
    bytes: Bytes,
}

/// The logo cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no picture that browsers show.
    #[error("the logo `{}` is not a PNG, JPEG, WebP or SVG file", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

impl Look {
    /// With the logo of a file, and the two colours that a shop may choose; contrasts were checked with the configuration.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn new(logo: Option<&Path>, accent: Option<Colour>, paper: Option<Colour>) -> Result<Self, LookError> {
        let logo = logo.map(Logo::read).transpose()?;
        let rules = [("--green", accent), ("--paper", paper)];
        let rules: Vec<String> =
            rules.iter().filter_map(|(name, colour)| Some(format!("{name}: {};", (*colour)?))).collect();
        let style = if rules.is_empty() { String::new() } else { format!(":root {{ {} }}\n", rules.join(" ")) };
        Ok(Self { logo, style })
    }

    /// Where the mark beside the shop's name is.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        if self.logo.is_some() { "/assets/logo" } else { "/assets/icon.svg" }
    }
}

impl Logo {
    fn read(path: &Path) -> Result<Self, LookError> {
        let bytes = files::read_at_most(path, MOST_BYTES)?;
        let content_type = kind(&bytes).ok_or_else(|| LookError::Unknown { path: path.to_owned() })?;
        Ok(Self { content_type, bytes: bytes.into() })
    }
}

/// What a picture is, by its first bytes. A drawing may hold a script, which no browser runs in a picture, nor under the page's policy by itself.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let is_drawing = || {
        let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(1024)).unwrap_or_default());
        start.trim_start().starts_with('<') && start.contains("<svg")
    };
    match Format::of(bytes) {
        Some(Format::Png) => Some("image/png"),
        Some(Format::Jpeg) => Some("image/jpeg"),
        Some(Format::WebP) => Some("image/webp"),
        None => is_drawing().then_some("image/svg+xml"),
    }
}

/// `GET /assets/shop.css`: after the page's own style; empty where the shop chooses nothing.
pub async fn style(State(state): State<Arc<PageState>>) -> impl IntoResponse {
    let head = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (head, state.facts.look.style.clone())
}

/// `GET /assets/logo`
pub async fn logo(State(state): State<Arc<PageState>>) -> Response {
    match &state.facts.look.logo {
        Some(logo) => {
            let head = [(header::CONTENT_TYPE, logo.content_type), (header::CACHE_CONTROL, "no-cache")];
            (head, logo.bytes.clone()).into_response()
        }
        None => ApiError::new(StatusCode::NOT_FOUND, "the shop has no logo of its own").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
            (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", Some("image/svg+xml")),
            (b"<html><body>", None),
            (b"GIF89a", None),
            (b"", None),
        ] {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn only_what_is_chosen_is_another() {
        let colour = |text: &str| text.parse::<Colour>().ok();
        assert_eq!(Look::new(None, None, None).unwrap().style, "");
        let look = Look::new(None, colour("#803010"), colour("#FFFFFF")).unwrap();
        assert_eq!(look.style, ":root { --green: #803010; --paper: #ffffff; }\n");
        assert_eq!(look.mark(), "/assets/icon.svg");
        assert!(Look::new(Some(Path::new("/nowhere/logo.png")), None, None).is_err());
    }
}
