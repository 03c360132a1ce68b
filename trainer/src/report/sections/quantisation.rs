//! Float against int8: the layers, the ways that were compared, and the photographs whose answers changed.

use std::path::Path;

use clothingid_shared::files;
use serde::Deserialize;

use super::{Head, Subject};
use crate::evaluate::categories::Predictions;
use crate::report::ReportError;
use crate::report::charts::interval::{Frame, Row, Span, chart};
use crate::report::page::{Block, Section};
use crate::report::pictures::Mark;
use crate::report::table::{Cell, Table};

/// Above this a layer loses nothing but the last bits of its floats, as the picture itself: such a one would squeeze all others together.
const LOSSLESS_DB: f64 = 100.0;
/// Photographs whose answers changed that are shown, each way.
const SHOWN: usize = 12;

/// What `export` found out, as far as the page shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Exported {
    /// Every way to quantise, nearest to float first.
    pub candidates: Vec<Way>,
    /// The chosen one against float, on the calibrate part.
    pub agreement: Near,
    /// Every layer, worst first.
    pub layers: Vec<Layer>,
}

/// One way to quantise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Way {
    equalised: f64,
    clipping: String,
    biases_corrected: bool,
    agreement: Near,
}

/// How near its answers are to those in float.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Near {
    photos: usize,
    category14_divergence: f64,
    category26_divergence: f64,
    embedding_cosine: f64,
    embedding_cosine_min: f64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Layer {
    layer: String,
    sqnr_db: f64,
    cosine: f64,
}

impl Exported {
    /// Reads `BUNDLE.export.json`.
    ///
    /// # Errors
    /// The file cannot be read or is something else.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        serde_json::from_str(&files::read_text(path)?).map_err(|error| ReportError::Form {
            path: path.to_owned(),
            expected: "report of an export",
            reason: error.to_string(),
        })
    }
}

/// The section.
pub(super) fn section(subject: &Subject<'_>) -> Result<Section, ReportError> {
    let mut section = Section::new("Float against int8");
    match subject.exported {
        Some(exported) => layers(&mut section, exported)?,
        None => section.words(
            "Nothing is known of the layers: `--export-report` takes the file `BUNDLE.export.json` that `export` writes beside the bundle.",
        ),
    }
    let changes = [&subject.findings.figures.category14_changed, &subject.findings.figures.category26_changed];
    for head in Head::BOTH {
        let changed = head.among(&changes);
        section.heading(format!("Answers that changed: {}", head.title()));
        section.words(format!(
            "From float to int8, {} right answers become wrong and {} wrong ones right; top-1 changes by {:+.3} [{:+.3}, {:+.3}], n = {}.",
            changed.right_to_wrong,
            changed.wrong_to_right,
            changed.top_1_gain.value,
            changed.top_1_gain.low,
            changed.top_1_gain.high,
            changed.top_1_gain.n
        ));
        changed_tiles(&mut section, subject, head)?;
    }
    Ok(section)
}

fn layers(section: &mut Section, exported: &Exported) -> Result<(), ReportError> {
    let near = exported.agreement;
    section.words(format!(
        "Against the trained network in float, on {} photographs of the calibrate part: mean divergence {:.4} (14) and {:.4} (26) nats, mean cosine \
         of the embeddings {:.4}, smallest {:.4}.",
        near.photos,
        near.category14_divergence,
        near.category26_divergence,
        near.embedding_cosine,
        near.embedding_cosine_min
    ));
    let row = |layer: &Layer| Row {
        name: layer.layer.clone(),
        spans: vec![Some(Span { value: layer.sqnr_db, interval: None })],
    };
    let frame = Frame {
        caption: "Signal to quantisation noise of each layer's result, worst first; each network runs on its own results, so losses accumulate",
        x: "dB",
        series: &["signal to noise"],
        within: (f64::NEG_INFINITY, f64::INFINITY),
        mark: None,
    };
    let lossy = exported.layers.iter().filter(|layer| layer.sqnr_db < LOSSLESS_DB);
    section.chart(chart(&frame, &lossy.map(row).collect::<Vec<_>>())?);
    let mut table = Table::new("The layers as a table", &["layer", "#dB", "#cosine"]).folded();
    for layer in &exported.layers {
        table.row([
            layer.layer.clone().into(),
            format!("{:.1}", layer.sqnr_db).into(),
            format!("{:.4}", layer.cosine).into(),
        ]);
    }
    section.table(table);
    let mut table = Table::new(
        "Ways to quantise that were compared on the select part, nearest to float first; the first was taken",
        &[
            "activations clipped",
            "#channels equalised",
            "biases corrected",
            "#divergence 14",
            "#divergence 26",
            "#cosine",
        ],
    );
    for (place, way) in exported.candidates.iter().enumerate() {
        let number = |value: f64| Cell { text: format!("{value:.4}"), is_strong: place == 0, ..Cell::default() };
        table.row([
            way.clipping.clone().into(),
            way.equalised.to_string().into(),
            if way.biases_corrected { "yes" } else { "no" }.into(),
            number(way.agreement.category14_divergence),
            number(way.agreement.category26_divergence),
            number(way.agreement.embedding_cosine),
        ]);
    }
    section.table(table);
    Ok(())
}

/// Right by one and wrong by the other, both ways.
fn changed_tiles(section: &mut Section, subject: &Subject<'_>, head: Head) -> Result<(), ReportError> {
    let (float, int8) = (head.of(subject.float), head.of(subject.int8));
    let taxonomy = head.taxonomy(subject.manifest);
    let key = |category: usize| taxonomy.key(category).unwrap_or_default();
    for (name, places) in
        [("right to wrong", changed_places(float, int8)), ("wrong to right", changed_places(int8, float))]
    {
        if places.is_empty() {
            continue;
        }
        section.words(format!("From {name}, {} of {}:", places.len().min(SHOWN), places.len()));
        let mut tiles = Vec::new();
        for place in places.into_iter().take(SHOWN) {
            let (before, after) = (key(float.predicted[place]), key(int8.predicted[place]));
            let words = format!("a {}: {before} in float, {after} in int8", key(int8.truth[place]));
            tiles.push(subject.pictures.tile(
                int8.samples[place],
                format!("{before} → {after}"),
                words,
                Mark::Plain,
            )?);
        }
        section.blocks.push(Block::Tiles(tiles));
    }
    Ok(())
}

/// Places that one answers rightly and the other wrongly.
fn changed_places(right: &Predictions, wrong: &Predictions) -> Vec<usize> {
    let is_right = |of: &Predictions, place: usize| of.predicted[place] == of.truth[place];
    (0..right.truth.len()).filter(|&place| is_right(right, place) && !is_right(wrong, place)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Exported, Predictions, Section, changed_places, layers};
    use crate::report::page::{Block, Page, tests::assert_whole};

    const EXPORTED: &str = r#"{
        "candidates": [{"equalised": 0.5, "clipping": "percentile 99.9", "biases_corrected": true, "agreement": {"photos": 9,
            "category14_divergence": 0.01, "category26_divergence": 0.02, "embedding_cosine": 0.99, "embedding_cosine_min": 0.9,
            "category14_changed": 1, "category26_changed": 2}}],
        "agreement": {"photos": 9, "category14_divergence": 0.01, "category26_divergence": 0.02, "embedding_cosine": 0.99,
            "embedding_cosine_min": 0.9, "category14_changed": 1, "category26_changed": 2},
        "layers": [{"layer": "<stem>", "sqnr_db": 12.5, "cosine": 0.98, "scale": 0.1, "zero_point": 3},
            {"layer": "head", "sqnr_db": 30.0, "cosine": 0.999, "scale": null, "zero_point": null}],
        "figures": {}, "warnings": []
    }"#;

    #[test]
    fn the_layers_of_an_export_become_a_chart_and_a_table() {
        let exported: Exported = serde_json::from_str(EXPORTED).unwrap();
        let mut section = Section::new("x");
        layers(&mut section, &exported).unwrap();
        let rows: Vec<usize> = section
            .blocks
            .iter()
            .filter_map(|b| if let Block::Table(t) = b { Some(t.rows.len()) } else { None })
            .collect();
        assert_eq!(rows, [2, 1]);
        let mut page = Page::new("x");
        page.section(section);
        let html = page.html().unwrap();
        assert_whole(&html);
        assert!(html.contains("&lt;stem&gt;") && html.contains("12.5"), "{html}");
    }

    #[test]
    fn another_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        clothingid_shared::files::write_atomic(&path, b"{}").unwrap();
        let error = Exported::read(&path).unwrap_err().to_string();
        assert!(error.contains("x.json") && error.contains("is no report of an export"), "{error}");
    }

    #[test]
    fn answers_change_both_ways() {
        let of = |predicted: &[usize]| Predictions {
            truth: vec![0, 1, 2],
            predicted: predicted.to_vec(),
            ..Predictions::default()
        };
        let (float, int8) = (of(&[0, 1, 0]), of(&[0, 0, 2]));
        assert_eq!((changed_places(&float, &int8), changed_places(&int8, &float)), (vec![1], vec![2]));
    }
}
