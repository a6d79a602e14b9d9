#include "datasets/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "tensor/random.h"

namespace rho::datasets {
namespace {

constexpr std::array<std::pair<const char*, PixelMode>, 4> kModes{
    {{"natural", PixelMode::Natural},
     {"shuffled", PixelMode::Shuffled},
     {"random", PixelMode::Random},
     {"gaussian", PixelMode::Gaussian}}};

// Independent random numbers for each use of the seed.
enum PixelStream : std::uint64_t { kTrain, kTest };

void check_examples(const Split& split) {
  const Tensor &train = split.train.examples, &test = split.test.examples;
  for (const Tensor& examples : {train, test}) {
    const bool images = examples.dtype() == DType::UInt8 && examples.rank() == 4;
    const bool features = examples.dtype() == DType::Float64 && examples.rank() == 2;
    check((images || features) && examples.is_contiguous(), "pixels", "found ", examples.dtype(),
          " ", examples.shape(), ", expected contiguous uint8 [N, H, W, C] or float64 [N, D]");
  }
  Shape expected = train.shape();
  expected[0] = test.size(0);
  check(test.dtype() == train.dtype() && test.shape() == expected, "pixels", "test examples are ",
        test.dtype(), " ", test.shape(), ", training examples ", train.dtype(), " ", train.shape());
}

void shuffle(std::vector<std::int64_t>& order, Rng& rng) {
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1],
              order[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(i)))]);
}

// Pixel `order[i]` of each example goes to position i; with `each`, after another shuffle for it.
template <class T>
Tensor permuted(const Tensor& examples, bool each, Rng rng) {
  const std::int64_t channels = examples.rank() == 4 ? examples.size(3) : 1;
  const std::int64_t count = examples.size(0);
  std::vector<std::int64_t> order(static_cast<std::size_t>(examples.numel() / count / channels));
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, rng);
  Tensor out = Tensor::empty(examples.shape(), examples.dtype());
  const T* source = examples.data<T>();
  T* target = out.data<T>();
  for (std::int64_t n = 0; n < count; ++n) {
    for (const std::int64_t from : order)
      target = std::copy_n(source + from * channels, channels, target);
    source += static_cast<std::int64_t>(order.size()) * channels;
    if (each) shuffle(order, rng);
  }
  return out;
}

// Of each channel, in raw units.
struct Moments {
  std::vector<double> mean, std;
};

template <class T>
Moments moments(const Tensor& examples) {
  const auto channels = static_cast<std::size_t>(examples.size(-1));
  const auto total = static_cast<std::size_t>(examples.numel());
  const double count = static_cast<double>(total) / static_cast<double>(channels);
  const T* const values = examples.data<T>();
  Moments out{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t i = 0; i < total; ++i)
    out.mean[i % channels] += static_cast<double>(values[i]) / count;
  for (std::size_t i = 0; i < total; ++i) {
    const double centred = static_cast<double>(values[i]) - out.mean[i % channels];
    out.std[i % channels] += centred * centred / count;
  }
  for (double& std : out.std) std = std::sqrt(std);
  return out;
}

template <class T>
T from_real(double value) {
  if constexpr (std::is_same_v<T, std::uint8_t>)
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  else
    return value;
}

template <class T>
Tensor noise(const Tensor& examples, const Moments& like, Rng rng) {
  Tensor out = Tensor::empty(examples.shape(), examples.dtype());
  T* const values = out.data<T>();
  const std::size_t channels = like.mean.size();
  for (std::size_t i = 0; i < static_cast<std::size_t>(out.numel()); ++i)
    values[i] = from_real<T>(like.mean[i % channels] + like.std[i % channels] * rng.normal());
  return out;
}

template <class T>
void change(Split& split, PixelMode mode, std::uint64_t seed) {
  Tensor &train = split.train.examples, &test = split.test.examples;
  if (mode == PixelMode::Gaussian) {
    const Moments like = moments<T>(train);
    train = noise<T>(train, like, Rng(seed, kTrain));
    test = noise<T>(test, like, Rng(seed, kTest));
    return;
  }
  // Of one permutation for all, the test split needs the same.
  const bool each = mode == PixelMode::Random;
  train = permuted<T>(train, each, Rng(seed, kTrain));
  test = permuted<T>(test, each, Rng(seed, each ? kTest : kTrain));
}

}  // namespace

PixelMode parse_pixel_mode(const std::string& text) {
  for (const auto& [name, mode] : kModes)
    if (text == name) return mode;
  fail("pixels", '"', text, "\" is none of natural, shuffled, random, gaussian");
}

Split change_pixels(const Split& split, PixelMode mode, std::uint64_t seed) {
  if (mode == PixelMode::Natural) return split;
  check_examples(split);
  Split out = split;
  if (split.train.examples.dtype() == DType::UInt8)
    change<std::uint8_t>(out, mode, seed);
  else
    change<double>(out, mode, seed);
  return out;
}

}  // namespace rho::datasets
