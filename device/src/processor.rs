//! What this processor can do in one instruction, as far as loops of ours use it: those of the [`network`](crate::network) and of the
//! [`catalogue`](crate::catalogue)'s scan. Each has a file an instruction set; which one runs is chosen here, at run time.

use std::fmt;

/// Instructions that loops are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    /// Four products of bytes, added to 32 bits, in 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// The same in 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(Encoding),
    /// Two products of 16-bit numbers, added to 32 bits, in 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Four products of signed bytes, added to 32 bits, in 128-bit vectors.
    #[cfg(target_arch = "aarch64")]
    NeonDotprod,
    /// What every processor has; the compiler finds the vectors.
    Portable,
}

/// How the product instruction of AVX-VNNI is written. Both forms compute the same, and loops are generated for each.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// VEX: AVX-VNNI.
    Vex,
    /// EVEX: AVX-512 VNNI and VL. Only for tests: so the loops are run on machines that have AVX-512 but not AVX-VNNI, as those that build
    /// this often are; the product has better ones for them.
    #[cfg(test)]
    Evex,
}

impl InstructionSet {
    /// All that this machine has, fastest first.
    pub(crate) fn of_this_machine() -> impl Iterator<Item = Self> {
        let all = [
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(Encoding::Vex),
            #[cfg(all(target_arch = "x86_64", test))]
            Self::AvxVnni(Encoding::Evex),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod,
            Self::Portable,
        ];
        all.into_iter().filter(|set| set.is_there())
    }

    /// The fastest that this machine has.
    pub(crate) fn fastest() -> Self {
        Self::of_this_machine().next().unwrap_or(Self::Portable)
    }

    /// Whether this processor has the instructions: exactly those that the loops' `target_feature`s name.
    fn is_there(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(Encoding::Vex) => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni"),
            #[cfg(all(target_arch = "x86_64", test))]
            Self::AvxVnni(Encoding::Evex) => Self::Avx512Vnni.is_there() && Self::Avx2.is_there(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => {
                std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod")
            }
            Self::Portable => true,
        }
    }

    /// The name in engine strings.
    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(Encoding::Vex) => "avx-vnni",
            #[cfg(all(target_arch = "x86_64", test))]
            Self::AvxVnni(Encoding::Evex) => "avx-vnni in EVEX",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => "neon-dotprod",
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Four products of signed bytes added to each of four sums. The intrinsic is not stable yet, so that the instruction is written out.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "an instruction that is written out")]
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(crate) fn sdot(
    mut sums: std::arch::aarch64::int32x4_t,
    a: std::arch::aarch64::int8x16_t,
    b: std::arch::aarch64::int8x16_t,
) -> std::arch::aarch64::int32x4_t {
    // SAFETY: an instruction on registers alone, which the callers' target features promise.
    unsafe {
        std::arch::asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}
