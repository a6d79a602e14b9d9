#include "datasets/subset.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tensor/random.h"

namespace rho::datasets {
namespace {

void check_count(const Dataset& dataset, std::int64_t n) {
  check(n >= 1 && n <= dataset.size(), "subset", n, " examples of ", dataset.name, ", which has ",
        dataset.size());
}

}  // namespace

std::vector<std::int64_t> choose(std::int64_t count, std::int64_t n, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(seed);
  for (std::int64_t i = 0; i < n; ++i)  // the first n steps of a Fisher-Yates shuffle
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(i + rng.below(count - i))]);
  order.resize(static_cast<std::size_t>(n));
  std::sort(order.begin(), order.end());
  return order;
}

Dataset first_n(const Dataset& dataset, std::int64_t n) {
  check_count(dataset, n);
  return {dataset.name, dataset.examples.slice(0, 0, n), dataset.labels.slice(0, 0, n),
          dataset.classes};
}

Dataset random_n(const Dataset& dataset, std::int64_t n, std::uint64_t seed) {
  check_count(dataset, n);
  Shape shape = dataset.examples.shape();
  shape[0] = n;
  Dataset out{dataset.name, Tensor::empty(shape, dataset.examples.dtype()),
              Tensor::empty({n}, DType::Int64), dataset.classes};
  check(dataset.examples.is_contiguous() && dataset.labels.is_contiguous(), "subset", dataset.name,
        " is not contiguous");
  const std::size_t row =
      static_cast<std::size_t>(out.examples.numel() / n) * size_of(dataset.examples.dtype());
  const auto* const source = static_cast<const std::byte*>(dataset.examples.raw());
  auto* target = static_cast<std::byte*>(out.examples.raw());
  std::int64_t* label = out.labels.data<std::int64_t>();
  for (const std::int64_t index : choose(dataset.size(), n, seed)) {
    std::memcpy(target, source + static_cast<std::size_t>(index) * row, row);
    target += row;
    *label++ = dataset.labels.data<std::int64_t>()[index];
  }
  return out;
}

}  // namespace rho::datasets
