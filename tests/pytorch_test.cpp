// A checkpoint opens in PyTorch and gives the same logits: names, layouts and formulas agree.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tensor/random.h"
#include "tests/support/temporary_folder.h"
#include "tools/support/data.h"

namespace rho {
namespace {

namespace fs = std::filesystem;

Tensor random_inputs(const Shape& example, std::int64_t count, std::uint64_t seed) {
  Shape shape{count};
  for (const std::int64_t extent : example) shape.push_back(extent);
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(numel(shape)));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return Tensor::from(values, shape);
}

// A network with random weights and, where it has batch norm, statistics of random inputs.
std::shared_ptr<nn::Module> make_network(const nn::ModelSpec& spec) {
  Rng rng(7);
  auto model = nn::make_model(spec, {}, rng);
  // Biases start at 0 and weight norm's g at the norm of v, which would hide one that is lost.
  for (const nn::NamedParameter& parameter : model->parameters()) {
    if (parameter.value.rank() != 1 && !parameter.name.ends_with("weight_g")) continue;
    std::vector<float> values = parameter.value.value().to_vector<float>();
    for (float& value : values) value += 0.1F * static_cast<float>(rng.normal());
    Variable(parameter.value).set_value(Tensor::from(values, parameter.value.shape()));
  }
  model->train();
  const NoGrad no_grad;
  for (std::uint64_t pass = 0; pass < 3; ++pass)
    (*model)(Variable(random_inputs(spec.input, 8, 100 + pass)));
  model->eval();
  return model;
}

class PyTorchTest : public ::testing::TestWithParam<nn::ModelSpec> {};

TEST_P(PyTorchTest, SameLogits) {
  const fs::path script = "tests/pytorch_check.py";
  if (!fs::exists(script)) GTEST_SKIP() << "not run in the root of the repository";
  const nn::ModelSpec& spec = GetParam();
  const auto model = make_network(spec);
  const Tensor inputs = random_inputs(spec.input, 5, 1);
  const NoGrad no_grad;
  const Tensor logits = (*model)(Variable(inputs)).value();

  const testing::TemporaryFolder folder;
  nn::write_safetensors(folder.file("last.safetensors"),
                        {{{"model", spec.name},
                          {"classes", std::to_string(spec.classes)},
                          {"input", tools::shape_to_text(spec.input)}},
                         nn::export_state(*model)});
  nn::write_safetensors(folder.file("io.safetensors"),
                        {{}, {{"inputs", inputs}, {"logits", logits}}});
  const int status =
      std::system((RHO_PYTHON " " + script.string() + " " + folder.file("last.safetensors") + " " +
                   folder.file("io.safetensors"))
                      .c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 127) GTEST_SKIP() << "no python3";
  if (WEXITSTATUS(status) == 3) GTEST_SKIP() << "python3 has no torch or no safetensors";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

INSTANTIATE_TEST_SUITE_P(Models, PyTorchTest,
                         ::testing::Values(nn::ModelSpec{"mlp-16-2", {6}, 3},
                                           nn::ModelSpec{"mlp-8-1", {4, 5, 3}, 3},
                                           nn::ModelSpec{"convnet3-34", {28, 28, 1}, 10},
                                           nn::ModelSpec{"resnet20", {32, 32, 3}, 10},
                                           nn::ModelSpec{"mlp-8-1-wn-layer", {4, 5, 3}, 3},
                                           nn::ModelSpec{"convnet3-34-wn", {28, 28, 1}, 10},
                                           nn::ModelSpec{"resnet20-wn", {32, 32, 3}, 10}),
                         [](const auto& instance) {
                           std::string name = instance.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace rho
