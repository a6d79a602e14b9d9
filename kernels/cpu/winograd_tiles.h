// How Winograd's algorithm cuts images into tiles, and where the numbers of tiles lie.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/integers.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/winograd_transforms.h"

namespace rho::kernels::cpu {

/// A square of outputs, WinogradScheme::kTile in each direction.
struct Tile {
  std::int64_t image, row, column;
};

/// The tiles of all images, in order.
struct Tiles {
  std::int64_t rows, columns, count;

  Tiles(std::int64_t images, std::int64_t height, std::int64_t width)
      : rows(ceil_div(height, WinogradScheme::kTile)),
        columns(ceil_div(width, WinogradScheme::kTile)),
        count(images * rows * columns) {}
  Tile at(std::int64_t t) const { return {t / (rows * columns), t / columns % rows, t % columns}; }
  void advance(Tile& tile) const {
    if (++tile.column < columns) return;
    tile.column = 0;
    if (++tile.row < rows) return;
    tile.row = 0;
    ++tile.image;
  }
};

/// Images [N, height, width, channels] seen as a square of pixels for each tile, `cells` in each
/// direction and `step` apart; and step^2 of them, which begin with one of the pixels between.
template <class T>
struct Squares {
  T* data;
  std::int64_t height, width, channels, step, cells;
  std::int64_t top = 0, left = 0;  // of the first tile; may be negative
  std::int64_t advance = 0;        // pixels from one tile to the next
  T* outside = nullptr;            // stands for the rows that the image does not have
  std::int64_t origin = 0;         // the element of the images that lies at `data`

  std::int64_t phases() const { return step * step; }
  /// Channels of a tile, those of all its phases.
  std::int64_t depth() const { return channels * phases(); }

  /// The square of a tile.
  WinogradScheme::Square<T> at(const Tile& tile, std::int64_t phase) const {
    const std::int64_t y = top + tile.row * advance + phase / step;
    const std::int64_t x = left + tile.column * advance + phase % step;
    WinogradScheme::Square<T> square{
        .rows = {}, .across = step * channels, .first = 0, .last = cells};
    T* row = data + ((tile.image * height + y) * width + x) * channels - origin;
    for (std::int64_t i = 0; i < cells; ++i, row += step * width * channels) {
      const std::int64_t h = y + i * step;
      square.rows[i] = h >= 0 && h < height ? row : outside;
    }
    while (square.first < cells && x + square.first * step < 0) ++square.first;
    while (square.last > 0 && x + (square.last - 1) * step >= width) --square.last;
    return square;
  }

  /// The first element of a row of tiles that is there: from there to that of the next row they
  /// lie without gaps.
  std::int64_t begin(const Tile& tile) const {
    const std::int64_t y = std::max<std::int64_t>(top + tile.row * advance, 0);
    return (tile.image * height + y) * width * channels;
  }

  /// Asks for the pixels of a tile, all but those that the tiles above it and to its left saw.
  /// Inlined, because to GCC a function that does nothing else has no effect, and is not called.
  [[gnu::always_inline]] void prefetch(const Tile& tile) const {
    const std::int64_t extent = cells * step, seen = std::max<std::int64_t>(extent - advance, 0);
    const std::int64_t y = top + tile.row * advance, x = left + tile.column * advance;
    const std::int64_t first_row = std::max<std::int64_t>(tile.row > 0 ? y + seen : y, 0);
    const std::int64_t first = std::max<std::int64_t>(tile.column > 0 ? x + seen : x, 0);
    const std::int64_t count = (std::min(x + extent, width) - first) * channels;
    T* row = data + ((tile.image * height + first_row) * width + first) * channels - origin;
    for (std::int64_t h = first_row; h < std::min(y + extent, height); ++h, row += width * channels)
      for (std::int64_t c = 0; c < count; c += kLine)
        __builtin_prefetch(row + c, std::is_const_v<T> ? 0 : 1, kSecondCache);
  }

 private:
  static constexpr std::int64_t kLine = 16;
  // The first one, which holds the tile at hand and its frequencies, is too small for tiles to
  // come.
  static constexpr int kSecondCache = 2;
};

/// Tiles between asking for the pixels of one and using them: the next rows of an image lie where
/// no hardware looks ahead.
inline constexpr std::int64_t kTilesAhead = 4;

/// Calls body(i, tile) for tile first + i of every tile before `last`, and asks for the pixels of
/// tiles to come in those of `wanted` that are not null.
template <class Body, class... T>
void for_each_tile(const Tiles& tiles, std::int64_t first, std::int64_t last, const Body& body,
                   const Squares<T>*... wanted) {
  Tile tile = tiles.at(first), ahead = tiles.at(first + kTilesAhead);
  for (std::int64_t t = first; t < last; ++t) {
    if (t + kTilesAhead < last) ((wanted != nullptr ? wanted->prefetch(ahead) : void()), ...);
    tiles.advance(ahead);
    body(t - first, tile);
    tiles.advance(tile);
  }
}

/// A matrix for each frequency.
struct Spectrum {
  std::int64_t pitch, stride;  // elements from row to row, and from frequency to frequency
  std::int64_t frequencies;

  // One vector more than the rows need, so that the frequencies lie in different cache sets.
  Spectrum(std::int64_t frequencies_, std::int64_t rows, std::int64_t columns)
      : pitch(Panels<float>(columns, 1).padded()),
        stride(rows * pitch + 16),
        frequencies(frequencies_) {}
  std::int64_t size() const { return frequencies * stride; }
};

}  // namespace rho::kernels::cpu
