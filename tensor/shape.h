// Extents and strides of a tensor: at most eight dimensions, held inline.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "tensor/error.h"

namespace rho {

/// A short list of int64: a shape, strides, or dimension indices.
class Dims {
 public:
  static constexpr int kMax = 8;

  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values) {
    for (const std::int64_t value : values) push_back(value);
  }
  /// `count` copies of `value`.
  static Dims filled(int count, std::int64_t value) {
    Dims dims;
    for (int i = 0; i < count; ++i) dims.push_back(value);
    return dims;
  }

  void push_back(std::int64_t value) {
    check(size_ < kMax, "shape", "more than ", kMax, " dimensions");
    values_[static_cast<std::size_t>(size_++)] = value;
  }
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t& operator[](int i) { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t operator[](int i) const { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t back() const { return (*this)[size_ - 1]; }

  std::int64_t* begin() { return values_.data(); }
  std::int64_t* end() { return values_.data() + size_; }
  const std::int64_t* begin() const { return values_.data(); }
  const std::int64_t* end() const { return values_.data() + size_; }

  friend bool operator==(const Dims& a, const Dims& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<std::int64_t, kMax> values_{};
  int size_ = 0;
};

using Shape = Dims;
using Strides = Dims;

/// Prints as [2, 3, 4].
inline std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  out << '[';
  for (int i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
  return out << ']';
}

/// Product of the extents; 1 for a scalar (no dimensions).
inline std::int64_t numel(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

/// numel(shape); throws, naming `op`, where an extent is negative or the count does not fit.
inline std::int64_t checked_numel(const Shape& shape, std::string_view op) {
  std::int64_t count = 1;
  bool fits = true;
  for (const std::int64_t extent : shape) {
    check(extent >= 0, op, "negative extent in shape ", shape);
    // An extent of 0 does not excuse the others: views take products of any of them.
    fits = fits && !__builtin_mul_overflow(count, extent == 0 ? 1 : extent, &count);
  }
  check(fits, op, "shape ", shape, " has too many elements");
  return numel(shape);
}

/// Row-major strides, in elements.
inline Strides contiguous_strides(const Shape& shape) {
  Strides strides = Dims::filled(shape.size(), 1);
  for (int i = shape.size() - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/// Maps a dimension in [-rank, rank) to [0, rank); throws, naming `op`, otherwise.
inline int wrap_dim(std::int64_t dim, int rank, std::string_view op) {
  check(dim >= -rank && dim < rank, op, "dimension ", dim, " is out of range for rank ", rank);
  return static_cast<int>(dim < 0 ? dim + rank : dim);
}

/// NumPy broadcasting of two shapes; throws, naming `op` and both shapes, where they do not match.
inline Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view op) {
  const int rank = a.size() > b.size() ? a.size() : b.size();
  Shape out = Dims::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t extent_a = i <= a.size() ? a[a.size() - i] : 1;
    const std::int64_t extent_b = i <= b.size() ? b[b.size() - i] : 1;
    check(extent_a == extent_b || extent_a == 1 || extent_b == 1, op, "shapes ", a, " and ", b,
          " do not broadcast");
    out[rank - i] = extent_a == 1 ? extent_b : extent_a;
  }
  return out;
}

}  // namespace rho
