//! The manifest: one row a photograph, the form in which every import ends and from which everything else starts.
//!
//! A manifest is a folder with `manifest.csv` and, where the import wrote it, `sources.toml`. One of other objects than clothing has their
//! taxonomies beside it, `category14.toml` and `category26.toml`. Paths in the CSV are relative to the
//! *root*: the one given by the caller, else the one that `sources.toml` names, else the manifest's own folder. So the CSV files of
//! the data folders are manifests as they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomies;
use serde::{Deserialize, Serialize};

use super::labels::{LabelMap, Subject};
use super::problems::Problems;
use super::sources::{SourceFacts, SourceTable};
use super::{ImportError, Part};

/// Name of the table in a manifest's folder.
pub const MANIFEST_FILE: &str = "manifest.csv";

/// Items whose name begins so are no garments: photographs that the network must learn to refuse.
pub const NO_GARMENT_PREFIX: &str = "none_";

/// What an item's name begins with.
pub(crate) fn prefix(subject: Subject) -> &'static str {
    if subject == Subject::NoGarment { NO_GARMENT_PREFIX } else { "" }
}

/// One photograph of one item. Column names are those of the CSV.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// File, relative to the manifest's root.
    pub path: String,
    /// Where the photograph comes from (`clothing_cc0`, `oss_shops/saleor`).
    pub source: String,
    /// The source's own word for the category.
    #[serde(default)]
    pub label: String,
    /// Key in the coarser taxonomy, empty where the label does not fit it.
    #[serde(default)]
    pub cat14: String,
    /// Key in the finer taxonomy, empty where the label does not fit it.
    #[serde(default)]
    pub cat26: String,
    /// The garment, or a name that begins with `none_` for what is no garment.
    pub item_id: String,
    /// What must not be split between training and test.
    pub group: String,
    /// Name of the view of the garment.
    #[serde(default)]
    pub view: String,
    /// `gallery` or `query` for items photographed more than once, else empty.
    #[serde(default)]
    pub split: String,
    /// `train`, `select`, `calibrate` or `report` where the part is not to be drawn, else empty.
    #[serde(default)]
    pub part: String,
    /// Width of the file in pixels.
    #[serde(default)]
    pub width: u32,
    /// Height of the file in pixels.
    #[serde(default)]
    pub height: u32,
    /// The source's own name of the photograph.
    #[serde(default)]
    pub orig_id: String,
    /// Anything else, for people.
    #[serde(default)]
    pub note: String,
}

/// The side of a retrieval test on which a photograph stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewSplit {
    /// Searched in.
    Gallery,
    /// Searched with.
    Query,
    /// Not meant for retrieval.
    None,
}

impl Row {
    /// Is the subject a garment?
    #[must_use]
    pub fn is_garment(&self) -> bool {
        !self.item_id.starts_with(NO_GARMENT_PREFIX)
    }

    /// The part that the manifest assigns, if it does.
    #[must_use]
    pub fn assigned(&self) -> Option<Part> {
        Part::of_name(&self.part)
    }

    /// The side of the retrieval test.
    #[must_use]
    pub fn view_split(&self) -> ViewSplit {
        match self.split.as_str() {
            "gallery" => ViewSplit::Gallery,
            "query" => ViewSplit::Query,
            _ => ViewSplit::None,
        }
    }
}

/// A manifest in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where the paths of the rows begin.
    pub root: PathBuf,
    /// The photographs.
    pub rows: Vec<Row>,
    /// What is known of each source that occurs.
    pub sources: BTreeMap<String, SourceFacts>,
    /// What the categories of the rows are of.
    pub taxonomies: Taxonomies,
}

impl Manifest {
    /// Reads a manifest: its CSV, or the folder that holds it. Rows that cannot be read are named in the second value.
    ///
    /// # Errors
    /// When the CSV, or the `sources.toml` or taxonomies beside it, cannot be read as a whole.
    pub fn open(path: &Path, root: Option<&Path>) -> Result<(Self, Problems), ImportError> {
        let csv_path = if path.is_dir() { path.join(MANIFEST_FILE) } else { path.to_path_buf() };
        let folder = csv_path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let table = SourceTable::beside(&folder)?;
        let labels = LabelMap::of(Taxonomies::beside(&folder)?);
        let (rows, problems) = read_rows(&csv_path, &labels)?;
        let root = root.map(Path::to_path_buf).or(table.root.clone()).unwrap_or(folder);
        let sources = table.facts_of(rows.iter().map(|row| row.source.as_str()));
        Ok((Self { root, rows, sources, taxonomies: labels.taxonomies().clone() }, problems))
    }

    /// Gathers rows with absolute paths into a manifest whose root is their deepest common folder.
    #[must_use]
    pub fn gather(mut rows: Vec<Row>, known: &SourceTable, taxonomies: Taxonomies) -> Self {
        let root = common_folder(rows.iter().map(|row| Path::new(row.path.as_str())));
        for row in &mut rows {
            if let Some(relative) = Path::new(&row.path).strip_prefix(&root).ok().and_then(Path::to_str) {
                row.path = relative.to_owned();
            }
        }
        let sources = known.facts_of(rows.iter().map(|row| row.source.as_str()));
        Self { root, rows, sources, taxonomies }
    }

    /// The file of a row.
    #[must_use]
    pub fn file(&self, row: &Row) -> PathBuf {
        self.root.join(&row.path)
    }

    /// Writes taxonomies (but for those of clothing), `sources.toml` and `manifest.csv` into a folder, each atomically.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ImportError> {
        files::create_folder(folder)?;
        self.taxonomies.write(folder)?;
        let table = SourceTable::new(Some(self.root.clone()), self.sources.clone());
        table.write(folder)?;
        let path = folder.join(MANIFEST_FILE);
        let bytes = to_csv(&self.rows).map_err(|cause| ImportError::Csv { path: path.clone(), cause })?;
        files::write_atomic(&path, &bytes)?;
        Ok(())
    }
}

/// The rows as the bytes of a CSV file.
///
/// # Errors
/// Only where the CSV writer itself fails.
pub fn to_csv<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::from(error.into_error().kind())))
}

/// Reads the rows of a CSV in the manifest's form, whose categories are keys of the taxonomies of `labels`.
///
/// # Errors
/// When the file cannot be read, lacks one of the columns `path`, `source`, `item_id`, `group`, or assigns a group to two parts.
pub fn read_rows(path: &Path, labels: &LabelMap) -> Result<(Vec<Row>, Problems), ImportError> {
    let bytes = files::read(path)?;
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes.as_slice());
    let headers = reader.headers().map_err(|cause| ImportError::Csv { path: path.to_path_buf(), cause })?.clone();
    for column in ["path", "source", "item_id", "group"] {
        require_column(path, &headers, column)?;
    }
    let mut rows = Vec::new();
    let mut problems = Problems::default();
    let mut parts: BTreeMap<String, (usize, Part)> = BTreeMap::new();
    for (line, record) in (2_usize..).zip(reader.deserialize::<Row>()) {
        let row = match record.map_err(|cause| plain(&cause)).and_then(|row| usable(row, labels)) {
            Ok(row) => row,
            Err(reason) => {
                problems.push_line(path, line, reason);
                continue;
            }
        };
        if let Some(part) = row.assigned() {
            let &mut (first_line, first_part) = parts.entry(row.group.clone()).or_insert((line, part));
            if first_part != part {
                let (path, group) = (path.to_path_buf(), row.group);
                return Err(ImportError::GroupInTwoParts { path, group, first_line, first_part, line, part });
            }
        }
        rows.push(row);
    }
    Ok((rows, problems))
}

/// A row whose fields can all be used; a row without a group is a group of its own item. The error says what is wrong.
pub(crate) fn usable(mut row: Row, labels: &LabelMap) -> Result<Row, String> {
    if row.path.is_empty() {
        return Err("the path is empty".into());
    }
    if row.item_id.is_empty() {
        return Err("the item is empty".into());
    }
    if let Some(reason) = labels.unknown_key(&row.cat14, &row.cat26) {
        return Err(reason);
    }
    if !row.part.is_empty() && row.assigned().is_none() {
        return Err(format!("`{}` is no part: `train`, `select`, `calibrate` or `report`", row.part));
    }
    if !["", "gallery", "query"].contains(&row.split.as_str()) {
        return Err(format!("`{}` is no side of a retrieval test: `gallery` or `query`", row.split));
    }
    if row.group.is_empty() {
        row.group.clone_from(&row.item_id);
    }
    Ok(row)
}

/// Checks that a CSV has a column.
pub(crate) fn require_column(
    path: &Path,
    headers: &csv::StringRecord,
    column: &'static str,
) -> Result<(), ImportError> {
    if headers.iter().any(|header| header == column) {
        return Ok(());
    }
    let found = headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
    Err(ImportError::MissingColumn { path: path.to_path_buf(), column, found })
}

/// A CSV error without the position, which our own line number states.
pub(crate) fn plain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("not UTF-8 in field {}", err.field() + 1),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields instead of {expected_len}"),
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

/// The deepest folder that holds all files; empty for no files.
fn common_folder<'a>(files: impl Iterator<Item = &'a Path>) -> PathBuf {
    let folders: BTreeSet<&Path> = files.filter_map(Path::parent).collect();
    let mut common: Option<Vec<Component<'_>>> = None;
    for folder in folders {
        let parts: Vec<_> = folder.components().collect();
        common = Some(match common {
            None => parts,
            Some(before) => before.into_iter().zip(parts).take_while(|(a, b)| a == b).map(|(a, _)| a).collect(),
        });
    }
    common.unwrap_or_default().into_iter().collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::path::Path;

    use clothingid_shared::taxonomy::Taxonomies;
    use proptest::prelude::*;

    use super::{Manifest, Row, common_folder, read_rows, to_csv};
    use crate::import::LabelMap;
    use crate::import::sources::SourceTable;

    fn row(path: &str) -> Row {
        Row { path: path.into(), source: "s".into(), item_id: "i".into(), group: "g".into(), ..Row::default() }
    }

    #[test]
    fn the_root_is_the_deepest_common_folder() {
        let common = |paths: &[&str]| common_folder(paths.iter().map(|path| Path::new(*path)));
        assert_eq!(common(&[]), Path::new(""));
        assert_eq!(common(&["/a/b/c.jpg"]), Path::new("/a/b"));
        assert_eq!(common(&["/a/b/c.jpg", "/a/bc/d.jpg"]), Path::new("/a"));
        assert_eq!(common(&["/a/b/c.jpg", "/x/d.jpg"]), Path::new("/"));
    }

    #[test]
    fn bad_rows_are_named_and_the_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        std::fs::write(&path, b"path,source,item_id,group,width\na.jpg,s,i,g,12\nb.jpg,s,i,g,wide\n,s,i,g,1\nc.jpg,s,i\nd.jpg,s,\xff,g,1\ne.jpg,s,i,,1\n")
            .unwrap();
        let (rows, problems) = read_rows(&path, &LabelMap::default()).unwrap();
        assert_eq!(rows.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(), ["a.jpg", "e.jpg"]);
        assert_eq!(rows[1].group, "i", "a row without a group is a group of its own item");
        let text: Vec<_> = problems.iter().map(|problem| (problem.line, problem.reason.as_str())).collect();
        assert_eq!(text.len(), 4, "{text:?}");
        assert!(text[0].0 == Some(3) && text[2] == (Some(5), "3 fields instead of 5"), "{text:?}");
    }

    #[test]
    fn words_outside_of_the_taxonomies_and_the_parts_are_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        let head = "path,source,item_id,group,cat14,cat26,split,part\n";
        let lines = "a,s,i,g,dress,dress,,\nb,s,i,g,toga,,,\nc,s,i,g,,toga,,\nd,s,i,g,,,quary,\ne,s,i,g,,,,test\nf,s,i,g,,,query,report\n";
        std::fs::write(&path, format!("{head}{lines}")).unwrap();
        let (rows, problems) = read_rows(&path, &LabelMap::default()).unwrap();
        assert_eq!(rows.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(), ["a", "f"]);
        let text: Vec<String> = problems.iter().map(|problem| problem.to_string()).collect();
        let place = path.display();
        assert_eq!(
            text,
            [
                format!("`{place}:3`: `toga` is no category of the taxonomy of 14"),
                format!("`{place}:4`: `toga` is no category of the taxonomy of 26"),
                format!("`{place}:5`: `quary` is no side of a retrieval test: `gallery` or `query`"),
                format!("`{place}:6`: `test` is no part: `train`, `select`, `calibrate` or `report`"),
            ]
        );
        std::fs::write(&path, format!("{head}a,s,i,g,,,,train\nb,s,j,h,,,,report\nc,s,k,g,,,,report\n")).unwrap();
        let error = read_rows(&path, &LabelMap::default()).unwrap_err().to_string();
        let expected = "puts group `g` into two parts: `train` in line 2 and `report` in line 4";
        assert!(error.ends_with(expected), "{error}");
    }

    #[test]
    fn a_missing_column_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        std::fs::write(&path, "path,source\na,b\n").unwrap();
        let error = read_rows(&path, &LabelMap::default()).unwrap_err().to_string();
        assert!(error.contains("no column `item_id`: found `path`, `source`"), "{error}");
    }

    #[test]
    fn gathering_makes_paths_relative_and_writing_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let rows = vec![row("/p/a/1.jpg"), row("/p/b/2.jpg")];
        let manifest = Manifest::gather(rows, &SourceTable::known(), Taxonomies::clothing());
        assert_eq!(manifest.root, Path::new("/p"));
        assert_eq!(manifest.file(&manifest.rows[1]), Path::new("/p/b/2.jpg"));
        manifest.write(folder.path()).unwrap();
        let (back, problems) = Manifest::open(folder.path(), None).unwrap();
        assert!(problems.is_empty());
        assert_eq!(back, manifest);
        let (moved, _) = Manifest::open(&folder.path().join("manifest.csv"), Some(Path::new("/q"))).unwrap();
        assert_eq!(moved.file(&moved.rows[0]), Path::new("/q/a/1.jpg"));
    }

    proptest! {
        #[test]
        fn rows_survive_the_csv(path in "[^\0]{1,20}", note in "\\PC{0,30}", label in ".{0,10}", width in any::<u32>()) {
            let rows = vec![Row { path, note, label, width, ..row("x") }];
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("m.csv");
            std::fs::write(&file, to_csv(&rows).unwrap()).unwrap();
            let (back, problems) = read_rows(&file, &LabelMap::default()).unwrap();
            prop_assert!(problems.is_empty());
            prop_assert_eq!(back, rows);
        }
    }
}
