//! Boxes in shares of a picture, one from a map of activations, and the picture in a box.
//!
//! **Source** Zhou et al. 2016, "Learning Deep Features for Discriminative Localization".

use serde::Serialize;

use super::{Picture, PictureContract, placement};

/// Share of a map's peak above which the box is drawn. Measured on pasted garments (`clothingid-train evaluate --composites`), which chooses it on
/// another part than that which it reports on.
pub const THRESHOLD: f64 = 0.5;

/// A box is widened by this share of itself before it is looked at: the activations sit in the middle of a garment.
pub const MARGIN: f64 = 0.15;

/// A rectangle in shares of a picture's width and height, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Region {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Region {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Share of the picture; 0 for a box without inside.
    #[must_use]
    pub fn area(&self) -> f64 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Area of the common part over area of both (intersection over union), 0 to 1.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f64 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let union = self.area() + other.area() - common.area();
        if union > 0.0 { common.area() / union } else { 0.0 }
    }

    /// Larger by a share of its own size on each side, within the picture.
    #[must_use]
    pub fn widened(&self, share: f64) -> Self {
        let (across, down) = ((self.right - self.left) * share, (self.bottom - self.top) * share);
        Self {
            left: (self.left - across).max(0.0),
            top: (self.top - down).max(0.0),
            right: (self.right + across).min(1.0),
            bottom: (self.bottom + down).min(1.0),
        }
    }
}

impl Region {
    /// The same part of a picture of this size as this one is of the square that the contract makes of it.
    #[must_use]
    pub fn of_picture(&self, contract: &PictureContract, width: u32, height: u32) -> Self {
        let place = placement(contract, width, height);
        let side = f64::from(contract.side);
        let along = |share: f64, (to, left, length): (u32, f64, f64), full: u32| {
            // The square's border is the same on both sides.
            let within = (share * side - f64::from((contract.side - to) / 2)) / f64::from(to);
            ((left + within * length) / f64::from(full)).clamp(0.0, 1.0)
        };
        let across = |share: f64| along(share, (place.to_width, place.left, place.width), width);
        let down = |share: f64| along(share, (place.to_height, place.top, place.height), height);
        Self { left: across(self.left), top: down(self.top), right: across(self.right), bottom: down(self.bottom) }
    }

    /// The part of a picture that lies in the box, at least one pixel of it, into `part`.
    pub fn cut_into(&self, picture: &Picture, part: &mut Picture) {
        let (width, height) = (picture.width(), picture.height());
        if width == 0 || height == 0 {
            return part.reset(0, 0, [0; 3]);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of a picture's side")]
        let at = |share: f64, length: u32| ((share * f64::from(length)).round() as u32).min(length);
        let (left, top) = (at(self.left, width).min(width - 1), at(self.top, height).min(height - 1));
        let (right, bottom) = (at(self.right, width).max(left + 1), at(self.bottom, height).max(top + 1));
        part.reset(right - left, bottom - top, [0; 3]);
        let columns = 3 * left as usize..3 * right as usize;
        let rows = picture.rgb().chunks_exact(3 * width as usize).skip(top as usize);
        for (to, from) in part.rgb_mut().chunks_exact_mut(columns.len()).zip(rows) {
            to.copy_from_slice(from.get(columns.clone()).unwrap_or_default());
        }
    }
}

/// Side of the map in which the box is looked for: a network's own map has a handful of cells.
const FINE: usize = 40;

/// Finds boxes in maps; keeps its memory between them.
#[derive(Debug, Clone, Default)]
pub struct Locator {
    fine: Vec<f64>,
    seen: Vec<bool>,
    open: Vec<usize>,
}

impl Locator {
    /// The box around what is connected to the map's highest point and at least `threshold` of its height. `map` is row by row, `height` times
    /// `width`. The whole picture where nothing is above zero.
    pub fn locate(&mut self, map: &[f32], height: usize, width: usize, threshold: f64) -> Region {
        self.enlarge(map, height, width);
        let Self { fine, seen, open } = self;
        let (highest, peak) = fine
            .iter()
            .enumerate()
            .fold((0, 0.0), |best, (place, &value)| if value > best.1 { (place, value) } else { best });
        if peak <= 0.0 {
            return Region::WHOLE;
        }
        seen.clear();
        // What is too low is as good as seen.
        seen.extend(fine.iter().map(|value| *value < threshold * peak));
        open.clear();
        open.push(highest);
        let (mut left, mut top, mut right, mut bottom) = (FINE, FINE, 0, 0);
        while let Some(place) = open.pop() {
            let (x, y) = (place % FINE, place / FINE);
            (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
            let beside = [(x > 0).then(|| place - 1), (x + 1 < FINE).then_some(place + 1)];
            let above_and_below = [place.checked_sub(FINE), Some(place + FINE).filter(|&below| below < fine.len())];
            for next in beside.into_iter().chain(above_and_below).flatten() {
                if let Some(seen) = seen.get_mut(next).filter(|seen| !**seen) {
                    *seen = true;
                    open.push(next);
                }
            }
        }
        let share = |cells: usize| cells as f64 / FINE as f64;
        Region { left: share(left), top: share(top), right: share(right), bottom: share(bottom) }
    }

    /// The map at [`FINE`] times [`FINE`] points, bilinear between the middles of its cells.
    fn enlarge(&mut self, map: &[f32], height: usize, width: usize) {
        self.fine.clear();
        if height == 0 || width == 0 || map.len() < height * width {
            self.fine.resize(FINE * FINE, 0.0);
            return;
        }
        // Position among the cells, the cell before it and the share of the cell after it.
        let along = |place: usize, cells: usize| {
            let position = ((place as f64 + 0.5) / FINE as f64 * cells as f64 - 0.5).clamp(0.0, (cells - 1) as f64);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the cells")]
            let before = position.floor() as usize;
            (before, (before + 1).min(cells - 1), position - before as f64)
        };
        let at = |y: usize, x: usize| map.get(y * width + x).copied().map_or(0.0, f64::from);
        for y in 0..FINE {
            let (upper, lower, down) = along(y, height);
            for x in 0..FINE {
                let (left, right, across) = along(x, width);
                let above = at(upper, left) * (1.0 - across) + at(upper, right) * across;
                let below = at(lower, left) * (1.0 - across) + at(lower, right) * across;
                self.fine.push(above * (1.0 - down) + below * down);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Locator, Region};
    use crate::picture::{Picture, PictureContract};

    fn locate(map: &[f32], height: usize, width: usize, threshold: f64) -> Region {
        Locator::default().locate(map, height, width, threshold)
    }

    #[test]
    fn a_cut_is_that_part_and_never_empty() {
        let rgb: Vec<u8> = (0..6 * 4_u8).flat_map(|i| [i, 0, 0]).collect();
        let (picture, mut part) = (Picture::new(6, 4, rgb).unwrap(), Picture::default());
        Region { left: 0.5, top: 0.5, right: 1.0, bottom: 1.0 }.cut_into(&picture, &mut part);
        assert_eq!((part.width(), part.height()), (3, 2));
        assert_eq!(part.rgb().iter().step_by(3).copied().collect::<Vec<u8>>(), [15, 16, 17, 21, 22, 23]);
        Region { left: 1.0, top: 1.0, right: 1.0, bottom: 1.0 }.cut_into(&picture, &mut part);
        assert_eq!((part.width(), part.height()), (1, 1));
        Region::WHOLE.cut_into(&Picture::default(), &mut part);
        assert_eq!((part.width(), part.height()), (0, 0));
    }

    #[test]
    fn a_part_of_the_square_is_a_part_of_the_picture_in_it() {
        // A letterbox: of 100 rows of the square the picture has the 56 in the middle.
        let contract = PictureContract::with_side(100);
        let found = Region { left: 0.25, top: 0.22, right: 0.75, bottom: 0.5 }.of_picture(&contract, 1600, 900);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(found.left, 0.25) && close(found.right, 0.75), "{found:?}");
        assert!(close(found.top, 0.0) && close(found.bottom, 0.5), "{found:?}");
        assert_eq!(Region::WHOLE.of_picture(&contract, 1600, 900), Region::WHOLE);
        let in_the_border = Region { left: 0.2, top: 0.0, right: 0.8, bottom: 0.2 };
        assert_eq!(in_the_border.of_picture(&contract, 1600, 900).area(), 0.0);
        assert_eq!(Region::WHOLE.of_picture(&contract, 300, 300), Region::WHOLE);
    }

    #[test]
    fn overlap_is_the_common_part_of_both() {
        let left = Region { left: 0.0, top: 0.0, right: 0.5, bottom: 1.0 };
        let middle = Region { left: 0.25, top: 0.0, right: 0.75, bottom: 1.0 };
        assert!((left.overlap(&middle) - 0.25 / 0.75).abs() < 1e-12);
        assert!((left.overlap(&left) - 1.0).abs() < 1e-12);
        let right = Region { left: 0.6, ..Region::WHOLE };
        assert_eq!(left.overlap(&right), 0.0);
        assert_eq!(left.widened(1.0), Region { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 });
    }

    #[test]
    fn the_box_is_around_the_highest_part_alone() {
        // Two bumps; the lower one is not connected to the higher.
        let mut map = vec![0.0_f32; 64];
        (map[9], map[10], map[54]) = (4.0, 3.8, 3.9);
        let found = locate(&map, 8, 8, 0.5);
        let expected = Region { left: 1.0 / 8.0, top: 1.0 / 8.0, right: 3.0 / 8.0, bottom: 2.0 / 8.0 };
        assert!(found.overlap(&expected) > 0.6, "{found:?}");
        assert_eq!(locate(&[-1.0; 64], 8, 8, 0.5), Region::WHOLE);
        assert_eq!(locate(&[], 0, 0, 0.5), Region::WHOLE);
    }

    proptest! {
        #[test]
        fn a_box_has_an_inside_and_lies_in_the_picture(
            map in prop::collection::vec(-2.0_f32..5.0, 30), threshold in 0.05_f64..1.0,
        ) {
            let found = locate(&map, 5, 6, threshold);
            prop_assert!(found.area() > 0.0 && found.left >= 0.0 && found.right <= 1.0 && found.bottom <= 1.0);
        }
    }
}
