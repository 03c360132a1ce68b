//! Finds rows whose 64 signs nearly agree, without comparing every row with every other.
//!
//! The signs are dealt into four bands of 16. Where at most [`SIGNS_APART`] = 6 signs differ, at least one band has no more than one
//! of them (four bands with two each would be eight), so looking up each band and its 16 one-sign changes misses no pair. Within a
//! lookup rows are sorted by brightness, which near-duplicates share within [`BRIGHTNESS_APART`].
//!
//! A row of the grid gives two signs to each band, far apart: studio photographs have white margins, whose signs are all the same, and
//! a band of margin alone would hold half of a shop in one place.
//!
//! **Source**: multi-index hashing, M. Norouzi, A. Punjani and D. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing" (2012).

use super::duplicates::SIGNS_APART;

/// Difference of the sums of two small pictures that can still be near-duplicates: `LEVELS_APART` times 16² RGB values.
pub(super) const BRIGHTNESS_APART: u32 = 4 * 16 * 16 * 3;

const BANDS: usize = 4;
const BAND_SIGNS: usize = 16;

/// What is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// 64 signs of brightness differences.
    pub(super) signs: u64,
    /// Sum of the small picture.
    pub(super) brightness: u32,
}

/// Rows by the signs of each band.
#[derive(Debug)]
pub(super) struct Neighbours {
    bands: Vec<Band>,
}

#[derive(Debug)]
struct Band {
    /// Where the entries of each value of the band begin.
    starts: Vec<usize>,
    entries: Vec<(Look, usize)>,
}

impl Neighbours {
    /// Sorts rows, each with its number.
    pub(super) fn new(rows: &[(Look, usize)]) -> Self {
        let bands = (0..BANDS)
            .map(|band| {
                let mut entries = rows.to_vec();
                entries.sort_unstable_by_key(|(look, row)| (value(look.signs, band), look.brightness, *row));
                let mut starts = vec![0; (1 << BAND_SIGNS) + 1];
                for (look, _) in &entries {
                    starts[usize::from(value(look.signs, band)) + 1] += 1;
                }
                for at in 1..starts.len() {
                    starts[at] += starts[at - 1];
                }
                Band { starts, entries }
            })
            .collect();
        Self { bands }
    }

    /// Adds the numbers of rows after `row` whose signs are near; a number may come more than once.
    pub(super) fn after(&self, row: usize, look: Look, found: &mut Vec<usize>) {
        let darkest = look.brightness.saturating_sub(BRIGHTNESS_APART);
        let brightest = look.brightness.saturating_add(BRIGHTNESS_APART);
        for (number, band) in self.bands.iter().enumerate() {
            let own = value(look.signs, number);
            for key in std::iter::once(own).chain((0..BAND_SIGNS).map(|sign| own ^ 1 << sign)) {
                let key = usize::from(key);
                let entries = &band.entries[band.starts[key]..band.starts[key + 1]];
                let first = entries.partition_point(|(other, _)| other.brightness < darkest);
                let near = entries[first..].iter().take_while(|(other, _)| other.brightness <= brightest).filter(
                    |(other, other_row)| *other_row > row && (other.signs ^ look.signs).count_ones() <= SIGNS_APART,
                );
                found.extend(near.map(|(_, other_row)| *other_row));
            }
        }
    }
}

/// The signs of a band: every fourth one.
fn value(signs: u64, band: usize) -> u16 {
    (0..BAND_SIGNS).fold(0, |value, sign| value | u16::from(signs >> (BANDS * sign + band) & 1 == 1) << sign)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BRIGHTNESS_APART, Look, Neighbours};
    use crate::pack::duplicates::{LEVELS_APART, SIGNS_APART};
    use crate::pack::fingerprint::SMALL_SIDE;

    #[test]
    fn the_window_of_brightness_is_that_of_the_levels() {
        assert_eq!(f64::from(BRIGHTNESS_APART), LEVELS_APART * (SMALL_SIDE * SMALL_SIDE * 3) as f64);
    }

    proptest! {
        // Few places for the signs and few brightnesses, so that many rows are near each other and many just are not.
        #[test]
        fn the_same_rows_are_found_as_by_comparing_all(
            rows in prop::collection::vec((prop::collection::vec(0_u32..64, 0..9), 0_u32..5), 0..60), common in any::<u64>(),
        ) {
            let looks: Vec<(Look, usize)> = rows.iter().enumerate().map(|(row, (flips, brightness))| {
                let signs = flips.iter().fold(common, |signs, flip| signs ^ 1 << flip);
                (Look { signs, brightness: brightness * (BRIGHTNESS_APART / 2) }, row)
            }).collect();
            let neighbours = Neighbours::new(&looks);
            for &(look, row) in &looks {
                let mut found = Vec::new();
                neighbours.after(row, look, &mut found);
                found.sort_unstable();
                found.dedup();
                let expected: Vec<usize> = looks.iter().filter(|(other, other_row)| {
                    *other_row > row
                        && (other.signs ^ look.signs).count_ones() <= SIGNS_APART
                        && other.brightness.abs_diff(look.brightness) <= BRIGHTNESS_APART
                }).map(|(_, row)| *row).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
