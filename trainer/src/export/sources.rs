//! What a bundle was made from: its sources with their terms, whom to name, and how the weights came about.

use std::collections::BTreeSet;

use clothingid_shared::bundle::{LicenceClass, Manifest, Source};

use crate::import::Part;
use crate::network::Provenance;
use crate::pack::Pack;

/// The licence texts of what a bundle may hold. The photographs' are those of the demo shop, which has the same sources.
pub(super) const LICENCES: [(&str, &str); 6] = [
    ("imagenet-mobilenet_v2-Apache-2.0.txt", include_str!("../../../models/imagenet/LICENSE")),
    ("clothing-dataset-CC0-1.0.txt", include_str!("../../../demo/LICENSES/clothing-dataset-CC0-1.0.txt")),
    ("freesewing-CC-BY-4.0.txt", include_str!("../../../demo/LICENSES/freesewing-CC-BY-4.0.txt")),
    ("saleor-BSD-3-Clause.txt", include_str!("../../../demo/LICENSES/saleor-BSD-3-Clause.txt")),
    ("spree-BSD-3-Clause.txt", include_str!("../../../demo/LICENSES/spree-BSD-3-Clause.txt")),
    ("sylius-MIT.txt", include_str!("../../../demo/LICENSES/sylius-MIT.txt")),
];

/// What these terms mean for a bundle.
fn licence_class(licence: &str, may_ship: bool) -> LicenceClass {
    if licence.contains("research") {
        LicenceClass::ResearchOnly
    } else if may_ship || licence.contains("OSL") {
        LicenceClass::Commercial
    } else {
        LicenceClass::Unverified
    }
}

/// The sources of the weights: what they started from, and every source of the train part with its counts.
pub(super) fn sources(pack: &Pack, provenance: Option<&Provenance>) -> Vec<Source> {
    let start = |name: &str, licence: &str, attribution: &str, class| Source {
        name: name.to_owned(),
        licence: licence.to_owned(),
        attribution: attribution.to_owned(),
        class,
        photos: 0,
        items: 0,
    };
    let mut sources = match provenance.map(|provenance| provenance.start.as_str()) {
        Some(Provenance::IMAGENET) => vec![start(
            "imagenet/mobilenet_v2",
            "Apache-2.0",
            "The TensorFlow Authors, MobileNetV2 1.0 224 trained on ImageNet-1k",
            LicenceClass::Commercial,
        )],
        Some(Provenance::RANDOM) => Vec::new(),
        other => vec![start(other.unwrap_or("unnamed weights"), "not stated", "unknown", LicenceClass::Unverified)],
    };
    for (number, source) in pack.sources().iter().enumerate() {
        let rows: Vec<_> = pack.rows().iter().filter(|row| row.source == number && row.part == Part::Train).collect();
        if rows.is_empty() {
            continue;
        }
        let items: BTreeSet<usize> = rows.iter().filter(|row| row.is_garment).map(|row| row.item).collect();
        sources.push(Source {
            name: source.key.clone(),
            licence: source.facts.licence.clone(),
            attribution: source.facts.attribution.clone(),
            class: licence_class(&source.facts.licence, source.facts.may_ship),
            photos: rows.len(),
            items: items.len(),
        });
    }
    sources
}

/// Whom to name, for the bundle's `LICENSES/SOURCES.md`.
pub(super) fn notices(manifest: &Manifest) -> String {
    let mut text = "# Sources of the weights and of the golden photographs\n\n".to_owned();
    for source in &manifest.sources {
        text.push_str(&format!("- `{}`: {}. {}\n", source.name, source.licence, source.attribution));
    }
    text.push_str("\nGolden photographs come only from sources whose photographs may ship; their licences' texts lie beside this file.\n");
    text
}

/// How the weights came about, for the model card.
pub(super) fn training_story(provenance: Option<&Provenance>, pack: &Pack) -> String {
    let Some(provenance) = provenance else {
        return "The weights do not say on which photographs they were trained: the figures below may be too good.\n\n"
            .to_owned();
    };
    let mut text = format!("Weights: {}.", provenance.words());
    if let Some(stage) = provenance.elsewhere(pack.identity()) {
        text += &format!(
            " The stage `{}` was trained on other photographs than those that report below, or on some of them: the figures may be too good.",
            stage.stage
        );
    }
    text + "\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_have_their_class() {
        assert_eq!(licence_class("CC0-1.0", true), LicenceClass::Commercial);
        assert_eq!(licence_class("ImageNet terms (research)", false), LicenceClass::ResearchOnly);
        assert_eq!(licence_class("unknown", false), LicenceClass::Unverified);
    }
}
