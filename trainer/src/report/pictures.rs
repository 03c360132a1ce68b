//! Photographs of a page: small, inside the file, and only those that may be shown.

use base64ct::{Base64, Encoding};
use clothingid_shared::picture::PictureContract;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use serde::Serialize;

use super::ReportError;
use crate::evaluate::Photos;
use crate::study::sheet::{QUALITY, SIDE, Shows};

/// One photograph with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// The picture as a `data:` URI; none where it is not shown.
    pub uri: Option<String>,
    /// What is said to those who do not see it.
    pub words: String,
    /// What is said when one points at it: the path.
    pub title: String,
    /// What stands below it.
    pub caption: String,
    /// How it is framed.
    pub mark: Mark,
}

/// How a photograph is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Not at all.
    Plain,
    /// As a right answer.
    Right,
    /// As a wrong one.
    Wrong,
}

/// Queries with their answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// What it shows.
    pub caption: String,
    /// A row each.
    pub queries: Vec<Query>,
}

/// A query with its answers, best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Query {
    /// What was searched with.
    pub query: Tile,
    /// What was found.
    pub answers: Vec<Tile>,
}

/// Where tiles come from.
#[derive(Debug, Clone, Copy)]
pub struct Pictures<'a> {
    /// The photographs.
    pub photos: &'a Photos<'a>,
    /// Which of them may be shown.
    pub shows: Shows,
}

impl Pictures<'_> {
    /// Whether a photograph is shown.
    #[must_use]
    pub fn is_shown(&self, sample: usize) -> bool {
        self.photos.samples.get(sample).is_some_and(|sample| self.shows.allows(sample.may_ship))
    }

    /// A photograph with what is said of it.
    ///
    /// # Errors
    /// The photograph cannot be read.
    pub fn tile(
        &self,
        sample: usize,
        caption: impl Into<String>,
        words: impl Into<String>,
        mark: Mark,
    ) -> Result<Tile, ReportError> {
        let path = self.photos.samples.get(sample).map(|sample| sample.path.clone()).unwrap_or_default();
        let uri = if self.is_shown(sample) { Some(jpeg(&self.photos.bytes(sample)?, &path)?) } else { None };
        Ok(Tile { uri, words: words.into(), title: path, caption: caption.into(), mark })
    }
}

/// A photograph as a small JPEG, by the picture function that the network's input came through.
fn jpeg(bytes: &[u8], path: &str) -> Result<String, ReportError> {
    let wrong =
        |error: &dyn std::error::Error| ReportError::Picture { path: path.to_owned(), reason: error.to_string() };
    let picture = PictureContract::with_side(SIDE).read(bytes).map_err(|error| wrong(&error))?;
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(picture.rgb(), SIDE, SIDE, ExtendedColorType::Rgb8)
        .map_err(|error| wrong(&error))?;
    Ok(data_uri("image/jpeg", &jpeg))
}

/// Bytes as a part of the page.
#[must_use]
pub fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", Base64::encode_string(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Mark, Pictures, Shows, data_uri};
    use crate::evaluate::Photos;
    use crate::pack::{Pack, sample};

    #[test]
    fn bytes_become_part_of_a_page() {
        // RFC 4648, section 10.
        assert_eq!(data_uri("text/plain", b"fooba"), "data:text/plain;base64,Zm9vYmE=");
    }

    #[test]
    fn a_photograph_that_may_not_be_passed_on_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 12), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let mut photos = Photos::of_pack(&pack, &[0, 1]).unwrap();
        (photos.samples[0].may_ship, photos.samples[1].may_ship) = (true, false);
        let tile = |shows: Shows, sample: usize| {
            Pictures { photos: &photos, shows }.tile(sample, "caption", "words", Mark::Plain).unwrap()
        };
        let shown = tile(Shows::WhatMayShip, 0);
        assert!(shown.uri.as_deref().unwrap().starts_with("data:image/jpeg;base64,/9j/"), "a JPEG");
        assert_eq!(shown.title, photos.samples[0].path);
        assert_eq!(tile(Shows::WhatMayShip, 1).uri, None);
        assert!(tile(Shows::Everything, 1).uri.is_some());
    }
}
