// Fully connected networks.
#pragma once

#include "nn/models/builder.h"

namespace rho::nn {

/// `layers` hidden layers of `width` units, bias in the first layer only. With `fixed`, the last
/// layer is OverParam's fixed matrix of signs. layers = 0 is a linear network, without bias.
void build_mlp(Builder& builder, std::int64_t width, std::int64_t layers, bool fixed);

}  // namespace rho::nn
