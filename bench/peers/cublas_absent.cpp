#include "bench/peers/cublas.h"

namespace rho::bench {

std::string cublas_version() { return {}; }
void cublas_matmul(const Tensor&, const Tensor&, const Tensor&) {}

}  // namespace rho::bench
