#include "kernels/cuda/batch_norm.cuh"
#include "kernels/sphere.h"

namespace rho::kernels {
namespace {

/// Sums of x - s and of its square, s being the channel's first value: with a shift that is one of
/// the values, what cancels costs at most R roundings of double.
template <class T>
struct AddShifted {
  const T* x;
  std::int64_t channels;

  struct Column {
    const T* x;
    std::int64_t channels;
    double shift;
    __device__ void operator()(std::int64_t r, cuda::Sums<2>& sums) const {
      const double d = static_cast<double>(x[r * channels]) - shift;
      sums.value[0] += d;
      sums.value[1] += d * d;
    }
  };
  __device__ Column column(std::int64_t, std::int64_t c) const {
    return {x + c, channels, static_cast<double>(x[c])};
  }
};

template <class T>
struct StoreStatistics {
  const T* x;
  double rows;
  T *mean, *variance;

  __device__ void operator()(std::int64_t, std::int64_t c, const cuda::Sums<2>& sums) const {
    const double shift = sums.value[0] / rows;
    const double square = sums.value[1] / rows - shift * shift;
    mean[c] = static_cast<T>(static_cast<double>(x[c]) + shift);
    variance[c] = static_cast<T>(square < 0.0 ? 0.0 : square);  // NaN stays
  }
};

void batch_statistics_cuda(const Tensor& x, const Tensor& mean, const Tensor& variance) {
  expect_batch_statistics(x, mean, variance);
  dispatch_floating(x.dtype(), "batch_statistics", [&]<class T>() {
    cuda::reduce<cuda::Sums<2>>("batch_statistics", x.device(), 1, x.size(0), x.size(1),
                                AddShifted<T>{x.data<T>(), x.size(1)},
                                StoreStatistics<T>{x.data<T>(), static_cast<double>(x.size(0)),
                                                   mean.data<T>(), variance.data<T>()});
  });
}

template <class T>
struct Follow {
  struct Line {
    const T *running, *found;
    T* next;
    LinearCombination by;
    __device__ void move(std::int64_t c) const { next[c] = by(running[c], found[c]); }
  };
  Line mean, variance;

  __device__ void operator()(std::int64_t c) const {
    mean.move(c);
    variance.move(c);
  }
};

void follow_statistics_cuda(const MeanAndVariance& running, const MeanAndVariance& found,
                            double momentum, double unbias, const MeanAndVariance& next) {
  expect_follow_statistics(running, found, next);
  constexpr auto op = "follow_statistics";
  const Tensor& mean = running.mean;
  dispatch_floating(mean.dtype(), op, [&]<class T>() {
    cuda::for_each(
        op, mean.device(), mean.numel(),
        Follow<T>{
            {mean.data<T>(), found.mean.data<T>(), next.mean.data<T>(), {1.0 - momentum, momentum}},
            {running.variance.data<T>(),
             found.variance.data<T>(),
             next.variance.data<T>(),
             {1.0 - momentum, momentum * unbias}}});
  });
}

template <class T>
struct Normalize {
  const cuda::Channel<T>* channels;
  bool adds, relu;

  struct OfChannel {
    cuda::Channel<T> of;
    bool adds, relu;
    __device__ T operator()(T x, T residual) const {
      T z = cuda::normalized(of, x);
      if (adds) z += residual;
      return relu && z < 0 ? T{0} : z;
    }
  };
  __device__ OfChannel channel(std::int64_t c) const { return {channels[c], adds, relu}; }
};

void batch_norm_cuda(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                     const Tensor& y) {
  expect_batch_norm(x, with, residual, y);
  constexpr auto op = "batch_norm";
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    const auto channels = cuda::channels_of<T>(op, with);
    cuda::map_by_channel<T>(op, x.device(), x.size(0), x.size(1),
                            {x.data<T>(), residual.data_or_null<T>(), y.data<T>()},
                            Normalize<T>{channels.data(), residual.defined(), with.relu});
  });
}

/// Of y's rectifier, gradients are stored when they have been masked.
template <class T>
struct AddGradients {
  cuda::MaskGradients<T> mask;
  const T* grad_y;
  T* masked;  // null: not stored
  std::int64_t count;

  struct Column {
    AddGradients maps;
    cuda::Channel<T> of;
    std::int64_t c;
    __device__ void operator()(std::int64_t r, cuda::Sums<2>& sums) const {
      const std::int64_t i = r * maps.count + c;
      const T g = maps.mask(of, maps.mask.read(i), maps.grad_y[i], sums);
      if (maps.masked != nullptr) maps.masked[i] = g;
    }
  };
  __device__ Column column(std::int64_t, std::int64_t c) const {
    return {*this, mask.channels[c], c};
  }
};

void batch_norm_grad_cuda(const Tensor& x, const BatchNormArguments& with, const Tensor& y,
                          const Tensor& grad_y, const BatchNormGradients& grads) {
  expect_batch_norm_grad(x, with, y, grad_y, grads);
  constexpr auto op = "batch_norm_grad";
  const bool through_y = grads.through_y(with);
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    const cuda::BatchNormGradientPasses<T> passes(op, x, with, y, grads);
    T* const masked = through_y ? grads.residual.data<T>() : nullptr;
    cuda::reduce<cuda::Sums<2>>(op, x.device(), 1, x.size(0), x.size(1),
                                AddGradients<T>{passes.mask(), grad_y.data<T>(), masked, x.size(1)},
                                passes.store());
    passes.second(through_y ? grads.residual : grad_y, through_y);
  });
}

/// Elements are those of the rows of w, each with its bias behind it.
template <class T>
struct Fold {
  const T *w, *bias, *mean, *variance, *gamma, *beta;
  double eps;
  std::int64_t columns;
  T *out_w, *out_bias;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t o = i / (columns + 1), k = i % (columns + 1);
    const T s = static_cast<T>(gamma[o] / std::sqrt(variance[o] + eps));
    if (k < columns)
      out_w[o * columns + k] = s * w[o * columns + k];
    else
      out_bias[o] = beta[o] + s * ((bias == nullptr ? T{0} : bias[o]) - mean[o]);
  }
};

void fold_batch_norm_cuda(const Tensor& w, const Tensor& bias, const BatchNormArguments& with,
                          const Tensor& out_w, const Tensor& out_bias) {
  expect_fold_batch_norm(w, bias, with, out_w, out_bias);
  constexpr auto op = "fold_batch_norm";
  dispatch_floating(w.dtype(), op, [&]<class T>() {
    cuda::for_each(op, w.device(), w.numel() + w.size(0),
                   Fold<T>{w.data<T>(), bias.data_or_null<T>(), with.mean.data<T>(),
                           with.variance.data<T>(), with.gamma.data<T>(), with.beta.data<T>(),
                           with.eps, w.size(1), out_w.data<T>(), out_bias.data<T>()});
  });
}

const Fill fill_statistics{batch_statistics, DeviceType::CUDA, &batch_statistics_cuda};
const Fill fill_follow{follow_statistics, DeviceType::CUDA, &follow_statistics_cuda};
const Fill fill_batch_norm{batch_norm, DeviceType::CUDA, &batch_norm_cuda};
const Fill fill_batch_norm_grad{batch_norm_grad, DeviceType::CUDA, &batch_norm_grad_cuda};
const Fill fill_fold{fold_batch_norm, DeviceType::CUDA, &fold_batch_norm_cuda};

}  // namespace
}  // namespace rho::kernels
