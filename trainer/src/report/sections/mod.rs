//! What the page of a bundle says, a file a subject, in the order of the page.
//!
//! - `facts.rs`: what was measured on what, and what must be known before the page is passed on. `duels.rs`: against the rival.
//! - `curves.rs`: training runs. `accuracy.rs`: figures by category, source and size. `confusions.rs`, `reliability.rs`.
//! - `mistakes.rs`: the most confident wrong answers. `retrieval.rs`: queries with their answers.
//! - `quantisation.rs`: float against int8, by layer and by photograph.

pub mod accuracy;
pub mod confusions;
pub mod curves;
pub mod duels;
pub mod facts;
pub mod mistakes;
pub mod quantisation;
pub mod reliability;
pub mod retrieval;

use std::path::PathBuf;

use clothingid_shared::bundle::Manifest;
use clothingid_shared::taxonomy::Taxonomy;

use super::ReportError;
use super::findings::Findings;
use super::page::Page;
use super::pictures::Pictures;
use crate::evaluate::categories::Predictions;
use crate::evaluate::measure::Both;
use crate::evaluate::retrieval::Retrieval;
use crate::learn::record::Record;
use crate::pack::Pack;
use quantisation::Exported;

/// A bundle with everything that was measured of it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// What the bundle says of itself.
    pub manifest: &'a Manifest,
    /// The figures.
    pub findings: &'a Findings,
    /// The pack that was reported on.
    pub pack: &'a Pack,
    /// Whether the bundle was trained on another pack.
    pub is_trained_elsewhere: bool,
    /// Photographs of the report part.
    pub pictures: Pictures<'a>,
    /// Answers in float arithmetic.
    pub float: &'a Both,
    /// Answers in integers.
    pub int8: &'a Both,
    /// What was found for the queries, in integers.
    pub retrieval: &'a Retrieval,
    /// Training runs with their folders.
    pub runs: &'a [(PathBuf, Record)],
    /// What the export found out; none where it was not given.
    pub exported: Option<&'a Exported>,
}

/// One of the two category heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// 14 categories.
    Of14,
    /// 26 categories.
    Of26,
}

impl Head {
    /// Both, in the order of pages.
    pub const BOTH: [Self; 2] = [Self::Of14, Self::Of26];

    /// For headings.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Of14 => "14 categories",
            Self::Of26 => "26 categories",
        }
    }

    /// Its predictions.
    #[must_use]
    pub fn of(self, both: &Both) -> &Predictions {
        match self {
            Self::Of14 => &both.category14,
            Self::Of26 => &both.category26,
        }
    }

    /// One of a pair of such, the 14 first.
    #[must_use]
    pub fn among<T>(self, pair: &[T; 2]) -> &T {
        match self {
            Self::Of14 => &pair[0],
            Self::Of26 => &pair[1],
        }
    }

    /// Its categories.
    #[must_use]
    pub fn taxonomy(self, manifest: &Manifest) -> &Taxonomy {
        match self {
            Self::Of14 => &manifest.category14.taxonomy,
            Self::Of26 => &manifest.category26.taxonomy,
        }
    }
}

/// The page of a bundle.
///
/// # Errors
/// A photograph cannot be read or a chart not be drawn.
pub fn page(subject: &Subject<'_>) -> Result<Page, ReportError> {
    let mut page = Page::new(format!("Report of {}", subject.findings.name));
    page.lead.push(subject.findings.explained().into());
    if let Some(slots) = subject.manifest.taxonomies().slots_explained() {
        page.lead.push(slots.into());
    }
    page.section(facts::section(subject));
    page.section(duels::section(subject.findings)?);
    for (folder, record) in subject.runs {
        page.section(curves::section(folder, record)?);
    }
    page.section(accuracy::section(subject.findings)?);
    page.section(confusions::section(subject));
    page.section(reliability::section(subject.findings)?);
    page.section(mistakes::section(subject)?);
    if !subject.retrieval.queries.is_empty() {
        page.section(retrieval::section(subject)?);
    }
    page.section(quantisation::section(subject)?);
    page.notices = facts::notices(subject, &page.photographs());
    Ok(page)
}
