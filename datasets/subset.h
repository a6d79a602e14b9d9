// Fewer examples of a data set.
#pragma once

#include "datasets/dataset.h"

namespace rho::datasets {

/// The first n examples, which share memory with `dataset`. Throws unless 1 <= n <= size.
Dataset first_n(const Dataset& dataset, std::int64_t n);

/// n examples drawn without replacement, in reading order. Throws unless 1 <= n <= size.
Dataset random_n(const Dataset& dataset, std::int64_t n, std::uint64_t seed);

/// n of 0 ... count - 1, drawn without replacement, ascending.
std::vector<std::int64_t> choose(std::int64_t count, std::int64_t n, std::uint64_t seed);

}  // namespace rho::datasets
