//! Source kind `csv`: a table with a column `path` and a column `label` or `item_id`; the manifest's other columns where it has them.

use std::path::Path;

use clothingid_shared::files;

use super::data_folder::absolute;
use super::image_folder::mark_views;
use super::labels::{Keys, LabelMap, Subject};
use super::manifest::{plain, prefix, require_column, usable};
use super::{Found, ImportError, Row};

/// Reads a table. Paths are relative to `photos`, or to the table's folder. `source` is the word for rows without one.
///
/// A row without `item_id` is an item of its own, a row without `group` a group of its item.
///
/// # Errors
/// When the table cannot be read, or has no column `path`, or neither `label` nor `item_id`.
pub fn read(table: &Path, photos: Option<&Path>, source: &str, labels: &LabelMap) -> Result<Found, ImportError> {
    let table = absolute(table)?;
    let root = match photos {
        Some(folder) => absolute(folder)?,
        None => table.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let bytes = files::read(&table)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().map_err(|cause| ImportError::Csv { path: table.clone(), cause })?.clone();
    require_column(&table, &headers, "path")?;
    if !headers.iter().any(|header| header == "item_id") {
        require_column(&table, &headers, "label")?;
    }
    let column = |name: &str| headers.iter().position(|header| header == name);
    let columns = Columns {
        path: column("path"),
        source: column("source"),
        label: column("label"),
        cat14: column("cat14"),
        cat26: column("cat26"),
        item_id: column("item_id"),
        group: column("group"),
        view: column("view"),
        split: column("split"),
        note: column("note"),
        part: column("part"),
    };
    let mut found = Found::default();
    for (line, record) in (2_usize..).zip(reader.records()) {
        let outcome =
            record.map_err(|cause| plain(&cause)).and_then(|record| columns.row(&record, &root, source, labels));
        match outcome {
            Ok((row, Subject::LeaveOut)) => found.leave_out(&row.label),
            Ok((row, _)) => found.rows.push(row),
            Err(reason) => found.problems.push_line(&table, line, reason),
        }
    }
    mark_views(&mut found.rows);
    Ok(found)
}

struct Columns {
    path: Option<usize>,
    source: Option<usize>,
    label: Option<usize>,
    cat14: Option<usize>,
    cat26: Option<usize>,
    item_id: Option<usize>,
    group: Option<usize>,
    view: Option<usize>,
    split: Option<usize>,
    note: Option<usize>,
    part: Option<usize>,
}

impl Columns {
    fn row(
        &self,
        record: &csv::StringRecord,
        root: &Path,
        source: &str,
        labels: &LabelMap,
    ) -> Result<(Row, Subject), String> {
        let field =
            |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default().trim().to_owned();
        let or = |value: String, other: &str| if value.is_empty() { other.to_owned() } else { value };
        let path = field(self.path);
        if path.is_empty() {
            return Err("the path is empty".into());
        }
        let file = root.join(&path).to_str().ok_or("the photograph's folder is not UTF-8")?.to_owned();
        let label = field(self.label);
        let (mut cat14, mut cat26) = (field(self.cat14), field(self.cat26));
        let known = if label.is_empty() { None } else { labels.keys(&label) };
        let subject = known.as_ref().map(|keys| keys.subject).unwrap_or_default();
        if cat14.is_empty() && cat26.is_empty() && !label.is_empty() {
            match known {
                Some(Keys { cat14: own14, cat26: own26, .. }) => (cat14, cat26) = (own14, own26),
                // A table may name categories that we do not have and still be good for telling garments apart.
                None if self.item_id.is_some() => {}
                None => return Err(labels.unknown_label(&label)),
            }
        }
        let source = or(field(self.source), source);
        let prefix = prefix(subject);
        let item_id = or(field(self.item_id), &format!("{prefix}{source}/{path}"));
        let row = Row {
            path: file,
            label,
            cat14,
            cat26,
            group: or(field(self.group), &item_id),
            item_id,
            source,
            view: field(self.view),
            split: field(self.split),
            orig_id: path,
            note: field(self.note),
            part: field(self.part),
            ..Row::default()
        };
        Ok((usable(row, labels)?, subject))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::read;
    use crate::import::LabelMap;

    #[test]
    fn labels_or_items_are_enough() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("t.csv");
        std::fs::write(&table, "path,label\na.jpg,dress\nb.jpg,Frock\n,dress\nc.jpg,no_garment\n").unwrap();
        let found = read(&table, None, "mine", &LabelMap::default()).unwrap();
        assert_eq!(found.rows.len(), 2);
        assert_eq!((found.rows[0].cat14.as_str(), found.rows[0].item_id.as_str()), ("dress", "mine/a.jpg"));
        assert!(!found.rows[1].is_garment());
        assert_eq!(found.problems.len(), 2);

        std::fs::write(&table, "path,item_id,label,group\na.jpg,i1,Frock,\nb.jpg,i1,,g\nc.jpg,i2,,g\n").unwrap();
        let found = read(&table, None, "mine", &LabelMap::default()).unwrap();
        let lines: Vec<_> =
            found.rows.iter().map(|row| format!("{}|{}|{}", row.item_id, row.group, row.split)).collect();
        assert_eq!(lines, ["i1|i1|gallery", "i1|g|query", "i2|g|"]);
        assert!(found.problems.is_empty());

        std::fs::write(&table, "path,name\na.jpg,x\n").unwrap();
        assert!(
            read(&table, None, "mine", &LabelMap::default()).unwrap_err().to_string().contains("no column `label`")
        );
    }
}
