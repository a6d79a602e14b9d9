#include "datasets/corrupt.h"

#include <array>
#include <cmath>
#include <utility>

#include "datasets/subset.h"
#include "tensor/random.h"

namespace rho::datasets {
namespace {

constexpr std::array<std::pair<const char*, CorruptionMode>, 3> kModes{
    {{"uniform", CorruptionMode::Uniform},
     {"uniform-others", CorruptionMode::UniformOthers},
     {"permutation", CorruptionMode::Permutation}}};

// The choice of examples uses stream 0 of the seed; their new labels use this one.
constexpr std::uint64_t kLabelStream = 1;

}  // namespace

CorruptionMode parse_corruption_mode(const std::string& text) {
  for (const auto& [name, mode] : kModes)
    if (text == name) return mode;
  fail("corrupt", '"', text, "\" is none of uniform, uniform-others, permutation");
}

Corruption corrupt_labels(const Dataset& dataset, double fraction, CorruptionMode mode,
                          std::uint64_t seed) {
  check(fraction >= 0.0 && fraction <= 1.0, "corrupt", "fraction ", fraction, ", expected 0 to 1");
  check(mode != CorruptionMode::UniformOthers || dataset.classes >= 2, "corrupt", dataset.name,
        " has ", dataset.classes, " class: there is no other label");
  const auto count =
      static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(dataset.size())));
  const std::vector<std::int64_t> chosen = choose(dataset.size(), count, seed);
  std::vector<std::int64_t> labels = dataset.labels.to_vector<std::int64_t>();
  const auto label = [&](std::int64_t k) -> std::int64_t& {
    return labels[static_cast<std::size_t>(chosen[static_cast<std::size_t>(k)])];
  };
  Rng rng(seed, kLabelStream);
  for (std::int64_t k = 0; k < count; ++k) {
    switch (mode) {
      case CorruptionMode::Uniform:
        label(k) = rng.below(dataset.classes);
        break;
      case CorruptionMode::UniformOthers:
        label(k) = (label(k) + 1 + rng.below(dataset.classes - 1)) % dataset.classes;
        break;
      case CorruptionMode::Permutation:
        std::swap(label(k), label(k + rng.below(count - k)));
        break;
    }
  }
  return {{dataset.name, dataset.examples, Tensor::from(labels, {dataset.size()}), dataset.classes},
          Tensor::from(chosen, {count})};
}

}  // namespace rho::datasets
