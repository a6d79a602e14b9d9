// Pad, crop and flip: the augmentation of the ResNet experiments (He et al. 2016, section 4.2).
#pragma once

#include <cstdint>

#include "tensor/random.h"

namespace rho::datasets {

inline constexpr std::int64_t kCropPadding = 4;

/// Where an output pixel is read: output (y, x) is input (y + dy, flipped(x) + dx), and raw 0
/// (black) outside.
struct CropFlip {
  std::int64_t dy = 0;
  std::int64_t dx = 0;
  bool flip = false;
};

/// A crop of the image padded by 4 on each side, each position as likely as any other, flipped
/// left to right half of the time.
inline CropFlip draw_crop_flip(Rng& rng) {
  CropFlip out;
  out.dy = rng.below(2 * kCropPadding + 1) - kCropPadding;
  out.dx = rng.below(2 * kCropPadding + 1) - kCropPadding;
  out.flip = rng.below(2) == 1;
  return out;
}

}  // namespace rho::datasets
