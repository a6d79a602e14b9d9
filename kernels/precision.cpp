#include "kernels/precision.h"

namespace rho::kernels {
namespace {

thread_local ProductPrecision wanted_precision = ProductPrecision::Float32;

}  // namespace

std::string_view name_of(ProductPrecision precision) {
  switch (precision) {
    case ProductPrecision::TensorFloat32:
      return "tf32";
    case ProductPrecision::BFloat16:
      return "bf16";
    default:
      return "f32";
  }
}

ProductPrecision product_precision() { return wanted_precision; }

void set_product_precision(ProductPrecision precision) { wanted_precision = precision; }

void expect_ieee_products(std::string_view op, const Tensor& out) {
  check(out.dtype() != DType::Float32 || product_precision() == ProductPrecision::Float32, op,
        "precision ", name_of(product_precision()), " is for CUDA devices, the tensors are on ",
        out.device());
}

}  // namespace rho::kernels
