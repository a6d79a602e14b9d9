// Convolutions by cuDNN.
#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "kernels/arithmetic.h"
#include "kernels/copy.h"
#include "kernels/cuda/nvidia/cudnn_functions.cuh"
#include "kernels/cuda/nvidia/of_stream.cuh"
#include "kernels/cuda/nvidia/products.h"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/runtime/tensor_cores.cuh"
#include "kernels/fill.h"
#include "kernels/provider.h"
#include "kernels/relu.h"

namespace rho::kernels::nvidia {
namespace {

/// Work space that an algorithm may have: every network of a sweep has its own.
constexpr std::size_t kMostSpace = std::size_t{256} << 20;

void expect(std::string_view op, cudnnStatus_t status) {
  check(status == CUDNN_STATUS_SUCCESS, op, "cuDNN: ", cudnn().get_error_string(status));
}

int narrow(std::string_view op, std::int64_t extent) {
  check(extent <= INT32_MAX, op, "cuDNN: has an extent of ", extent, ", expected at most ",
        INT32_MAX);
  return static_cast<int>(extent);
}

class CudnnHandle {
 public:
  explicit CudnnHandle(const cuda::Stream& stream) {
    expect("conv2d", cudnn().create(&handle_));
    expect("conv2d", cudnn().set_stream(handle_, stream.handle));
  }
  cudnnHandle_t get() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

/// x, w and y, one of which is what is asked for.
struct Convolution {
  const Tensor &x, &w, &y;
  const Conv2dOptions& options;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  /// Whether float32 may be multiplied as tf32.
  bool is_rounded() const {
    return dtype() == DType::Float32 && product_precision() == ProductPrecision::TensorFloat32;
  }
};

template <class T>
class Descriptor {
 public:
  Descriptor(std::string_view op, cudnnStatus_t (*create)(T*), cudnnStatus_t (*destroy)(T))
      : destroy_(destroy) {
    expect(op, create(&descriptor_));
  }
  ~Descriptor() { destroy_(descriptor_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  T get() const { return descriptor_; }

 private:
  T descriptor_ = nullptr;
  cudnnStatus_t (*destroy_)(T);
};

/// A convolution with its tensors in one format.
struct Description {
  Descriptor<cudnnTensorDescriptor_t> x, y;
  Descriptor<cudnnFilterDescriptor_t> w;
  Descriptor<cudnnConvolutionDescriptor_t> of;

  Description(std::string_view op, const Convolution& c, cudnnTensorFormat_t format,
              cudnnMathType_t math)
      : x(op, cudnn().create_tensor, cudnn().destroy_tensor),
        y(op, cudnn().create_tensor, cudnn().destroy_tensor),
        w(op, cudnn().create_filter, cudnn().destroy_filter),
        of(op, cudnn().create_convolution, cudnn().destroy_convolution) {
    const cudnnDataType_t type = c.dtype() == DType::Float64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    const auto extent = [&](const Tensor& t, int d) { return narrow(op, t.size(d)); };
    // Extents are told channels first, whatever the format.
    const auto describe = [&](cudnnTensorDescriptor_t to, const Tensor& t) {
      expect(op, cudnn().set_tensor_4d(to, format, type, extent(t, 0), extent(t, 3), extent(t, 1),
                                       extent(t, 2)));
    };
    describe(x.get(), c.x);
    describe(y.get(), c.y);
    expect(op, cudnn().set_filter_4d(w.get(), type, format, extent(c.w, 0), extent(c.w, 3),
                                     extent(c.w, 1), extent(c.w, 2)));
    const Conv2dOptions& o = c.options;
    expect(op, cudnn().set_convolution_2d(of.get(), narrow(op, o.pad_h), narrow(op, o.pad_w),
                                          narrow(op, o.stride_h), narrow(op, o.stride_w), 1, 1,
                                          CUDNN_CROSS_CORRELATION, type));
    expect(op, cudnn().set_group_count(of.get(), narrow(op, o.groups)));
    expect(op, cudnn().set_math_type(of.get(), math));
  }
};

// The three directions, whose functions take the same in another order. Plain algorithms add up
// the products themselves. Those of Winograd and Fourier do not: how much they round is not
// bounded element by element, and what is not finite goes where it does not belong.

struct ForwardDirection {
  static constexpr auto kOp = "conv2d";
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  using Candidate = cudnnConvolutionFwdAlgoPerf_t;
  static constexpr std::array kPlain{
      CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
      CUDNN_CONVOLUTION_FWD_ALGO_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_DIRECT};

  static cudnnStatus_t candidates(cudnnHandle_t handle, const Description& d, int most, int* count,
                                  Candidate* out) {
    return cudnn().forward_algorithms(handle, d.x.get(), d.w.get(), d.of.get(), d.y.get(), most,
                                      count, out);
  }
  /// a and b are x and w.
  static cudnnStatus_t run(cudnnHandle_t handle, const Description& d, Algorithm algorithm,
                           const Tensor& space, const void* one, const void* zero, const Tensor& a,
                           const Tensor& b, const Tensor& out) {
    return cudnn().forward(handle, one, d.x.get(), a.raw(), d.w.get(), b.raw(), d.of.get(),
                           algorithm, space.raw(), static_cast<std::size_t>(space.numel()), zero,
                           d.y.get(), out.raw());
  }
};

struct InputGradDirection {
  static constexpr auto kOp = "conv2d_input_grad";
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  using Candidate = cudnnConvolutionBwdDataAlgoPerf_t;
  static constexpr std::array kPlain{CUDNN_CONVOLUTION_BWD_DATA_ALGO_0,
                                     CUDNN_CONVOLUTION_BWD_DATA_ALGO_1};

  static cudnnStatus_t candidates(cudnnHandle_t handle, const Description& d, int most, int* count,
                                  Candidate* out) {
    return cudnn().input_grad_algorithms(handle, d.w.get(), d.y.get(), d.of.get(), d.x.get(), most,
                                         count, out);
  }
  /// a and b are grad_y and w.
  static cudnnStatus_t run(cudnnHandle_t handle, const Description& d, Algorithm algorithm,
                           const Tensor& space, const void* one, const void* zero, const Tensor& a,
                           const Tensor& b, const Tensor& out) {
    return cudnn().input_grad(handle, one, d.w.get(), b.raw(), d.y.get(), a.raw(), d.of.get(),
                              algorithm, space.raw(), static_cast<std::size_t>(space.numel()), zero,
                              d.x.get(), out.raw());
  }
};

struct WeightGradDirection {
  static constexpr auto kOp = "conv2d_weight_grad";
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  using Candidate = cudnnConvolutionBwdFilterAlgoPerf_t;
  static constexpr std::array kPlain{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0,
                                     CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
                                     CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3};

  static cudnnStatus_t candidates(cudnnHandle_t handle, const Description& d, int most, int* count,
                                  Candidate* out) {
    return cudnn().weight_grad_algorithms(handle, d.x.get(), d.y.get(), d.of.get(), d.w.get(), most,
                                          count, out);
  }
  /// a and b are x and grad_y.
  static cudnnStatus_t run(cudnnHandle_t handle, const Description& d, Algorithm algorithm,
                           const Tensor& space, const void* one, const void* zero, const Tensor& a,
                           const Tensor& b, const Tensor& out) {
    return cudnn().weight_grad(handle, one, d.x.get(), a.raw(), d.y.get(), b.raw(), d.of.get(),
                               algorithm, space.raw(), static_cast<std::size_t>(space.numel()),
                               zero, d.w.get(), out.raw());
  }
};

/// How a convolution is done.
template <class Direction>
struct Choice {
  cudnnTensorFormat_t format;
  typename Direction::Algorithm algorithm;
  cudnnMathType_t math;
  std::size_t space;  // bytes
};

/// The first of cuDNN's candidates, fastest first by its own reckoning, that gives the same bits
/// every time, adds up plain products of no fewer bits than were asked for, and fits.
template <class Direction>
std::optional<Choice<Direction>> choice_in(cudnnTensorFormat_t format, const Convolution& c) {
  const cudnnMathType_t math =
      c.dtype() == DType::Float64 || c.is_rounded() ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
  const Description description(Direction::kOp, c, format, math);
  std::array<typename Direction::Candidate, 16> candidates{};
  int count = 0;
  // Where it has none at all, it says so with a status: which one depends on the version.
  if (Direction::candidates(of_stream<CudnnHandle>(c.device()).get(), description,
                            static_cast<int>(candidates.size()), &count,
                            candidates.data()) != CUDNN_STATUS_SUCCESS)
    return std::nullopt;
  for (int i = 0; i < count; ++i) {
    const auto& one = candidates[static_cast<std::size_t>(i)];
    const auto& plain = Direction::kPlain;
    if (one.status == CUDNN_STATUS_SUCCESS && one.determinism == CUDNN_DETERMINISTIC &&
        (one.mathType == math || one.mathType == CUDNN_FMA_MATH) && one.memory <= kMostSpace &&
        std::find(plain.begin(), plain.end(), one.algo) != plain.end())
      return Choice<Direction>{format, one.algo, one.mathType, one.memory};
  }
  return std::nullopt;
}

/// Asked of cuDNN once for all convolutions of one shape. Channels last where it can, as our
/// tensors are; channels first costs copies.
template <class Direction>
Choice<Direction> choice_of(const Convolution& c) {
  static std::mutex mutex;
  static auto* const known = new std::map<std::vector<std::int64_t>, Choice<Direction>>;
  const Conv2dOptions& o = c.options;
  std::vector<std::int64_t> key{static_cast<std::int64_t>(c.dtype()),
                                c.is_rounded() ? 1 : 0,
                                c.device().index,
                                o.stride_h,
                                o.stride_w,
                                o.pad_h,
                                o.pad_w,
                                o.groups};
  for (const Tensor* const t : {&c.x, &c.w})
    key.insert(key.end(), t->shape().begin(), t->shape().end());
  const std::scoped_lock lock(mutex);
  if (const auto found = known->find(key); found != known->end()) return found->second;
  auto choice = choice_in<Direction>(CUDNN_TENSOR_NHWC, c);
  if (!choice) choice = choice_in<Direction>(CUDNN_TENSOR_NCHW, c);
  check(choice.has_value(), Direction::kOp, "cuDNN ", product_library_version("cudnn"),
        " has no algorithm for ", c.dtype(), " x ", c.x.shape(), ", weight ", c.w.shape(),
        ", stride (", o.stride_h, ", ", o.stride_w, "), padding (", o.pad_h, ", ", o.pad_w,
        "), groups ", o.groups, c.is_rounded() ? " in tf32" : "",
        ": expected one that is deterministic, adds up plain products and needs at most ",
        kMostSpace >> 20U, " MiB; provider rho has one");
  return known->emplace(std::move(key), *choice).first->second;
}

/// From a and b to out, which are three of the convolution's.
template <class Direction>
void convolve(const Tensor& a, const Tensor& b, const Convolution& c, const Tensor& out) {
  constexpr auto op = Direction::kOp;
  if (out.numel() == 0) return;
  if (a.numel() == 0 || b.numel() == 0) return fill(out, 0.0);
  if (c.is_rounded()) cuda::expect_tensor_cores(op, c.device());
  check(c.dtype() != DType::Float32 || product_precision() != ProductPrecision::BFloat16, op,
        "cuDNN has no precision ", name_of(product_precision()),
        " for float32 tensors, expected f32 or tf32; provider rho has it");
  dispatch_floating(c.dtype(), op, [&]<class T>() {
    const Choice<Direction> choice = choice_of<Direction>(c);
    const bool copies = choice.format == CUDNN_TENSOR_NCHW;
    const auto laid_out = [&](const Tensor& t) {
      return copies ? contiguous(t.permute({0, 3, 1, 2})) : t;
    };
    const Tensor result =
        copies ? Tensor::empty(out.permute({0, 3, 1, 2}).shape(), out.dtype(), out.device()) : out;
    const Tensor space =
        Tensor::empty({static_cast<std::int64_t>(choice.space)}, DType::UInt8, c.device());
    const T one{1}, zero{0};
    expect(op, Direction::run(of_stream<CudnnHandle>(c.device()).get(),
                              Description(op, c, choice.format, choice.math), choice.algorithm,
                              space, &one, &zero, laid_out(a), laid_out(b), result));
    if (copies) copy(result.permute({0, 2, 3, 1}), out);
  });
  if (cuda::is_blocking()) cuda::synchronize(c.device(), op);
}

std::string cudnn_version() {
  const std::size_t version = cudnn().get_version();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
}

[[maybe_unused]] const bool cudnn_registered =
    (register_product_library("cudnn", &cudnn_version), true);

}  // namespace

void conv2d_forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                    const Conv2dEpilogue& then, const Tensor& y) {
  convolve<ForwardDirection>(x, w, {x, w, y, options}, y);
  if (then.bias.defined()) add(y, then.bias.expand(y.shape()), y);
  if (then.residual.defined()) add(y, then.residual, y);
  if (then.relu) relu(y, y);
}

void conv2d_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                       const Tensor& grad_x) {
  convolve<InputGradDirection>(grad_y, w, {grad_x, w, grad_y, options}, grad_x);
}

void conv2d_weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                        const Tensor& grad_w) {
  convolve<WeightGradDirection>(x, grad_y, {x, grad_w, grad_y, options}, grad_w);
}

}  // namespace rho::kernels::nvidia
