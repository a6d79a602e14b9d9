#include "kernels/cuda/winograd.cuh"
#include "kernels/precision.h"
#include "kernels/provider.h"

namespace rho::kernels::cuda {
namespace {

struct FilterGrad {
  using State = NoState;

  int rows, columns, depth;
  Squares<kWinogradTile, false, Evaluate<kWinogradTile>> left;
  Squares<kWinogradPoints, false, Interpolate> right;
  float* out;  // [slices, O, 3, 3, C]

  __device__ void finish(int o, int channel, std::int64_t slice, const WinogradSquare& sums,
                         State&) const {
    constexpr int kTaps = kWinogradTaps * kWinogradTaps;
    WinogradSquare taps;
    transform_square<Collect<kWinogradTaps>>(sums, taps);
    float* const first = out + (slice * rows + o) * kTaps * columns + channel;
#pragma unroll
    for (int tap = 0; tap < kTaps; ++tap) first[tap * columns] = taps[tap];
  }
};

struct StoreSum {
  float* out;
  __device__ void operator()(std::int64_t, std::int64_t at, const Sums<1>& sums) const {
    out[at] = static_cast<float>(sums.value[0]);
  }
};

}  // namespace

bool takes_winograd(DType dtype, const Shape& x, const Shape& w, const Shape& y,
                    const Conv2dOptions& options) {
  if (dtype != DType::Float32 || product_precision() != ProductPrecision::Float32 ||
      product_provider() != ProductProvider::Rho)
    return false;
  if (w[1] != kWinogradTaps || w[2] != kWinogradTaps) return false;
  if (options.stride_h != 1 || options.stride_w != 1 || options.groups != 1) return false;
  // Estimates, not measured: a slab is filled, tiles lie in the map, and there is work for half the
  // multiprocessors of a large device.
  constexpr std::int64_t kLeastChannels = 8, kLeastProducts = 1 << 20;
  const std::int64_t tiles = y[0] * SquareTiles::across(y[1]) * SquareTiles::across(y[2]);
  return std::min(x[3], y[3]) >= kLeastChannels &&
         3 * tiles * kWinogradTile * kWinogradTile <= 4 * y[0] * y[1] * y[2] &&
         tiles * x[3] * y[3] >= kLeastProducts;
}

void winograd_forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                      const Conv2dEpilogue& then, const Tensor& y) {
  winograd_forward_then(x, w, options, StoreOutputs{Epilogue<float>(then)}, y);
}

void winograd_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                         const Tensor& rest, const Tensor& grad_x) {
  const Epilogue<float> then({.bias = {}, .residual = rest});
  winograd_input_grad_then(grad_y, w, options, StoreOutputs{then}, grad_x);
}

void winograd_weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                          const Tensor& grad_w) {
  constexpr auto op = "conv2d_weight_grad";
  const SquareTiles tiles(grad_y.shape());
  FilterGrad product{narrow(op, grad_y.size(3)),
                     narrow(op, x.size(3)),
                     tiles.count,
                     {grad_y, tiles, 0, 0},
                     {x, tiles, options.pad_h, options.pad_w},
                     grad_w.data<float>()};
  Tiling tiling = tiling_of(product.rows, product.columns, product.depth);
  // Two blocks for every multiprocessor of a large device; and slabs enough to be worth a slice.
  constexpr std::int64_t kBlocks = 264, kSlabs = 4, kDepth = WinogradBlock::kDepth;
  const std::int64_t slabs = (tiles.count + kDepth - 1) / kDepth;
  const std::int64_t most =
      kBlocks / std::max<std::int64_t>(tiling.row_tiles * tiling.column_tiles, 1);
  if (const std::int64_t slices = std::min(most, slabs / kSlabs); slices > 1) {
    tiling.per_slice = (slabs + slices - 1) / slices * kDepth;
    tiling.slices = (tiles.count + tiling.per_slice - 1) / tiling.per_slice;
  }
  const std::int64_t extent = grad_w.numel();
  const Buffer<float> partial(tiling.slices > 1 ? tiling.slices * extent : 0, grad_w.device());
  if (tiling.slices > 1) product.out = partial.data();
  solve(op, grad_w.device(), product, tiling);
  if (tiling.slices > 1)
    reduce<Sums<1>>(op, grad_w.device(), 1, tiling.slices, extent,
                    AddSlices<float>{partial.data(), tiling.slices, extent},
                    StoreSum{grad_w.data<float>()});
}

}  // namespace rho::kernels::cuda
