//! USB sticks: the tables and catalogues that lie below the folders where the system mounts them, and where a copy can be put.
//!
//! Nothing outside these folders is ever listed or opened, whatever a link on a stick says.

use super::incoming::room_at;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where systems mount sticks.
pub const ROOTS: [&str; 2] = ["/media", "/run/media"];

/// How deep is looked below a root: user, stick, and three folders.
const DEEPEST: usize = 5;

/// How many entries are looked at, and how many tables and places of photographs are listed.
const MOST: (usize, usize) = (20_000, 100);

/// Where sticks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Below these folders.
    pub roots: Vec<PathBuf>,
    /// Whether a plain folder in one of them may take a copy too. Where the shop names the folders, it may; else only what is mounted there, so
    /// that no copy lands on the very disk that it is to outlive.
    pub takes_folders: bool,
}

impl Media {
    /// Where the shop says, or else where systems mount sticks.
    #[must_use]
    pub fn new(configured: Option<Vec<PathBuf>>) -> Self {
        let takes_folders = configured.is_some();
        Self { roots: configured.unwrap_or_else(|| ROOTS.map(PathBuf::from).into()), takes_folders }
    }
}

/// Where a copy can be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub path: PathBuf,
    /// Bytes that are free there.
    pub room: u64,
}

/// A table on a stick, and where its photographs may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The file.
    pub path: PathBuf,
    /// Folders and ZIP files beside it, the likeliest first; its own folder is one.
    pub photos: Vec<PathBuf>,
}

/// The tables on the sticks, in the order of their names.
#[must_use]
pub fn tables(media: &Media) -> Vec<Table> {
    let found = files(media, &["csv", "tsv"]);
    found.into_iter().map(|path| Table { photos: photos_beside(&path), path }).collect()
}

/// The catalogues on the sticks, in the order of their names.
#[must_use]
pub fn editions(media: &Media) -> Vec<PathBuf> {
    files(media, &["edition"])
}

/// The sticks that can be written to.
#[must_use]
pub fn places(media: &Media) -> Vec<Place> {
    let mut found = Vec::new();
    for root in media.roots.iter().filter_map(|root| root.canonicalize().ok()) {
        mounted(&root, media.takes_folders, 2, &mut found);
    }
    found.sort();
    let writable = found.into_iter().filter(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok());
    writable.take(MOST.1).filter_map(|path| Some(Place { room: room_at(&path)?, path })).collect()
}

/// Folders that are another file system than the one above them, or any of the first level.
fn mounted(folder: &Path, takes_folders: bool, depth: usize, found: &mut Vec<PathBuf>) {
    let device =
        |path: &Path| std::fs::symlink_metadata(path).ok().filter(|facts| facts.is_dir()).map(|facts| facts.dev());
    let above = device(folder);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST.1) {
        let path = entry.path();
        let Some(own) = device(&path).filter(|_| !is_hidden(&path)) else { continue };
        if takes_folders || Some(own) != above {
            found.push(path);
        } else if depth > 1 {
            mounted(&path, takes_folders, depth - 1, found);
        }
    }
}

/// The files with one of these ends on the sticks, in the order of their names.
fn files(media: &Media, ends: &[&str]) -> Vec<PathBuf> {
    let mut left = MOST.0;
    let mut found = Vec::new();
    for root in media.roots.iter().filter_map(|root| root.canonicalize().ok()) {
        walk(&root, ends, DEEPEST, &mut left, &mut found);
    }
    found.sort();
    found.truncate(MOST.1);
    found
}

/// The file that was listed as this, if it still is one and lies below one of the folders.
#[must_use]
pub fn inside(roots: &[PathBuf], path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let is_inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| path.starts_with(root));
    roots.iter().any(is_inside).then_some(path)
}

fn walk(folder: &Path, ends: &[&str], depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        // Of a link itself, not of what it leads to.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if is_hidden(&path) {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            walk(&path, ends, depth - 1, left, found);
        } else if kind.is_file() && has_end(&path, ends) {
            found.push(path);
        }
    }
}

fn photos_beside(table: &Path) -> Vec<PathBuf> {
    let Some(folder) = table.parent() else { return Vec::new() };
    let (mut folders, mut packed) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST.1 * 10) {
        let (path, kind) = (entry.path(), entry.file_type());
        if is_hidden(&path) {
            continue;
        }
        match kind {
            Ok(kind) if kind.is_dir() => folders.push(path),
            Ok(kind) if kind.is_file() && has_end(&path, &["zip"]) => packed.push(path),
            _ => {}
        }
    }
    folders.sort_by_key(|path| (!is_of_photos(path), path.clone()));
    packed.sort();
    let likely = folders.iter().filter(|path| is_of_photos(path)).count();
    let rest = folders.split_off(likely);
    let all = folders.into_iter().chain(packed).chain([folder.to_owned()]).chain(rest);
    all.take(MOST.1).collect()
}

fn is_of_photos(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    ["photo", "foto", "image", "picture", "bild", "圖", "照片"].iter().any(|word| name.contains(word))
}

fn has_end(path: &Path, ends: &[&str]) -> bool {
    path.extension().is_some_and(|end| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files;

    #[test]
    fn tables_are_found_with_their_photographs_and_nothing_outside_is() {
        let root = tempfile::tempdir().unwrap();
        let (media, outside) = (root.path().join("media"), root.path().join("outside"));
        let stick = media.join("mia/STICK");
        for folder in [&stick.join("photos"), &stick.join("archive"), &outside] {
            files::create_folder(folder).unwrap();
        }
        for file in [
            stick.join("stock.CSV"),
            stick.join("a.zip"),
            stick.join("notes.txt"),
            stick.join(".x.csv"),
            outside.join("secret.csv"),
        ] {
            files::write_atomic(&file, b"x").unwrap();
        }
        std::os::unix::fs::symlink(&outside, stick.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.join("secret.csv"), stick.join("link.csv")).unwrap();

        let media = Media::new(Some(vec![media, root.path().join("nothing")]));
        let roots = &media.roots;
        let stick = stick.canonicalize().unwrap();
        let photos = vec![stick.join("photos"), stick.join("a.zip"), stick.clone(), stick.join("archive")];
        assert_eq!(tables(&media), [Table { path: stick.join("stock.CSV"), photos }]);

        assert_eq!(inside(roots, &stick.join("stock.CSV")), Some(stick.join("stock.CSV")));
        for path in
            [stick.join("link.csv"), stick.join("../../../outside/secret.csv"), outside, stick.join("none"), "".into()]
        {
            assert_eq!(inside(roots, &path), None, "{}", path.display());
        }
    }
    #[test]
    fn a_copy_is_put_on_a_stick_and_not_on_the_disk_beside_it() {
        let root = tempfile::tempdir().unwrap();
        files::create_folder(&root.path().join("STICK/photos")).unwrap();
        files::write_atomic(&root.path().join("STICK/shop.edition"), b"x").unwrap();
        let mut media = Media::new(Some(vec![root.path().to_owned()]));
        let stick = root.path().canonicalize().unwrap().join("STICK");
        let found: Vec<_> = places(&media).into_iter().map(|place| place.path).collect();
        assert_eq!(found, std::slice::from_ref(&stick));
        assert_eq!(editions(&media), [stick.join("shop.edition")]);
        media.takes_folders = false;
        assert_eq!(places(&media), [], "it is a folder of the same disk");
        assert_eq!(Media::new(None).roots, [PathBuf::from("/media"), "/run/media".into()]);
    }
}
