// One harness for every layer: first and second derivatives, accumulation, saving and loading,
// modes, scaling.
#include "nn/nn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "nn/normalize.h"
#include "nn/state.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::leaf;
using testing::message_of;
using testing::uniform;

constexpr DType f64 = DType::Float64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct LayerCase {
  std::string name;
  std::function<std::shared_ptr<nn::Module>(Rng&)> make;
  Shape input, output;
};
void PrintTo(const LayerCase& of, std::ostream* out) { *out << of.name; }

std::shared_ptr<nn::Module> residual(Rng& rng, std::shared_ptr<nn::Module> shortcut,
                                     std::int64_t stride, std::int64_t channels) {
  auto main = std::make_shared<nn::Sequential>();
  main->add("conv1", std::make_shared<nn::Conv2d>(2, channels, 3,
                                                  kernels::Conv2dOptions{stride, stride, 1, 1},
                                                  true, nn::Init{}, rng, DType::Float64));
  return std::make_shared<nn::Residual>(main, std::move(shortcut));
}

/// Weight norm whose g is not the norm of v: else the layer is the one that it wraps.
std::shared_ptr<nn::Module> weight_norm(std::shared_ptr<nn::Weighted> layer, bool per_channel) {
  auto out = std::make_shared<nn::WeightNorm>(std::move(layer), per_channel, "layer");
  Variable g = out->parameters().front().value;
  g.set_value(uniform(g.shape(), 3, 0.5, 2.0));
  return out;
}

const std::vector<LayerCase>& layer_cases() {
  static const std::vector<LayerCase> all{
      {"Linear",
       [](Rng& r) { return std::make_shared<nn::Linear>(3, 2, true, nn::Init{}, r, f64); },
       {4, 3},
       {4, 2}},
      {"Linear_without_bias",
       [](Rng& r) { return std::make_shared<nn::Linear>(3, 2, false, nn::Init{}, r, f64); },
       {4, 3},
       {4, 2}},
      {"GroupedLinear",
       [](Rng& r) {
         return std::make_shared<nn::GroupedLinear>(6, 4, 2, true, nn::Init{}, r, f64);
       },
       {5, 6},
       {5, 4}},
      {"GroupedLinear_without_bias",
       [](Rng& r) {
         return std::make_shared<nn::GroupedLinear>(6, 3, 3, false, nn::Init{}, r, f64);
       },
       {5, 6},
       {5, 3}},
      {"Linear_after_Flatten",
       [](Rng& r) {
         return std::make_shared<nn::Linear>(12, 2, true, nn::Init{}, r, f64, Shape{2, 2, 3});
       },
       {4, 12},
       {4, 2}},
      {"Conv2d",
       [](Rng& r) {
         return std::make_shared<nn::Conv2d>(2, 4, 3, kernels::Conv2dOptions{2, 1, 1, 0}, true,
                                             nn::Init{}, r, f64);
       },
       {2, 5, 4, 2},
       {2, 3, 2, 4}},
      {"Conv2d_in_groups",
       [](Rng& r) {
         return std::make_shared<nn::Conv2d>(4, 2, 2, kernels::Conv2dOptions{.groups = 2}, false,
                                             nn::Init{}, r, f64);
       },
       {2, 3, 3, 4},
       {2, 2, 2, 2}},
      {"WeightNorm_of_Linear",
       [](Rng& r) {
         return weight_norm(std::make_shared<nn::Linear>(3, 2, true, nn::Init{}, r, f64), true);
       },
       {4, 3},
       {4, 2}},
      {"WeightNorm_of_Linear_after_Flatten",
       [](Rng& r) {
         return weight_norm(
             std::make_shared<nn::Linear>(12, 2, true, nn::Init{}, r, f64, Shape{2, 2, 3}), false);
       },
       {4, 12},
       {4, 2}},
      {"WeightNorm_of_Conv2d",
       [](Rng& r) {
         return weight_norm(
             std::make_shared<nn::Conv2d>(2, 4, 3, kernels::Conv2dOptions{2, 1, 1, 0}, true,
                                          nn::Init{}, r, f64),
             true);
       },
       {2, 5, 4, 2},
       {2, 3, 2, 4}},
      {"WeightNorm_of_Conv2d_by_layer",
       [](Rng& r) {
         return weight_norm(
             std::make_shared<nn::Conv2d>(4, 2, 2, kernels::Conv2dOptions{.groups = 2}, false,
                                          nn::Init{}, r, f64),
             false);
       },
       {2, 3, 3, 4},
       {2, 2, 2, 2}},
      {"BatchNorm2d",
       [](Rng&) { return std::make_shared<nn::BatchNorm2d>(3, f64); },
       {4, 2, 2, 3},
       {4, 2, 2, 3}},
      {"ReLU", [](Rng&) { return std::make_shared<nn::ReLU>(); }, {3, 4}, {3, 4}},
      {"Flatten", [](Rng&) { return std::make_shared<nn::Flatten>(); }, {2, 3, 2, 2}, {2, 12}},
      {"MaxPool2d",
       [](Rng&) { return std::make_shared<nn::MaxPool2d>(Pool2dOptions{}); },
       {2, 4, 4, 2},
       {2, 2, 2, 2}},
      {"AvgPool2d",
       [](Rng&) { return std::make_shared<nn::AvgPool2d>(Pool2dOptions{}); },
       {2, 4, 4, 2},
       {2, 2, 2, 2}},
      {"GlobalAvgPool2d",
       [](Rng&) { return std::make_shared<nn::GlobalAvgPool2d>(); },
       {2, 3, 3, 2},
       {2, 2}},
      {"Identity", [](Rng&) { return std::make_shared<nn::Identity>(); }, {3, 2}, {3, 2}},
      {"FixedSigns",
       [](Rng& r) { return std::make_shared<nn::FixedSigns>(4, 2, r, f64); },
       {3, 4},
       {3, 2}},
      {"Residual",
       [](Rng& r) { return residual(r, std::make_shared<nn::Identity>(), 1, 2); },
       {2, 3, 3, 2},
       {2, 3, 3, 2}},
      {"Residual_that_widens",
       [](Rng& r) { return residual(r, std::make_shared<nn::PaddedShortcut>(2, 5), 2, 5); },
       {2, 5, 4, 2},
       {2, 3, 2, 5}},
  };
  return all;
}

/// grad() of f by every element of `inputs` is its central difference.
void expect_derivatives(const std::function<Variable()>& f, const std::vector<Variable>& inputs,
                        const std::string& what) {
  const std::vector<Variable> grads = grad({f()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    double* const values = inputs[i].value().data<double>();
    const auto found = grads[i].value().to_vector<double>();
    for (std::int64_t j = 0; j < inputs[i].numel(); ++j) {
      const double before = values[j], eps = 1e-6;
      values[j] = before + eps;
      const double above = f().item();
      values[j] = before - eps;
      const double below = f().item();
      values[j] = before;
      const double numeric = (above - below) / (2 * eps);
      EXPECT_TRUE(std::abs(found[static_cast<std::size_t>(j)] - numeric) <=
                  1e-6 * std::max(1.0, std::abs(numeric)))
          << what << " derivative, input " << i << " element " << j;
    }
  }
}

class Layer : public ::testing::TestWithParam<LayerCase> {
 protected:
  Rng rng_{5};
  std::shared_ptr<nn::Module> layer_ = GetParam().make(rng_);
  Tensor x_ = uniform(GetParam().input, 7, 0.1, 1.0);
};

TEST_P(Layer, ShapesAndNames) {
  EXPECT_TRUE((*layer_)(Variable(x_)).shape() == GetParam().output);
  EXPECT_EQ(GetParam().name.find(layer_->kind()), 0U);
  std::int64_t count = 0;
  for (const auto& parameter : layer_->parameters()) count += parameter.value.numel();
  EXPECT_EQ(layer_->parameter_count(), count);
}

// The parameters are inputs of the check: they are changed in the layer, for every evaluation.
TEST_P(Layer, DerivativesByInputAndParameters) {
  for (const bool training : {true, false}) {
    layer_->train(training);
    std::vector<Variable> inputs{leaf(x_)};
    for (const auto& parameter : layer_->parameters()) inputs.push_back(parameter.value);
    const Tensor weights = uniform(GetParam().output, 9);
    const auto loss = [&] {
      const Variable y = layer_->forward(inputs[0]);
      return sum(y * y * Variable(weights));
    };
    // One functional of all first derivatives; its derivatives are the second ones.
    const auto slope = [&] {
      Variable total;
      const std::vector<Variable> grads = grad({loss()}, inputs, {}, {.create_graph = true});
      for (std::size_t i = 0; i < grads.size(); ++i) {
        const Variable part = sum(grads[i] * Variable(uniform(grads[i].shape(), 40 + i)));
        total = total.defined() ? total + part : part;
      }
      return total;
    };
    expect_derivatives(loss, inputs, "first");
    expect_derivatives(slope, inputs, "second");
  }
}

TEST_P(Layer, GradientsAccumulateAndReset) {
  const auto run = [&] { sum(layer_->forward(Variable(x_))).backward(); };
  const auto parameters = layer_->parameters();
  if (parameters.empty()) return;
  layer_->eval();
  // What an earlier step left there must not shine through once it is reset.
  for (const auto& p : parameters) {
    Variable value = p.value;
    value.set_grad(Variable(kernels::full(value.shape(), INFINITY, DType::Float64)));
  }
  layer_->zero_grad();
  run();
  std::vector<std::vector<double>> once;
  once.reserve(parameters.size());
  for (const auto& p : parameters) once.push_back(p.value.grad().value().to_vector<double>());
  run();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    std::vector<double> twice = once[i];
    for (double& value : twice) value *= 2;
    testing::expect_near(parameters[i].value.grad().value(), twice, 4 * testing::epsilon<double>());
  }
}

TEST_P(Layer, StateRoundTrip) {
  layer_->forward(Variable(x_));  // batch norm moves its statistics
  Rng other(99);
  const auto copy = GetParam().make(other);
  nn::import_state(*copy, nn::export_state(*layer_), "test");
  layer_->eval();
  copy->eval();
  EXPECT_EQ((*layer_)(Variable(x_)).value().to_vector<double>(),
            (*copy)(Variable(x_)).value().to_vector<double>());
}

TEST_P(Layer, ConvertsItsPrecision) {
  layer_->eval();
  const auto wide = (*layer_)(Variable(x_)).value().to_vector<double>();
  layer_->to(DType::Float32);
  const Variable narrow = (*layer_)(Variable(kernels::to_dtype(x_, DType::Float32)));
  EXPECT_EQ(narrow.dtype(), DType::Float32);
  testing::expect_near(narrow.value(), wide, 64 * testing::epsilon<float>());
}

TEST_P(Layer, NormalizationIsExact) {
  layer_->eval();
  const std::map<std::string, std::string> folded{{"BatchNorm2d", "fold_batch_norm"},
                                                  {"WeightNorm", "fold_weight_norm"}};
  if (const auto fold = folded.find(layer_->kind()); fold != folded.end()) {
    EXPECT_TRUE(contains(message_of([&] { nn::normalize(*layer_); }), fold->second));
    return;
  }
  const auto before = (*layer_)(Variable(x_)).value().to_vector<double>();
  for (const double p : {1.0, 2.0, 3.5, kInfinity}) {
    Rng rng(5);
    const auto layer = GetParam().make(rng);
    const double measured = nn::normalize(*layer, p, false).log_scale;
    const nn::Rescaling state = nn::normalize(*layer, p);
    EXPECT_EQ(measured, state.log_scale);
    for (const nn::LayerNorm& norm : nn::normalize(*layer, p, false).layers)
      EXPECT_NEAR(norm.norm, 1.0, 8 * testing::epsilon<double>());
    std::vector<double> expected = before;
    for (double& value : expected) value *= std::exp(-state.log_scale);
    testing::expect_near((*layer)(Variable(x_)).value(), expected, 64 * testing::epsilon<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Nn, Layer, ::testing::ValuesIn(layer_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Nn, TorchLayoutsOfConvolutionAndFlattenedMap) {
  Rng rng(1);
  nn::Conv2d conv(2, 3, 2, {}, false, nn::Init{}, rng, DType::Float64);
  const auto ours = conv.weight().value().to_vector<double>();  // [3, 2, 2, 2] as O, KH, KW, I
  const Tensor theirs = nn::export_state(conv)[0].second;       // [O, I, KH, KW]
  const auto values = theirs.to_vector<double>();
  for (std::size_t o = 0; o < 3; ++o)
    for (std::size_t k = 0; k < 4; ++k)
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(values[o * 8 + i * 4 + k], ours[o * 8 + k * 2 + i]);

  nn::Linear linear(6, 1, false, nn::Init{}, rng, DType::Float64, {1, 2, 3});
  const auto row = linear.weight().value().to_vector<double>();  // pixels, then channels
  const auto torch_row = nn::export_state(linear)[0].second.to_vector<double>();
  EXPECT_EQ(torch_row, (std::vector<double>{row[0], row[3], row[1], row[4], row[2], row[5]}));
}

TEST(Nn, GroupedLinearIsALinearLayerForEachGroup) {
  Rng rng(2);
  nn::GroupedLinear layer(6, 4, 2, true, nn::Init{}, rng, f64);
  layer.parameters()[1].value.set_value(uniform({4}, 3));
  const Tensor x = uniform({3, 6}, 1);
  const auto in = x.to_vector<double>(), w = layer.weight().value().to_vector<double>();
  const auto b = layer.bias().value().to_vector<double>();
  std::vector<double> expected;
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t o = 0; o < 4; ++o) {
      expected.push_back(b[o]);
      for (std::size_t i = 0; i < 3; ++i)
        expected.back() += w[o * 3 + i] * in[n * 6 + o / 2 * 3 + i];
    }
  testing::expect_near(layer(Variable(x)).value(), expected, 8 * testing::epsilon<double>());
  for (double& value : expected) value = std::max(value, 0.0);
  testing::expect_near(layer(Variable(x), {.relu = true}).value(), expected,
                       8 * testing::epsilon<double>());
  EXPECT_TRUE(contains(message_of([&] {
                         layer(Variable(uniform({3, 4})));
                       }),
                       "[GroupedLinear]", "[N, 6]", "[3, 4]"));
  EXPECT_TRUE(contains(message_of([&] { nn::GroupedLinear(6, 4, 3, true, nn::Init{}, rng); }),
                       "4 outputs", "3 groups"));
}

TEST(Nn, BatchNormFollowsItsBatches) {
  nn::BatchNorm2d layer(1, DType::Float64);
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 6}, {4, 1});
  layer.forward(Variable(x));
  const auto buffers = layer.buffers();
  // Mean 3, unbiased variance 14 / 3; a tenth of each is taken.
  EXPECT_NEAR(buffers[0].value->item(), 0.3, 1e-15);
  EXPECT_NEAR(buffers[1].value->item(), 0.9 + 0.1 * 14.0 / 3.0, 1e-15);
  EXPECT_EQ(buffers[2].value->item(), 1.0);
  layer.eval();
  layer.forward(Variable(x));
  EXPECT_EQ(buffers[2].value->item(), 1.0);
  layer.train();
  EXPECT_TRUE(contains(message_of([&] { layer.forward(Variable(x.slice(0, 0, 1))); }),
                       "[BatchNorm2d]", "[1, 1]"));
}

// In training, what follows a batch norm joined with it gives the same bits as layer by layer; in
// evaluation, where a convolution takes the norm up, another rounding.
TEST(Nn, BatchNormTakesInWhatFollows) {
  Rng rng(3);
  const auto main = std::make_shared<nn::Sequential>();
  for (const char* const number : {"1", "2"}) {
    if (!main->children().empty()) main->add("relu1", std::make_shared<nn::ReLU>());
    main->add(std::string("conv") + number,
              std::make_shared<nn::Conv2d>(2, 2, 3, kernels::Conv2dOptions{1, 1, 1, 1}, false,
                                           nn::Init{}, rng, f64));
    main->add(std::string("bn") + number, std::make_shared<nn::BatchNorm2d>(2, f64));
  }
  nn::Residual block(main, std::make_shared<nn::Identity>());
  const nn::NamedTensors state = nn::export_state(block);
  const auto one_by_one = [&](const Variable& x) {
    Variable y = x;
    for (const auto& layer : main->children()) y = layer.second->forward(y);
    return relu(y + x);
  };
  for (const bool training : {true, false}) {
    const auto run = [&](const std::function<Variable(const Variable&)>& forward) {
      nn::import_state(block, state, "test");
      block.train(training);
      std::vector<Variable> by{leaf(uniform({4, 3, 3, 2}, 7))};
      for (const auto& parameter : block.parameters()) by.push_back(parameter.value);
      const Variable y = forward(by[0]);
      std::vector<std::vector<double>> found{y.value().to_vector<double>()};
      for (const Variable& g : grad({y}, by, {Variable(uniform(y.shape(), 8))}))
        found.push_back(g.value().to_vector<double>());
      for (const auto& buffer : block.buffers()) found.push_back(buffer.value->to_vector<double>());
      return found;
    };
    const auto found = run([&](const Variable& x) { return block.forward(x); });
    const auto expected = run(one_by_one);
    if (training) {
      EXPECT_EQ(found, expected);
    }
    constexpr double kTerms = 2 * 36 * 18;  // of a gradient: two layers' pixels and taps
    for (std::size_t i = 0; i < found.size(); ++i) {
      double largest = 0.0;
      for (const double value : expected[i]) largest = std::max(largest, std::abs(value));
      for (std::size_t j = 0; j < found[i].size(); ++j)
        EXPECT_LE(std::abs(found[i][j] - expected[i][j]),
                  kTerms * testing::epsilon<double>() * largest);
    }
  }
}

// Also where the rectifier comes first, comes last, or stands alone.
TEST(Nn, SequencesEndWithWhatFollows) {
  const Variable x(uniform({3, 4}, 1)), residual(uniform({3, 4}, 2));
  const auto values = [](const Variable& v) { return v.value().to_vector<double>(); };
  nn::Sequential net;
  EXPECT_EQ(values(net.forward_then(x, {residual, true})), values(relu(x + residual)));
  net.add("relu1", std::make_shared<nn::ReLU>());
  EXPECT_EQ(values(net(x)), values(relu(x)));
  EXPECT_EQ(values(net.forward_then(x, {residual, true})), values(relu(relu(x) + residual)));
  const auto norm = net.add("bn", std::make_shared<nn::BatchNorm2d>(4, f64));
  norm->eval();
  net.add("relu2", std::make_shared<nn::ReLU>());
  const Variable y = relu((*norm)(relu(x)));
  EXPECT_EQ(values(net(x)), values(y));
  EXPECT_EQ(values(net.forward_then(x, {residual})), values(y + residual));
}

TEST(Nn, ModesReachEveryLayer) {
  nn::Sequential net;
  const auto norm = net.add("bn", std::make_shared<nn::BatchNorm2d>(1));
  net.eval();
  EXPECT_FALSE(norm->training());
  net.train();
  EXPECT_TRUE(norm->training());
}

TEST(Nn, LoadingNamesWhatIsWrong) {
  Rng rng(1);
  nn::Linear layer(2, 3, true, nn::Init{}, rng);
  nn::NamedTensors state = nn::export_state(layer);
  const auto load = [&](const nn::NamedTensors& entries) {
    return message_of([&] { nn::import_state(layer, entries, "file.safetensors"); });
  };
  EXPECT_EQ(load(state), "no error");
  EXPECT_TRUE(contains(load({state[0]}), "file.safetensors", "bias"));
  nn::NamedTensors more = state;
  more.emplace_back("extra", uniform({1}));
  EXPECT_TRUE(contains(load(more), "file.safetensors", "extra"));
  nn::NamedTensors wrong = state;
  wrong[0].second = uniform<float>({2, 3});
  EXPECT_TRUE(contains(load(wrong), "weight", "[2, 3]", "[3, 2]"));
}

TEST(Nn, OnlyTheNumberOfBatchesMayBeMissing) {
  nn::BatchNorm2d layer(2);
  nn::NamedTensors state = nn::export_state(layer);
  const auto load = [&] { return message_of([&] { nn::import_state(layer, state, "file"); }); };
  ASSERT_EQ(state.back().first, "num_batches_tracked");
  state.pop_back();
  EXPECT_EQ(load(), "no error");
  ASSERT_EQ(state.back().first, "running_var");
  state.pop_back();
  EXPECT_TRUE(contains(load(), "file", "running_var"));
}

TEST(Nn, LayersNameWrongShapes) {
  Rng rng(1);
  nn::Linear linear(2, 3, true, nn::Init{}, rng);
  EXPECT_TRUE(contains(message_of([&] {
                         linear.forward(Variable(uniform<float>({4, 5})));
                       }),
                       "[Linear]", "[N, 2]", "[4, 5]"));
  EXPECT_TRUE(contains(message_of([&] {
                         nn::Linear(5, 3, true, nn::Init{}, rng, DType::Float32, {1, 2, 3});
                       }),
                       "[Linear]", "5", "[1, 2, 3]"));
  const auto wide = std::make_shared<nn::PaddedShortcut>(1, 5);
  nn::Residual block(std::make_shared<nn::Identity>(), wide);
  EXPECT_TRUE(contains(message_of([&] {
                         block.forward(Variable(uniform({1, 2, 2, 3})));
                       }),
                       "residual", "[1, 2, 2, 3]", "[1, 2, 2, 5]"));
  EXPECT_TRUE(
      contains(message_of([&] { nn::Conv2d(3, 2, 1, {.groups = 2}, false, nn::Init{}, rng); }),
               "[Conv2d]", "2 groups"));
}

}  // namespace
}  // namespace rho
