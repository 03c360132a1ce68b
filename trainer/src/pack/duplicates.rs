//! Finds pairs of photographs that show the same picture: equal bytes, or nearly equal looks (also mirrored).
//!
//! Copies are found by the hash of their pixels, and the first of them stands for all. Pictures whose 64 signs nearly agree are looked
//! up in `neighbours.rs`, and those few are confirmed by their small colour pictures. No pair is missed; the time grows with the
//! photographs and with how many of them look alike.

use std::collections::HashMap;
use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use super::fingerprint::Fingerprint;
use super::neighbours::{Look, Neighbours};

/// Signs that may differ between near-duplicates, of 64.
pub const SIGNS_APART: u32 = 6;
/// Mean difference of the small pictures of near-duplicates, in grey levels.
pub const LEVELS_APART: f64 = 4.0;
/// The same, as a share of the contrast: pale garments on white differ little even when they are different.
pub const CONTRAST_APART: f64 = 0.12;

/// Two photographs that show the same picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// The first row.
    pub first: usize,
    /// The second row, larger than the first.
    pub second: usize,
    /// How they agree.
    pub kind: Kind,
    /// Mean difference of the small pictures, in grey levels.
    pub levels: f64,
}

/// How two photographs agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The same pixels.
    Exact,
    /// The same look.
    Near,
    /// The same look after mirroring.
    Mirrored,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Near => "near",
            Self::Mirrored => "mirrored",
        })
    }
}

/// All pairs, in the order of the rows. Of several copies the first stands for all: each other is a pair with it, and with it alone.
#[must_use]
pub fn duplicates(prints: &[Fingerprint]) -> Vec<Duplicate> {
    let mut first_of: HashMap<u64, usize> = HashMap::with_capacity(prints.len());
    let mut found = Vec::new();
    let mut single = Vec::with_capacity(prints.len());
    for (row, print) in prints.iter().enumerate() {
        let first = *first_of.entry(print.pixels).or_insert(row);
        if first == row {
            single.push((Look { signs: print.differences, brightness: print.brightness() }, row));
        } else {
            found.push(Duplicate { first, second: row, kind: Kind::Exact, levels: 0.0 });
        }
    }
    let neighbours = Neighbours::new(&single);
    found.par_extend(single.par_iter().flat_map_iter(|&(look, row)| alike(prints, &neighbours, look, row)));
    found.par_sort_unstable_by_key(|pair| (pair.first, pair.second));
    found
}

/// The pairs of a row with later ones.
fn alike(prints: &[Fingerprint], neighbours: &Neighbours, look: Look, first: usize) -> Vec<Duplicate> {
    let Some(a) = prints.get(first) else { return Vec::new() };
    let mut rows = Vec::new();
    neighbours.after(first, look, &mut rows);
    neighbours.after(first, Look { signs: a.mirrored_differences, ..look }, &mut rows);
    rows.sort_unstable();
    rows.dedup();
    let contrast = a.contrast();
    let pair = |second: usize| {
        let b = prints.get(second)?;
        let most = LEVELS_APART.min(CONTRAST_APART * contrast.min(b.contrast()));
        let is_near = |signs: u64| (signs ^ b.differences).count_ones() <= SIGNS_APART;
        if is_near(a.differences) && a.distance(b) <= most {
            Some(Duplicate { first, second, kind: Kind::Near, levels: a.distance(b) })
        } else if is_near(a.mirrored_differences) && a.mirrored_distance(b) <= most {
            Some(Duplicate { first, second, kind: Kind::Mirrored, levels: a.mirrored_distance(b) })
        } else {
            None
        }
    };
    rows.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::Picture;

    use super::{CONTRAST_APART, Kind, LEVELS_APART, SIGNS_APART, duplicates};
    use crate::pack::fingerprint::Fingerprint;

    fn scene(shift: u32, noise: u8, is_mirrored: bool) -> Fingerprint {
        let side = 96_u32;
        let mut rgb = Vec::new();
        for y in 0..side {
            for x in 0..side {
                let x = if is_mirrored { side - 1 - x } else { x };
                let inside = (x + shift) % 96 > 20 && (x + shift) % 96 < 60 && y > 10 && y < 60 + x / 3;
                let value = if inside { 40 + u8::try_from(y).unwrap() } else { 250 };
                rgb.extend([value.saturating_sub(noise), value, value.saturating_sub(noise / 2)]);
            }
        }
        Fingerprint::of(&Picture::new(side, side, rgb).unwrap())
    }

    #[test]
    fn equal_near_and_mirrored_pairs_are_found_and_others_are_not() {
        let prints =
            [scene(0, 0, false), scene(0, 0, false), scene(0, 3, false), scene(0, 0, true), scene(40, 0, false)];
        let found = duplicates(&prints);
        let kinds: Vec<_> = found.iter().map(|pair| (pair.first, pair.second, pair.kind)).collect();
        assert_eq!(
            kinds,
            [(0, 1, Kind::Exact), (0, 2, Kind::Near), (0, 3, Kind::Mirrored), (2, 3, Kind::Mirrored)],
            "a copy is compared through its first"
        );
        assert!(duplicates(&[]).is_empty());
    }

    /// The definition: every pair compared, but for copies, for which their first stands. Its pairs join the same rows. (Which of two is
    /// mirrored matters at the limit, so that a copy compared for itself may be judged otherwise than its first.)
    fn joined_by_comparing_all(prints: &[Fingerprint]) -> Vec<usize> {
        let mut cluster: Vec<usize> = (0..prints.len()).collect();
        let first_of = |row: usize| (0..row).find(|&other| prints[other].pixels == prints[row].pixels);
        for (first, a) in prints.iter().enumerate() {
            if let Some(original) = first_of(first) {
                join(&mut cluster, original, first);
                continue;
            }
            for (second, b) in prints.iter().enumerate().skip(first + 1).filter(|(row, _)| first_of(*row).is_none()) {
                let most = LEVELS_APART.min(CONTRAST_APART * a.contrast().min(b.contrast()));
                let near =
                    |signs: u64, distance: f64| (signs ^ b.differences).count_ones() <= SIGNS_APART && distance <= most;
                if near(a.differences, a.distance(b)) || near(a.mirrored_differences, a.mirrored_distance(b)) {
                    join(&mut cluster, first, second);
                }
            }
        }
        cluster
    }

    fn join(cluster: &mut [usize], first: usize, second: usize) {
        let (kept, gone) = (cluster[first].min(cluster[second]), cluster[first].max(cluster[second]));
        cluster.iter_mut().filter(|own| **own == gone).for_each(|own| *own = kept);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn rows_are_joined_as_by_comparing_all(picks in proptest::collection::vec((0_u32..8, 0_u8..12, proptest::prelude::any::<bool>()), 0..40)) {
            let prints: Vec<Fingerprint> = picks.iter().map(|&(shift, noise, is_mirrored)| scene(shift * 3, noise, is_mirrored)).collect();
            let mut cluster: Vec<usize> = (0..prints.len()).collect();
            for pair in duplicates(&prints) {
                join(&mut cluster, pair.first, pair.second);
            }
            proptest::prop_assert_eq!(cluster, joined_by_comparing_all(&prints));
        }
    }
}
