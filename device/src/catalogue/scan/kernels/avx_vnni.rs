//! 256-bit vectors with VNNI: `vpdpbusd` adds four products of a byte and a signed byte to each of eight sums.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD.

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]

super::rows256::kernel!(vex, "avx2,avxvnni", i8, 32, |sum, q, bytes| {
    _mm256_dpbusd_avx_epi32(sum, _mm256_loadu_si256(bytes.cast()), _mm256_loadu_si256(q.cast()))
});
#[cfg(test)]
super::rows256::kernel!(evex, "avx2,avx512vl,avx512vnni", i8, 32, |sum, q, bytes| {
    _mm256_dpbusd_epi32(sum, _mm256_loadu_si256(bytes.cast()), _mm256_loadu_si256(q.cast()))
});
