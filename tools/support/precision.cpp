#include "tools/support/precision.h"

#include "tensor/error.h"

namespace rho::tools {

Precision parse_precision(const std::string& text, Device device) {
  using kernels::ProductPrecision;
  if (text == "f32") return {};
  if (text == "f64") return {DType::Float64, ProductPrecision::Float32};
  check(text == "tf32" || text == "bf16", "precision", '"', text,
        "\" is none of f32, tf32, bf16, f64");
  check(device.type == DeviceType::CUDA, "precision", text, " is for CUDA devices, the device is ",
        device);
  return {DType::Float32,
          text == "tf32" ? ProductPrecision::TensorFloat32 : ProductPrecision::BFloat16};
}

}  // namespace rho::tools
