//! Figures for people: markdown tables for the model card and for the comparison with the rival.

use std::fmt::Write as _;

use clothingid_shared::bundle::{Manifest, OperatingPoint};

use super::categories::HeadFigures;
use super::figure::Figure;
use super::measure::{Changed, Measured};
use crate::export::answers::Agreement;
use crate::export::choose::Candidate;
use crate::export::layers::LayerLoss;

/// Layers that the card lists.
const LAYERS: usize = 8;

/// Both arithmetic classes on the same photographs.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SideBySide {
    /// Float arithmetic on the integer weights.
    pub float: Measured,
    /// Integers, rounded per layer.
    pub int8: Measured,
    /// The head of 14: from float to int8.
    pub category14_changed: Changed,
    /// The head of 26: from float to int8.
    pub category26_changed: Changed,
}

/// What the card says of the quantisation.
#[derive(Debug, Clone, Copy)]
pub struct QuantisationFacts<'a> {
    /// Every way that was tried, nearest first.
    pub candidates: &'a [Candidate],
    /// The chosen one against the trained network, on the calibrate part.
    pub agreement: &'a Agreement,
    /// Every layer, worst first.
    pub layers: &'a [LayerLoss],
}

fn figure(f: &Figure) -> String {
    format!("{:.3} [{:.3}, {:.3}]", f.value, f.low, f.high)
}

/// A row of a table.
fn row(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn head_row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|&cell| cell.to_owned()).collect();
    row(text, &cells);
    row(text, &vec!["---".to_owned(); cells.len()]);
}

/// The main table: both heads, both classes.
fn accuracy(text: &mut String, figures: &SideBySide) {
    head_row(text, &["measure", "n", "groups", "float", "int8"]);
    for (name, get) in HeadFigures::NAMED {
        for (head, float, int8) in [
            ("14 categories", &figures.float.category14, &figures.int8.category14),
            ("26 categories", &figures.float.category26, &figures.int8.category26),
        ] {
            let (f, i) = (get(float), get(int8));
            row(text, &[format!("{name}, {head}"), f.n.to_string(), f.groups.to_string(), figure(f), figure(i)]);
        }
    }
}

type SliceOf<'a> = &'a dyn Fn(&HeadFigures) -> &std::collections::BTreeMap<String, Figure>;

/// One table of slices.
fn slices(text: &mut String, title: &str, (float, int8): (&HeadFigures, &HeadFigures), of: SliceOf<'_>) {
    let _ = writeln!(text, "\n### {title}\n");
    head_row(text, &["", "n", "groups", "float", "int8"]);
    for (name, f) in of(float) {
        let i = of(int8).get(name).map_or_else(String::new, figure);
        row(text, &[format!("`{name}`"), f.n.to_string(), f.groups.to_string(), figure(f), i]);
    }
}

fn point(text: &mut String, name: &str, p: &OperatingPoint) {
    let _ = writeln!(
        text,
        "- **{name}** at {:.3}: accepts {:.1} % of {} and {:.1} % of {} ({}).",
        p.threshold,
        p.true_accept * 100.0,
        p.positives,
        p.false_accept * 100.0,
        p.negatives,
        p.meaning
    );
}

/// The model card.
#[must_use]
pub fn model_card(
    manifest: &Manifest,
    figures: &SideBySide,
    quantisation: &QuantisationFacts<'_>,
    extra: &str,
) -> String {
    let mut text = String::new();
    let side = manifest.picture.side;
    let taxonomies = manifest.taxonomies();
    let ([coarser, finer], slots) = (taxonomies.classes(), taxonomies.slots_explained());
    let (of, thing) = if slots.is_none() { (" of garment", "garment") } else { ("", "object") };
    let _ = writeln!(text, "# {}\n", manifest.name);
    let _ = writeln!(
        text,
        "{} with three results in one pass: logits of {coarser} and of {finer} categories{of}, and an embedding of {} values of unit length that \
         finds other photographs of the same {thing}. Input: `picture`, uint8 [1, {side}, {side}, 3], RGB, made by the shared picture function \
         (letterboxed on white); the pixels' normalisation is inside. Exported {} by {}.\n",
        manifest.network.backbone, manifest.network.embedding_values, manifest.created, manifest.written_by
    );
    if let Some(slots) = slots {
        let _ = writeln!(text, "In this card {slots} \"Garment\" is any of the objects.\n");
    }
    text.push_str(extra);
    let _ = writeln!(
        text,
        "## Accuracy\n\nOn {} photographs of the report part, which nothing was trained, selected or calibrated on; parts are split by group and \
         near-duplicates stay together. Intervals are 95 %, by a bootstrap of {} rounds that resamples groups. \"Larger photographs\" are larger \
         than thumbnails (> 100 px) and without myntra: what a shop's camera sees. `float` is float arithmetic on the integer weights, `int8` \
         integers rounded per layer.\n",
        figures.float.n,
        super::figure::ROUNDS
    );
    accuracy(&mut text, figures);
    let (of14, of26) = (&figures.int8.category14, &figures.int8.category26);
    let _ = writeln!(
        text,
        "\nBalanced accuracy is the mean of the categories' recalls: of the larger photographs, over the {} of 14 and {} of 26 categories that occur \
         among them, however few; \"more frequent\" are those with at least {} ({} and {}). Where all answers are alike or groups are few, the \
         interval is Wilson's for as many trials as there are groups. An ECE is never below zero, so that its interval leans upwards.",
        of14.categories_large,
        of26.categories_large,
        super::categories::FREQUENT,
        of14.categories_large_frequent,
        of26.categories_large_frequent
    );
    for (name, change) in [("14", &figures.category14_changed), ("26", &figures.category26_changed)] {
        let _ = writeln!(
            text,
            "\nFrom float to int8, {name} categories: {} right answers become wrong and {} wrong ones right; top-1 changes by {}.",
            change.right_to_wrong,
            change.wrong_to_right,
            figure(&change.top_1_gain)
        );
    }
    let heads14 = (&figures.float.category14, &figures.int8.category14);
    let heads26 = (&figures.float.category26, &figures.int8.category26);
    slices(&mut text, "By category of 14: recall, larger photographs", heads14, &|h| &h.by_category);
    slices(&mut text, "By category of 26: recall, larger photographs", heads26, &|h| &h.by_category);
    slices(&mut text, "By source: top-1 of 14", heads14, &|h| &h.by_source);
    slices(&mut text, "By source: top-1 of 26", heads26, &|h| &h.by_source);
    slices(&mut text, "By longer side: top-1 of 14", heads14, &|h| &h.by_size);
    slices(&mut text, "By longer side: top-1 of 26", heads26, &|h| &h.by_size);
    retrieval(&mut text, figures);
    let _ = writeln!(text, "\n## When it says \"I don't know\"\n\nSet on the calibrate part with int8 answers:\n");
    point(&mut text, "garment", &manifest.rejection.garment);
    point(&mut text, "known", &manifest.rejection.known);
    point(&mut text, "confident", &manifest.matching.confident);
    if let Some(similar) = &manifest.matching.similar {
        point(&mut text, "similar", similar);
    }
    rejection(&mut text, figures);
    let _ = writeln!(
        text,
        "\nTemperatures: {:.3} (14), {:.3} (26), fitted on the larger photographs of the calibrate part.",
        manifest.category14.temperature, manifest.category26.temperature
    );
    quantisation_section(&mut text, quantisation);
    sources(&mut text, manifest);
    text
}

/// What the thresholds do on the report part.
fn rejection(text: &mut String, figures: &SideBySide) {
    let _ = writeln!(text, "\nMeasured on the report part:\n");
    head_row(text, &["", "n", "groups", "float", "int8"]);
    for ((name, f), (_, i)) in figures.float.rejection().into_iter().zip(figures.int8.rejection()) {
        row(text, &[name.to_owned(), i.n.to_string(), i.groups.to_string(), figure(f), figure(i)]);
    }
}

/// The table of retrieval.
fn retrieval(text: &mut String, figures: &SideBySide) {
    let (Some(float), Some(int8)) = (&figures.float.retrieval, &figures.int8.retrieval) else { return };
    let _ = writeln!(
        text,
        "\n## Finding the same garment\n\n{} queries in a gallery of {} photographs, other views of the same garments.\n",
        float.recall_at_1.n, float.gallery
    );
    head_row(text, &["measure", "float", "int8"]);
    for (name, f, i) in [
        ("R@1", &float.recall_at_1, &int8.recall_at_1),
        ("R@5", &float.recall_at_5, &int8.recall_at_5),
        ("R@10", &float.recall_at_10, &int8.recall_at_10),
        ("R@20", &float.recall_at_20, &int8.recall_at_20),
        ("mAP", &float.map, &int8.map),
    ] {
        row(text, &[name.to_owned(), figure(f), figure(i)]);
    }
}

fn quantisation_section(text: &mut String, facts: &QuantisationFacts<'_>) {
    let a = facts.agreement;
    let _ = writeln!(
        text,
        "\n## Quantisation\n\nAgainst the trained network in float, on {} photographs of the calibrate part: mean divergence {:.4} (14) and {:.4} (26) \
         nats, mean cosine of the embeddings {:.4} (smallest {:.4}), another category of 14 for {} and of 26 for {} photographs. Ways that were \
         compared on the select part, nearest first:\n",
        a.photos,
        a.category14_divergence,
        a.category26_divergence,
        a.embedding_cosine,
        a.embedding_cosine_min,
        a.category14_changed,
        a.category26_changed
    );
    head_row(
        text,
        &["channels equalised", "activations clipped", "biases corrected", "divergence 14", "divergence 26", "cosine"],
    );
    for c in facts.candidates {
        let yes = if c.biases_corrected { "yes" } else { "no" };
        let n = &c.agreement;
        let numbers = [n.category14_divergence, n.category26_divergence, n.embedding_cosine].map(|v| format!("{v:.4}"));
        row(text, &[vec![c.equalised.to_string(), c.clipping.clone(), yes.to_owned()], numbers.to_vec()].concat());
    }
    let _ = writeln!(text, "\nLayers that lose most (signal to quantisation noise, losses accumulate):\n");
    head_row(text, &["layer", "dB", "cosine"]);
    for layer in facts.layers.iter().take(LAYERS) {
        row(text, &[format!("`{}`", layer.layer), format!("{:.1}", layer.sqnr_db), format!("{:.4}", layer.cosine)]);
    }
}

fn sources(text: &mut String, manifest: &Manifest) {
    let _ = writeln!(
        text,
        "\n## Sources\n\nWhat the weights were made from; photographs and garments of the train part.\n"
    );
    head_row(text, &["source", "licence", "photographs", "garments", "attribution"]);
    for s in &manifest.sources {
        row(
            text,
            &[
                format!("`{}`", s.name),
                s.licence.clone(),
                s.photos.to_string(),
                s.items.to_string(),
                s.attribution.clone(),
            ],
        );
    }
    let class = match manifest.licence_class {
        clothingid_shared::bundle::LicenceClass::Commercial => "every source allows commercial use",
        clothingid_shared::bundle::LicenceClass::Unverified => "the terms of at least one source were not verified",
        clothingid_shared::bundle::LicenceClass::ResearchOnly => "at least one source allows research only",
    };
    let _ = writeln!(
        text,
        "\nLicence class: {class}. Photographs that may not ship are not in the bundle; the golden photographs come from sources that may.\n\n\
         ## Limits\n\nMost garments of the training data were photographed once, so the embedding has mostly learned to tell augmented views of one \
         photograph apart; small categories and small sources have wide intervals; most photographs are catalogue pictures or phone pictures of \
         single garments, and several garments in one picture were never labelled."
    );
}
