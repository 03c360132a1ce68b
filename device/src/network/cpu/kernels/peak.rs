//! The most that a processor can do: products a second of one thread that has nothing but the product instruction to do, on registers.
//!
//! It bounds the kernels of the instruction set on this machine: what they miss of it went to loads, interleaving, rounding and memory.
//!
//! The instructions are written out, since a compiler would take a product that never changes out of the loop.

#![expect(unsafe_code, reason = "instructions that are written out, and checked for at run time")]

#[cfg(target_arch = "x86_64")]
use crate::processor::Encoding;
use crate::processor::InstructionSet;
use std::arch::asm;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Sums that do not wait for each other. Two instructions begin in a cycle and their results take up to five, so that ten would do.
const SUMS: u32 = 12;
/// Products of each sum between two looks at the clock: some 20 µs.
const ROUNDS: u32 = 1 << 14;
/// How long is measured.
const TIME: Duration = Duration::from_millis(20);

impl InstructionSet {
    /// The most products (multiply-adds) a second of one thread with these instructions, which the machine must have, measured in some
    /// 20 ms; none for the portable ones, as it is the compiler that chooses them.
    pub(in crate::network::cpu) fn peak(self) -> Option<f64> {
        // SAFETY: sets are only made of instructions that are there.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512Vnni => Some(measure(64, || x86::avx512_vnni())),
                #[cfg(target_arch = "x86_64")]
                Self::AvxVnni(Encoding::Vex) => Some(measure(32, || x86::avx_vnni())),
                #[cfg(all(target_arch = "x86_64", test))]
                Self::AvxVnni(Encoding::Evex) => Some(measure(32, || x86::avx_vnni_in_evex())),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => Some(measure(16, || x86::avx2())),
                #[cfg(target_arch = "aarch64")]
                Self::NeonDotprod => Some(measure(16, || aarch64::neon_dotprod())),
                Self::Portable => None,
            }
        }
    }
}

/// Products a second, of an instruction that computes `products` of them: of the fastest of many short runs, since others are interrupted,
/// or begin before the clock has risen.
fn measure(products: u32, run: impl Fn()) -> f64 {
    let (start, mut least) = (Instant::now(), Duration::MAX);
    while start.elapsed() < TIME || least == Duration::MAX {
        let begin = Instant::now();
        run();
        // A clock may stand still.
        least = least.min(begin.elapsed()).max(Duration::from_nanos(1));
    }
    f64::from(products) * f64::from(SUMS) * f64::from(ROUNDS) / least.as_secs_f64()
}

/// A function that does `ROUNDS` products to each of `SUMS` vectors.
macro_rules! rounds {
    ($name:ident, $features:literal, $register:ident, $start:expr, [$($instruction:literal),+] $(, uses $scratch:tt)?) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name() {
            let operand = black_box($start);
            let mut sums = [operand; SUMS as usize];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    // SAFETY: instructions on registers alone, which the target features promise.
                    unsafe {
                        asm!(
                            $($instruction,)+
                            sum = inout($register) *sum,
                            x = in($register) operand,
                            $(out($scratch) _,)?
                            options(nomem, nostack, preserves_flags),
                        );
                    }
                }
            }
            black_box(sums);
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    rounds!(avx512_vnni, "avx512f,avx512vnni", zmm_reg, _mm512_set1_epi8(85), ["vpdpbusd {sum}, {x}, {x}"]);
    rounds!(avx_vnni, "avx2,avxvnni", ymm_reg, _mm256_set1_epi8(85), ["{{vex}} vpdpbusd {sum}, {x}, {x}"]);
    #[cfg(test)]
    rounds!(
        avx_vnni_in_evex,
        "avx2,avx512vl,avx512vnni",
        ymm_reg,
        _mm256_set1_epi8(85),
        ["{{evex}} vpdpbusd {sum}, {x}, {x}"]
    );
    rounds!(
        avx2,
        "avx2",
        ymm_reg,
        _mm256_set1_epi8(85),
        ["vpmaddwd ymm15, {x}, {x}", "vpaddd {sum}, {sum}, ymm15"],
        uses "ymm15"
    );
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::*;
    use std::arch::aarch64::*;

    rounds!(neon_dotprod, "neon,dotprod", vreg, vdupq_n_s8(85), ["sdot {sum:v}.4s, {x:v}.16b, {x:v}.16b"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruction_sets_have_one_and_portable_code_has_none() {
        for set in InstructionSet::of_this_machine() {
            let peak = set.peak();
            assert_eq!(peak.is_some(), set != InstructionSet::Portable, "{set}");
            assert!(peak.is_none_or(|peak| peak.is_finite() && peak > 0.0), "{set}: {peak:?}");
        }
    }
}
