// Images seen through windows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/scratch.h"

namespace rho::kernels::cpu {

/// One image [height, width, channels] seen through a window that may reach outside, where it is 0.
template <class T>
struct Image {
  const T* data;
  std::int64_t height, width, channels;
};
struct Window {
  std::int64_t top, left, height, width;  // top and left may be negative
};

template <class T>
struct View {
  const T* data;
  std::int64_t row;  // elements
};

/// The window, with `slack` more readable elements behind it. The image itself serves where it
/// covers the window and has that many elements `behind` it; else the window is copied to
/// `scratch`.
template <class T>
View<T> view_of(const Image<T>& image, std::int64_t behind, const Window& window,
                std::int64_t slack, Scratch& scratch) {
  const auto& [data, height, width, channels] = image;
  if (behind >= slack && window.top >= 0 && window.left >= 0 &&
      window.top + window.height <= height && window.left + window.width <= width)
    return {data + (window.top * width + window.left) * channels, width * channels};

  const std::int64_t row = window.width * channels;
  T* const copy = scratch.get<T>(window.height * row + slack);
  const std::int64_t begin = std::clamp<std::int64_t>(-window.left, 0, window.width);
  const std::int64_t end = std::clamp<std::int64_t>(width - window.left, begin, window.width);
  for (std::int64_t i = 0; i < window.height; ++i) {
    T* const target = copy + i * row;
    const std::int64_t h = window.top + i;
    if (h < 0 || h >= height || begin == end) {
      std::fill_n(target, row, T{0});
      continue;
    }
    std::fill(target, target + begin * channels, T{0});
    std::copy_n(data + (h * width + window.left + begin) * channels, (end - begin) * channels,
                target + begin * channels);
    std::fill(target + end * channels, target + row, T{0});
  }
  std::fill_n(copy + window.height * row, slack, T{0});
  return {copy, row};
}

}  // namespace rho::kernels::cpu
