// Other libraries' matrix product: OpenBLAS and BLIS. Both have the same names for it, so each is
// loaded while the program runs, and keeps its names to itself.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace rho::bench {

/// A library with the C interface of BLAS.
class Blas {
 public:
  /// Throws where `path` does not load, or lacks what is asked for.
  Blas(std::string name, const std::string& path);

  const std::string& name() const { return name_; }
  std::string version() const;  ///< with the kernels that it chose here
  void set_threads(int count) const;
  /// out = a b, of float32 or float64. a and b are contiguous, or the transposes of what is.
  void matmul(const Tensor& a, const Tensor& b, const Tensor& out) const;

 private:
  /// cblas_sgemm, cblas_dgemm
  template <class T>
  using Gemm = void(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha,
                    const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc);

  /// The function of that name.
  template <class Function>
  Function* find(const char* symbol) const;

  std::string name_;
  void* library_;
  Gemm<float>* sgemm_;
  Gemm<double>* dgemm_;
};

/// Those that were there when the benchmarks were configured.
const std::vector<Blas>& blas_libraries();

}  // namespace rho::bench
