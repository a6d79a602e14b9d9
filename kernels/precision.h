// What the operands of products are rounded to: see ProductPrecision.
#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/tensor.h"

namespace rho::kernels {

/// What the elements of Float32 operands are rounded to, to nearest with ties to even, before
/// matmul and the three convolutions multiply them. Sums are in float32 whichever it is, and all
/// other kernels compute in the type of their tensors, as products of Float64 tensors do.
enum class ProductPrecision : std::uint8_t {
  Float32,        ///< to nothing: IEEE single precision
  TensorFloat32,  ///< 8 bits of exponent, 11 of significand; on tensor cores
  BFloat16,       ///< 8 bits of exponent, 8 of significand; on tensor cores
};

/// "f32", "tf32", "bf16".
std::string_view name_of(ProductPrecision precision);

/// That of the kernels which this thread calls. Every thread begins with Float32. Results depend on
/// it: a captured step (nn::GradientStep) is captured anew when it changes.
ProductPrecision product_precision();

/// Sets it, for calls from this thread alone. Only CUDA devices of compute capability 8.0 or later
/// have the others: elsewhere a product of Float32 tensors throws then.
void set_product_precision(ProductPrecision precision);

/// Sets it for as long as this lives.
class ProductPrecisionScope {
 public:
  explicit ProductPrecisionScope(ProductPrecision precision) : before_(product_precision()) {
    set_product_precision(precision);
  }
  ProductPrecisionScope(const ProductPrecisionScope&) = delete;
  ProductPrecisionScope& operator=(const ProductPrecisionScope&) = delete;
  ~ProductPrecisionScope() { set_product_precision(before_); }

 private:
  ProductPrecision before_;
};

/// Throws where this thread asks for other products than those of IEEE arithmetic; for kernels that
/// have no others.
void expect_ieee_products(std::string_view op, const Tensor& out);

}  // namespace rho::kernels
