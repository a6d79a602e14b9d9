// How many threads the kernels use.
#pragma once

namespace rho::kernels {

/// Threads that a kernel called from this thread may use, itself included. At first: the number in
/// the environment variable OMP_NUM_THREADS, or one a core.
int threads();

/// Sets it, for calls from this thread alone: many small networks train side by side with one
/// thread each. No result depends on it. Throws where count < 1.
void set_threads(int count);

}  // namespace rho::kernels
