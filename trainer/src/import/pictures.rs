//! Pictures that an import makes: boxes cut out of photographs, and pixels that came in no picture file.
//!
//! A box becomes a PNG of its own, so that everything after the import sees one garment a file and no pixel is changed. (A PNG takes about
//! five times the disk of a JPEG; a box kept in the manifest instead would have to be cut again by every reader of a pack.)

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clothingid_shared::files;
use clothingid_shared::picture::{self, Picture};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;

use super::Found;
use super::check::chain;
use super::progress::Progress;

/// The folder of made pictures in an import's folder.
pub const PICTURES_FOLDER: &str = "pictures";

/// Pixels `left..right` and `top..bottom` of a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Column after the last.
    pub right: u32,
    /// Row after the last.
    pub bottom: u32,
}

/// Where a picture's pixels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a box of a photograph.
    Cut {
        /// The photograph.
        photo: PathBuf,
        /// The box.
        region: Region,
    },
    /// Here: one byte a pixel, row by row.
    Grey {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// `width * height` bytes.
        pixels: Vec<u8>,
    },
}

/// A picture to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Make {
    /// The file to write.
    pub file: PathBuf,
    /// Its pixels.
    pub origin: Origin,
    /// The list that names it.
    pub list: Arc<Path>,
    /// The line of that list.
    pub line: Option<usize>,
}

impl Make {
    /// The file as a manifest names it.
    ///
    /// # Errors
    /// The import's folder has a name that is not UTF-8.
    pub fn path(&self) -> Result<String, String> {
        self.file.to_str().map(str::to_owned).ok_or_else(|| "the folder of the import is not UTF-8".to_owned())
    }
}

/// Where the pictures of a source go.
#[derive(Debug, Clone)]
pub struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    /// Below the folder of an import. Nothing for a source whose name would lead elsewhere.
    #[must_use]
    pub fn of(out: &Path, source: &str) -> Option<Self> {
        Some(Self { folder: inside(&out.join(PICTURES_FOLDER), source)? })
    }

    /// The file of a picture by the name that its source has for it.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        inside(&self.folder, &format!("{name}.png"))
    }
}

/// A path below a folder; nothing for an empty name, an absolute one, or one with `..` in it.
#[must_use]
pub fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && !name.is_empty()).then(|| folder.join(name))
}

/// Makes the pictures. A row whose picture cannot be made becomes a problem at its line of its list.
#[must_use]
pub fn make(mut found: Found, progress: &Progress) -> Found {
    let to_make = std::mem::take(&mut found.to_make);
    if to_make.is_empty() {
        return found;
    }
    progress.begin("making pictures", to_make.len());
    // Boxes of one photograph stand together, so that it is decoded once.
    let together: Vec<&[Make]> = to_make.chunk_by(is_of_one_photo).collect();
    let refused: Vec<(&Make, String)> = together
        .into_par_iter()
        .flat_map_iter(|makes| {
            let photo = makes.first().and_then(|first| match &first.origin {
                Origin::Cut { photo, .. } => Some(decode(photo)),
                Origin::Grey { .. } => None,
            });
            let mut refused = Vec::new();
            for make in makes {
                if let Err(reason) = encode(make, photo.as_ref()).and_then(|png| write(&make.file, &png)) {
                    refused.push((make, reason));
                }
                progress.step();
            }
            refused
        })
        .collect();
    progress.end();
    let files: BTreeSet<&str> = refused.iter().filter_map(|(make, _)| make.file.to_str()).collect();
    found.rows.retain(|row| !files.contains(row.path.as_str()));
    for (make, reason) in &refused {
        match make.line {
            Some(line) => found.problems.push_line(&make.list, line, reason),
            None => found.problems.push(&make.list, reason),
        }
    }
    found
}

fn is_of_one_photo(a: &Make, b: &Make) -> bool {
    match (&a.origin, &b.origin) {
        (Origin::Cut { photo: a, .. }, Origin::Cut { photo: b, .. }) => a == b,
        _ => false,
    }
}

fn decode(photo: &Path) -> Result<Picture, String> {
    let named = |reason: String| format!("`{}`: {reason}", photo.display());
    if !photo.exists() {
        return Err(named("missing".into()));
    }
    let bytes = files::read_at_most(photo, files::MOST_PHOTO_BYTES).map_err(|error| chain(&error))?;
    picture::decode(&bytes).map_err(|error| named(chain(&error)))
}

fn encode(make: &Make, photo: Option<&Result<Picture, String>>) -> Result<Vec<u8>, String> {
    let mut png = Vec::new();
    let encoder = PngEncoder::new(&mut png);
    let written = match &make.origin {
        Origin::Grey { width, height, pixels } => encoder.write_image(pixels, *width, *height, ExtendedColorType::L8),
        Origin::Cut { photo: path, region } => {
            let picture = photo.ok_or("no photograph")?.as_ref().map_err(Clone::clone)?;
            let (width, height, rgb) = cut(picture, *region).ok_or_else(|| {
                let Region { left, top, right, bottom } = region;
                let (width, height) = (picture.width(), picture.height());
                format!(
                    "the box {left},{top} to {right},{bottom} lies outside of `{}`, which has {width}×{height} pixels",
                    path.display()
                )
            })?;
            encoder.write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        }
    };
    written.map_err(|error| error.to_string())?;
    Ok(png)
}

/// Width, height and pixels of the part of a region that lies in the picture, if any does.
fn cut(picture: &Picture, region: Region) -> Option<(u32, u32, Vec<u8>)> {
    let (right, bottom) = (region.right.min(picture.width()), region.bottom.min(picture.height()));
    let (width, height) = (right.checked_sub(region.left)?, bottom.checked_sub(region.top)?);
    if width == 0 || height == 0 {
        return None;
    }
    let rgb = picture
        .rgb()
        .chunks_exact(picture.width() as usize * 3)
        .skip(region.top as usize)
        .take(height as usize)
        .flat_map(|line| line.iter().skip(region.left as usize * 3).take(width as usize * 3))
        .copied()
        .collect();
    Some((width, height, rgb))
}

fn write(file: &Path, png: &[u8]) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    files::create_folder(folder).and_then(|()| files::write_atomic(file, png)).map_err(|error| chain(&error))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use clothingid_shared::picture::{self, Picture};

    use super::{Make, Origin, Pictures, Region, cut, inside, make};
    use crate::import::progress::Progress;
    use crate::import::{Found, Row};

    #[test]
    fn names_lead_nowhere_else() {
        let folder = Path::new("/a");
        assert_eq!(inside(folder, "b/c.jpg"), Some(PathBuf::from("/a/b/c.jpg")));
        for name in ["", "..", "b/../../c", "/etc/passwd", "."] {
            assert_eq!(inside(folder, name), None, "{name}");
        }
        assert_eq!(
            Pictures::of(folder, "s/t").unwrap().file("x.jpg"),
            Some(PathBuf::from("/a/pictures/s/t/x.jpg.png"))
        );
        assert!(Pictures::of(folder, "../s").is_none());
    }

    #[test]
    fn a_box_is_cut_to_the_pixel_and_to_the_picture() {
        let picture = Picture::new(3, 2, (0..18).collect()).unwrap();
        let region = |left, top, right, bottom| Region { left, top, right, bottom };
        assert_eq!(cut(&picture, region(1, 1, 2, 2)), Some((1, 1, vec![12, 13, 14])));
        assert_eq!(cut(&picture, region(0, 0, 3, 2)), Some((3, 2, (0..18).collect())));
        assert_eq!(cut(&picture, region(2, 0, 9, 9)), Some((1, 2, vec![6, 7, 8, 15, 16, 17])));
        for nothing in [region(3, 0, 4, 1), region(0, 5, 1, 9), region(2, 1, 1, 2), region(1, 1, 1, 2)] {
            assert_eq!(cut(&picture, nothing), None);
        }
    }

    #[test]
    fn pixels_come_back_as_they_were_and_what_cannot_be_made_is_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let list: Arc<Path> = Path::new("list.txt").into();
        let file = |name: &str| folder.path().join(name);
        let grey = Origin::Grey { width: 2, height: 1, pixels: vec![7, 200] };
        let gone = Origin::Cut { photo: file("gone.jpg"), region: Region { left: 0, top: 0, right: 1, bottom: 1 } };
        let short = Origin::Grey { width: 2, height: 2, pixels: vec![1; 4] };
        let to_make = vec![
            Make { file: file("p/a.png"), origin: grey, list: Arc::clone(&list), line: Some(3) },
            Make { file: file("p/b.png"), origin: gone, list: Arc::clone(&list), line: Some(4) },
            Make { file: file("file/c.png"), origin: short, list, line: None },
        ];
        std::fs::write(file("file"), b"no folder").unwrap();
        let rows =
            to_make.iter().map(|make| Row { path: make.file.to_str().unwrap().into(), ..Row::default() }).collect();
        let found = make(Found { rows, to_make, ..Found::default() }, &Progress::silent());
        assert_eq!(found.rows.len(), 1);
        let picture = picture::decode(&std::fs::read(file("p/a.png")).unwrap()).unwrap();
        assert_eq!(picture.rgb(), [7, 7, 7, 200, 200, 200]);
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems[0], format!("`list.txt:4`: `{}`: missing", file("gone.jpg").display()));
        assert!(problems.len() == 2 && problems[1].contains("cannot create the folder"), "{problems:?}");
    }
}
