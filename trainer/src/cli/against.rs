//! What a bundle is measured on and against: a pack that it fits, and the raw ImageNet features of its own backbone.

use std::path::Path;

use clothingid_shared::bundle::Bundle;

use super::Report;
use super::training::of_backbone;
use crate::evaluate::Engine;
use crate::evaluate::baseline::features_engine;
use crate::network::backbones::BackboneName;
use crate::network::{Weights, imagenet};
use crate::pack::Pack;

/// Opens the pack that a bundle is to be measured on; with it, whether the bundle was trained on another one, which is refused (with
/// `anyway` as a hint) unless it is asked for, and then warned of.
pub(super) fn open_pack(
    (bundle, bundle_path): (&Bundle, &Path),
    pack_path: &Path,
    elsewhere_is_fine: bool,
    anyway: &str,
) -> Result<(Pack, bool), Report> {
    let pack = Pack::open(pack_path)?;
    if let Some(difference) = bundle.manifest.taxonomies().difference(&pack.taxonomies().keys()) {
        let what = format!("`{}` and `{}` are of other categories", bundle_path.display(), pack_path.display());
        return Err(Report::new(what)
            .cause(format!("of the pack {difference}"))
            .hint("give the pack that the bundle was exported with: `--pack DIR`"));
    }
    let is_elsewhere = !bundle.manifest.pack.is_empty() && bundle.manifest.pack != pack.identity();
    let what = format!("`{}` was trained on another pack than `{}`", bundle_path.display(), pack_path.display());
    match (is_elsewhere, elsewhere_is_fine) {
        (true, false) => Err(Report::new(what)
            .cause("photographs of this pack's report part may have trained it, and the figures would be unfair")
            .hint("give the pack that it was exported with: `--pack DIR`")
            .hint(anyway)),
        (true, true) => {
            eprintln!("warning: {what}; its figures may be too good");
            Ok((pack, true))
        }
        (false, _) => Ok((pack, false)),
    }
}

/// The raw ImageNet features of the bundle's own backbone, on pictures of `side` pixels.
pub(super) fn rival(weights: &Path, bundle: &Bundle, side: usize) -> Result<Engine, Report> {
    let backbone: BackboneName = bundle.manifest.network.backbone.parse()?;
    let weights = if weights != Path::new("imagenet") {
        of_backbone(Weights::read(weights)?, backbone, weights)?
    } else if backbone == BackboneName::default() {
        imagenet::weights()?
    } else {
        return Err(Report::new(format!(
            "this program carries no ImageNet weights of `{backbone}`, the bundle's backbone"
        ))
        .hint("give them, for the rival is a regression on the same backbone's features: `--weights FILE`"));
    };
    Ok(features_engine(&backbone.build(), &weights, side)?)
}
