//! What was measured on what, and what must be known before the page is passed on.

use std::collections::{BTreeMap, BTreeSet};

use clothingid_shared::bundle::LicenceClass;

use super::Subject;
use crate::report::page::{Section, Words};
use crate::report::table::Table;
use crate::study::sheet::Shows;

/// What must be known before the page is passed on: whose photographs it shows, and whether it may go on.
/// `paths` are those of the photographs that it shows.
pub(super) fn notices(subject: &Subject<'_>, paths: &BTreeSet<&str>) -> Vec<Words> {
    let samples = &subject.pictures.photos.samples;
    let shown: BTreeSet<&str> = samples
        .iter()
        .filter(|sample| paths.contains(sample.path.as_str()))
        .map(|sample| sample.source.as_str())
        .collect();
    let sources = subject.pack.sources().iter().filter(|source| shown.contains(source.key.as_str()));
    let named: Vec<(String, bool)> =
        sources.map(|source| (format!("`{}` ({})", source.key, source.facts.licence), source.facts.may_ship)).collect();
    let list = |may_ship: bool| {
        let names: Vec<&str> =
            named.iter().filter(|(_, ships)| *ships == may_ship).map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    let (free, closed) = (list(true), list(false));
    let mut notices: Vec<Words> = Vec::new();
    let mut say = |text: String| notices.push(text.into());
    if !closed.is_empty() {
        say(format!(
            "This page must not be passed on: it shows photographs of {closed}, which may not be part of anything that is passed on. \
             `--only-shippable` writes a page without them."
        ));
    } else if shown.is_empty() {
        say("This page shows no photograph.".to_owned());
    } else {
        say("This page may be passed on with the names of its sources: every photograph that it shows may be."
            .to_owned());
    }
    if !free.is_empty() {
        say(format!("It shows photographs of {free}, which may be passed on."));
    }
    if subject.pictures.shows == Shows::WhatMayShip {
        let left_out = samples.iter().filter(|sample| !sample.may_ship).count();
        say(format!("{left_out} of {} photographs may not be shown here and stand as grey tiles.", samples.len()));
    }
    if subject.is_trained_elsewhere {
        say("The bundle was trained on another pack than the one that it is measured on here. Photographs of this report part may have \
             trained it, and every figure would then be too good."
            .to_owned());
    }
    notices
}

/// The section.
pub(super) fn section(subject: &Subject<'_>) -> Section {
    let (manifest, findings) = (subject.manifest, subject.findings);
    let mut section = Section::new("What was measured");
    let class = match manifest.licence_class {
        LicenceClass::Commercial => "commercial: every source allows commercial use",
        LicenceClass::Unverified => "unverified: the terms of at least one source were not verified",
        LicenceClass::ResearchOnly => "research only: at least one source allows no more",
    };
    let mut table = Table::new("The bundle", &["fact", "value"]);
    for (name, value) in [
        ("name", manifest.name.clone()),
        ("file", findings.bundle.clone()),
        ("written", format!("{} by {}", manifest.created, manifest.written_by)),
        ("backbone", manifest.network.backbone.clone()),
        ("input", format!("{0} × {0} pixels, RGB", manifest.picture.side)),
        ("embedding", format!("{} values", manifest.network.embedding_values)),
        ("quantisation", manifest.network.quantisation.clone()),
        (
            "temperatures",
            format!("{:.3} (14), {:.3} (26)", manifest.category14.temperature, manifest.category26.temperature),
        ),
        ("licence class", class.to_owned()),
    ] {
        table.row([name.into(), value.into()]);
    }
    section.table(table);

    let mut table = Table::new(
        "The photographs that it was measured on: the report part of the pack",
        &["source", "licence", "may be passed on", "#photographs", "#larger", "#groups", "whom to name"],
    );
    let samples = &subject.pictures.photos.samples;
    let mut by_source: BTreeMap<&str, (usize, usize, BTreeSet<usize>)> = BTreeMap::new();
    for sample in samples {
        let entry = by_source.entry(&sample.source).or_default();
        entry.0 += 1;
        entry.1 += usize::from(sample.is_large());
        entry.2.insert(sample.group);
    }
    for (key, (photos, larger, groups)) in by_source {
        let facts = subject.pack.sources().iter().find(|source| source.key == key).map(|source| &source.facts);
        table.row([
            key.into(),
            facts.map_or("unknown", |facts| facts.licence.as_str()).into(),
            if facts.is_some_and(|facts| facts.may_ship) { "yes" } else { "no" }.into(),
            photos.to_string().into(),
            larger.to_string().into(),
            groups.len().to_string().into(),
            facts.map_or("", |facts| facts.attribution.as_str()).into(),
        ]);
    }
    section.table(table);

    let mut table = Table::new(
        "What the weights were made from",
        &["source", "licence", "class", "#photographs", "#garments", "whom to name"],
    );
    for source in &manifest.sources {
        let class = match source.class {
            LicenceClass::Commercial => "commercial",
            LicenceClass::Unverified => "unverified",
            LicenceClass::ResearchOnly => "research only",
        };
        table.row([
            source.name.clone().into(),
            source.licence.clone().into(),
            class.into(),
            source.photos.to_string().into(),
            source.items.to_string().into(),
            source.attribution.clone().into(),
        ]);
    }
    section.table(table);
    section
}
