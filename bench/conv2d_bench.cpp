// Throughput of the convolution kernels in GFLOP/s, after a check of their results.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "kernels/conv2d.h"
#include "tensor/random.h"

namespace {

using rho::Shape;
using rho::Tensor;
using rho::kernels::Conv2dOptions;

struct Layer {
  Shape x, w;
  Conv2dOptions options = {};
};

Tensor random(const Shape& shape, std::uint64_t stream) {
  rho::Rng rng(1, stream);
  const Tensor out = Tensor::empty(shape, rho::DType::Float32);
  std::generate_n(out.data<float>(), out.numel(),
                  [&] { return static_cast<float>(2.0 * rng.uniform() - 1.0); });
  return out;
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < a.numel(); ++i)
    sum += static_cast<double>(a.data<float>()[i]) * static_cast<double>(b.data<float>()[i]);
  return sum;
}

/// One output by its plain sum, and the two gradients by <y, g> = <x, grad_x> = <w, grad_w>.
bool correct(const Layer& layer, const Tensor& x, const Tensor& w, const Tensor& grad_y,
             const Tensor& y, const Tensor& grad_x, const Tensor& grad_w) {
  const std::int64_t i = y.size(1) / 2, j = y.size(2) / 2, o = y.size(3) - 1;
  double sum = 0.0;
  for (std::int64_t a = 0; a < w.size(1); ++a)
    for (std::int64_t b = 0; b < w.size(2); ++b)
      for (std::int64_t c = 0; c < w.size(3); ++c) {
        const std::int64_t h = i * layer.options.stride_h + a - layer.options.pad_h;
        const std::int64_t v = j * layer.options.stride_w + b - layer.options.pad_w;
        if (h < 0 || h >= x.size(1) || v < 0 || v >= x.size(2)) continue;
        sum += static_cast<double>(x.data<float>()[(h * x.size(2) + v) * x.size(3) + c]) *
               static_cast<double>(
                   w.data<float>()[((o * w.size(1) + a) * w.size(2) + b) * w.size(3) + c]);
      }
  const auto found = static_cast<double>(y.data<float>()[(i * y.size(2) + j) * y.size(3) + o]);
  const double expected = dot(y, grad_y);
  const double tolerance = 1e-5 * std::sqrt(dot(y, y) * dot(grad_y, grad_y));
  return std::abs(found - sum) <= 1e-3 && std::abs(dot(x, grad_x) - expected) <= tolerance &&
         std::abs(dot(w, grad_w) - expected) <= tolerance;
}

enum class Direction { Forward, InputGradient, WeightGradient };

void convolution(benchmark::State& state, const Layer& layer, Direction direction) {
  const Shape shape = rho::kernels::conv2d_shape(layer.x, layer.w, layer.options);
  const Tensor x = random(layer.x, 1), w = random(layer.w, 2), grad_y = random(shape, 3);
  const Tensor y = Tensor::empty(shape, rho::DType::Float32);
  const Tensor grad_x = Tensor::empty(layer.x, rho::DType::Float32);
  const Tensor grad_w = Tensor::empty(layer.w, rho::DType::Float32);
  rho::kernels::conv2d_forward(x, w, layer.options, y);
  rho::kernels::conv2d_input_grad(grad_y, w, layer.options, grad_x);
  rho::kernels::conv2d_weight_grad(x, grad_y, layer.options, grad_w);
  if (!correct(layer, x, w, grad_y, y, grad_x, grad_w)) {
    state.SkipWithError("wrong convolution");
    return;
  }
  for (auto _ : state) {
    switch (direction) {
      case Direction::Forward:
        rho::kernels::conv2d_forward(x, w, layer.options, y);
        break;
      case Direction::InputGradient:
        rho::kernels::conv2d_input_grad(grad_y, w, layer.options, grad_x);
        break;
      case Direction::WeightGradient:
        rho::kernels::conv2d_weight_grad(x, grad_y, layer.options, grad_w);
        break;
    }
  }
  const auto filter = static_cast<double>(w.size(1) * w.size(2) * w.size(3));
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(y.numel()) * filter,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  const std::pair<const char*, Layer> layers[] = {
      {"convnet3-34/conv1", {{100, 28, 28, 1}, {34, 5, 5, 1}}},
      {"convnet3-34/conv2", {{100, 24, 24, 34}, {34, 5, 5, 34}}},
      {"convnet3-64s2/conv2",
       {{100, 16, 16, 64}, {64, 5, 5, 64}, {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}}},
      {"3x3x64", {{16, 32, 32, 64}, {64, 3, 3, 64}, {.pad_h = 1, .pad_w = 1}}},
  };
  const std::pair<const char*, Direction> directions[] = {
      {"forward", Direction::Forward},
      {"input_grad", Direction::InputGradient},
      {"weight_grad", Direction::WeightGradient},
  };
  for (const auto& [layer_name, layer] : layers)
    for (const auto& [direction_name, direction] : directions)
      benchmark::RegisterBenchmark((std::string(layer_name) + "/" + direction_name).c_str(),
                                   convolution, layer, direction)
          ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
