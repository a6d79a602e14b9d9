// The passes of batch norm's gradient, of which another kernel may do the first one: the sums over
// a gradient on its way through the rectifier.
#pragma once

#include "kernels/batch_norm.h"
#include "kernels/cuda/reduction.cuh"

namespace rho::kernels::cuda {

/// What the passes read per channel.
template <class T>
struct Channel {
  T mean, scale, shift;
  double inverse;      // 1 / sqrt(variance + eps)
  T mean_grad, slope;  // means of g and of g (x - mean) inverse
};

template <class T>
struct MakeChannel {
  const T *mean, *variance, *gamma, *beta;
  double eps;
  Channel<T>* channels;

  __device__ void operator()(std::int64_t c) const {
    const double inverse = 1.0 / std::sqrt(static_cast<double>(variance[c]) + eps);
    channels[c] = {mean[c], static_cast<T>(static_cast<double>(gamma[c]) * inverse),
                   beta[c], inverse,
                   T{0},    T{0}};
  }
};

template <class T>
Buffer<Channel<T>> channels_of(std::string_view op, const BatchNormArguments& with) {
  const Device device = with.mean.device();
  Buffer<Channel<T>> channels(with.mean.numel(), device);
  for_each(op, device, with.mean.numel(),
           MakeChannel<T>{with.mean.data<T>(), with.variance.data<T>(), with.gamma.data<T>(),
                          with.beta.data<T>(), with.eps, channels.data()});
  return channels;
}

/// Explicitly fused, so that the way back finds the same sign.
template <class T>
__device__ T normalized(const Channel<T>& of, T x) {
  return std::fma(x - of.mean, of.scale, of.shift);
}

/// Gradients g of the output, which are 0 where that was rectified: where y is not positive, or
/// without y what x becomes.
template <class T>
struct MaskGradients {
  const T *x, *y;  // y may be null
  const Channel<T>* channels;
  bool relu;

  /// What belongs to the gradient of element i.
  struct Element {
    T x, y;
  };
  __device__ Element read(std::int64_t i) const { return {x[i], y != nullptr ? y[i] : T{0}}; }
  /// A gradient of channel `of`, which is added to sums of g and g (x - mean).
  __device__ T operator()(const Channel<T>& of, const Element& at, T g, Sums<2>& sums) const {
    if (relu && !((y != nullptr ? at.y : normalized(of, at.x)) > 0)) g = T{0};
    sums.value[0] += static_cast<double>(g);
    sums.value[1] += static_cast<double>(g) * static_cast<double>(at.x - of.mean);
    return g;
  }
};

template <class T>
struct StoreGradients {
  Channel<T>* channels;
  double rows;
  T *grad_gamma, *grad_beta;

  __device__ void operator()(std::int64_t, std::int64_t c, const Sums<2>& sums) const {
    const double slope = sums.value[1] * channels[c].inverse;
    grad_beta[c] = static_cast<T>(sums.value[0]);
    grad_gamma[c] = static_cast<T>(slope);
    channels[c].mean_grad = static_cast<T>(sums.value[0] / rows);
    channels[c].slope = static_cast<T>(slope / rows);
  }
};

template <class T>
struct GradX {
  const Channel<T>* channels;
  bool relu;  // whether g still has to be masked, by the sign that x gives

  struct OfChannel {
    Channel<T> of;
    T inverse;
    bool relu;
    __device__ T operator()(T x, T g) const {
      const T gradient = relu && !(normalized(of, x) > 0) ? T{0} : g;
      return of.scale * (gradient - of.mean_grad - (x - of.mean) * inverse * of.slope);
    }
  };
  __device__ OfChannel channel(std::int64_t c) const {
    return {channels[c], static_cast<T>(channels[c].inverse), relu};
  }
};

/// batch_norm_grad in two passes over memory. The first one is left to the caller: it sends every
/// gradient through mask(), and each channel's sums to store().
template <class T>
class BatchNormGradientPasses {
 public:
  BatchNormGradientPasses(std::string_view op, const Tensor& x, const BatchNormArguments& with,
                          const Tensor& y, const BatchNormGradients& grads)
      : op_(op),
        x_(x),
        grads_(grads),
        mask_{x.data<T>(), grads.through_y(with) ? y.data<T>() : nullptr, nullptr, with.relu},
        channels_(channels_of<T>(op, with)) {
    mask_.channels = channels_.data();
  }

  const MaskGradients<T>& mask() const { return mask_; }
  StoreGradients<T> store() const {
    return {channels_.data(), static_cast<double>(x_.size(0)), grads_.gamma.data<T>(),
            grads_.beta.data<T>()};
  }
  /// grads.x, of gradients that have been masked or not.
  void second(const Tensor& g, bool is_masked) const {
    map_by_channel<T>(op_, x_.device(), x_.size(0), x_.size(1),
                      {x_.data<T>(), g.data<T>(), grads_.x.data<T>()},
                      GradX<T>{channels_.data(), mask_.relu && !is_masked});
  }

 private:
  std::string_view op_;
  const Tensor& x_;
  const BatchNormGradients& grads_;
  MaskGradients<T> mask_;
  Buffer<Channel<T>> channels_;
};

}  // namespace rho::kernels::cuda
