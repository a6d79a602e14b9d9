#include "bench/peers/cudnn.h"

#include <cudnn.h>

#include <array>
#include <memory>

#include "kernels/copy.h"
#include "kernels/cuda/runtime/stream.cuh"
#include "kernels/precision.h"

namespace rho::bench {
namespace {

void expect(cudnnStatus_t status) {
  check(status == CUDNN_STATUS_SUCCESS, "cudnn", cudnnGetErrorString(status));
}

/// For work in the order of ours.
cudnnHandle_t handle(Device device) {
  static const cudnnHandle_t one = [&] {
    cudnnHandle_t made = nullptr;
    expect(cudnnCreate(&made));
    expect(cudnnSetStream(made, kernels::cuda::stream_of(device).handle));
    return made;
  }();
  return one;
}

/// Channels first, whatever the layout.
std::array<int, 4> extents(const Shape& s) {
  return {static_cast<int>(s[0]), static_cast<int>(s[3]), static_cast<int>(s[1]),
          static_cast<int>(s[2])};
}

/// A convolution and its tensors in one layout.
class Layout {
 public:
  Layout(Direction direction, const Tensor& a, const Tensor& b,
         const kernels::Conv2dOptions& options, const Shape& out, cudnnTensorFormat_t format)
      : direction_(direction), format_(format) {
    const bool first = format == CUDNN_TENSOR_NCHW;
    const auto layout = [&](const Tensor& t) {
      return first ? kernels::contiguous(t.permute({0, 3, 1, 2})) : t;
    };
    a_ = layout(a);
    b_ = layout(b);
    out_ = layout(Tensor::empty(out, a.dtype(), a.device()));
    const bool gives_x = direction == Direction::InputGradient;
    const bool gives_w = direction == Direction::WeightGradient;
    describe(x_, gives_x ? out : a.shape());
    describe(y_, gives_x ? a.shape() : gives_w ? b.shape() : out);
    expect(cudnnCreateFilterDescriptor(&w_));
    const auto [o, i, h, v] = extents(gives_w ? out : b.shape());
    expect(cudnnSetFilter4dDescriptor(w_, CUDNN_DATA_FLOAT, format, o, i, h, v));
    expect(cudnnCreateConvolutionDescriptor(&of_));
    expect(cudnnSetConvolution2dDescriptor(
        of_, static_cast<int>(options.pad_h), static_cast<int>(options.pad_w),
        static_cast<int>(options.stride_h), static_cast<int>(options.stride_w), 1, 1,
        CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    expect(cudnnSetConvolutionGroupCount(of_, static_cast<int>(options.groups)));
    const bool ieee = kernels::product_precision() == kernels::ProductPrecision::Float32;
    expect(cudnnSetConvolutionMathType(of_, ieee ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH));
  }
  ~Layout() {
    cudnnDestroyTensorDescriptor(x_);
    cudnnDestroyTensorDescriptor(y_);
    cudnnDestroyFilterDescriptor(w_);
    cudnnDestroyConvolutionDescriptor(of_);
  }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  Tensor result() const {
    return format_ == CUDNN_TENSOR_NCHW ? kernels::contiguous(out_.permute({0, 2, 3, 1})) : out_;
  }
  std::string name() const {
    return format_ == CUDNN_TENSOR_NCHW ? "channels first" : "channels last";
  }

  /// Calls found(algorithm, bytes of work space) for each algorithm that there is.
  template <class Found>
  void for_each_algorithm(const Found& found) const {
    // size(i, bytes) asks cuDNN about algorithm i, of `count`.
    const auto each = [&](int count, const auto& size) {
      for (int i = 0; i < count; ++i) {
        std::size_t bytes = 0;
        if (size(i, &bytes) == CUDNN_STATUS_SUCCESS) found(i, bytes);
      }
    };
    switch (direction_) {
      case Direction::Forward:
        return each(CUDNN_CONVOLUTION_FWD_ALGO_COUNT, [&](int i, std::size_t* bytes) {
          return cudnnGetConvolutionForwardWorkspaceSize(handle(a_.device()), x_, w_, of_, y_,
                                                         static_cast<cudnnConvolutionFwdAlgo_t>(i),
                                                         bytes);
        });
      case Direction::InputGradient:
        return each(CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT, [&](int i, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardDataWorkspaceSize(
              handle(a_.device()), w_, y_, of_, x_, static_cast<cudnnConvolutionBwdDataAlgo_t>(i),
              bytes);
        });
      case Direction::WeightGradient:
        return each(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT, [&](int i, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(
              handle(a_.device()), x_, y_, of_, w_, static_cast<cudnnConvolutionBwdFilterAlgo_t>(i),
              bytes);
        });
    }
  }

  cudnnStatus_t run(int algorithm, const Tensor& space) const {
    const float one = 1.0F, zero = 0.0F;
    const auto bytes = static_cast<std::size_t>(space.numel());
    switch (direction_) {
      case Direction::Forward:
        return cudnnConvolutionForward(handle(a_.device()), &one, x_, a_.raw(), w_, b_.raw(), of_,
                                       static_cast<cudnnConvolutionFwdAlgo_t>(algorithm),
                                       space.raw(), bytes, &zero, y_, out_.raw());
      case Direction::InputGradient:
        return cudnnConvolutionBackwardData(handle(a_.device()), &one, w_, b_.raw(), y_, a_.raw(),
                                            of_,
                                            static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm),
                                            space.raw(), bytes, &zero, x_, out_.raw());
      case Direction::WeightGradient:
        return cudnnConvolutionBackwardFilter(
            handle(a_.device()), &one, x_, a_.raw(), y_, b_.raw(), of_,
            static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm), space.raw(), bytes, &zero, w_,
            out_.raw());
    }
    return CUDNN_STATUS_NOT_SUPPORTED;
  }

  /// Of the three enumerations, which agree in nothing else.
  bool is_winograd(int algorithm) const {
    switch (direction_) {
      case Direction::Forward:
        return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD ||
               algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED;
      case Direction::InputGradient:
        return algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD ||
               algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED;
      case Direction::WeightGradient:
        return algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD ||
               algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED;
    }
    return false;
  }

 private:
  void describe(cudnnTensorDescriptor_t& to, const Shape& shape) const {
    const auto [n, c, h, w] = extents(shape);
    expect(cudnnCreateTensorDescriptor(&to));
    expect(cudnnSetTensor4dDescriptor(to, format_, CUDNN_DATA_FLOAT, n, c, h, w));
  }

  Direction direction_;
  cudnnTensorFormat_t format_;
  Tensor a_, b_, out_;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t of_ = nullptr;
};

}  // namespace

std::string cudnn_version() {
  const std::size_t version = cudnnGetVersion();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
}

std::vector<PeerConvolution> cudnn_convolutions(Direction direction, const Tensor& a,
                                                const Tensor& b,
                                                const kernels::Conv2dOptions& options,
                                                const Shape& out) {
  std::vector<PeerConvolution> all;
  if (kernels::product_precision() == kernels::ProductPrecision::BFloat16) return all;
  for (const cudnnTensorFormat_t format : {CUDNN_TENSOR_NHWC, CUDNN_TENSOR_NCHW}) {
    const auto layout = std::make_shared<Layout>(direction, a, b, options, out, format);
    layout->for_each_algorithm([&](int algorithm, std::size_t bytes) {
      const Tensor space =
          Tensor::empty({static_cast<std::int64_t>(bytes)}, DType::UInt8, a.device());
      // What has a work space need not have a kernel.
      if (layout->run(algorithm, space) != CUDNN_STATUS_SUCCESS) return;
      all.push_back({layout->name() + ", algorithm " + std::to_string(algorithm),
                     layout->is_winograd(algorithm), [=] { expect(layout->run(algorithm, space)); },
                     [=] { return layout->result(); }});
    });
  }
  return all;
}

}  // namespace rho::bench
