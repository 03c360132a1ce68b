//! How well the box fits, and what a second look at it is worth.

use clothingid_shared::picture::region::MARGIN;
use clothingid_shared::picture::{Locator, Picture, PictureContract, Region};
use serde::Serialize;

use super::composites::Composite;
use crate::evaluate::error::EvaluateError;
use crate::evaluate::figure::Figure;
use crate::evaluate::photos::Photos;
use crate::export::ExportError;
use crate::export::answers::{Answers, largest, softmax};
use crate::export::float::FloatRunner;
use crate::export::fused::Operation;
use crate::import::progress::Progress;
use crate::network::heads::CATEGORY26;
use crate::pack::Pack;

/// Thresholds that are compared, as shares of the map's peak.
const THRESHOLDS: [f64; 6] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
/// Overlap from which a box counts as found.
const FOUND: f64 = 0.5;
/// Composites that are run at a time.
const BATCH: usize = 16;

/// What a map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// How much each cell speaks for the category that was said of the whole.
    Category,
    /// How much each cell speaks for any category at all, against the mean of all: what was said of the whole may be wrong.
    Anything,
}

/// What localisation is worth on composites.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LocalisationFigures {
    /// What the map shows, chosen on composites of another part.
    pub shows: Shows,
    /// Share of the map's peak, chosen on composites of another part.
    pub threshold: f64,
    /// Mean overlap of box and garment.
    pub overlap: Figure,
    /// The same of the whole picture, which is what there is without a box.
    pub overlap_of_whole: Figure,
    /// Boxes that overlap by half or more.
    pub found: Figure,
    /// Top-1 of 26 by a look at the whole.
    pub top_1_first_look: Figure,
    /// By a look at the box.
    pub top_1_second_look: Figure,
    /// By the mean of both.
    pub top_1_both_looks: Figure,
    /// By a look at the true box: what a perfect one would be worth.
    pub top_1_true_box: Figure,
    /// Both looks minus the first, paired.
    pub gain: Figure,
    /// The photograph that the garment was cut out of is the nearest of all of them: by a look at the whole.
    pub recall_at_1_first_look: Figure,
    /// By the sum of the embeddings of both looks.
    pub recall_at_1_both_looks: Figure,
    /// Both looks minus the first, paired.
    pub recall_gain: Figure,
}

/// A network that shows the activations before its pool.
#[derive(Debug)]
pub struct Looker<'a> {
    runner: &'a FloatRunner,
    contract: &'a PictureContract,
    /// Place of the last activations among the nodes.
    before_pool: usize,
    /// Weights of the 26 categories, row by row.
    head: &'a [f32],
}

/// What was seen of one picture.
#[derive(Debug, Clone)]
struct Look {
    answers: Answers,
    /// Both maps, in the order of [`Shows`], and their height and width.
    maps: [Vec<f32>; 2],
    size: (usize, usize),
}

impl<'a> Looker<'a> {
    /// Finds the pool and the head.
    ///
    /// # Errors
    /// The network has no head of 26 on a global pool.
    pub fn new(runner: &'a FloatRunner, contract: &'a PictureContract) -> Result<Self, ExportError> {
        let network = runner.network();
        let missing = || ExportError::MissingOutput { output: CATEGORY26.to_owned(), found: Vec::new() };
        let (_, head) = network.graph.outputs.iter().find(|(name, _)| name == CATEGORY26).ok_or_else(missing)?;
        let pool = *network.graph.nodes[*head].inputs.first().ok_or_else(missing)?;
        let node = &network.graph.nodes[pool];
        let before_pool = node
            .inputs
            .first()
            .copied()
            .filter(|_| node.operation == Operation::GlobalAveragePool)
            .ok_or_else(missing)?;
        let head = &network.weights.get(head).ok_or_else(missing)?.weights_oihw;
        Ok(Self { runner, contract, before_pool, head })
    }

    /// The embeddings of the photographs that garments were cut out of, in the order of the composites.
    fn originals(&self, pack: &Pack, composites: &[Composite]) -> Result<Vec<Vec<f32>>, EvaluateError> {
        let rows: Vec<usize> = composites.iter().map(|composite| composite.row).collect();
        let photos = Photos::of_pack(pack, &rows)?;
        let mut embeddings = Vec::with_capacity(rows.len());
        for batch in (0..rows.len()).collect::<Vec<_>>().chunks(BATCH) {
            for named in self.runner.visit(&photos.pictures(batch, self.contract)?, |_, _, _| {})? {
                embeddings.push(Answers::take(named)?.embedding);
            }
        }
        Ok(embeddings)
    }

    fn look(&self, pictures: &[Picture], progress: &Progress) -> Result<Vec<Look>, EvaluateError> {
        let mut looks = Vec::with_capacity(pictures.len());
        for batch in pictures.chunks(BATCH) {
            let inputs: Vec<Vec<u8>> = batch
                .iter()
                .map(|picture| self.contract.make(picture).map(Picture::into_rgb))
                .collect::<Result<_, _>>()
                .map_err(|source| EvaluateError::Photo { path: "a composite".into(), source: Box::new(source) })?;
            let (mut activations, mut size, mut channels) = (Vec::new(), (0, 0), 0);
            let answers = self.runner.visit(&inputs, |place, _, after| {
                if place == self.before_pool {
                    let shape = after.size();
                    let length = |axis: usize| shape.get(axis).and_then(|&n| usize::try_from(n).ok()).unwrap_or(0);
                    (channels, size) = (length(1), (length(2), length(3)));
                    activations = crate::network::parameters::to_vec(after);
                }
            })?;
            let cells = size.0 * size.1;
            for (named, activation) in answers.into_iter().zip(activations.chunks_exact((channels * cells).max(1))) {
                let answers = Answers::take(named)?;
                let maps = self.maps(&activation[..channels * cells], cells, largest(&answers.category26));
                looks.push(Look { answers, maps, size });
                progress.step();
            }
        }
        Ok(looks)
    }

    /// Both maps of one picture from its activations `[C, cells]`.
    fn maps(&self, activation: &[f32], cells: usize, said: usize) -> [Vec<f32>; 2] {
        let channels = activation.len() / cells.max(1);
        let categories = self.head.chunks_exact(channels.max(1));
        let mut by_category = vec![vec![0.0_f32; cells]; categories.len()];
        for (map, weights) in by_category.iter_mut().zip(categories) {
            for (weight, plane) in weights.iter().zip(activation.chunks_exact(cells.max(1))) {
                map.iter_mut().zip(plane).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        let anything = |cell: usize| {
            let values = || by_category.iter().map(|map| map[cell]);
            values().fold(f32::NEG_INFINITY, f32::max) - values().sum::<f32>() / by_category.len().max(1) as f32
        };
        let anything = (0..cells).map(anything).collect();
        [by_category.into_iter().nth(said).unwrap_or_default(), anything]
    }

    /// The box of a look, in shares of the picture that was letterboxed into the network's square.
    fn region(look: &Look, shows: Shows, threshold: f64) -> Region {
        let [category, anything] = &look.maps;
        let map = if shows == Shows::Category { category } else { anything };
        Locator::default().locate(map, look.size.0, look.size.1, threshold)
    }
}

/// Measures on `report` with the map and threshold that fit best on `select`.
///
/// # Errors
/// A picture cannot be made, or libtorch failed.
pub fn measure(
    looker: &Looker<'_>,
    pack: &Pack,
    select: &[Composite],
    report: &[Composite],
    temperature: f64,
    progress: &Progress,
) -> Result<LocalisationFigures, EvaluateError> {
    let pictures = |composites: &[Composite]| composites.iter().map(|c| c.picture.clone()).collect::<Vec<_>>();
    progress.begin("composites to choose on", select.len());
    let looks = looker.look(&pictures(select), progress)?;
    progress.end();
    let mean = |(shows, threshold): &(Shows, f64)| -> f64 {
        let region = |look: &Look| Looker::region(look, *shows, *threshold);
        select.iter().zip(&looks).map(|(composite, look)| region(look).overlap(&composite.garment)).sum()
    };
    let choices = [Shows::Category, Shows::Anything].map(|shows| THRESHOLDS.map(|threshold| (shows, threshold)));
    let best = choices.as_flattened().iter().max_by(|a, b| mean(a).total_cmp(&mean(b)));
    let (shows, threshold) = best.copied().unwrap_or((Shows::Category, THRESHOLDS[0]));

    progress.begin("composites of the report part, three looks", report.len() * 3);
    let first = looker.look(&pictures(report), progress)?;
    let boxes: Vec<Region> = first.iter().map(|look| Looker::region(look, shows, threshold)).collect();
    let cut = |regions: &[Region]| -> Vec<Picture> {
        let of = |(composite, region): (&Composite, &Region)| {
            let mut part = Picture::default();
            region.widened(MARGIN).cut_into(&composite.picture, &mut part);
            part
        };
        report.iter().zip(regions).map(of).collect()
    };
    let second = looker.look(&cut(&boxes), progress)?;
    let truths: Vec<Region> = report.iter().map(|composite| composite.garment).collect();
    let perfect = looker.look(&cut(&truths), progress)?;
    progress.end();

    let row = |composite: &Composite| pack.rows().get(composite.row);
    let groups: Vec<usize> = report.iter().map(|c| row(c).map_or(0, |row| row.group)).collect();
    let truth: Vec<Option<usize>> = report.iter().map(|c| row(c).and_then(|row| row.cat26)).collect();
    let said = |looks: &[Look]| looks.iter().map(|look| largest(&look.answers.category26)).collect::<Vec<usize>>();
    let both: Vec<usize> = first
        .iter()
        .zip(&second)
        .map(|(a, b)| {
            let [a, b] = [a, b].map(|look| softmax(&look.answers.category26, temperature));
            let mean: Vec<f32> = a
                .iter()
                .zip(&b)
                .map(|(a, b)| {
                    #[expect(clippy::cast_possible_truncation, reason = "only their order counts")]
                    let mean = (a + b) as f32;
                    mean
                })
                .collect();
            largest(&mean)
        })
        .collect();
    let originals = looker.originals(pack, report)?;
    let is_found = |embedding: &dyn Fn(usize) -> Vec<f32>| -> Vec<f64> {
        (0..report.len()).map(|place| f64::from(u8::from(nearest(&embedding(place), &originals) == place))).collect()
    };
    let of_first = |place: usize| first[place].answers.embedding.clone();
    let of_both = |place: usize| -> Vec<f32> {
        first[place].answers.embedding.iter().zip(&second[place].answers.embedding).map(|(a, b)| a + b).collect()
    };
    let (found_first, found_both) = (is_found(&of_first), is_found(&of_both));
    let found_more: Vec<f64> = found_both.iter().zip(&found_first).map(|(both, first)| both - first).collect();
    let top_1 = |said: &[usize]| Figure::share(&groups, |place| truth[place] == Some(said[place]));
    let overlap_with = |regions: &[Region]| -> Vec<f64> {
        regions.iter().zip(&truths).map(|(region, truth)| region.overlap(truth)).collect()
    };
    let mean_of = |values: &[f64]| {
        Figure::measure(&groups, |drawn| drawn.iter().map(|&p| values[p]).sum::<f64>() / drawn.len().max(1) as f64)
    };
    let overlaps = overlap_with(&boxes);
    let first_said = said(&first);
    let won: Vec<f64> = (0..report.len())
        .map(|p| {
            let right = |said: &[usize]| f64::from(u8::from(truth[p] == Some(said[p])));
            right(&both) - right(&first_said)
        })
        .collect();
    Ok(LocalisationFigures {
        shows,
        threshold,
        found: Figure::share(&groups, |place| overlaps[place] >= FOUND),
        overlap: mean_of(&overlaps),
        overlap_of_whole: mean_of(&overlap_with(&vec![Region::WHOLE; report.len()])),
        top_1_first_look: top_1(&first_said),
        top_1_second_look: top_1(&said(&second)),
        top_1_both_looks: top_1(&both),
        top_1_true_box: top_1(&said(&perfect)),
        gain: mean_of(&won),
        recall_at_1_first_look: mean_of(&found_first),
        recall_at_1_both_looks: mean_of(&found_both),
        recall_gain: mean_of(&found_more),
    })
}

/// The place of the gallery's vector, each of length one, with the largest product.
fn nearest(query: &[f32], gallery: &[Vec<f32>]) -> usize {
    let product = |vector: &Vec<f32>| query.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
    let products: Vec<f32> = gallery.iter().map(product).collect();
    largest(&products)
}
