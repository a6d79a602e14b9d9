// The convolutions of the networks beside oneDNN's fastest, in GFLOP/s.
#include <algorithm>

#include "bench/peers/onednn.h"
#include "bench/support/check.h"
#include "bench/support/contest.h"
#include "bench/support/program.h"
#include "bench/support/random.h"

namespace {

using namespace rho;
using namespace rho::bench;
using kernels::Conv2dOptions;

struct Layer {
  Shape x, w;
  Conv2dOptions options = {};
};

/// What one element of a convolution's output or gradient is the sum of: the terms of
///   y[n, i, j, o] = sum of x[n, i stride + a - pad, j stride + b - pad, c] w[o, a, b, c].
class Reference {
 public:
  Reference(Direction direction, const Layer& layer, const Shape& y)
      : direction_(direction), layer_(layer), y_(y) {}

  /// a, b: the two operands (kernels/conv2d.h); `at`: the element.
  ReferenceSum sum(const Tensor& a, const Tensor& b, const Dims& at) const {
    switch (direction_) {
      case Direction::Forward:
        return forward(a, b, at);
      case Direction::InputGradient:
        return input_gradient(a, b, at);
      case Direction::WeightGradient:
        return weight_gradient(a, b, at);
    }
    return {};
  }

 private:
  ReferenceSum forward(const Tensor& x, const Tensor& w, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t a = 0; a < w.size(1); ++a)
      for (std::int64_t b = 0; b < w.size(2); ++b) {
        const std::int64_t h = row(at[1], a), v = column(at[2], b);
        if (!inside(h, v)) continue;
        for (std::int64_t c = 0; c < w.size(3); ++c)
          sum.add(value(x, {at[0], h, v, c}), value(w, {at[3], a, b, c}));
      }
    return sum;
  }
  ReferenceSum input_gradient(const Tensor& grad_y, const Tensor& w, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t i = 0; i < y_[1]; ++i)
      for (std::int64_t j = 0; j < y_[2]; ++j) {
        const std::int64_t a = at[1] - row(i, 0), b = at[2] - column(j, 0);
        if (a < 0 || a >= w.size(1) || b < 0 || b >= w.size(2)) continue;
        for (std::int64_t o = 0; o < w.size(0); ++o)
          sum.add(value(grad_y, {at[0], i, j, o}), value(w, {o, a, b, at[3]}));
      }
    return sum;
  }
  ReferenceSum weight_gradient(const Tensor& x, const Tensor& grad_y, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t n = 0; n < y_[0]; ++n)
      for (std::int64_t i = 0; i < y_[1]; ++i)
        for (std::int64_t j = 0; j < y_[2]; ++j) {
          const std::int64_t h = row(i, at[1]), v = column(j, at[2]);
          if (inside(h, v)) sum.add(value(x, {n, h, v, at[3]}), value(grad_y, {n, i, j, at[0]}));
        }
    return sum;
  }

  std::int64_t row(std::int64_t i, std::int64_t a) const {
    return i * layer_.options.stride_h + a - layer_.options.pad_h;
  }
  std::int64_t column(std::int64_t j, std::int64_t b) const {
    return j * layer_.options.stride_w + b - layer_.options.pad_w;
  }
  bool inside(std::int64_t h, std::int64_t v) const {
    return h >= 0 && h < layer_.x[1] && v >= 0 && v < layer_.x[2];
  }
  static double value(const Tensor& t, const Dims& at) {
    const Shape& s = t.shape();
    return static_cast<double>(
        t.data<float>()[((at[0] * s[1] + at[1]) * s[2] + at[2]) * s[3] + at[3]]);
  }

  Direction direction_;
  const Layer& layer_;
  const Shape& y_;
};

/// Elements drawn at random: as many as take a fraction of a second.
bool correct(const Reference& reference, const Tensor& a, const Tensor& b, const Tensor& out) {
  Rng rng(1);
  std::int64_t terms = 0;
  for (int drawn = 0; drawn < 100 || (terms < 20'000'000 && drawn < 20'000); ++drawn) {
    Dims at;
    std::int64_t index = 0;
    for (const std::int64_t extent : out.shape()) {
      at.push_back(rng.below(extent));
      index = index * extent + at.back();
    }
    const ReferenceSum sum = reference.sum(a, b, at);
    if (!sum.agrees_with(out.data<float>()[index])) return false;
    terms += sum.terms;
  }
  return true;
}

const kernels::Slot<kernels::Conv2dKernel>& kernel(Direction direction) {
  switch (direction) {
    case Direction::Forward:
      return kernels::conv2d_forward;
    case Direction::InputGradient:
      return kernels::conv2d_input_grad;
    case Direction::WeightGradient:
      break;
  }
  return kernels::conv2d_weight_grad;
}

/// The index of the fastest, found by a short trial.
std::size_t fastest(const std::vector<OneDnnConvolution>& convolutions) {
  Turns::Functions functions;
  for (const OneDnnConvolution& convolution : convolutions) functions.push_back(convolution.run);
  // One library's threads do not disturb each other: no pause.
  const Turns turns(functions, {.rounds = 3, .block = 0.01, .pause = 0.0});
  std::size_t best = 0;
  for (std::size_t i = 1; i < functions.size(); ++i)
    if (turns.seconds(i) < turns.seconds(best)) best = i;
  return best;
}

void convolution(benchmark::State& state, const Layer& layer, Direction direction, int threads) {
  const Shape y = kernels::conv2d_shape(layer.x, layer.w, layer.options);
  const bool gives_x = direction == Direction::InputGradient;
  const bool gives_w = direction == Direction::WeightGradient;
  const Tensor a = random(gives_x ? y : layer.x, DType::Float32, 1);
  const Tensor b = random(gives_w ? y : layer.w, DType::Float32, 2);
  const Tensor out = Tensor::empty(gives_x ? layer.x : gives_w ? layer.w : y, DType::Float32);
  const Reference reference(direction, layer, y);

  const auto ours = [&] { kernel(direction)(a, b, layer.options, out); };
  ours();
  if (!correct(reference, a, b, out)) return state.SkipWithError("wrong convolution");
  std::vector<Contestant> peers;
  const auto theirs = onednn_convolutions(direction, a, b, layer.options, out.shape());
  if (!theirs.empty()) {
    const OneDnnConvolution& best = theirs[fastest(theirs)];
    if (!correct(reference, a, b, best.result()))
      return state.SkipWithError("wrong convolution of onednn");
    state.SetLabel(best.name);
    peers.push_back({"onednn", best.run});
  }
  const double products =
      static_cast<double>(numel(y)) * static_cast<double>(layer.w[1] * layer.w[2] * layer.w[3]);
  contest(state, {2.0 * products, DType::Float32, threads}, ours, peers);
}

constexpr Conv2dOptions sliding(std::int64_t stride, std::int64_t pad) {
  return {stride, stride, pad, pad};
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  const std::pair<const char*, Layer> layers[] = {
      {"convnet3-24/conv1", {{100, 32, 32, 3}, {24, 5, 5, 3}}},
      {"convnet3-24/conv2", {{100, 28, 28, 24}, {24, 5, 5, 24}}},
      {"convnet3-34/conv1", {{100, 28, 28, 1}, {34, 5, 5, 1}}},
      {"convnet3-34/conv2", {{100, 24, 24, 34}, {34, 5, 5, 34}}},
      {"convnet3-64s2/conv1", {{128, 32, 32, 3}, {64, 5, 5, 3}, sliding(2, 2)}},
      {"convnet3-64s2/conv2", {{128, 16, 16, 64}, {64, 5, 5, 64}, sliding(2, 2)}},
      {"convnet5-w/conv1", {{128, 32, 32, 3}, {32, 3, 3, 3}, sliding(2, 1)}},
      {"convnet5-w/conv2", {{128, 16, 16, 32}, {64, 3, 3, 32}, sliding(2, 1)}},
      {"convnet5-w/conv3", {{128, 8, 8, 64}, {64, 3, 3, 64}, sliding(2, 1)}},
      {"convnet5-w/conv4", {{128, 4, 4, 64}, {128, 4, 4, 64}}},
      {"resnet/conv1", {{128, 32, 32, 3}, {16, 3, 3, 3}, sliding(1, 1)}},
      {"resnet/layer1", {{128, 32, 32, 16}, {16, 3, 3, 16}, sliding(1, 1)}},
      {"resnet/layer2.0.conv1", {{128, 32, 32, 16}, {32, 3, 3, 16}, sliding(2, 1)}},
      {"resnet/layer2", {{128, 16, 16, 32}, {32, 3, 3, 32}, sliding(1, 1)}},
      {"resnet/layer3.0.conv1", {{128, 16, 16, 32}, {64, 3, 3, 32}, sliding(2, 1)}},
      {"resnet/layer3", {{128, 8, 8, 64}, {64, 3, 3, 64}, sliding(1, 1)}},
  };
  const std::pair<const char*, Direction> directions[] = {
      {"forward", Direction::Forward},
      {"input_grad", Direction::InputGradient},
      {"weight_grad", Direction::WeightGradient},
  };
  for (const auto& [layer_name, layer] : layers)
    for (const auto& [direction_name, direction] : directions)
      add_case(std::string(layer_name) + "/" + direction_name,
               [layer = layer, direction = direction](benchmark::State& state, int threads) {
                 convolution(state, layer, direction, threads);
               });
  const std::string version = onednn_version();
  return run({{"onednn", version.empty() ? "absent" : version}});
}
