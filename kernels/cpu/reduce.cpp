#include "kernels/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

// Sums are cut into chunks whose extent depends on the shape alone, so that the order of additions,
// and with it every bit, is the same for any number of threads.
constexpr std::int64_t kChunk = 16384;     // elements of one partial sum over rows
constexpr std::int64_t kMaxColumns = 512;  // accumulators kept on the stack

/// sums[b] = sum of `rows` rows of `columns` values, `stride` apart.
template <class T>
void sum_rows(const T* x, std::int64_t rows, std::int64_t columns, std::int64_t stride,
              double* sums) {
  if (columns == 1) {
    // Independent accumulators let the additions overlap.
    constexpr int kLanes = 8;
    std::array<double, kLanes> lanes{};
    std::int64_t r = 0;
    for (; r + kLanes <= rows; r += kLanes)
      for (int lane = 0; lane < kLanes; ++lane)
        lanes[static_cast<std::size_t>(lane)] += x[(r + lane) * stride];
    double rest = 0.0;
    for (; r < rows; ++r) rest += x[r * stride];
    for (const double lane : lanes) rest += lane;
    *sums = rest;
    return;
  }
  std::fill_n(sums, columns, 0.0);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t b = 0; b < columns; ++b) sums[b] += x[r * stride + b];
}

template <class T>
void sum_middle(const T* x, std::int64_t outer, std::int64_t rows, std::int64_t columns, T* out) {
  const std::int64_t width = std::min(columns, kMaxColumns);
  const std::int64_t blocks = (columns + width - 1) / width;
  const std::int64_t per_chunk = std::max<std::int64_t>(kChunk / width, 1);
  const std::int64_t chunks = std::max<std::int64_t>((rows + per_chunk - 1) / per_chunk, 1);
  std::vector<double> partial(chunks > 1 ? static_cast<std::size_t>(outer * chunks * columns) : 0);
  cpu::parallel_ranges(outer * chunks * blocks, kChunk / (std::min(rows, per_chunk) * width + 1),
                       [&](std::int64_t part, std::int64_t end) {
                         for (; part < end; ++part) {
                           const std::int64_t block = part % blocks, chunk = part / blocks % chunks,
                                              a = part / (blocks * chunks);
                           const std::int64_t first = block * width, row = chunk * per_chunk;
                           const std::int64_t count = std::min(width, columns - first);
                           std::array<double, kMaxColumns> sums;
                           sum_rows(x + (a * rows + row) * columns + first,
                                    std::min(per_chunk, rows - row), count, columns, sums.data());
                           if (chunks == 1)
                             std::transform(sums.begin(), sums.begin() + count,
                                            out + a * columns + first,
                                            [](double value) { return static_cast<T>(value); });
                           else
                             std::copy_n(sums.begin(), count,
                                         partial.begin() + (a * chunks + chunk) * columns + first);
                         }
                       });
  if (chunks == 1) return;
  for (std::int64_t a = 0; a < outer; ++a)
    for (std::int64_t b = 0; b < columns; ++b) {
      double total = 0.0;
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
        total += partial[static_cast<std::size_t>((a * chunks + chunk) * columns + b)];
      out[a * columns + b] = static_cast<T>(total);
    }
}

void sum_cpu(const Tensor& x, const Tensor& out) {
  expect_middle("sum", x, out);
  if (out.numel() == 0) return;
  dispatch_floating(x.dtype(), "sum", [&]<class T>() {
    sum_middle(x.data<T>(), x.size(0), x.size(1), x.size(2), out.data<T>());
  });
}

/// Calls found(a, b, r) with the first row r that holds the largest value of (a, b).
template <class T, class Found>
void find_largest(const Tensor& x, const Found& found) {
  const std::int64_t outer = x.size(0), rows = x.size(1), columns = x.size(2);
  const T* const data = x.data<T>();
  cpu::parallel_ranges(outer * columns, kChunk / rows, [&](std::int64_t at, std::int64_t end) {
    for (; at < end; ++at) {
      const std::int64_t a = at / columns, b = at % columns;
      const T* const column = data + a * rows * columns + b;
      std::int64_t best = 0;
      for (std::int64_t r = 1; r < rows; ++r) {
        const T value = column[r * columns], largest = column[best * columns];
        const bool is_nan = std::isnan(value), has_nan = std::isnan(largest);
        if (!has_nan && (is_nan || value > largest)) best = r;
      }
      found(a, b, best);
    }
  });
}

void max_cpu(const Tensor& x, const Tensor& values, const Tensor& positions) {
  expect_middle("max", x, values);
  expect_middle("max", x, positions);
  if (values.numel() == 0) return;
  check(x.size(1) > 0, "max", "of no elements: shape ", x.shape());
  const std::int64_t rows = x.size(1), columns = x.size(2);
  auto* const where = positions.data<std::int64_t>();
  dispatch_floating(x.dtype(), "max", [&]<class T>() {
    const T* const data = x.data<T>();
    T* const out = values.data<T>();
    find_largest<T>(x, [&](std::int64_t a, std::int64_t b, std::int64_t r) {
      const std::int64_t position = (a * rows + r) * columns + b;
      where[a * columns + b] = position;
      out[a * columns + b] = data[position];
    });
  });
}

void argmax_cpu(const Tensor& x, const Tensor& out) {
  expect_middle("argmax", x, out);
  if (out.numel() == 0) return;
  check(x.size(1) > 0, "argmax", "of no elements: shape ", x.shape());
  const std::int64_t columns = x.size(2);
  auto* const index = out.data<std::int64_t>();
  dispatch_floating(x.dtype(), "argmax", [&]<class T>() {
    find_largest<T>(
        x, [&](std::int64_t a, std::int64_t b, std::int64_t r) { index[a * columns + b] = r; });
  });
}

const Fill fill_sum{sum, DeviceType::CPU, &sum_cpu};
const Fill fill_max{max, DeviceType::CPU, &max_cpu};
const Fill fill_argmax{argmax, DeviceType::CPU, &argmax_cpu};

}  // namespace
}  // namespace rho::kernels
