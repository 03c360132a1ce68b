//! Chance that comes out the same in each run: a test names its seed, and a failure is thrown again.

/// Throws numbers (SplitMix64: Steele, Lea and Flood 2014, figure 16).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    ///
    /// **Panics** when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("a number below a usize")
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.number() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_gives_the_same_throws_and_all_faces_come() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (0..100).map(|_| dice.below(6)).collect::<Vec<_>>()
        };
        assert_eq!(throws(1), throws(1));
        assert_ne!(throws(1), throws(2));
        assert!((0..6).all(|face| throws(1).contains(&face)));
    }
}
