// Tensor: a strided view of reference-counted storage. No arithmetic lives here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tensor/allocator.h"
#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace rho {

/// One block of memory, given back to its caching allocator with the last tensor.
class Storage {
 public:
  /// From the device's allocator, or another one whose memory counts as the device's.
  Storage(std::size_t bytes, Device device, CachingAllocator& from, int device_index);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return block_.pointer; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  std::size_t bytes_;
  Device device_;
  CachingAllocator& allocator_;
  Block block_;
};

/// A handle: copies share elements. Every view method is O(1) and shares storage too.
class Tensor {
 public:
  Tensor() = default;  ///< undefined: no storage

  /// Uninitialised, contiguous.
  static Tensor empty(const Shape& shape, DType dtype, Device device = default_device());

  /// The same on the host, where to(device) takes it from without a detour: page-locked memory for
  /// a CUDA device.
  static Tensor staging(const Shape& shape, DType dtype, Device device);

  /// A contiguous tensor holding a copy of `values`; their number must be numel(shape).
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape,
                     Device device = default_device()) {
    check(static_cast<std::int64_t>(values.size()) == rho::numel(shape), "tensor", values.size(),
          " values do not fill shape ", shape);
    Tensor out = empty(shape, dtype_of<T>(), Device{});
    std::copy(values.begin(), values.end(), out.data<T>());
    return out.to(device);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape,
                     Device device = default_device()) {
    return from(std::span<const T>(values), shape, device);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  const Strides& strides() const { return strides_; }  ///< in elements
  std::int64_t offset() const { return offset_; }      ///< of the first element, in elements
  int rank() const { return shape_.size(); }
  /// Extent of one dimension; negative counts from the end.
  std::int64_t size(std::int64_t dim) const { return shape_[wrap_dim(dim, rank(), "size")]; }
  std::int64_t numel() const { return rho::numel(shape_); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device{}; }
  /// Row-major without gaps (extents of 1 do not count).
  bool is_contiguous() const;
  /// True when both handles look at the same storage.
  bool shares_storage(const Tensor& other) const { return storage_ == other.storage_; }
  /// True when no other handle looks at the storage.
  bool is_unique() const { return storage_.use_count() == 1; }

  /// First element; T must be the dtype.
  template <class T>
  T* data() const {
    check(dtype_of<T>() == dtype_, "tensor", "holds ", dtype_, ", accessed as ", dtype_of<T>());
    return static_cast<T*>(raw());
  }
  /// First element; null where the tensor is undefined, as one that an operation may go without.
  template <class T>
  T* data_or_null() const {
    return defined() ? data<T>() : nullptr;
  }
  /// First element, untyped.
  void* raw() const;
  /// The tensor itself where it is on `device`, else a copy there with the same strides. Waits for
  /// what was started on either device.
  Tensor to(Device device) const;
  /// The value of a tensor with exactly one element, as double.
  double item() const;
  /// All elements in row-major order, converted to T.
  template <class T>
  std::vector<T> to_vector() const;

  // Views. Errors name the method and the shapes.
  Tensor view(const Shape& shape) const;  ///< contiguous tensors only; one extent may be -1
  Tensor permute(const Dims& order) const;
  Tensor transpose(std::int64_t a, std::int64_t b) const;
  /// Elements begin, begin + step, ... below end; step >= 1.
  Tensor slice(std::int64_t dim, std::int64_t begin, std::int64_t end, std::int64_t step = 1) const;
  Tensor select(std::int64_t dim, std::int64_t index) const;  ///< drops the dimension
  Tensor expand(const Shape& shape) const;                    ///< broadcasts with stride 0
  Tensor unsqueeze(std::int64_t dim) const;
  Tensor squeeze(std::int64_t dim) const;

 private:
  static Tensor make(const Shape& shape, DType dtype, Device device, CachingAllocator& from,
                     int device_index);
  Tensor with(const Shape& shape, const Strides& strides, std::int64_t offset) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  Strides strides_;
  std::int64_t offset_ = 0;
  DType dtype_ = DType::Float32;
};

/// `shape` with its single -1, if any, replaced so that it holds `count` elements; throws
/// otherwise.
Shape resolve_shape(const Shape& shape, std::int64_t count, std::string_view op);

/// Calls visit(offset) for every element of (shape, strides) in row-major order.
template <class Visit>
void for_each_offset(const Shape& shape, const Strides& strides, Visit&& visit) {
  const std::int64_t count = numel(shape);
  Dims index = Dims::filled(shape.size(), 0);
  std::int64_t offset = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    visit(offset);
    for (int d = shape.size() - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < shape[d]) break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor here = to(Device{});
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(numel()));
  dispatch_all(dtype_, "to_vector", [&]<class S>() {
    const S* source = here.data<S>();
    for_each_offset(shape_, strides_,
                    [&](std::int64_t offset) { out.push_back(static_cast<T>(source[offset])); });
  });
  return out;
}

}  // namespace rho
