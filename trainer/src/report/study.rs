//! The page of a study, from its folder: no photograph and no network is needed.

use std::path::{Path, PathBuf};

use clothingid_shared::files;

use super::ReportError;
use super::charts::interval::{Frame, Row, chart};
use super::page::{Block, Page, Picture, Section};
use super::pictures::data_uri;
use super::table::{Cell, Column, Table};
use crate::study::contrast::{ALPHA, Difference};
use crate::study::findings::Findings;
use crate::study::measure::Measure;
use crate::study::recipe::StudyRecipe;
use crate::study::record::CellRecord;
use crate::study::{photos, words};

/// A study's recipe: the one given, or that which the folder's findings or its name say, if this program carries it.
///
/// # Errors
/// There is no such recipe, or the file is none.
pub fn recipe(folder: &Path, given: Option<&Path>) -> Result<StudyRecipe, ReportError> {
    if let Some(path) = given {
        return Ok(StudyRecipe::find(path)?);
    }
    #[derive(serde::Deserialize)]
    struct Named {
        study: String,
    }
    let findings = folder.join("findings.json");
    let name =
        if findings.is_file() {
            let named: Named = serde_json::from_str(&files::read_text(&findings)?).map_err(|error| {
                ReportError::Form { path: findings.clone(), expected: "findings of a study", reason: error.to_string() }
            })?;
            PathBuf::from(named.study)
        } else {
            folder.file_name().map(PathBuf::from).unwrap_or_default()
        };
    Ok(StudyRecipe::find(&name)?)
}

/// What a study found, from the records in its folder.
///
/// # Errors
/// A record or the list of photographs cannot be read.
pub fn findings(folder: &Path, recipe: &StudyRecipe) -> Result<Findings, ReportError> {
    let photos = photos::read(folder)?;
    let records = CellRecord::all(folder, recipe)?;
    Ok(Findings::of(recipe, &photos, &records))
}

/// The page.
///
/// # Errors
/// A chart cannot be drawn, or a sheet not be read.
pub fn page(folder: &Path, recipe: &StudyRecipe, findings: &Findings) -> Result<Page, ReportError> {
    let mut page = Page::new(format!("Study {}", findings.study));
    page.lead.push(words::lead(findings).into());
    let mut section = Section::new("What can be said");
    words::verdict(findings).into_iter().for_each(|paragraph| section.words(paragraph));
    page.section(section);
    page.section(contrasts("The primary contrast", &findings.primary, &words::power(findings))?);
    page.section(data(findings));
    page.section(arms("Accuracy", "", findings, &Measure::ACCURACY, &[Measure::Balanced14, Measure::Balanced26])?);
    let shown = [Measure::RecallAt1, Measure::RecallAt10, Measure::Map];
    page.section(arms("Retrieval", &words::galleries(findings), findings, &Measure::RETRIEVAL, &shown)?);
    if !recipe.contrasts.is_empty() {
        let holm = ["Corrected by Holm's method for their number.".to_owned()];
        page.section(contrasts("The other contrasts", &findings.secondary, &holm)?);
    }
    if !findings.above_raw.is_empty() {
        let words = [words::ABOVE_RAW.to_owned()];
        page.section(contrasts("Against features that were not trained", &findings.above_raw, &words)?);
    }
    page.section(slices(findings));
    page.section(cost(findings));
    if let Some(section) = sheets(folder, recipe)? {
        page.notices.push(
            "The sheets show photographs whose licences let them be passed on; all others stand as grey tiles.".into(),
        );
        page.section(section);
    }
    Ok(page)
}

fn contrasts(title: &str, differences: &[Difference], notes: &[String]) -> Result<Section, ReportError> {
    let mut section = Section::new(title);
    notes.iter().for_each(|note| section.words(note));
    if differences.is_empty() {
        section.words("No fold has both arms yet.");
        return Ok(section);
    }
    let row = |d: &Difference| Row {
        name: format!("{} − {}, {}", d.better, d.against, d.measure.name()),
        spans: vec![Some(d.gain.into())],
    };
    let frame = Frame {
        caption: "First minus second with the 95 % interval of each difference alone; the upright line is no difference",
        x: "difference",
        series: &["difference"],
        within: (-1.0, 1.0),
        mark: Some(0.0),
    };
    section.chart(chart(&frame, &differences.iter().map(row).collect::<Vec<_>>())?);
    let mut table = Table::new(
        format!("First minus second on the same photographs; bold where the corrected p is below {ALPHA}"),
        &["first", "second", "measure", "#n", "#folds", "#of first", "#of second", "#difference", "#p", "#corrected"],
    );
    for d in differences {
        table.row([
            d.better.clone().into(),
            d.against.clone().into(),
            d.measure.name().into(),
            d.gain.n.to_string().into(),
            d.folds.to_string().into(),
            format!("{:.3}", d.value).into(),
            format!("{:.3}", d.other).into(),
            Cell { is_strong: d.p_corrected < ALPHA, ..Cell::gain(&d.gain) },
            format!("{:.4}", d.p).into(),
            format!("{:.4}", d.p_corrected).into(),
        ]);
    }
    section.table(table);
    Ok(section)
}

fn data(findings: &Findings) -> Section {
    let data = &findings.data;
    let mut section = Section::new("The photographs");
    let mut table = Table::new(
        "The poster's Table 1 for this data",
        &["of", "#identification", "#classification 14", "#classification 26", "#retrieval"],
    );
    let count = |n: usize| Cell::from(n.to_string());
    table.row([
        "categories".into(),
        format!("{} garments", data.identification.0).into(),
        format!("14, {} balanced", data.balanced.0).into(),
        format!("26, {} balanced", data.balanced.1).into(),
        "–".into(),
    ]);
    table.row([
        "photographs".into(),
        count(data.identification.1),
        count(data.of_14.0),
        count(data.of_26.0),
        format!("{} queries, {} gallery", data.retrieval.0, data.retrieval.1).into(),
    ]);
    table.row(["larger ones, without myntra".into(), "–".into(), count(data.of_14.1), count(data.of_26.1), "–".into()]);
    section.table(table);
    section.words(format!("{} further photographs show no garment.", data.others));
    section
}

fn arms(
    title: &str,
    words: &str,
    findings: &Findings,
    all: &[Measure],
    drawn: &[Measure],
) -> Result<Section, ReportError> {
    let mut section = Section::new(title);
    if !words.is_empty() {
        section.words(words);
    }
    let find = |arm: &crate::study::findings::ArmFindings, wanted: Measure| {
        arm.figures.iter().find(|(measure, _)| *measure == wanted).map(|(_, figure)| *figure)
    };
    let row = |arm: &crate::study::findings::ArmFindings| Row {
        name: arm.name.clone(),
        spans: drawn.iter().map(|&measure| find(arm, measure).map(Into::into)).collect(),
    };
    let names: Vec<&str> = drawn.iter().map(|measure| measure.name()).collect();
    let frame = Frame {
        caption: "Each arm with 95 % intervals; arms share their photographs, so that overlapping intervals do not say that they are alike",
        x: "share",
        series: &names,
        within: (0.0, 1.0),
        mark: None,
    };
    section.chart(chart(&frame, &findings.arms.iter().map(row).collect::<Vec<_>>())?);
    let mut table = Table::new(format!("{title} of each arm"), &["arm", "#folds"]);
    table.columns.extend(all.iter().map(|measure| Column { name: measure.name().to_owned(), is_number: true }));
    for arm in &findings.arms {
        let mut cells: Vec<Cell> = vec![arm.name.clone().into(), arm.folds.to_string().into()];
        cells.extend(all.iter().map(|&m| find(arm, m).map_or_else(|| "–".into(), |figure| Cell::figure(&figure))));
        table.rows.push(cells);
    }
    section.table(table);
    Ok(section)
}

fn slices(findings: &Findings) -> Section {
    let mut section = Section::new("Where the primary difference comes from");
    section.words("Not corrected for the number of slices: a place to look, not a finding.");
    let mut table = Table::new(
        "The primary contrast on some of the photographs",
        &["by", "photographs", "measure", "#n", "#first", "#second", "#difference"],
    );
    for slice in &findings.slices {
        table.row([
            slice.by.into(),
            slice.name.clone().into(),
            slice.measure.name().into(),
            slice.gain.n.to_string().into(),
            format!("{:.3}", slice.value).into(),
            format!("{:.3}", slice.other).into(),
            // Not corrected: nothing stands out.
            Cell { is_strong: false, ..Cell::gain(&slice.gain) },
        ]);
    }
    section.table(table);
    section
}

fn cost(findings: &Findings) -> Section {
    let mut section = Section::new("Choices and cost");
    let mut table = Table::new("What each arm chose and took", &["arm", "#folds", "learning rates chosen", "#hours"]);
    for arm in &findings.arms {
        table.row([
            arm.name.clone().into(),
            arm.folds.to_string().into(),
            words::rates(arm).into(),
            format!("{:.2}", arm.hours).into(),
        ]);
    }
    section.table(table);
    section
}

/// The first fold's sheet of each arm that has one, which are those of the primary contrast; none where no arm has.
fn sheets(folder: &Path, recipe: &StudyRecipe) -> Result<Option<Section>, ReportError> {
    let mut section = Section::new("Queries and their answers");
    section.words("The first finished fold of each arm of the primary contrast: the query on the left, then its answers, best first; right ones are framed in green.");
    let begun = section.blocks.len();
    for arm in &recipe.arms {
        let path = |fold: usize| folder.join("sheets").join(format!("{}-fold-{fold}.jpg", arm.name));
        let Some(fold) = (0..recipe.folds).find(|&fold| path(fold).is_file()) else { continue };
        section.blocks.push(Block::Picture(Picture {
            uri: data_uri("image/jpeg", &files::read(&path(fold))?),
            caption: format!("{}, fold {fold}", arm.name),
            words: format!("queries of the arm {} with their ranked answers", arm.name),
        }));
    }
    Ok((section.blocks.len() > begun).then_some(section))
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::assert_whole;
    use super::{Findings, Path, StudyRecipe, page, recipe};
    use crate::report::lines::of_study;
    use crate::study::photos;
    use crate::study::record::{CellRecord, Settings, recipe_identity};
    use crate::{pack, study};

    /// A folder with one cell of each arm of the primary contrast, whose answers are made up.
    fn folder(root: &Path) -> StudyRecipe {
        let out = root.join("pack");
        pack::sample::pack(&pack::sample::manifest(root, 12), &out).unwrap();
        let pack = pack::Pack::open(&out).unwrap();
        let list = photos::of_pack(&pack);
        photos::write(root, &list).unwrap();
        let recipe = StudyRecipe::find(Path::new("poster-mini")).unwrap();
        for (place, arm) in recipe.arms.iter().enumerate().take(2) {
            let mut record = CellRecord::begin(Settings {
                study: recipe.name.clone(),
                arm: arm.clone(),
                fold: 0,
                recipe: recipe_identity(&recipe),
                pack: pack.identity().to_owned(),
                device: "cpu".into(),
                threads: 1,
                program: String::new(),
            });
            record.categories.rows = (0..list.len()).collect();
            record.categories.category14 = vec![place; list.len()];
            record.categories.category26 = vec![0; list.len()];
            record.write(root).unwrap();
        }
        let sheet = image::RgbImage::from_pixel(40, 20, image::Rgb([9, 9, 9]));
        clothingid_shared::files::create_folder(&root.join("sheets")).unwrap();
        study::sheet::write(&root.join("sheets").join(format!("{}-fold-0.jpg", recipe.arms[0].name)), &sheet).unwrap();
        recipe
    }

    #[test]
    fn a_study_becomes_a_page_and_lines_from_its_folder_alone() {
        let root = tempfile::tempdir().unwrap();
        let recipe = folder(root.path());
        let findings: Findings = super::findings(root.path(), &recipe).unwrap();
        assert_eq!(findings.cells_done, 2);
        let html = page(root.path(), &recipe, &findings).unwrap().html().unwrap();
        assert_whole(&html);
        for needle in [
            "The primary contrast",
            "cannot be told apart",
            "views a garment",
            "data:image/jpeg;base64,",
            "learning rates chosen",
        ] {
            assert!(html.contains(needle), "no `{needle}` in\n{html}");
        }
        assert!(!of_study(&findings).is_empty());
    }

    #[test]
    fn the_recipe_is_that_of_the_findings_or_of_the_folder_or_the_one_given() {
        let root = tempfile::tempdir().unwrap();
        let unnamed = recipe(root.path(), None).unwrap_err();
        assert!(unnamed.to_string().contains(root.path().file_name().unwrap().to_str().unwrap()), "{unnamed}");
        let named = root.path().join("poster-mini");
        clothingid_shared::files::create_folder(&named).unwrap();
        assert_eq!(recipe(&named, None).unwrap().name, "poster-mini");
        clothingid_shared::files::write_atomic(&root.path().join("findings.json"), b"{\"study\":\"poster-mini\"}")
            .unwrap();
        assert_eq!(recipe(root.path(), None).unwrap().name, "poster-mini");
        assert_eq!(recipe(root.path(), Some(Path::new("poster"))).unwrap().name, "poster");
    }
}
