// The architectures of docs/theory.md: parameter counts, shapes, state, names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::message_of;
using testing::uniform;

struct ModelCase {
  std::string name;
  Shape input;
  std::int64_t parameters;
};
void PrintTo(const ModelCase& of, std::ostream* out) { *out << of.name; }

class Models : public ::testing::TestWithParam<ModelCase> {
 protected:
  std::shared_ptr<nn::Module> make(std::uint64_t seed, DType dtype = DType::Float32) const {
    Rng rng(seed);
    return nn::make_model({GetParam().name, GetParam().input, 10}, {}, rng, dtype);
  }
};

TEST_P(Models, ParameterCount) { EXPECT_EQ(make(1)->parameter_count(), GetParam().parameters); }

TEST_P(Models, OutputAndStateRoundTrip) {
  const auto model = make(1), other = make(2);
  Shape batch{2};
  for (const std::int64_t extent : GetParam().input) batch.push_back(extent);
  const Variable x(uniform<float>(batch));
  model->eval();
  other->eval();
  const NoGrad guard;
  const Variable y = (*model)(x);
  EXPECT_TRUE(y.shape() == Shape({2, 10}));
  EXPECT_NE(y.value().to_vector<float>(), (*other)(x).value().to_vector<float>());
  nn::copy_state(*model, *other);
  EXPECT_EQ(y.value().to_vector<float>(), (*other)(x).value().to_vector<float>());
}

INSTANTIATE_TEST_SUITE_P(
    Theory, Models,
    ::testing::Values(
        ModelCase{"convnet3-24", {32, 32, 3}, 154464},
        ModelCase{"convnet3-34", {28, 28, 1}, 165784},
        ModelCase{"convnet3-64s2", {32, 32, 3}, 148160},
        ModelCase{"convnet5-w", {32, 32, 3}, 188810},
        // Each bias is replaced by a batch norm's two vectors.
        ModelCase{"convnet5-w-bn", {32, 32, 3}, 188810 + 32 + 64 + 64 + 128},
        ModelCase{"convnet5-16", {32, 32, 3}, 9370},
        ModelCase{"convnet5-16-bn", {32, 32, 3}, 9370 + 64},
        ModelCase{"resnet20", {32, 32, 3}, 269722}, ModelCase{"resnet32", {32, 32, 3}, 464154},
        ModelCase{"resnet44", {32, 32, 3}, 658586}, ModelCase{"resnet56", {32, 32, 3}, 853018},
        ModelCase{"resnet110", {32, 32, 3}, 1727962},
        ModelCase{"mlp-64-2", {28, 28, 1}, 784 * 64 + 64 + 64 * 64 + 64 * 10},
        ModelCase{"mlp-64-1-fixed", {28, 28, 1}, 784 * 64 + 64},
        ModelCase{"mlp-5-3", {4}, 4 * 5 + 5 + 25 + 25 + 50},
        ModelCase{"linear", {28, 28, 3}, 784 * 3 * 10},
        // (D + 2) N, and 4 N but for the root: a weight more a unit for each class above the first.
        ModelCase{"shallow-21", {8}, 8 * 21 + 21 + 21 * 10},
        ModelCase{"compositional-21", {8}, 4 * 21 + 3 * 9},
        ModelCase{"compositional-5", {2}, 4 * 5 + 5 * 9},
        // Weight norm adds a number for each output channel, or for each layer.
        ModelCase{"convnet3-34-wn", {28, 28, 1}, 165784 + 34 + 34 + 10},
        ModelCase{"convnet3-34-wn-layer", {28, 28, 1}, 165784 + 3},
        ModelCase{"convnet5-w-bn-wn", {32, 32, 3}, 188810 + 2 * (32 + 64 + 64 + 128) + 10},
        ModelCase{"resnet20-wn", {32, 32, 3}, 269722 + 16 + 6 * (16 + 32 + 64) + 10},
        ModelCase{"resnet20-wn-layer", {32, 32, 3}, 269722 + 20},
        ModelCase{"mlp-64-1-fixed-wn", {28, 28, 1}, 784 * 64 + 64 + 64},
        ModelCase{"compositional-21-wn-layer", {8}, 4 * 21 + 3 * 9 + 6},
        ModelCase{"linear-wn-layer", {28, 28, 3}, 784 * 3 * 10 + 1}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

// Issues fig. 1 b: a node sees the two below it and nothing else; with one output the parameters
// are the paper's 4 N and (D + 2) N.
TEST(Models, TheCompositionalNetworkIsATreeOfNodes) {
  Rng rng(4);
  const auto tree = nn::make_model({"compositional-14", {8}, 1}, {}, rng, DType::Float64);
  EXPECT_EQ(tree->parameter_count(), 4 * 14);
  EXPECT_EQ(nn::make_model({"shallow-14", {8}, 1}, {}, rng)->parameter_count(), (8 + 2) * 14);
  std::map<std::string, std::vector<double>> of;
  for (auto& [name, parameter, layout] : tree->parameters()) {
    if (parameter.rank() == 1) parameter.set_value(uniform(parameter.shape(), of.size()));
    of[name] = parameter.value().to_vector<double>();
  }
  const Tensor x = uniform({1, 8}, 5);
  std::vector<double> values = x.to_vector<double>();
  for (const std::string level : {"1", "2", "3"}) {
    const auto &w = of.at("units" + level + ".weight"), &b = of.at("units" + level + ".bias"),
               &a = of.at("nodes" + level + ".weight");
    std::vector<double> above(values.size() / 2, 0.0);
    for (std::size_t k = 0; k < a.size(); ++k) {  // two units a node
      const std::size_t node = k / 2;
      const double u = w[2 * k] * values[2 * node] + w[2 * k + 1] * values[2 * node + 1] + b[k];
      above[node] += a[k] * std::max(u, 0.0);
    }
    values = above;
  }
  testing::expect_near((*tree)(Variable(x)).value(), values, 1e-14);
}

TEST(ModelNames, AreThoseOfPyTorch) {
  Rng rng(1);
  const auto names = [&](const std::string& model) {
    std::vector<std::string> out;
    for (const auto& [name, tensor] :
         nn::export_state(*nn::make_model({model, {32, 32, 3}, 10}, {}, rng)))
      out.push_back(name);
    return out;
  };
  EXPECT_EQ(names("convnet3-24"),
            (std::vector<std::string>{"conv1.weight", "conv1.bias", "conv2.weight", "fc.weight"}));
  const auto resnet = names("resnet20");
  for (const char* name : {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight",
                           "layer3.2.bn2.num_batches_tracked", "linear.weight", "linear.bias"})
    EXPECT_NE(std::find(resnet.begin(), resnet.end(), name), resnet.end()) << name;
}

// Every name and shape of a checkpoint that PyTorch wrote, and its values, come back.
TEST(ModelNames, APyTorchCheckpointRoundTrips) {
  const char* const shared = std::getenv("RHO_SHARED_DATA");
  const std::filesystem::path path =
      std::filesystem::path(shared != nullptr ? shared : "../shared/data") /
      "checkpoints/resnet20.safetensors";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const nn::TensorFile file = nn::read_safetensors(path);
  Rng rng(1);
  const auto model = nn::make_model({"resnet20", {32, 32, 3}, 10}, {}, rng);
  nn::import_state(*model, file.tensors, path);
  std::map<std::string, std::vector<double>> exported;
  for (const auto& [name, tensor] : nn::export_state(*model))
    exported[name] = tensor.to_vector<double>();
  for (const auto& [name, tensor] : file.tensors)
    EXPECT_EQ(exported.at(name), tensor.to_vector<double>()) << name;
}

TEST(ModelNames, Messages) {
  Rng rng(1);
  const auto make = [&](const std::string& name, const Shape& input, std::int64_t classes) {
    return message_of([&] { nn::make_model({name, input, classes}, {}, rng); });
  };
  EXPECT_TRUE(contains(make("resnet57", {32, 32, 3}, 10), "resnet57", "convnet3-34", "mlp-W-L"));
  EXPECT_TRUE(contains(make("mlp-0-2", {4}, 2), "mlp-0-2"));
  EXPECT_TRUE(contains(make("linear-wn-wn", {4}, 2), "linear-wn-wn", "-wn-layer"));
  EXPECT_TRUE(contains(make("convnet3-24-wn", {4}, 10), "convnet3-24-wn", "[4]"));
  EXPECT_TRUE(contains(make("convnet3-24", {8, 8, 3}, 10), "convnet3-24", "[8, 8, 3]", "conv2"));
  EXPECT_TRUE(contains(make("convnet3-24", {4}, 10), "convnet3-24", "[4]"));
  EXPECT_TRUE(contains(make("linear", {4}, 0), "linear", "0 classes"));
  EXPECT_TRUE(contains(make("shallow-0", {8}, 1), "shallow-0", "shallow-N"));
  EXPECT_TRUE(contains(make("compositional-15", {8}, 1), "compositional-15", "7 nodes",
                       "15 is no multiple of 7"));
  EXPECT_TRUE(contains(make("compositional-14", {6}, 1), "compositional-14", "[6]"));
  EXPECT_TRUE(contains(make("compositional-14", {2, 2, 2}, 1), "compositional-14", "[2, 2, 2]"));
}

}  // namespace
}  // namespace rho
