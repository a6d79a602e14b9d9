#include <cudnn.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "kernels/cuda/nvidia/cudnn_functions.cuh"
#include "tests/cuda_emulator/stream.h"

namespace rho::cuda_emulator {

/// A tensor, or a filter: extents are told channels first, whatever the format.
struct Array {
  cudnnDataType_t type;
  cudnnTensorFormat_t format;
  int n, c, h, w;

  std::int64_t count() const { return std::int64_t{n} * c * h * w; }
  std::int64_t at(int i, int k, int row, int column) const {
    if (format == CUDNN_TENSOR_NCHW) return ((std::int64_t{i} * c + k) * h + row) * w + column;
    return ((std::int64_t{i} * h + row) * w + column) * c + k;
  }
};

struct Window {
  int pad_h, pad_w, stride_h, stride_w, groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

}  // namespace rho::cuda_emulator

using namespace rho::cuda_emulator;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  Array array;
};
struct cudnnFilterStruct {
  Array array;
};
struct cudnnConvolutionStruct {
  Window window;
};

namespace rho::cuda_emulator {
namespace {

struct Convolution {
  Array x, w, y;
  Window of;

  cudnnStatus_t status() const {
    const auto outputs = [](int extent, int pad, int taps, int stride) {
      return (extent + 2 * pad - taps) / stride + 1;
    };
    const bool fits = y.n == x.n && y.c == w.n && x.c == w.c * of.groups && w.n % of.groups == 0 &&
                      y.h == outputs(x.h, of.pad_h, w.h, of.stride_h) &&
                      y.w == outputs(x.w, of.pad_w, w.w, of.stride_w) &&
                      x.count() * w.count() * y.count() > 0 && x.type == w.type &&
                      x.type == y.type && x.format == w.format && x.format == y.format;
    if (!fits) return CUDNN_STATUS_BAD_PARAM;
    const bool has_kernel =
        w.w <= 16 && (x.type == CUDNN_DATA_FLOAT || x.format == CUDNN_TENSOR_NCHW);
    return has_kernel ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
  }

  /// visit(places in x, w and y) for all that is multiplied.
  template <class Visit>
  void for_each_product(const Visit& visit) const {
    const int outs = w.n / of.groups;
    for (int n = 0; n < y.n; ++n)
      for (int o = 0; o < y.c; ++o)
        for (int i = 0; i < y.h; ++i)
          for (int j = 0; j < y.w; ++j)
            for (int a = 0; a < w.h; ++a)
              for (int b = 0; b < w.w; ++b) {
                const int row = i * of.stride_h + a - of.pad_h;
                const int column = j * of.stride_w + b - of.pad_w;
                if (row < 0 || row >= x.h || column < 0 || column >= x.w) continue;
                for (int k = 0; k < w.c; ++k)
                  visit(x.at(n, o / outs * w.c + k, row, column), w.at(o, k, a, b),
                        y.at(n, o, i, j));
              }
  }
};

constexpr std::size_t kSpace = 1000;  // bytes that the algorithms need

double tf32(float value) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xffffe000U);
}

template <class Algorithm>
struct Algorithms {
  using Perf = cudnnConvolutionAlgoPerf<Algorithm>;
  Algorithm good, random, other;  // good: to be taken; random: not the same bits every time

  cudnnStatus_t list(const Convolution& c, int most, int* count, Perf* found) const {
    if (c.status() != CUDNN_STATUS_SUCCESS) return c.status();
    const cudnnMathType_t math = c.of.math;
    constexpr auto ok = CUDNN_STATUS_SUCCESS;
    const std::array<Perf, 6> all{
        Perf{other, ok, 1.0F, 0, CUDNN_DETERMINISTIC, math, {}},
        Perf{random, ok, 2.0F, kSpace, CUDNN_NON_DETERMINISTIC, math, {}},
        Perf{good, ok, 3.0F, std::size_t{1} << 40, CUDNN_DETERMINISTIC, math, {}},
        Perf{
            good, ok, 4.0F, kSpace, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION, {}},
        Perf{good, ok, 5.0F, kSpace, CUDNN_DETERMINISTIC, math, {}},
        Perf{random, CUDNN_STATUS_NOT_SUPPORTED, -1.0F, 0, CUDNN_DETERMINISTIC, math, {}}};
    *count = std::min(most, static_cast<int>(all.size()));
    std::copy_n(all.begin(), *count, found);
    return ok;
  }

  /// multiply(one, other, sums) adds up what is multiplied.
  template <class Multiply>
  cudnnStatus_t run(cudnnHandle_t handle, const Convolution& c, Algorithm algorithm,
                    const void* alpha, const void* beta, const void* one, const void* another,
                    void* space, std::size_t bytes, const Array& out, void* result,
                    const Multiply& multiply) const {
    if (c.status() != CUDNN_STATUS_SUCCESS) return c.status();
    if (algorithm != good || bytes != kSpace || c.of.math == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)
      return CUDNN_STATUS_NOT_SUPPORTED;
    const auto run_in = [&]<class T>(T) {
      if (*static_cast<const T*>(alpha) != T{1} || *static_cast<const T*>(beta) != T{0})
        return CUDNN_STATUS_NOT_SUPPORTED;
      enqueue(handle->stream, [=] {
        scribble(space, bytes);
        const auto* const a = static_cast<const T*>(one);
        const auto* const b = static_cast<const T*>(another);
        std::vector<double> sums(static_cast<std::size_t>(out.count()));
        const bool rounds = std::is_same_v<T, float> && c.of.math == CUDNN_DEFAULT_MATH;
        const auto factor = [&](T value) {
          return rounds ? tf32(static_cast<float>(value)) : static_cast<double>(value);
        };
        multiply(c, [&](std::int64_t to, std::int64_t i, std::int64_t j) {
          sums[static_cast<std::size_t>(to)] += factor(a[i]) * factor(b[j]);
        });
        std::transform(sums.begin(), sums.end(), static_cast<T*>(result),
                       [](double sum) { return static_cast<T>(sum); });
      });
      return CUDNN_STATUS_SUCCESS;
    };
    return out.type == CUDNN_DATA_FLOAT ? run_in(float{}) : run_in(double{});
  }
};

constexpr Algorithms<cudnnConvolutionFwdAlgo_t> kForward{
    CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_DIRECT,
    CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD};
constexpr Algorithms<cudnnConvolutionBwdDataAlgo_t> kBackwardData{
    CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0,
    CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT};
constexpr Algorithms<cudnnConvolutionBwdFilterAlgo_t> kBackwardFilter{
    CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0,
    CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED};

}  // namespace
}  // namespace rho::cuda_emulator

std::size_t cudnnGetVersion() { return 90000; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  if (status == CUDNN_STATUS_SUCCESS) return "CUDNN_STATUS_SUCCESS";
  return status == CUDNN_STATUS_BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_NOT_SUPPORTED";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* to) {
  *to = new cudnnTensorStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t to, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  to->array = {type, format, n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* to) {
  *to = new cudnnFilterStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t to, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  to->array = {type, format, k, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* to) {
  *to = new cudnnConvolutionStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t to, int pad_h, int pad_w,
                                              int u, int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t) {
  if (pad_h < 0 || pad_w < 0 || u < 1 || v < 1) return CUDNN_STATUS_BAD_PARAM;
  if (dilation_h != 1 || dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION)
    return CUDNN_STATUS_NOT_SUPPORTED;
  to->window = {pad_h, pad_w, u, v};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t to, int groups) {
  to->window.groups = groups;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t to, cudnnMathType_t math) {
  to->window.math = math;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t of,
                                                     cudnnTensorDescriptor_t y, int most,
                                                     int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  return kForward.list({x->array, w->array, y->array, of->window}, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t of, cudnnTensorDescriptor_t dx, int most, int* count,
    cudnnConvolutionBwdDataAlgoPerf_t* found) {
  return kBackwardData.list({dx->array, w->array, dy->array, of->window}, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
    cudnnConvolutionDescriptor_t of, cudnnFilterDescriptor_t dw, int most, int* count,
    cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  return kBackwardFilter.list({x->array, dw->array, dy->array, of->window}, most, count, found);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
                                      cudnnTensorDescriptor_t xDesc, const void* x,
                                      cudnnFilterDescriptor_t wDesc, const void* w,
                                      cudnnConvolutionDescriptor_t of,
                                      cudnnConvolutionFwdAlgo_t algo, void* space,
                                      std::size_t bytes, const void* beta,
                                      cudnnTensorDescriptor_t yDesc, void* y) {
  return kForward.run(handle, {xDesc->array, wDesc->array, yDesc->array, of->window}, algo, alpha,
                      beta, x, w, space, bytes, yDesc->array, y,
                      [](const Convolution& c, const auto& add) {
                        c.for_each_product([&](std::int64_t in, std::int64_t weight,
                                               std::int64_t out) { add(out, in, weight); });
                      });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t wDesc, const void* w,
                                           cudnnTensorDescriptor_t dyDesc, const void* dy,
                                           cudnnConvolutionDescriptor_t of,
                                           cudnnConvolutionBwdDataAlgo_t algo, void* space,
                                           std::size_t bytes, const void* beta,
                                           cudnnTensorDescriptor_t dxDesc, void* dx) {
  return kBackwardData.run(handle, {dxDesc->array, wDesc->array, dyDesc->array, of->window}, algo,
                           alpha, beta, w, dy, space, bytes, dxDesc->array, dx,
                           [](const Convolution& c, const auto& add) {
                             c.for_each_product([&](std::int64_t in, std::int64_t weight,
                                                    std::int64_t out) { add(in, weight, out); });
                           });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t xDesc, const void* x,
                                             cudnnTensorDescriptor_t dyDesc, const void* dy,
                                             cudnnConvolutionDescriptor_t of,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void* space,
                                             std::size_t bytes, const void* beta,
                                             cudnnFilterDescriptor_t dwDesc, void* dw) {
  return kBackwardFilter.run(handle, {xDesc->array, dwDesc->array, dyDesc->array, of->window}, algo,
                             alpha, beta, x, dy, space, bytes, dwDesc->array, dw,
                             [](const Convolution& c, const auto& add) {
                               c.for_each_product([&](std::int64_t in, std::int64_t weight,
                                                      std::int64_t out) { add(weight, in, out); });
                             });
}

namespace rho::kernels::nvidia {

// In place of those that are found in a file.
const CudnnFunctions& cudnn() {
  static const CudnnFunctions functions{&cudnnGetVersion,
                                        &cudnnGetErrorString,
                                        &cudnnCreate,
                                        &cudnnSetStream,
                                        &cudnnCreateTensorDescriptor,
                                        &cudnnSetTensor4dDescriptor,
                                        &cudnnDestroyTensorDescriptor,
                                        &cudnnCreateFilterDescriptor,
                                        &cudnnSetFilter4dDescriptor,
                                        &cudnnDestroyFilterDescriptor,
                                        &cudnnCreateConvolutionDescriptor,
                                        &cudnnSetConvolution2dDescriptor,
                                        &cudnnSetConvolutionGroupCount,
                                        &cudnnSetConvolutionMathType,
                                        &cudnnDestroyConvolutionDescriptor,
                                        &cudnnGetConvolutionForwardAlgorithm_v7,
                                        &cudnnGetConvolutionBackwardDataAlgorithm_v7,
                                        &cudnnGetConvolutionBackwardFilterAlgorithm_v7,
                                        &cudnnConvolutionForward,
                                        &cudnnConvolutionBackwardData,
                                        &cudnnConvolutionBackwardFilter};
  return functions;
}

}  // namespace rho::kernels::nvidia
