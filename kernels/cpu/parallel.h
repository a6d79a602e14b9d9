// Exceptions and OpenMP: none may leave a parallel region.
#pragma once

#include <exception>

namespace rho::kernels::cpu {

/// Keeps the first exception of a parallel region for after it: running out of memory there is an
/// error like any other.
class FirstException {
 public:
  template <class Body>
  void guard(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
#pragma omp critical(rho_first_exception)
      if (!first_) first_ = std::current_exception();
    }
  }
  /// After the region.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

}  // namespace rho::kernels::cpu
