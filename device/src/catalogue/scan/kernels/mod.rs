//! The scan's loops, one file an instruction set: `Σ query · row` of a block of rows, exact in 32-bit integers.
//!
//! Rows lie in memory as bytes with 128 added, as the instructions want them that multiply bytes by signed bytes; what that adds to a sum is
//! 128 times the sum of the query, the same for all rows, and taken off at the end. Rows and query are padded to whole [`STEP`]s: the
//! query with zeros, so that it does not matter with what a row is.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
mod portable;
#[cfg(target_arch = "x86_64")]
mod rows256;

#[cfg(target_arch = "x86_64")]
use crate::processor::Encoding;
use crate::processor::InstructionSet;

/// Rows of a block.
pub(super) const BLOCK: usize = 16;

/// Values to whose multiples rows are padded: the longest vector.
pub(super) const STEP: usize = 64;

/// What is added to a value for its byte.
const SHIFT: u8 = 128;

/// Values that a query may have without overflow: 255 · 127 · this stays below 2^31.
pub(super) const MOST_VALUES: usize = 65_536;

/// The byte of a value.
pub(super) fn byte(value: i8) -> u8 {
    value.cast_unsigned() ^ SHIFT
}

/// A query as the kernels take it.
#[derive(Debug)]
pub(super) struct Query {
    /// Padded with zeros.
    values: Vec<i8>,
    /// The same in 16 bits, for instructions that multiply those.
    wide: Vec<i16>,
    /// What the rows' shift adds to every sum.
    shift: i32,
    set: InstructionSet,
}

impl Query {
    /// One of no values, for instructions of this machine.
    pub(super) fn new(set: InstructionSet) -> Self {
        Self { values: Vec::new(), wide: Vec::new(), shift: 0, set }
    }

    /// Makes this the query of these values, in the memory it has.
    pub(super) fn set(&mut self, values: &[i8]) {
        self.values.clear();
        self.values.extend_from_slice(values);
        self.values.resize(values.len().next_multiple_of(STEP), 0);
        self.wide.clear();
        self.wide.extend(self.values.iter().map(|value| i16::from(*value)));
        self.shift = i32::from(SHIFT) * self.wide.iter().map(|value| i32::from(*value)).sum::<i32>();
    }

    /// Values of a padded row.
    pub(super) fn stride(&self) -> usize {
        self.values.len()
    }

    /// The sums of a block of rows, one behind the other.
    ///
    /// # Panics
    /// Never for rows of a [`Rows`](super::Rows): their length is checked here, once a block.
    pub(super) fn sums(&self, rows: &[u8]) -> [i32; BLOCK] {
        assert!(rows.len() == BLOCK * self.stride(), "a block of whole rows");
        #[expect(unsafe_code, reason = "the instructions are checked for when a set is chosen, the length above")]
        // SAFETY: sets come from `InstructionSet::of_this_machine`.
        let shifted = unsafe {
            match self.set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512Vnni => avx512_vnni::sums(&self.values, rows),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::AvxVnni(Encoding::Vex) => avx_vnni::vex::sums(&self.values, rows),
                #[cfg(all(target_arch = "x86_64", test))]
                InstructionSet::AvxVnni(Encoding::Evex) => avx_vnni::evex::sums(&self.values, rows),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => avx2::widened::sums(&self.wide, rows),
                #[cfg(target_arch = "aarch64")]
                InstructionSet::NeonDotprod => neon_dotprod::sums(&self.values, rows),
                InstructionSet::Portable => portable::sums(&self.wide, rows),
            }
        };
        shifted.map(|sum| sum - self.shift)
    }
}

#[cfg(test)]
mod tests;
