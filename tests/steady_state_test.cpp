// Training in a steady state: no memory is asked of the system, and none is lost.
#include <gtest/gtest.h>

#include "autograd/ops.h"
#include "datasets/loader.h"
#include "nn/model.h"
#include "optim/factory.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"
#include "tools/support/groups.h"

namespace rho {
namespace {

class SteadyState : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, SteadyState, ::testing::Values("sgd", "adam", "tangent-gradient"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(SteadyState, AllocatesNothing) {
  Rng rng(1);
  const Tensor pixels = Tensor::empty({24, 32, 32, 3}, DType::UInt8);
  std::generate_n(pixels.data<std::uint8_t>(), pixels.numel(),
                  [&] { return static_cast<std::uint8_t>(rng.below(256)); });
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 24; ++i) labels.push_back(i % 4);
  const datasets::Dataset dataset{"noise", pixels, Tensor::from(labels, {24}), 4};
  datasets::LoaderOptions order;
  order.batch = 8;
  datasets::Loader loader(dataset, datasets::measure_standardization(dataset), order);
  const auto model = nn::make_model({"convnet5-16-bn", {32, 32, 3}, 4}, {}, rng);
  optim::OptimizerOptions options;
  options.name = GetParam();
  options.lr = 1e-4;
  options.momentum = 0.9;
  const auto optimizer = optim::make_optimizer(options, tools::parameter_groups(*model));

  const auto train = [&](std::int64_t epochs) {
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
      loader.start(epoch);
      while (const std::optional<datasets::Batch> batch = loader.next()) {
        model->zero_grad();
        cross_entropy((*model)(Variable(batch->inputs)), batch->labels).backward();
        optimizer->step();
      }
    }
  };
  const CachingAllocator& memory = allocator(DeviceType::CPU);
  train(3);
  const CachingAllocator::Statistics before = memory.statistics();
  train(5);
  const CachingAllocator::Statistics after = memory.statistics();
  EXPECT_EQ(after.bytes_in_use, before.bytes_in_use);
  // The loader's thread may run a batch further ahead of training than it did before.
  EXPECT_LE(after.device_calls, before.device_calls + 2);
}

}  // namespace
}  // namespace rho
