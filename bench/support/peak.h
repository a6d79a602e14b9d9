// What the machine can do, measured: the peak of its multiply-add units, and of copying memory.
#pragma once

#include <string>

#include "tensor/dtype.h"

namespace rho::bench {

/// Keeps the multiply-add units of `threads` cores busy for about ten milliseconds, in registers,
/// at the widest vector. Returns the floating-point operations done: divided by the time that the
/// call took, they are the peak.
double multiply_add_burst(DType dtype, int threads);

/// Copies memory that no cache holds, the same share on each of `threads` threads. Returns the
/// bytes read and written.
double copy_burst(int threads);

/// The instruction set that run-time dispatch chooses here: "AVX2".
std::string instruction_set();

/// From now on it chooses as on a machine that has AVX2 and nothing newer.
void hide_newer_than_avx2();

}  // namespace rho::bench
