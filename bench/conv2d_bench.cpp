// The convolutions of the networks beside the fastest of oneDNN or cuDNN, in GFLOP/s.
#include <algorithm>

#include "bench/peers/cudnn.h"
#include "bench/peers/onednn.h"
#include "bench/support/contest.h"
#include "bench/support/convolution.h"
#include "bench/support/program.h"
#include "bench/support/random.h"
#include "kernels/precision.h"

namespace {

using namespace rho;
using namespace rho::bench;
using kernels::Conv2dOptions;
using kernels::ProductPrecision;

/// Elements drawn at random: as many as take a fraction of a second. All are held to the bound of
/// the longest sum among them: by Winograd's algorithm an element shares the rounding of its tile.
bool correct(const ConvolutionReference& reference, const Tensor& a, const Tensor& b,
             const Tensor& out, double rounding) {
  Rng rng(1);
  std::int64_t terms = 0;
  double tolerance = 0.0, error = 0.0;
  for (int drawn = 0; drawn < 100 || (terms < 20'000'000 && drawn < 20'000); ++drawn) {
    Dims at;
    std::int64_t index = 0;
    for (const std::int64_t extent : out.shape()) {
      at.push_back(rng.below(extent));
      index = index * extent + at.back();
    }
    const ReferenceSum sum = reference.sum(a, b, at);
    const double difference = std::abs(static_cast<double>(out.data<float>()[index]) - sum.sum);
    if (std::isnan(difference)) return false;
    tolerance = std::max(tolerance, sum.tolerance<float>(rounding));
    error = std::max(error, difference);
    terms += sum.terms;
  }
  return error <= tolerance;
}

void run(Direction direction, const Tensor& a, const Tensor& b, const Conv2dOptions& options,
         const Tensor& out) {
  switch (direction) {
    case Direction::Forward:
      return kernels::conv2d_forward(a, b, options, {}, out);
    case Direction::InputGradient:
      return kernels::conv2d_input_grad(a, b, options, out);
    case Direction::WeightGradient:
      return kernels::conv2d_weight_grad(a, b, options, out);
  }
}

/// Fastest first, by a short trial.
void sort_by_speed(std::vector<PeerConvolution>& convolutions) {
  Turns::Functions functions;
  for (const PeerConvolution& convolution : convolutions) functions.push_back(convolution.run);
  // One library's threads do not disturb each other: no pause.
  const Turns turns(functions,
                    {.rounds = 3, .block = 0.01, .pause = 0.0, .clock = turn_options().clock});
  std::vector<std::pair<double, PeerConvolution>> timed;
  for (std::size_t i = 0; i < functions.size(); ++i)
    timed.emplace_back(turns.seconds(i), convolutions[i]);
  std::sort(timed.begin(), timed.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(timed.begin(), timed.end(), convolutions.begin(),
                 [](const auto& one) { return one.second; });
}

void convolution(benchmark::State& state, const Convolution& layer, Direction direction,
                 ProductPrecision precision, int threads) {
  const kernels::ProductPrecisionScope scope(precision);
  const Shape y = kernels::conv2d_shape(layer.x, layer.w, layer.options);
  const bool gives_x = direction == Direction::InputGradient;
  const bool gives_w = direction == Direction::WeightGradient;
  const Tensor host_a = random(gives_x ? y : layer.x, DType::Float32, 1);
  const Tensor host_b = random(gives_w ? y : layer.w, DType::Float32, 2);
  const Tensor a = host_a.to(device()), b = host_b.to(device());
  const Tensor out = Tensor::empty(gives_x   ? layer.x
                                   : gives_w ? layer.w
                                             : y,
                                   DType::Float32, device());
  const ConvolutionReference reference(direction, layer, y);
  const auto is_correct = [&](const Tensor& found) {
    return correct(reference, host_a, host_b, found.to(Device{}), operand_rounding(precision));
  };

  const auto ours = [&] { run(direction, a, b, layer.options, out); };
  ours();
  if (!is_correct(out)) return state.SkipWithError("wrong convolution");
  const bool on_cpu = device().type == DeviceType::CPU;
  const std::string peer_name = on_cpu ? "onednn" : "cudnn";
  std::vector<Contestant> peers;
  auto theirs = on_cpu ? onednn_convolutions(direction, a, b, layer.options, out.shape())
                       : cudnn_convolutions(direction, a, b, layer.options, out.shape());
  sort_by_speed(theirs);
  const auto join = [&](const std::string& name, const auto& peer) {
    if (peer == theirs.end()) return;
    if (!is_correct(peer->result()))
      state.SkipWithError(("wrong convolution of " + peer->name).c_str());
    peers.push_back({name, peer->run});
  };
  join(peer_name, theirs.begin());
  if (!theirs.empty()) state.SetLabel(theirs.front().name);
  // Where that is Winograd's algorithm, also the fastest that does the same operations as ours.
  if (!theirs.empty() && theirs.front().winograd)
    join(peer_name + " direct",
         std::find_if(theirs.begin(), theirs.end(), [](const auto& one) { return !one.winograd; }));
  if (state.error_occurred()) return;
  contest(state, {2.0 * products(layer), DType::Float32, threads}, ours, peers);
}

constexpr Conv2dOptions sliding(std::int64_t stride, std::int64_t pad) {
  return {stride, stride, pad, pad};
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  const std::pair<const char*, Convolution> layers[] = {
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
  const auto add = [&](const std::string& of, ProductPrecision precision) {
    for (const auto& [layer_name, layer] : layers)
      for (const auto& [direction_name, direction] : directions)
        add_case(of + layer_name + "/" + direction_name,
                 [layer = layer, direction = direction, precision](benchmark::State& state,
                                                                   int threads) {
                   convolution(state, layer, direction, precision, threads);
                 });
  };
  add("", ProductPrecision::Float32);
  if (device().type == DeviceType::CUDA) {
    add("tf32/", ProductPrecision::TensorFloat32);
    add("bf16/", ProductPrecision::BFloat16);
  }
  const bool on_cpu = device().type == DeviceType::CPU;
  const std::string version = on_cpu ? onednn_version() : cudnn_version();
  return run({{on_cpu ? "onednn" : "cudnn", version.empty() ? "absent" : version}});
}
