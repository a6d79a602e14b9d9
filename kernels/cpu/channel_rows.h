// Loops over a matrix [R, C] whose channels each have values of their own.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/streaming.h"
#include "tensor/tensor.h"

namespace rho::kernels::cpu {

/// Elements of a chunk, whose sums are taken by one thread.
inline constexpr std::int64_t kChannelChunk = 8192;
/// But so many rows at least, since a chunk's sums are read too.
inline constexpr std::int64_t kMinRows = 32;
/// Elements of a period. At least: where few channels are summed up, an addition need not wait for
/// the one before it. At most: tables and sums stay in the first-level cache; rows that are longer
/// or fit no whole vectors in less are walked one by one.
inline constexpr std::int64_t kMinPeriod = 128, kMaxPeriod = 512;

/// The element at `first`; null stays null.
template <class T>
T* at(T* data, std::int64_t first) {
  return data == nullptr ? nullptr : data + first;
}

/// The totals of `width` sums each of whole parts, added in their order.
inline std::vector<double> totals(const std::vector<double>& of_parts, std::int64_t width) {
  std::vector<double> total(static_cast<std::size_t>(width), 0.0);
  for (std::size_t i = 0; i < of_parts.size(); ++i) total[i % total.size()] += of_parts[i];
  return total;
}

/// How [R, C] is cut into chunks of rows, by its shape alone, and which period its tables have.
struct ChannelRows {
  std::int64_t rows, channels, per_chunk, chunks, period;

  ChannelRows(const Tensor& x, std::int64_t lanes)
      : rows(x.size(0)),
        channels(x.size(1)),
        per_chunk(std::max(kChannelChunk / channels, kMinRows)),
        chunks((rows + per_chunk - 1) / per_chunk) {
    const std::int64_t vectors = std::lcm(channels, lanes);
    const std::int64_t whole = vectors <= kMaxPeriod ? vectors : channels;
    period = (kMinPeriod + whole - 1) / whole * whole;
  }

  std::int64_t rows_of(std::int64_t chunk) const {
    return std::min(per_chunk, rows - chunk * per_chunk);
  }
  /// Calls body(chunk, first, count) for the elements of every chunk, on several threads.
  template <class Body>
  void for_each_chunk(const Body& body) const {
    constexpr std::int64_t kTogether = 4;  // one thread reads on where it has read before
    parallel_ranges(chunks, kTogether, [&](std::int64_t chunk, std::int64_t end) {
      for (; chunk < end; ++chunk)
        body(chunk, chunk * per_chunk * channels, rows_of(chunk) * channels);
    });
  }

  /// Whether the results of a chunk that begins at `first` go past the caches.
  template <class T>
  bool streams(const T* result, std::int64_t first) const {
    const auto bytes = [](std::int64_t count) {
      return count * static_cast<std::int64_t>(sizeof(T));
    };
    return bytes(period) % 64 == 0 && bytes(first) % 64 == 0 &&
           is_streamed(result, bytes(rows * channels));
  }

  /// sums[c] of a table of sums by position.
  void fold(const double* table, double* sums) const {
    std::fill_n(sums, channels, 0.0);
    for (std::int64_t p = 0; p < period; p += channels)
      for (std::int64_t c = 0; c < channels; ++c) sums[c] += table[p + c];
  }
  /// `count` sums by channel, [count][C]: add(table) adds to as many tables of sums by position, a
  /// period apart.
  template <int count, class Add>
  void sum(double* sums, const Add& add) const {
    thread_local Scratch scratch;
    double* const table = scratch.get<double>(count * period);
    std::fill_n(table, count * period, 0.0);
    add(table);
    for (int i = 0; i < count; ++i) fold(table + i * period, sums + i * channels);
  }
  template <class From, class T>
  void repeat(const From* values, T* table) const {
    for (std::int64_t p = 0; p < period; p += channels)
      for (std::int64_t c = 0; c < channels; ++c) table[p + c] = static_cast<T>(values[c]);
  }
  template <class T>
  std::vector<T> repeat(const std::vector<double>& values) const {
    std::vector<T> table(static_cast<std::size_t>(period));
    repeat(values.data(), table.data());
    return table;
  }
};

}  // namespace rho::kernels::cpu
