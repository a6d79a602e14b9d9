// docs/theory.md, identities 1 and 6: homogeneity layer by layer, and exact normalization.
#include "nn/normalize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "kernels/fill.h"
#include "nn/fold.h"
#include "nn/model.h"
#include "nn/nn.h"
#include "nn/state.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::message_of;
using testing::uniform;

struct Architecture {
  std::string name;
  Shape input;
};
void PrintTo(const Architecture& of, std::ostream* out) { *out << of.name; }

class Normalize : public ::testing::TestWithParam<Architecture> {
 protected:
  /// With random biases, and batch norms away from their initial statistics.
  std::shared_ptr<nn::Module> make() const {
    Rng rng(11);
    const auto model =
        nn::make_model({GetParam().name, GetParam().input, 5}, {}, rng, DType::Float64);
    std::uint64_t stream = 0;
    for (auto& parameter : model->parameters()) {
      Variable value = parameter.value;
      if (value.rank() == 1) value.set_value(uniform(value.shape(), ++stream, 0.3, 1.0));
      if (parameter.name.ends_with("weight_g"))
        value.set_value(uniform(value.shape(), ++stream, 2.0, 4.0));
    }
    for (const nn::NamedBuffer& buffer : model->buffers())
      if (buffer.value->rank() == 1)
        *buffer.value = uniform(buffer.value->shape(), ++stream, 0.2, 1.5);
    model->eval();
    return model;
  }
  static void fold(nn::Module& model) {
    nn::fold_weight_norm(model);
    nn::fold_batch_norm(model);
  }
  Variable batch() const {
    Shape shape{3};
    for (const std::int64_t extent : GetParam().input) shape.push_back(extent);
    return Variable(uniform(shape, 99));
  }
};

double largest_magnitude(const std::vector<double>& values) {
  double out = 0.0;
  for (const double value : values) out = std::max(out, std::abs(value));
  return out;
}

TEST_P(Normalize, TheNormalizedNetworkIsExact) {
  const NoGrad guard;
  const Variable x = batch();
  const auto model = make();
  const auto f = (*model)(x).value().to_vector<double>();
  fold(*model);
  const auto folded = (*model)(x).value().to_vector<double>();
  for (std::size_t i = 0; i < f.size(); ++i)
    EXPECT_LE(std::abs(f[i] - folded[i]), 1e-12 * largest_magnitude(f));

  for (const double p : {1.0, 2.0, 3.0, std::numeric_limits<double>::infinity()}) {
    const auto normalized = make();
    fold(*normalized);
    const nn::Rescaling state = nn::normalize(*normalized, p);
    EXPECT_FALSE(state.layers.empty());
    const Variable y = (*normalized)(x);
    const auto f_tilde = y.value().to_vector<double>();
    for (std::size_t i = 0; i < f.size(); ++i)
      EXPECT_LE(std::abs(std::exp(state.log_scale) * f_tilde[i] - f[i]),
                1e-10 * largest_magnitude(f))
          << "p = " << p;
    EXPECT_EQ(argmax(y.value(), 1).to_vector<std::int64_t>(),
              argmax((*model)(x).value(), 1).to_vector<std::int64_t>());
    for (const nn::LayerNorm& layer : nn::normalize(*normalized, p, false).layers) {
      // A first layer's norm counts its bias, which is divided alike: it is 1 as well.
      EXPECT_NEAR(layer.norm, 1.0, 1e-12) << layer.name;
    }
  }
}

TEST_P(Normalize, LogRhoIsTheSumOfLogNormsInPlainNetworks) {
  const auto model = make();
  fold(*model);
  const nn::Rescaling state = nn::normalize(*model, 2.0, false);
  double sum = 0.0;
  for (const nn::LayerNorm& layer : state.layers) sum += std::log(layer.norm);
  if (GetParam().name.starts_with("resnet"))
    EXPECT_LE(state.log_scale, sum + 1e-9);  // skipped layers can not add to the scale of a sum
  else
    EXPECT_NEAR(state.log_scale, sum, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    Theory, Normalize,
    ::testing::Values(
        Architecture{"convnet3-24", {12, 12, 3}}, Architecture{"convnet3-34", {12, 12, 1}},
        Architecture{"convnet3-64s2", {9, 9, 3}}, Architecture{"convnet5-w", {32, 32, 3}},
        Architecture{"convnet5-w-bn", {32, 32, 3}}, Architecture{"convnet5-16", {32, 32, 3}},
        Architecture{"convnet5-16-bn", {32, 32, 3}}, Architecture{"resnet20", {8, 8, 3}},
        Architecture{"resnet32", {8, 8, 3}}, Architecture{"resnet44", {8, 8, 3}},
        Architecture{"resnet56", {8, 8, 3}}, Architecture{"resnet110", {4, 4, 3}},
        Architecture{"mlp-20-3", {6, 6, 1}}, Architecture{"mlp-20-1-fixed", {7}},
        Architecture{"linear", {7}}, Architecture{"shallow-20", {8}},
        Architecture{"compositional-28", {8}}, Architecture{"compositional-28-wn", {8}},
        Architecture{"convnet3-24-wn", {12, 12, 3}}, Architecture{"convnet5-w-bn-wn", {32, 32, 3}},
        Architecture{"resnet20-wn", {8, 8, 3}}, Architecture{"resnet20-wn-layer", {8, 8, 3}},
        Architecture{"mlp-20-3-wn-layer", {6, 6, 1}}, Architecture{"mlp-20-1-fixed-wn", {7}}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

// Identity 1 (TheoryIII eq. 3): sum_ij W_k^ij df/dW_k^ij = f(x) for each layer of a bias-free net.
TEST(Homogeneity, EveryLayerOfABiasFreeNetwork) {
  for (const Architecture& of : {Architecture{"convnet3-64s2", {8, 8, 3}},
                                 Architecture{"mlp-12-3", {5}}, Architecture{"linear", {5}}}) {
    Rng rng(3);
    const auto model = nn::make_model({of.name, of.input, 3}, {}, rng, DType::Float64);
    for (auto& parameter : model->parameters()) {
      Variable value = parameter.value;
      if (value.rank() == 1) value.set_value(kernels::zeros(value.shape(), DType::Float64));
    }
    Shape shape{1};
    for (const std::int64_t extent : of.input) shape.push_back(extent);
    const Variable f = (*model)(Variable(uniform(shape, 4)));
    for (std::int64_t c = 0; c < 3; ++c)
      for (const auto& parameter : model->parameters()) {
        if (parameter.value.rank() == 1) continue;
        const Variable output = sum(slice(f, 1, c, c + 1));
        const Variable g = grad({output}, {parameter.value}, {}, {.retain_graph = true})[0];
        EXPECT_NEAR(sum(parameter.value * g).item(), output.item(), 1e-13)
            << of.name << " " << parameter.name;
      }
  }
}

TEST(NormalizeErrors, AZeroLayerIsNamed) {
  Rng rng(3);
  const auto model = nn::make_model({"mlp-4-1", {3}, 2}, {}, rng);
  Variable last = model->parameters().back().value;
  last.set_value(kernels::zeros(last.shape(), last.dtype()));
  EXPECT_TRUE(contains(message_of([&] { nn::normalize(*model); }), "[normalize]", "fc2", "norm 0"));
}

TEST(NormalizeErrors, UnfoldedBatchNormIsNamed) {
  Rng rng(3);
  const auto model = nn::make_model({"resnet20", {8, 8, 3}, 2}, {}, rng);
  EXPECT_TRUE(contains(message_of([&] { nn::normalize(*model); }), "bn1", "fold_batch_norm"));
}

TEST(NormalizeNumbers, Float32WeightsAreRoundedOnce) {
  Rng rng(3);
  const auto model = nn::make_model({"mlp-40-2", {30}, 5}, {}, rng);
  const nn::NamedTensors before = nn::export_state(*model);
  const nn::Rescaling state = nn::normalize(*model);
  const auto parameters = model->parameters();  // fc1.weight, fc1.bias, fc2.weight, fc3.weight
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
    const double norm = state.layers[i == 0 ? 0 : i - 1].norm;
    std::vector<double> expected = before[i].second.to_vector<double>();
    for (double& value : expected) value = static_cast<float>(value / norm);
    EXPECT_EQ(parameters[i].value.value().to_vector<double>(), expected) << parameters[i].name;
  }
}

// Reciprocals of these norms and scales overflow or lose digits, the quotients do not.
TEST(NormalizeNumbers, ExtremeWeightsAndBiases) {
  const auto linear = [](DType dtype, double weight, double bias) {
    Rng rng(1);
    const auto layer = std::make_shared<nn::Linear>(2, 2, true, nn::Init{}, rng, dtype);
    Variable w = layer->weight(), b = layer->bias();
    w.set_value(kernels::full(w.shape(), weight, dtype));
    b.set_value(kernels::full(b.shape(), bias, dtype));
    return layer;
  };
  for (const auto& [dtype, value] :
       std::vector<std::pair<DType, double>>{{DType::Float32, 1e-40},
                                             {DType::Float32, 1e35},
                                             {DType::Float64, 1e-310},
                                             {DType::Float64, 1e300}}) {
    const auto layer = linear(dtype, value, 0.0);
    nn::normalize(*layer);
    testing::expect_near(layer->weight().value(), {0.5, 0.5, 0.5, 0.5}, 1e-12);
    testing::expect_near(layer->bias().value(), {0.0, 0.0}, 0.0);
  }

  nn::Sequential deep;  // c = 4e42, beyond float32
  deep.add("a", linear(DType::Float32, 1e21, 0.0));
  const auto last = deep.add("b", linear(DType::Float32, 1e21, -1e30));
  nn::normalize(deep);
  testing::expect_near(scale(last->bias(), 1e12).value(), {-0.25, -0.25},
                       4 * testing::epsilon<float>());

  nn::Sequential tiny;  // log c = -1101: 1 / c is beyond double
  for (int k = 0; k < 6; ++k) tiny.add("fc" + std::to_string(k), linear(DType::Float64, 1e-80, 0));
  nn::normalize(tiny);
  testing::expect_near(tiny.parameters().back().value.value(), {0.0, 0.0}, 0.0);

  nn::Sequential lost;
  for (int k = 0; k < 6; ++k) lost.add("fc" + std::to_string(k), linear(DType::Float64, 1e-80, 0));
  lost.add("huge", linear(DType::Float64, 1.0, 1.0));
  EXPECT_TRUE(contains(message_of([&] { nn::normalize(lost); }), "[normalize]", "huge", "bias"));
}

TEST(Fold, LinearFollowedByBatchNorm) {
  Rng rng(2);
  nn::Sequential net;
  net.add("fc", std::make_shared<nn::Linear>(3, 4, true, nn::Init{}, rng, DType::Float64));
  net.add("bn", std::make_shared<nn::BatchNorm2d>(4, DType::Float64));
  const Variable x(uniform({6, 3}, 5));
  for (int step = 0; step < 3; ++step) net(x);
  net.eval();
  const auto expected = net(x).value().to_vector<double>();
  nn::fold_batch_norm(net);
  EXPECT_TRUE(net.buffers().empty());
  testing::expect_near(net(x).value(), expected, 1e-12);
}

TEST(NormalizeNumbers, HugeScalesAreCarriedAsLogarithms) {
  Rng rng(3);
  const auto model = nn::make_model({"mlp-6-4", {5}, 3}, {}, rng, DType::Float64);
  const double before = nn::normalize(*model, 2.0, false).log_scale;
  for (auto& parameter : model->parameters()) {
    Variable value = parameter.value;
    value.set_value(scale(value, 1e80).value());
  }
  // Five weights times 1e80: rho overflows a double, its logarithm does not.
  const nn::Rescaling state = nn::normalize(*model);
  EXPECT_NEAR(state.log_scale, before + 5 * 80 * std::log(10.0), 1e-9);
  for (const double value : (*model)(Variable(uniform({2, 5}))).value().to_vector<double>())
    EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace rho
