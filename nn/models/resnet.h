// Residual networks for CIFAR (He et al. 2015, section 4.2), with option A shortcuts.
#pragma once

#include "nn/models/builder.h"

namespace rho::nn {

/// Depth 6 n + 2: a 3x3 convolution, three stages of n blocks with 16, 32 and 64 channels, global
/// average pooling and a fully connected layer. Names are those of
/// akamaster/pytorch_resnet_cifar10.
void build_resnet(Builder& builder, std::int64_t depth);

}  // namespace rho::nn
