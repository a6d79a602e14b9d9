// Images without their structure (Zhang et al. 2017, section 2.1).
#pragma once

#include <cstdint>
#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// What becomes of the pixels.
enum class PixelMode {
  Natural,   ///< they stay
  Shuffled,  ///< one random permutation of the positions, the same for all images
  Random,    ///< a permutation of its own for each image
  Gaussian   ///< normal noise with the mean and standard deviation of the training set's channels
};

/// "natural", "shuffled", "random", "gaussian"; throws, naming what was found, otherwise.
PixelMode parse_pixel_mode(const std::string& text);

/// Both splits with other examples, and their own labels. The channels of a pixel stay together; of
/// features [N, D] each is a position, and in noise a channel. Noise is rounded into 0 ... 255 for
/// uint8 examples. Throws where the examples are neither uint8 [N, H, W, C] nor float64 [N, D], or
/// those of the splits differ in more than their number.
Split change_pixels(const Split& split, PixelMode mode, std::uint64_t seed);

}  // namespace rho::datasets
