// The instruction sets that vector code is compiled for: include it before Highway.
#pragma once

// Scalable vectors cannot be held in arrays, which is how register tiles are written. The others
// add nothing to the instructions used here: what lacks AVX2 takes the portable code.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
