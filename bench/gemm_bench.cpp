// The matrix product beside OpenBLAS's and BLIS's, or cuBLAS's, in GFLOP/s (2 M N K operations).
#include <algorithm>

#include "bench/peers/blas.h"
#include "bench/support/check.h"
#include "bench/support/contest.h"
#include "bench/support/program.h"
#include "bench/support/random.h"
#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "kernels/provider.h"

namespace {

using namespace rho;
using namespace rho::bench;

/// [rows, depth] by [depth, columns]; an operand is contiguous, or the transpose of what is.
struct Product {
  std::int64_t rows, depth, columns;
  bool transpose_a = false, transpose_b = false;
  DType dtype = DType::Float32;
  kernels::ProductPrecision precision = kernels::ProductPrecision::Float32;
};

/// Whole rows against plain sums: all of them, or as many as take a fraction of a second.
template <class T>
bool correct(const Tensor& a, const Tensor& b, const Tensor& out, double rounding) {
  const std::int64_t rows = a.size(0), depth = a.size(1), columns = b.size(1);
  const std::int64_t count = std::clamp<std::int64_t>(100'000'000 / (depth * columns), 2, rows);
  std::vector<ReferenceSum> sums(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < count; ++r) {
    const std::int64_t i = r * (rows - 1) / std::max<std::int64_t>(count - 1, 1);
    std::fill(sums.begin(), sums.end(), ReferenceSum{});
    for (std::int64_t k = 0; k < depth; ++k) {
      const T* b_row = b.data<T>() + k * b.strides()[0];
      const auto left = static_cast<double>(a.data<T>()[i * a.strides()[0] + k * a.strides()[1]]);
      for (std::int64_t j = 0; j < columns; ++j)
        sums[static_cast<std::size_t>(j)].add(left, static_cast<double>(b_row[j * b.strides()[1]]));
    }
    const T* found = out.data<T>() + i * columns;
    if (!std::equal(sums.begin(), sums.end(), found, [&](const ReferenceSum& sum, T value) {
          return sum.agrees_with(value, rounding);
        }))
      return false;
  }
  return true;
}

std::vector<Contestant> peers_of(const Tensor& a, const Tensor& b, const Tensor& out, int threads) {
  std::vector<Contestant> peers;
  if (device().type == DeviceType::CUDA) {
    if (!kernels::product_library_version("cublas").empty())
      peers.push_back({"cublas", [=] {
                         const kernels::ProductProviderScope scope(
                             kernels::ProductProvider::Nvidia);
                         kernels::matmul(a, b, out);
                       }});
    return peers;
  }
  for (const Blas& blas : blas_libraries()) {
    blas.set_threads(threads);
    peers.push_back({blas.name(), [=, &blas] { blas.matmul(a, b, out); }});
  }
  return peers;
}

void product(benchmark::State& state, const Product& p, int threads) {
  const auto operand = [&](std::int64_t rows, std::int64_t columns, bool transpose, int stream) {
    return transpose ? random({columns, rows}, p.dtype, stream).transpose(0, 1)
                     : random({rows, columns}, p.dtype, stream);
  };
  const Tensor host_a = operand(p.rows, p.depth, p.transpose_a, 1);
  const Tensor host_b = operand(p.depth, p.columns, p.transpose_b, 2);
  const Tensor a = host_a.to(device()), b = host_b.to(device());
  const Tensor out = Tensor::empty({p.rows, p.columns}, p.dtype, device());
  const auto correct_now = [&] {
    const Tensor found = out.to(Device{});
    const double rounding = operand_rounding(p.precision);
    return p.dtype == DType::Float32 ? correct<float>(host_a, host_b, found, rounding)
                                     : correct<double>(host_a, host_b, found, rounding);
  };

  const kernels::ProductPrecisionScope precision(p.precision);
  const auto ours = [&] { kernels::matmul(a, b, out); };
  ours();
  if (!correct_now()) return state.SkipWithError("wrong product");
  const std::vector<Contestant> peers = peers_of(a, b, out, threads);
  for (const Contestant& peer : peers) {
    peer.call();
    if (!correct_now()) return state.SkipWithError(("wrong product of " + peer.name).c_str());
  }
  const double flops = 2.0 * static_cast<double>(p.rows) * static_cast<double>(p.depth) *
                       static_cast<double>(p.columns);
  contest(state, {flops, p.dtype, threads}, ours, peers);
}

void add(const std::string& name, const Product& p) {
  add_case(name, [p](benchmark::State& state, int threads) { product(state, p, threads); });
}

/// The three products of a fully connected layer: y = x W^T and its two gradients.
void add_layer(const std::string& name, std::int64_t batch, std::int64_t inputs,
               std::int64_t outputs) {
  add(name + "/forward", {batch, inputs, outputs, false, true});
  add(name + "/input_grad", {batch, outputs, inputs});
  add(name + "/weight_grad", {outputs, batch, inputs, true, false});
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  std::vector<std::int64_t> sizes{64, 128, 256, 512, 1024, 2048};
  if (device().type == DeviceType::CUDA) sizes.insert(sizes.end(), {4096, 8192});
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    const std::string of(name_of(dtype));
    for (const std::int64_t n : sizes)
      add(of + "/" + std::to_string(n), {n, n, n, false, false, dtype});
    add(of + "/512/transposed_a", {512, 512, 512, true, false, dtype});
    add(of + "/512/transposed_b", {512, 512, 512, false, true, dtype});
    add(of + "/512/transposed_both", {512, 512, 512, true, true, dtype});
  }
  if (device().type == DeviceType::CUDA)
    for (const auto precision :
         {kernels::ProductPrecision::TensorFloat32, kernels::ProductPrecision::BFloat16})
      for (const std::int64_t n : sizes)
        add(std::string(name_of(precision)) + "/" + std::to_string(n),
            {n, n, n, false, false, DType::Float32, precision});
  add_layer("convnet3-24/fc", 100, 13824, 10);
  add_layer("convnet3-34/fc", 100, 13600, 10);
  add_layer("convnet3-64s2/fc", 128, 4096, 10);
  add_layer("convnet5-w/fc", 128, 128, 10);
  add_layer("resnet/linear", 128, 64, 10);
  add_layer("mlp-512/fc1", 128, 784, 512);
  add_layer("mlp-512/fc2", 128, 512, 512);
  add_layer("mlp-512/fc3", 128, 512, 10);

  if (device().type == DeviceType::CUDA) {
    const std::string version = kernels::product_library_version("cublas");
    return run({{"cublas", version.empty() ? "absent" : version}});
  }
  std::vector<std::pair<std::string, std::string>> peers{{"openblas", "absent"},
                                                         {"blis", "absent"}};
  for (auto& [name, version] : peers)
    for (const Blas& blas : blas_libraries())
      if (blas.name() == name) version = blas.version();
  return run(peers);
}
