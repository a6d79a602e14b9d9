// The convolutional networks of Puzzles, appendix L and fig. 2.
#pragma once

#include <array>

#include "nn/models/builder.h"

namespace rho::nn {

/// Two 5x5 convolutions without padding and a fully connected layer; bias in the first layer only.
/// 24 channels on 3x32x32 (Puzzles L.1.1), 34 on 1x28x28 (L.1.2).
void build_convnet3(Builder& builder, std::int64_t channels);

/// Two 5x5 convolutions of 64 channels, stride 2 and padding 2, and a fully connected layer; no
/// bias (Puzzles fig. 2, top).
void build_convnet3_strided(Builder& builder);

/// Three 3x3 convolutions with stride 2 and padding 1, one that covers the 4x4 map that is left of
/// 32x32, and a fully connected layer (Puzzles L.2). With `batch_norm`, each convolution is
/// followed by one and has no bias of its own; without, biases are everywhere: what folding leaves.
void build_convnet5(Builder& builder, const std::array<std::int64_t, 4>& channels, bool batch_norm);

}  // namespace rho::nn
