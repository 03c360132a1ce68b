//! A query's photograph looked at in other ways than as it is.

use clothingid_shared::picture::{Picture, PictureContract, PictureError, decode};
use serde::Serialize;

/// How a photograph is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// As it is.
    Plain,
    /// Its mirror image.
    Mirrored,
    /// Its middle, 85 % of each side.
    Near,
    /// Its middle, 70 % of each side.
    Nearer,
}

impl Look {
    /// All but the plain one.
    pub const OTHERS: [Self; 3] = [Self::Mirrored, Self::Near, Self::Nearer];

    /// What it shows, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "as it is",
            Self::Mirrored => "mirror image",
            Self::Near => "middle 85 %",
            Self::Nearer => "middle 70 %",
        }
    }

    /// The network's input of a photograph looked at so.
    ///
    /// # Errors
    /// The bytes are no photograph, or it is too thin to be one.
    pub fn picture(self, photo: &[u8], contract: &PictureContract) -> Result<Picture, PictureError> {
        let whole = decode(photo)?;
        let shown = match self {
            Self::Plain => whole,
            Self::Mirrored => mirrored(&whole)?,
            Self::Near => middle(&whole, 85)?,
            Self::Nearer => middle(&whole, 70)?,
        };
        contract.make(&shown)
    }
}

fn width_in_bytes(picture: &Picture) -> usize {
    usize::try_from(picture.width()).unwrap_or(0).max(1) * 3
}

fn mirrored(picture: &Picture) -> Result<Picture, PictureError> {
    let rows = picture.rgb().chunks_exact(width_in_bytes(picture));
    let rgb = rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
    Picture::new(picture.width(), picture.height(), rgb)
}

/// The middle, `percent` of each side and at least a pixel.
fn middle(picture: &Picture, percent: u32) -> Result<Picture, PictureError> {
    let kept = |side: u32| (side * percent / 100).max(1).min(side);
    let (width, height) = (kept(picture.width()), kept(picture.height()));
    let bytes = |pixels: u32| usize::try_from(pixels).unwrap_or(0);
    let (left, top) = (bytes((picture.width() - width) / 2) * 3, bytes((picture.height() - height) / 2));
    let rows = picture.rgb().chunks_exact(width_in_bytes(picture)).skip(top).take(bytes(height));
    let rgb = rows.flat_map(|row| row.iter().skip(left).take(bytes(width) * 3).copied()).collect();
    Picture::new(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::{Picture, PictureContract};

    use super::{Look, middle, mirrored};
    use crate::pack::sample;

    /// A picture whose pixels say where they are.
    fn places(width: u8, height: u8) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x, y, 7])).collect();
        Picture::new(width.into(), height.into(), rgb).unwrap()
    }

    #[test]
    fn left_is_right_in_a_mirror_and_twice_is_once() {
        let picture = places(3, 2);
        let mirror = mirrored(&picture).unwrap();
        assert_eq!(mirror.rgb(), [2, 0, 7, 1, 0, 7, 0, 0, 7, 2, 1, 7, 1, 1, 7, 0, 1, 7]);
        assert_eq!(mirrored(&mirror).unwrap(), picture);
    }

    #[test]
    fn the_middle_is_cut_from_the_middle() {
        let cut = middle(&places(10, 20), 70).unwrap();
        assert_eq!((cut.width(), cut.height()), (7, 14));
        assert_eq!((&cut.rgb()[..3], &cut.rgb()[cut.rgb().len() - 3..]), (&[1, 3, 7][..], &[7, 16, 7][..]));
        let least = middle(&places(1, 1), 70).unwrap();
        assert_eq!(least, places(1, 1));
    }

    #[test]
    fn every_look_is_another_input_of_the_same_size() {
        let (photo, contract) = (sample::jpeg(&sample::photo(5, 90, 140)), PictureContract::default());
        let plain = Look::Plain.picture(&photo, &contract).unwrap();
        assert_eq!(plain, contract.read(&photo).unwrap());
        for look in Look::OTHERS {
            let other = look.picture(&photo, &contract).unwrap();
            assert_eq!((other.width(), other.height()), (plain.width(), plain.height()));
            assert_ne!(other, plain, "{}", look.words());
        }
        assert!(Look::Near.picture(b"text", &contract).is_err());
    }
}
