#include <cmath>

#include "datasets/dataset.h"

namespace rho::datasets {
namespace {

template <class T>
void measure(const Tensor& examples, Standardization& out) {
  const auto channels = static_cast<std::size_t>(examples.size(-1));
  const std::vector<T> values = examples.to_vector<T>();
  const double count = static_cast<double>(values.size()) / static_cast<double>(channels);
  out.mean.assign(channels, 0.0);
  out.std.assign(channels, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    out.mean[i % channels] += static_cast<double>(values[i]) / out.divisor / count;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double centred = static_cast<double>(values[i]) / out.divisor - out.mean[i % channels];
    out.std[i % channels] += centred * centred / count;
  }
  for (std::size_t c = 0; c < channels; ++c) {
    // By comparison: the mean of a constant is rounded, and its variance then not quite 0.
    bool constant = true;
    for (std::size_t i = c; i < values.size() && constant; i += channels)
      constant = values[i] == values[c];
    out.std[c] = constant ? 1.0 : std::sqrt(out.std[c]);
  }
}

}  // namespace

Standardization measure_standardization(const Dataset& dataset) {
  check(dataset.size() > 0, "standardization", dataset.name, " has no examples");
  const bool images = dataset.examples.dtype() == DType::UInt8;
  Standardization out;
  out.divisor = images ? 255.0 : 1.0;
  if (images)
    measure<std::uint8_t>(dataset.examples, out);
  else
    measure<double>(dataset.examples, out);
  return out;
}

}  // namespace rho::datasets
