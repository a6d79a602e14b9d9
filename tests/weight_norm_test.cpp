// Weight normalization: its coordinates, their gradients, wrapping and folding, checkpoints.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "nn/fold.h"
#include "nn/model.h"
#include "nn/nn.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "nn/weight_normalize.h"
#include "optim/sgd.h"
#include "optim/sphere.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::epsilon;
using testing::message_of;
using testing::uniform;

constexpr DType f64 = DType::Float64;

std::shared_ptr<nn::Conv2d> make_conv() {
  Rng rng(3);
  return std::make_shared<nn::Conv2d>(2, 3, 3, kernels::Conv2dOptions{}, true, nn::Init{}, rng,
                                      f64);
}

/// A layer with a g of its own, on a batch, and its loss.
struct Wrapped {
  explicit Wrapped(bool per_channel) : layer(make_conv(), per_channel, "conv") {
    g.set_value(uniform(g.shape(), 2, 0.5, 2.0));
  }
  Variable loss() {
    const Variable y = layer(Variable(uniform({2, 5, 4, 2}, 7)));
    return sum(y * y * Variable(uniform(y.shape(), 9)));
  }

  nn::WeightNorm layer;
  Variable g = layer.parameters()[0].value, v = layer.parameters()[1].value;
};

/// The parts of a tensor that have a norm of their own.
std::vector<Tensor> rows_of(const Tensor& x, bool per_channel) {
  if (!per_channel) return {x};
  std::vector<Tensor> out;
  for (std::int64_t r = 0; r < x.size(0); ++r) out.push_back(x.slice(0, r, r + 1));
  return out;
}

class WeightNorm : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Norms, WeightNorm, ::testing::Values(true, false),
                         [](const auto& test) { return test.param ? "PerChannel" : "PerLayer"; });

// WNBN eq. 9, with G = dL/dW: dL/dg = <v, G> / ||v||, dL/dv = (g / ||v||) S G, which is
// perpendicular to v.
TEST_P(WeightNorm, GradientsAreThoseOfThePaper) {
  Wrapped wrapped(GetParam());
  wrapped.loss().backward();

  const auto plain = make_conv();
  Variable w = plain->weight();
  w.set_value(wrapped.layer.weight().value());
  const Variable y = (*plain)(Variable(uniform({2, 5, 4, 2}, 7)));
  sum(y * y * Variable(uniform(y.shape(), 9))).backward();

  const auto g = wrapped.g.value().to_vector<double>();
  const auto dg = wrapped.g.grad().value().to_vector<double>();
  const auto v = rows_of(wrapped.v.value(), GetParam());
  const auto dv = rows_of(wrapped.v.grad().value(), GetParam());
  const auto dw = rows_of(w.grad().value(), GetParam());
  ASSERT_EQ(g.size(), v.size());
  for (std::size_t r = 0; r < v.size(); ++r) {
    const double norm = optim::norm({v[r]}, 2.0), size = optim::norm({dw[r]}, 2.0);
    EXPECT_NEAR(dg[r], optim::dot({v[r]}, {dw[r]}) / norm, 64 * epsilon<double>() * size);
    const Tensor tangent = optim::project(optim::normal({v[r]}, 2.0), {dw[r]})[0];
    const Tensor expected = optim::combine(g[r] / norm, tangent, 0.0, tangent);
    testing::expect_near(dv[r], expected.to_vector<double>(), 64 * epsilon<double>() * size);
    EXPECT_NEAR(optim::dot({v[r]}, {dv[r]}), 0.0, 64 * epsilon<double>() * norm * size);
  }
}

// dL/dv is perpendicular to v, so a step of gradient descent changes ||v|| by O(lr^2), and only up.
TEST_P(WeightNorm, TheNormOfVStaysToSecondOrder) {
  std::vector<double> drifts;
  const std::vector<double> rates{4e-3, 2e-3, 1e-3, 5e-4};
  for (const double lr : rates) {
    Wrapped wrapped(GetParam());
    const double before = optim::norm({wrapped.v.value()}, 2.0);
    wrapped.loss().backward();
    optim::Sgd({{"g", {wrapped.g}}, {"v", {wrapped.v}}}, lr).step();
    drifts.push_back(optim::norm({wrapped.v.value()}, 2.0) - before);
  }
  for (std::size_t i = 1; i < rates.size(); ++i) {
    EXPECT_GT(drifts[i], 0.0);
    EXPECT_NEAR(std::log2(drifts[i - 1] / drifts[i]), 2.0, 0.05);
  }
}

TEST_P(WeightNorm, WrappingAndFoldingKeepTheFunction) {
  for (const char* name : {"convnet5-w-bn", "resnet20", "mlp-8-2"}) {
    SCOPED_TRACE(name);
    const Shape input = std::string(name) == "mlp-8-2" ? Shape{6} : Shape{32, 32, 3};
    Shape batch{2};
    for (const std::int64_t extent : input) batch.push_back(extent);
    Rng rng(5);
    const auto model = nn::make_model({name, input, 4}, {}, rng, f64);
    model->eval();
    const Variable x(uniform(batch, 6));
    const auto plain = (*model)(x).value().to_vector<double>();
    const nn::NamedTensors state = nn::export_state(*model);

    nn::weight_normalize(*model, GetParam());
    EXPECT_GT(nn::export_state(*model).size(), state.size());
    const auto wrapped = (*model)(x).value().to_vector<double>();
    testing::expect_near(Tensor::from(wrapped, {8}), plain, 1e-12);
    nn::weight_normalize(*model, GetParam());  // nothing is left to wrap
    EXPECT_EQ((*model)(x).value().to_vector<double>(), wrapped);

    // Folding is exact, and leaves the names and layouts of the plain network.
    nn::fold_weight_norm(*model);
    EXPECT_EQ((*model)(x).value().to_vector<double>(), wrapped);
    const nn::NamedTensors folded = nn::export_state(*model);
    ASSERT_EQ(folded.size(), state.size());
    for (std::size_t i = 0; i < state.size(); ++i) {
      EXPECT_EQ(folded[i].first, state[i].first);
      testing::expect_near(folded[i].second, state[i].second.to_vector<double>(),
                           8 * epsilon<double>(), state[i].first);
    }
    nn::fold_batch_norm(*model);
    testing::expect_near((*model)(x).value(), plain, 1e-12);
  }
}

TEST_P(WeightNorm, ACheckpointRoundTrips) {
  const std::string name = GetParam() ? "convnet3-34-wn" : "convnet3-34-wn-layer";
  const auto make = [&](std::uint64_t seed) {
    Rng rng(seed);
    return nn::make_model({name, {12, 12, 1}, 10}, {}, rng);
  };
  const auto model = make(1), other = make(2);
  const testing::TemporaryFolder folder;
  nn::write_safetensors(folder.file("model.safetensors"), {{}, nn::export_state(*model)});
  const nn::TensorFile file = nn::read_safetensors(folder.file("model.safetensors"));
  std::map<std::string, Shape> shapes;
  for (const auto& [key, tensor] : file.tensors) shapes[key] = tensor.shape();
  const std::map<std::string, Shape> expected{
      {"conv1.weight_g", GetParam() ? Shape{34, 1, 1, 1} : Shape{}},
      {"conv1.weight_v", {34, 1, 5, 5}},
      {"conv1.bias", {34}},
      {"conv2.weight_g", GetParam() ? Shape{34, 1, 1, 1} : Shape{}},
      {"conv2.weight_v", {34, 34, 5, 5}},
      {"fc.weight_g", GetParam() ? Shape{10, 1} : Shape{}},
      {"fc.weight_v", {10, 544}}};
  EXPECT_EQ(shapes, expected);
  nn::import_state(*other, file.tensors, "file");
  const Variable x(uniform<float>({2, 12, 12, 1}, 6));
  EXPECT_EQ((*model)(x).value().to_vector<float>(), (*other)(x).value().to_vector<float>());
}

// The squares of these numbers are 0 or infinite in float32.
TEST_P(WeightNorm, ExtremeWeights) {
  for (const float size : {1e-40F, 1e-30F, 1e30F}) {
    Rng rng(1);
    const auto linear = std::make_shared<nn::Linear>(4, 1, false, nn::Init{}, rng);
    Variable w = linear->weight();
    w.set_value(Tensor::from<float>({size, -size, size, size}, {1, 4}));
    nn::WeightNorm layer(linear, GetParam(), "fc");
    Variable g = layer.parameters()[0].value;
    EXPECT_NEAR(g.item() / size, 2.0, 8 * epsilon<float>());
    g.set_value(Tensor::from<float>({4}, g.shape()));
    testing::expect_near(layer.weight().value(), {2, -2, 2, 2}, 4 * epsilon<float>());
  }
}

TEST_P(WeightNorm, AZeroIsNamed) {
  const bool per_channel = GetParam();
  const auto zero_last_row = [&](Variable v) {
    Tensor values = Tensor::from(v.value().to_vector<float>(), v.shape());
    std::fill_n(values.data<float>() + (per_channel ? 3 * 8 : 0), per_channel ? 8 : 4 * 8, 0.0F);
    v.set_value(values);
  };
  const std::string channel = per_channel ? "output channel 3" : "weight_v has";
  Rng rng(1);
  const auto model = nn::make_model({"mlp-8-1", {5}, 4}, {}, rng);
  zero_last_row(model->parameters().back().value);
  EXPECT_TRUE(contains(message_of([&] { nn::weight_normalize(*model, per_channel); }), "fc2",
                       channel, "norm 0"));

  const auto wrapped =
      nn::make_model({per_channel ? "mlp-8-1-wn" : "mlp-8-1-wn-layer", {5}, 4}, {}, rng);
  zero_last_row(wrapped->parameters().back().value);
  const Variable x(uniform<float>({2, 5}));
  EXPECT_TRUE(contains(message_of([&] { (*wrapped)(x); }), "fc2", channel, "norm 0"));
  EXPECT_TRUE(contains(message_of([&] { nn::fold_weight_norm(*wrapped); }), "fc2", channel));
}

TEST(WeightNormalize, BranchesAreNamedAndLoneLayersRefused) {
  Rng rng(1);
  const auto resnet = nn::make_model({"resnet20", {8, 8, 3}, 4}, {}, rng);
  Variable deep;
  for (const nn::NamedParameter& parameter : resnet->parameters())
    if (parameter.name == "layer2.1.conv2.weight") deep = parameter.value;
  deep.set_value(scale(deep.detach(), 0.0).value());
  EXPECT_TRUE(contains(message_of([&] { nn::weight_normalize(*resnet); }), "layer2.1.conv2:"));

  nn::Linear alone(2, 2, true, nn::Init{}, rng);
  EXPECT_TRUE(contains(message_of([&] { nn::weight_normalize(alone); }), "[weight_normalize]",
                       "Linear", "Sequential"));
  nn::Sequential net;
  net.add("block",
          std::make_shared<nn::Residual>(std::make_shared<nn::Linear>(2, 2, true, nn::Init{}, rng),
                                         std::make_shared<nn::Identity>()));
  EXPECT_TRUE(contains(message_of([&] { nn::weight_normalize(net); }), "block", "Sequential"));
}

}  // namespace
}  // namespace rho
