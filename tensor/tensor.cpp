#include "tensor/tensor.h"

#include <algorithm>
#include <utility>

#include "tensor/allocator.h"

namespace rho {

Storage::Storage(std::size_t bytes, Device device, CachingAllocator& from, int device_index)
    : bytes_(bytes), device_(device), allocator_(from) {
  if (bytes_ > 0) block_ = allocator_.allocate(bytes_, device_index);
}

Storage::~Storage() {
  if (block_.pointer != nullptr) allocator_.release(block_);
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  return make(shape, dtype, device, allocator(device.type), device.index);
}

Tensor Tensor::staging(const Shape& shape, DType dtype, Device device) {
  return make(shape, dtype, Device{}, staging_allocator(device.type), device.index);
}

Tensor Tensor::make(const Shape& shape, DType dtype, Device device, CachingAllocator& from,
                    int device_index) {
  Tensor out;
  std::size_t bytes = static_cast<std::size_t>(checked_numel(shape, "tensor"));
  check(!__builtin_mul_overflow(bytes, size_of(dtype), &bytes), "tensor", "shape ", shape, " of ",
        dtype, " has too many bytes");
  out.storage_ = std::make_shared<Storage>(bytes, device, from, device_index);
  out.shape_ = shape;
  out.strides_ = contiguous_strides(shape);
  out.dtype_ = dtype;
  return out;
}

bool Tensor::is_contiguous() const {
  if (numel() == 0) return true;
  std::int64_t expected = 1;
  for (int d = rank() - 1; d >= 0; --d) {
    if (shape_[d] == 1) continue;
    if (strides_[d] != expected) return false;
    expected *= shape_[d];
  }
  return true;
}

void* Tensor::raw() const {
  check(defined(), "tensor", "is undefined");
  // An empty storage has no address to move from.
  if (storage_->data() == nullptr) return nullptr;
  return static_cast<std::byte*>(storage_->data()) +
         offset_ * static_cast<std::int64_t>(size_of(dtype_));
}

Tensor Tensor::to(Device device) const {
  if (this->device() == device) return *this;
  // Two devices do not wait for each other, but the host waits for both.
  if (this->device().type != DeviceType::CPU && device.type != DeviceType::CPU)
    return to(Device{}).to(device);
  // The elements from the first to the last, with what lies between.
  std::int64_t count = numel() > 0 ? 1 : 0;
  for (int d = 0; d < rank() && count > 0; ++d) count += (shape_[d] - 1) * strides_[d];
  Tensor out = empty({count}, dtype_, device).with(shape_, strides_, 0);
  const Device other = device.type == DeviceType::CPU ? this->device() : device;
  if (count > 0)
    allocator(other.type)
        .memory()
        .copy(raw(), out.raw(), static_cast<std::size_t>(count) * size_of(dtype_), other.index);
  return out;
}

double Tensor::item() const {
  check(numel() == 1, "item", "expects one element, found shape ", shape_);
  return to_vector<double>().front();
}

Tensor Tensor::with(const Shape& shape, const Strides& strides, std::int64_t offset) const {
  Tensor out = *this;
  out.shape_ = shape;
  out.strides_ = strides;
  out.offset_ = offset;
  return out;
}

Shape resolve_shape(const Shape& shape, std::int64_t count, std::string_view op) {
  Shape out = shape;
  int unknown = -1;
  for (int d = 0; d < shape.size(); ++d) {
    if (shape[d] == -1) {
      check(unknown < 0, op, "more than one -1 in shape ", shape);
      unknown = d;
    } else {
      check(shape[d] >= 0, op, "negative extent in shape ", shape);
      out[d] = shape[d];
    }
  }
  if (unknown >= 0) out[unknown] = 1;
  const std::int64_t known = checked_numel(out, op);
  if (unknown >= 0) {
    check(known > 0 && count % known == 0, op, count, " elements do not fit shape ", shape);
    out[unknown] = count / known;
  } else {
    check(known == count, op, count, " elements do not fit shape ", shape);
  }
  return out;
}

Tensor Tensor::view(const Shape& shape) const {
  check(is_contiguous(), "view", "expects a contiguous tensor, found shape ", shape_, " strides ",
        strides_);
  const Shape resolved = resolve_shape(shape, numel(), "view");
  return with(resolved, contiguous_strides(resolved), offset_);
}

Tensor Tensor::permute(const Dims& order) const {
  check(order.size() == rank(), "permute", "order ", order, " for shape ", shape_);
  Shape shape = shape_;
  Strides strides = strides_;
  unsigned seen = 0;
  for (int d = 0; d < rank(); ++d) {
    const int from = wrap_dim(order[d], rank(), "permute");
    check((seen >> from & 1U) == 0, "permute", "order ", order, " repeats a dimension");
    seen |= 1U << from;
    shape[d] = shape_[from];
    strides[d] = strides_[from];
  }
  return with(shape, strides, offset_);
}

Tensor Tensor::transpose(std::int64_t a, std::int64_t b) const {
  Shape shape = shape_;
  Strides strides = strides_;
  const int i = wrap_dim(a, rank(), "transpose");
  const int j = wrap_dim(b, rank(), "transpose");
  std::swap(shape[i], shape[j]);
  std::swap(strides[i], strides[j]);
  return with(shape, strides, offset_);
}

Tensor Tensor::slice(std::int64_t dim, std::int64_t begin, std::int64_t end,
                     std::int64_t step) const {
  const int d = wrap_dim(dim, rank(), "slice");
  check(0 <= begin && begin <= end && end <= shape_[d] && step >= 1, "slice", "range ", begin, ":",
        end, ":", step, " in dimension ", d, " of shape ", shape_);
  Shape shape = shape_;
  Strides strides = strides_;
  shape[d] = (end - begin) / step + ((end - begin) % step != 0 ? 1 : 0);
  strides[d] *= step;
  return with(shape, strides, offset_ + begin * strides_[d]);
}

Tensor Tensor::select(std::int64_t dim, std::int64_t index) const {
  const int d = wrap_dim(dim, rank(), "select");
  check(0 <= index && index < shape_[d], "select", "index ", index, " in dimension ", d,
        " of shape ", shape_);
  return slice(d, index, index + 1).squeeze(d);
}

Tensor Tensor::expand(const Shape& shape) const {
  checked_numel(shape, "expand");
  const int added = shape.size() - rank();
  check(added >= 0, "expand", "shape ", shape_, " to ", shape);
  Strides strides = Dims::filled(shape.size(), 0);
  for (int d = 0; d < rank(); ++d) {
    check(shape_[d] == shape[d + added] || shape_[d] == 1, "expand", "shape ", shape_, " to ",
          shape);
    strides[d + added] = shape_[d] == shape[d + added] ? strides_[d] : 0;
  }
  return with(shape, strides, offset_);
}

Tensor Tensor::unsqueeze(std::int64_t dim) const {
  const int at = wrap_dim(dim, rank() + 1, "unsqueeze");
  Shape shape;
  Strides strides;
  for (int d = 0; d <= rank(); ++d) {
    if (d == at) {
      shape.push_back(1);
      strides.push_back(1);
    }
    if (d < rank()) {
      shape.push_back(shape_[d]);
      strides.push_back(strides_[d]);
    }
  }
  return with(shape, strides, offset_);
}

Tensor Tensor::squeeze(std::int64_t dim) const {
  const int at = wrap_dim(dim, rank(), "squeeze");
  check(shape_[at] == 1, "squeeze", "dimension ", at, " of shape ", shape_, " is not 1");
  Shape shape;
  Strides strides;
  for (int d = 0; d < rank(); ++d) {
    if (d == at) continue;
    shape.push_back(shape_[d]);
    strides.push_back(strides_[d]);
  }
  return with(shape, strides, offset_);
}

}  // namespace rho
