//! Which rows of a scan count: one bit a row, one word a block of rows.

use super::kernels::BLOCK;

/// One bit a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    words: Vec<u16>,
    len: usize,
}

impl Mask {
    /// All of so many rows.
    #[must_use]
    pub fn all(len: usize) -> Self {
        let mut mask = Self::default();
        mask.fill(len);
        mask
    }

    /// Makes this all of so many rows, in the memory it has.
    pub fn fill(&mut self, len: usize) {
        self.words.clear();
        self.words.resize(len.div_ceil(BLOCK), u16::MAX);
        let rest = len % BLOCK;
        if let Some(last) = self.words.last_mut().filter(|_| rest > 0) {
            *last = (1 << rest) - 1;
        }
        self.len = len;
    }

    /// A bit of each, in order.
    #[must_use]
    pub fn of(rows: impl Iterator<Item = bool>) -> Self {
        let mut mask = Self::default();
        rows.for_each(|counts| mask.push(counts));
        mask
    }

    /// Says of one more row whether it counts.
    pub fn push(&mut self, counts: bool) {
        let place = self.len % BLOCK;
        if place == 0 {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u16::from(counts) << place;
        }
        self.len += 1;
    }

    /// Says it of a row that is there; nothing where it is not.
    pub fn set(&mut self, row: usize, counts: bool) {
        if let Some(word) = self.words.get_mut(row / BLOCK) {
            let bit = 1_u16 << (row % BLOCK);
            *word = if counts { *word | bit } else { *word & !bit };
        }
    }

    /// Whether a row counts.
    #[must_use]
    pub fn has(&self, row: usize) -> bool {
        self.words.get(row / BLOCK).is_some_and(|word| word >> (row % BLOCK) & 1 == 1)
    }

    /// How many rows count.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Those of these rows that `keeps` says yes to; it is asked row by row in their order, also of those that do not count.
    #[must_use]
    pub fn and(&self, mut keeps: impl Iterator<Item = bool>) -> Self {
        let words = self.words.iter().map(|word| {
            let kept = keeps.by_ref().take(BLOCK).enumerate();
            word & kept.fold(0, |bits, (place, keeps)| bits | u16::from(keeps) << place)
        });
        Self { words: words.collect(), len: self.len }
    }

    /// How many blocks have no row that counts.
    pub(super) fn empty_blocks(&self) -> usize {
        self.words.iter().filter(|word| **word == 0).count()
    }

    /// One word a block.
    pub(super) fn words(&self) -> &[u16] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits() {
        for len in [0, 1, 15, 16, 17, 40] {
            let mut mask = Mask::all(len);
            assert_eq!((mask.count(), mask.words().len()), (len, len.div_ceil(16)));
            assert_eq!(mask, Mask::of((0..len).map(|_| true)));
            assert!(!mask.has(len), "no row behind the last");
            mask.set(3, false);
            mask.set(99, true);
            assert_eq!(mask.count(), len - usize::from(len > 3));
            let odd = mask.and((0..len).map(|row| row % 2 == 1));
            assert_eq!(odd, Mask::of((0..len).map(|row| row % 2 == 1 && row != 3)));
        }
    }
}
