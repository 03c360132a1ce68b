//! 256-bit vectors: bytes are widened to 16 bits, and `vpmaddwd` adds two products to each of eight sums. The instruction that multiplies bytes,
//! `vpmaddubsw`, saturates sums of two products at 16 bits.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, PMADDWD.

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]

super::rows256::kernel!(widened, "avx2", i16, 16, |sum, q, bytes| {
    let bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(bytes.cast()));
    _mm256_add_epi32(sum, _mm256_madd_epi16(bytes, _mm256_loadu_si256(q.cast())))
});
