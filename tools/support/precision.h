// --precision.
#pragma once

#include <string>

#include "kernels/precision.h"

namespace rho::tools {

/// What --precision takes, for help texts.
inline constexpr const char* kPrecisionHelp =
    "f32 or f64 (IEEE); on a CUDA device also tf32 or bf16: f32, but what matrix products and "
    "convolutions multiply in training is rounded to that first (never in measures)";

/// How a network is trained.
struct Precision {
  DType dtype = DType::Float32;  ///< of its tensors
  kernels::ProductPrecision products = kernels::ProductPrecision::Float32;
};

/// "f32", "tf32", "bf16" or "f64". Throws where the text is none of them, and where `device` has no
/// such products.
Precision parse_precision(const std::string& text, Device device);

}  // namespace rho::tools
