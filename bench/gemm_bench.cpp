// Throughput of the matrix product in GFLOP/s (2 M N K operations), after a check of its result.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "kernels/matmul.h"
#include "tensor/random.h"

namespace {

using rho::Tensor;

Tensor random(const rho::Shape& shape, std::uint64_t stream) {
  rho::Rng rng(1, stream);
  const Tensor out = Tensor::empty(shape, rho::DType::Float32);
  std::generate_n(out.data<float>(), out.numel(),
                  [&] { return static_cast<float>(2.0 * rng.uniform() - 1.0); });
  return out;
}

/// Checks some elements by plain sums, to the rounding of a sum of K terms in any order.
bool correct(const Tensor& a, const Tensor& b, const Tensor& out) {
  const std::int64_t rows = a.size(0), depth = a.size(1), columns = b.size(1);
  for (std::int64_t i = 0; i < rows; i += std::max<std::int64_t>(1, rows / 13))
    for (std::int64_t j = 0; j < columns; j += std::max<std::int64_t>(1, columns / 13)) {
      double sum = 0.0, magnitude = 0.0;
      for (std::int64_t k = 0; k < depth; ++k) {
        const double term =
            static_cast<double>(a.data<float>()[i * a.strides()[0] + k * a.strides()[1]]) *
            static_cast<double>(b.data<float>()[k * b.strides()[0] + j * b.strides()[1]]);
        sum += term;
        magnitude += std::abs(term);
      }
      const double found = static_cast<double>(out.data<float>()[i * columns + j]);
      if (!(std::abs(found - sum) <= 1e-7 * static_cast<double>(depth) * magnitude)) return false;
    }
  return true;
}

void product(benchmark::State& state, bool transpose_a, bool transpose_b) {
  const std::int64_t rows = state.range(0), depth = state.range(1), columns = state.range(2);
  const Tensor a =
      transpose_a ? random({depth, rows}, 1).transpose(0, 1) : random({rows, depth}, 1);
  const Tensor b =
      transpose_b ? random({columns, depth}, 2).transpose(0, 1) : random({depth, columns}, 2);
  const Tensor out = Tensor::empty({rows, columns}, rho::DType::Float32);
  rho::kernels::matmul(a, b, out);
  if (!correct(a, b, out)) {
    state.SkipWithError("wrong product");
    return;
  }
  for (auto _ : state) rho::kernels::matmul(a, b, out);
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * static_cast<double>(rows) * static_cast<double>(depth) * static_cast<double>(columns),
      benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(product, plain, false, false)
    ->Args({256, 256, 256})
    ->Args({512, 512, 512})
    ->Args({1024, 1024, 1024})
    ->UseRealTime();
BENCHMARK_CAPTURE(product, transposed_a, true, false)->Args({512, 512, 512})->UseRealTime();
BENCHMARK_CAPTURE(product, transposed_b, false, true)->Args({512, 512, 512})->UseRealTime();
// The last layer of convnet3-34 at batch 100: output, input gradient, weight gradient.
BENCHMARK_CAPTURE(product, linear, false, true)->Args({100, 13600, 10})->UseRealTime();
BENCHMARK_CAPTURE(product, linear_input, false, false)->Args({100, 10, 13600})->UseRealTime();
BENCHMARK_CAPTURE(product, linear_weight, true, false)->Args({10, 100, 13600})->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
