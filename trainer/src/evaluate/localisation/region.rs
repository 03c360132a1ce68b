//! Boxes in shares of a picture, and one from a map of activations.

use serde::Serialize;

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

/// Side of the map in which the box is looked for: a network's own map has a handful of cells.
const FINE: usize = 40;

/// The box around what is connected to the map's highest point and at least `threshold` of its height. `map` is row by row, `height` times
/// `width`. The whole picture where nothing is above zero.
#[must_use]
pub fn locate(map: &[f32], height: usize, width: usize, threshold: f64) -> Region {
    let fine = enlarge(map, height, width);
    let (highest, peak) = fine
        .iter()
        .enumerate()
        .fold((0, 0.0), |best, (place, &value)| if value > best.1 { (place, value) } else { best });
    if peak <= 0.0 {
        return Region::WHOLE;
    }
    let is_high = |place: usize| fine[place] >= threshold * peak;
    let mut seen = vec![false; fine.len()];
    let mut open = vec![highest];
    seen[highest] = true;
    let (mut left, mut top, mut right, mut bottom) = (FINE, FINE, 0, 0);
    while let Some(place) = open.pop() {
        let (x, y) = (place % FINE, place / FINE);
        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
        let beside = [(x > 0).then(|| place - 1), (x + 1 < FINE).then_some(place + 1)];
        let above_and_below = [place.checked_sub(FINE), Some(place + FINE).filter(|&below| below < fine.len())];
        for next in beside.into_iter().chain(above_and_below).flatten() {
            if !seen[next] && is_high(next) {
                seen[next] = true;
                open.push(next);
            }
        }
    }
    let share = |cells: usize| cells as f64 / FINE as f64;
    Region { left: share(left), top: share(top), right: share(right), bottom: share(bottom) }
}

/// The map at [`FINE`] times [`FINE`] points, bilinear between the middles of its cells.
fn enlarge(map: &[f32], height: usize, width: usize) -> Vec<f64> {
    if height == 0 || width == 0 || map.len() < height * width {
        return vec![0.0; FINE * FINE];
    }
    // Position among the cells, the cell before it and the share of the cell after it.
    let along = |place: usize, cells: usize| {
        let position = ((place as f64 + 0.5) / FINE as f64 * cells as f64 - 0.5).clamp(0.0, (cells - 1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the cells")]
        let before = position.floor() as usize;
        (before, (before + 1).min(cells - 1), position - before as f64)
    };
    let at = |y: usize, x: usize| f64::from(map[y * width + x]);
    let mut fine = Vec::with_capacity(FINE * FINE);
    for y in 0..FINE {
        let (upper, lower, down) = along(y, height);
        for x in 0..FINE {
            let (left, right, across) = along(x, width);
            let above = at(upper, left) * (1.0 - across) + at(upper, right) * across;
            let below = at(lower, left) * (1.0 - across) + at(lower, right) * across;
            fine.push(above * (1.0 - down) + below * down);
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Region, locate};

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
