// The loops of batch normalization, compiled for each instruction set and chosen at run time.
#pragma once

#include <cstdint>

namespace rho::kernels::cpu {

/// Per-channel values, repeated to a period of whole channels: a matrix [R, C] is then walked like
/// one long row, in whole vectors whatever C is. Tables that a loop does not need may be null.
template <class T>
struct ChannelTables {
  std::int64_t period = 0;
  const T* mean = nullptr;
  const T* scale = nullptr;      ///< gamma / sqrt(variance + eps)
  const T* shift = nullptr;      ///< beta
  const T* inverse = nullptr;    ///< 1 / sqrt(variance + eps)
  const T* mean_grad = nullptr;  ///< mean of g
  const T* slope = nullptr;      ///< mean of g (x - mean) inverse
};

/// A gradient in two parts, of which the second may be missing.
template <class T>
struct Arriving {
  const T* grad_y;
  const T* rest = nullptr;
};

/// Every loop takes `count` elements that begin with channel 0. Sums are by position in the period,
/// and are added to what is there. `stream`: the result goes past the caches; it and the period
/// must then lie on whole lines of 64 bytes.
template <class T>
struct BatchNormLoops {
  std::int64_t lanes;  ///< elements of a vector

  /// sums += x - centre and squares += (x - centre)^2
  void (*add_deviations)(std::int64_t period, const double* centre, const T* x, std::int64_t count,
                         double* sums, double* squares);
  /// y = (x - mean) scale + shift, + residual where it is not null, rectified with `relu`.
  void (*apply)(const ChannelTables<T>& of, const T* x, const T* residual, bool relu, T* y,
                std::int64_t count, bool stream);
  /// sums += g and sums_x += g (x - mean), where g is grad_y + rest, and with `relu` 0 where the
  /// output is not positive. The output is y; where y is null there was no residual, and apply's
  /// arithmetic finds the output's sign again. g is stored in `masked`, which may be null where
  /// there is no rest; `stream` is for g without a rest.
  void (*add_gradients)(const ChannelTables<T>& of, const T* x, const T* y,
                        const Arriving<T>& arriving, bool relu, T* masked, std::int64_t count,
                        double* sums, double* sums_x, bool stream);
  /// masked = grad_y + rest where y is positive, else 0, and sums += masked.
  void (*add_masked)(std::int64_t period, const T* y, const Arriving<T>& arriving, T* masked,
                     std::int64_t count, double* sums);
  /// grad_x = scale (g - mean_grad - (x - mean) inverse slope), where g is grad_y, and with `relu`
  /// 0 where apply without a residual is not positive.
  void (*grad_x)(const ChannelTables<T>& of, const T* x, const T* grad_y, bool relu, T* grad_x,
                 std::int64_t count, bool stream);
};

/// T is float or double.
template <class T>
const BatchNormLoops<T>& batch_norm_loops();

}  // namespace rho::kernels::cpu
