//! The lists of DeepFashion, which its three benchmarks share in form: a count in the first line, names of the columns in the second,
//! then columns between white space.
//!
//! **Source**: Z. Liu, P. Luo, S. Qiu, X. Wang and X. Tang, "DeepFashion", CVPR 2016; the `README.txt` of each benchmark, versions 1.1 and
//! 1.2 (2016): "First Row: number of images. Second Row: entry names. Rest of the Rows: ...".
//!
//! Promise: no text makes it panic, memory is in proportion to the text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clothingid_shared::files;

use super::pictures::{Make, Origin, Pictures, Region, inside};
use super::{Found, ImportError};

/// Folders in which the published archives have their lists.
const LIST_FOLDERS: [&str; 4] = ["Anno", "Anno_coarse", "Anno_fine", "Eval"];

/// A list, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<'a, const N: usize> {
    /// Number of each line, from 1, and its columns.
    pub lines: Vec<(usize, [&'a str; N])>,
    /// Number of each line that does not fit, and why.
    pub faults: Vec<(usize, String)>,
}

/// Reads a list of `N` columns, whose names are said where a line does not fit.
#[must_use]
pub fn parse<'a, const N: usize>(text: &'a str, columns: [&str; N]) -> List<'a, N> {
    let mut list = List { lines: Vec::new(), faults: Vec::new() };
    let mut faults = Vec::new();
    let count = text.lines().next().map(str::trim).unwrap_or_default();
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match <[&str; N]>::try_from(fields) {
            Ok(_) if number == 2 => {}
            Ok(fields) => list.lines.push((number, fields)),
            Err(fields) => {
                faults.push((number, format!("{} columns instead of {N}: {}", fields.len(), columns.join(", "))))
            }
        }
    }
    let found = list.lines.len() + faults.iter().filter(|(line, _)| *line > 2).count();
    match count.parse::<usize>() {
        Ok(count) if count == found => {}
        Ok(count) => list.faults.push((1, format!("{count} lines are announced, {found} follow"))),
        Err(_) => list.faults.push((1, format!("`{count}` is no count of lines"))),
    }
    list.faults.append(&mut faults);
    list
}

/// Reads a list of names: a count in the first line, then one name a line, without names of columns.
#[must_use]
pub fn parse_names(text: &str) -> List<'_, 1> {
    // The same form but for the missing second line.
    let mut list = List { lines: Vec::new(), faults: Vec::new() };
    let count = text.lines().next().map(str::trim).unwrap_or_default();
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        list.lines.push((number, [line.trim()]));
    }
    if count.parse() != Ok(list.lines.len()) {
        list.faults.push((1, format!("`{count}` names are announced, {} follow", list.lines.len())));
    }
    list
}

/// The box of four columns `x_1 y_1 x_2 y_2`, which the lists write with leading zeros.
///
/// # Errors
/// Says which is no number, or that the box is empty.
pub fn region(columns: [&str; 4]) -> Result<Region, String> {
    let mut numbers = [0; 4];
    for (number, column) in numbers.iter_mut().zip(columns) {
        *number = column.parse::<u32>().map_err(|_| format!("`{column}` is no coordinate"))?;
    }
    let [left, top, right, bottom] = numbers;
    if right <= left || bottom <= top {
        return Err(format!("the box {left},{top} to {right},{bottom} is empty"));
    }
    Ok(Region { left, top, right, bottom })
}

/// A list in its file.
#[derive(Debug)]
pub struct ListFile {
    /// The file.
    pub path: Arc<Path>,
    /// Its text.
    pub text: String,
}

impl ListFile {
    /// Reads it, with its faults as problems of `found`.
    pub fn parse<'a, const N: usize>(&'a self, columns: [&str; N], found: &mut Found) -> Vec<(usize, [&'a str; N])> {
        self.with_faults(parse(&self.text, columns), found)
    }

    /// Reads a list of names, with its faults as problems of `found`.
    pub fn names<'a>(&'a self, found: &mut Found) -> Vec<(usize, [&'a str; 1])> {
        self.with_faults(parse_names(&self.text), found)
    }

    /// The first line of each name in the first column; a second mention is a problem.
    pub fn by_name<'a, const N: usize>(
        &'a self,
        columns: [&str; N],
        found: &mut Found,
    ) -> HashMap<&'a str, (usize, [&'a str; N])> {
        let mut named = HashMap::new();
        for (line, fields) in self.parse(columns, found) {
            if let Some(name) = fields.first()
                && named.insert(*name, (line, fields)).is_some()
            {
                found.problems.push_line(&self.path, line, format!("`{name}` is named twice"));
            }
        }
        named
    }

    fn with_faults<'a, const N: usize>(&self, list: List<'a, N>, found: &mut Found) -> Vec<(usize, [&'a str; N])> {
        for (line, reason) in list.faults {
            found.problems.push_line(&self.path, line, reason);
        }
        list.lines
    }
}

/// The unpacked archive of a benchmark.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    photos: PathBuf,
}

impl Folder {
    /// Finds the photographs: `Img/img/…` as the archives lie in their folders, or `img/…`.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let root = super::data_folder::absolute(path)?;
        let photos = [root.join("Img"), root.clone()].into_iter().find(|folder| folder.join("img").is_dir());
        match photos {
            Some(photos) => Ok(Self { root, photos }),
            None => Err(ImportError::NotASource { path: root, expected: "folder with `Img/img` or `img`" }),
        }
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is nowhere, or cannot be read as text.
    pub fn list(&self, list: &'static str) -> Result<ListFile, ImportError> {
        let folders = LIST_FOLDERS.map(|folder| self.root.join(folder));
        let path =
            std::iter::once(&self.root).chain(&folders).map(|folder| folder.join(list)).find(|path| path.is_file());
        let Some(path) = path else {
            let folders = LIST_FOLDERS.map(|folder| format!("`{folder}`")).join(", ");
            return Err(ImportError::MissingList { path: self.root.clone(), list, folders });
        };
        let text = files::read_text(&path)?;
        Ok(ListFile { path: path.into(), text })
    }

    /// The picture of a photograph's box, whose four columns stand in line `at` of the boxes. The error says what is wrong with the box or
    /// the name.
    ///
    /// # Errors
    /// For a box that is none, and a name that leads out of the folder.
    pub fn cut(
        &self,
        name: &str,
        (at, corners): (usize, [&str; 4]),
        pictures: &Pictures,
        (list, line): (&Arc<Path>, usize),
    ) -> Result<Make, String> {
        let region = region(corners).map_err(|reason| format!("`{name}` in line {at} of its boxes: {reason}"))?;
        match (inside(&self.photos, name), pictures.file(name)) {
            (Some(photo), Some(file)) => {
                Ok(Make { file, origin: Origin::Cut { photo, region }, list: Arc::clone(list), line: Some(line) })
            }
            _ => Err(format!("`{name}` leads out of the folder")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{List, parse, parse_names, region};
    use crate::import::pictures::Region;

    #[test]
    fn lists_of_the_published_form_are_read_and_lines_that_do_not_fit_are_numbered() {
        let text = "3\nimage_name  x_1\nimg/a.jpg   072\r\n\nimg/b.jpg\nimg/c d.jpg 1\n";
        let List { lines, faults } = parse(text, ["image_name", "x_1"]);
        assert_eq!(lines, [(3, ["img/a.jpg", "072"])]);
        assert_eq!(
            faults,
            [
                (5, "1 columns instead of 2: image_name, x_1".to_owned()),
                (6, "3 columns instead of 2: image_name, x_1".to_owned())
            ]
        );
        let faults = |text| parse(text, ["a", "b"]).faults;
        assert_eq!(faults("2\na b\nx 1\n"), [(1, "2 lines are announced, 1 follow".to_owned())]);
        assert_eq!(faults(""), [(1, "`` is no count of lines".to_owned())]);
        assert_eq!(faults("0\na b c\n")[0].0, 2);
        assert_eq!(parse_names("2\nid_1\n id_2 \n").lines, [(2, ["id_1"]), (3, ["id_2"])]);
        assert_eq!(parse_names("3\nid_1\n").faults.len(), 1);
    }

    #[test]
    fn boxes_have_an_inside() {
        assert_eq!(region(["072", "079", "232", "273"]), Ok(Region { left: 72, top: 79, right: 232, bottom: 273 }));
        assert_eq!(region(["5", "1", "5", "9"]), Err("the box 5,1 to 5,9 is empty".into()));
        assert_eq!(region(["-1", "1", "5", "9"]), Err("`-1` is no coordinate".into()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_text_makes_it_panic(rows in prop::collection::vec(("[!-~]{1,12}", "[!-~]{1,5}"), 0..20), other in "\\PC{0,200}") {
            let body: String = rows.iter().map(|(name, value)| format!("{name} \t {value}\n")).collect();
            let text = format!("{}\nname value\n{body}", rows.len());
            let list = parse(&text, ["name", "value"]);
            prop_assert!(list.faults.is_empty());
            let read: Vec<_> = list.lines.iter().map(|(_, [name, value])| ((*name).to_owned(), (*value).to_owned())).collect();
            prop_assert_eq!(read, rows);
            let _ = (parse(&other, ["a", "b"]), parse_names(&other));
        }
    }
}
