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
  std::int64_t row, image;  // elements from one to the next
};

/// The window of `count` images that follow each other, with `slack` more readable elements behind
/// the last. The images themselves serve where they cover the window and have that many elements
/// `behind` them; else the windows are copied to `scratch`.
template <class T>
View<T> view_of(const Image<T>& first, std::int64_t count, std::int64_t behind,
                const Window& window, std::int64_t slack, Scratch& scratch) {
  const auto& [data, height, width, channels] = first;
  const std::int64_t image = height * width * channels;
  if (behind >= slack && window.top >= 0 && window.left >= 0 &&
      window.top + window.height <= height && window.left + window.width <= width)
    return {data + (window.top * width + window.left) * channels, width * channels, image};

  const std::int64_t row = window.width * channels, size = window.height * row;
  T* const copy = scratch.get<T>(count * size + slack);
  const std::int64_t begin = std::clamp<std::int64_t>(-window.left, 0, window.width);
  const std::int64_t end = std::clamp<std::int64_t>(width - window.left, begin, window.width);
  for (std::int64_t at = 0; at < count * window.height; ++at) {
    T* const target = copy + at * row;
    const std::int64_t n = at / window.height, h = window.top + at % window.height;
    if (h < 0 || h >= height || begin == end) {
      std::fill_n(target, row, T{0});
      continue;
    }
    std::fill(target, target + begin * channels, T{0});
    std::copy_n(data + n * image + (h * width + window.left + begin) * channels,
                (end - begin) * channels, target + begin * channels);
    std::fill(target + end * channels, target + row, T{0});
  }
  std::fill_n(copy + count * size, slack, T{0});
  return {copy, row, size};
}

}  // namespace rho::kernels::cpu
