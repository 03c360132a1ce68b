//! The arm that trains nothing but a logistic regression on frozen features; the features themselves are its embedding.

use std::time::Instant;

use clothingid_shared::picture::PictureContract;

use super::StudyError;
use super::record::CellRecord;
use super::run::{Bench, answers, retrieval};
use crate::evaluate::Photos;
use crate::evaluate::baseline::{Featured, features, features_engine, fit_and_predict};
use crate::evaluate::categories::Predictions;
use crate::import::Part;
use crate::import::progress::Progress;
use crate::pack::Pack;

/// Fits on the train part, chooses the penalty on the select part, and answers for the report part.
///
/// # Errors
/// There are no ImageNet weights, or a photograph cannot be read.
pub(super) fn run(bench: &Bench<'_>, pack: &Pack, mut record: CellRecord) -> Result<CellRecord, StudyError> {
    let began = Instant::now();
    let arm = &record.settings.arm;
    let side = bench.recipe.report_side;
    let engine = features_engine(&arm.backbone.build(), &bench.imagenet(arm)?, side as usize)?;
    let (contract, progress) = (PictureContract::with_side(side), Progress::shown());
    let parts = [Part::Train, Part::Select, Part::Report].map(|part| pack.rows_in(part));
    let mut of_parts = Vec::new();
    for (rows, phase) in parts.iter().zip(["features to fit", "features to select", "features to report"]) {
        let photos = Photos::of_pack(pack, rows)?;
        let features = features(&engine, &photos, &contract, phase, &progress)?;
        of_parts.push((photos.samples, features));
    }
    let [(train, fit_on), (select, choose_on), (report, report_on)] = of_parts.as_slice() else { return Ok(record) };
    let featured = |samples, features| Featured { samples, features };
    let (both, _) = fit_and_predict(
        featured(train, fit_on),
        featured(select, choose_on),
        featured(report, report_on),
        pack.taxonomies().classes(),
        &progress,
    )?;
    let said = |head: &Predictions| {
        let mut said = vec![0; report.len()];
        head.samples.iter().zip(&head.predicted).for_each(|(&place, &category)| said[place] = category);
        said
    };
    record.categories = answers(bench.photos, &parts[2], &said(&both.category14), &said(&both.category26));
    let embeddings: Vec<&[f32]> = report_on.values.chunks_exact(report_on.width.max(1)).collect();
    record.retrieval = retrieval(bench, pack, &parts[2], &embeddings)?;
    record.seconds.push(("frozen".to_owned(), began.elapsed().as_secs_f64()));
    Ok(record)
}
