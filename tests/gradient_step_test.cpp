// Training steps that a device replays, and several threads that share it, against the same work
// done one operation after the other. What needs a device is skipped where there is none.
#include "nn/gradient_step.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "autograd/ops/losses.h"
#include "kernels/fill.h"
#include "nn/model.h"
#include "nn/nn.h"
#include "nn/state.h"
#include "optim/factory.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"
#include "tools/support/groups.h"

namespace rho::nn {
namespace {

using testing::contains;
using testing::message_of;
using testing::uniform;

const Shape kImage{28, 28, 2};

Variable objective(const Variable& outputs, const Tensor& labels) {
  return cross_entropy(outputs, labels);
}

/// Counts the calls of forward, which a replay does without.
class Counted final : public Module {
 public:
  explicit Counted(std::shared_ptr<Module> inner) : inner_(register_module("", std::move(inner))) {}
  Variable forward(const Variable& x) override {
    ++calls;
    return (*inner_)(x);
  }
  std::string kind() const override { return "Counted"; }

  int calls = 0;

 private:
  std::shared_ptr<Module> inner_;
};

/// A network in training, and what it has come to.
struct Trained {
  Trained(const std::string& name, Device device, bool captures, const std::string& optimizer,
          std::uint64_t weights = 1)
      : to(device) {
    Rng rng(weights);
    model = std::make_shared<Counted>(make_model({name, kImage, 3}, {}, rng));
    model->to(device);
    optim::OptimizerOptions options;
    options.name = optimizer;
    options.lr = 0.05;
    options.momentum = optimizer == "adam" || optimizer == "langevin" ? 0.0 : 0.9;
    update = optim::make_optimizer(options, tools::parameter_groups(*model));
    update->skip_nonfinite(true);
    updates_within = captures && update->is_replayable();
    step.emplace(*model, objective, captures,
                 updates_within ? [this] { update->enqueue(); } : GradientStep::Update{});
  }

  void train(int steps, std::int64_t batch) {
    for (int i = 0; i < steps; ++i) {
      const Tensor x = uniform<float>({batch, kImage[0], kImage[1], kImage[2]}, ++seed).to(to);
      if (spoils) kernels::fill(x, std::numeric_limits<double>::infinity());
      update->set_lr(0.05 / static_cast<double>(seed));
      if (updates_within) update->prepare();
      std::vector<std::int64_t> labels;
      for (std::int64_t n = 0; n < batch; ++n) labels.push_back((n + i) % 3);
      const auto [outputs, loss] = (*step)(x, Tensor::from(labels, {batch}, to));
      losses.push_back(loss.item());
      if (updates_within)
        update->conclude();
      else
        update->step();
    }
    state = export_state(*model);
  }

  Device to;
  std::shared_ptr<Counted> model;
  std::optional<GradientStep> step;
  std::unique_ptr<optim::Optimizer> update;
  bool updates_within = false, spoils = false;
  std::vector<double> losses;
  NamedTensors state;
  std::uint64_t seed = 0;  // of the last batch
};

void expect_same(const Trained& a, const Trained& b) {
  EXPECT_EQ(a.losses, b.losses);
  ASSERT_EQ(a.state.size(), b.state.size());
  for (std::size_t i = 0; i < a.state.size(); ++i)
    EXPECT_EQ(a.state[i].second.to_vector<double>(), b.state[i].second.to_vector<double>())
        << a.state[i].first;
}

TEST(GradientStep, IsForwardAndBackward) {
  Trained a("mlp-8-2", default_device(), true, "sgd");
  const Tensor x = uniform<float>({5, kImage[0], kImage[1], kImage[2]});
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 0, 1}, {5});
  const auto [outputs, loss] = (*a.step)(x, labels);
  EXPECT_EQ(outputs.shape(), (Shape{5, 3}));
  EXPECT_EQ(loss.item(), objective(outputs, labels).item());
  const Variable again = objective((*a.model)(Variable(x)), labels);
  std::vector<Variable> parameters;
  for (const NamedParameter& p : a.model->parameters()) parameters.push_back(p.value);
  const std::vector<Variable> expected = grad({again}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_EQ(parameters[i].grad().value().to_vector<double>(),
              expected[i].value().to_vector<double>());
}

class CudaGradientStep : public ::testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
  }
  static constexpr Device kCuda{DeviceType::CUDA, 0};
};

class CudaReplay : public CudaGradientStep, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaReplay, IsTheSameToTheBit) {
  if (!can_capture(kCuda)) GTEST_SKIP() << "every kernel is waited for";
  for (const std::string model : {"mlp-8-2", "convnet5-4", "convnet5-4-bn"}) {
    SCOPED_TRACE(model);
    Trained eager(model, kCuda, false, GetParam()), replayed(model, kCuda, true, GetParam());
    for (Trained* const one : {&eager, &replayed}) {
      one->train(4, 6);
      one->train(1, 4);  // the last batch of an epoch
      one->train(2, 6);
      one->train(1, 4);  // that of the next
      one->train(2, 6);
      one->train(3, 5);
    }
    expect_same(eager, replayed);
    const optim::State state = eager.update->state(), same = replayed.update->state();
    for (std::size_t i = 0; i < state.size(); ++i)
      EXPECT_EQ(state[i].second.to_vector<double>(), same[i].second.to_vector<double>())
          << state[i].first;
    EXPECT_EQ(eager.model->calls, 13);
    // Once as it is and once for the graph, and the same of the last ones; each of the two between.
    EXPECT_EQ(replayed.model->calls, 6);
  }
}

// No loss is compared: it is NaN.
TEST_P(CudaReplay, SkipsAStepWithoutFiniteGradients) {
  if (!can_capture(kCuda)) GTEST_SKIP() << "every kernel is waited for";
  Trained eager("mlp-8-2", kCuda, false, GetParam()), replayed("mlp-8-2", kCuda, true, GetParam());
  for (Trained* const one : {&eager, &replayed}) {
    one->train(3, 6);
    one->spoils = true;
    one->train(1, 6);
    one->losses.clear();
    one->spoils = false;
    one->train(2, 6);
    EXPECT_EQ(one->update->skipped_steps(), 1);
  }
  expect_same(eager, replayed);
  EXPECT_EQ(replayed.model->calls, 2);
}

INSTANTIATE_TEST_SUITE_P(Optimizers, CudaReplay,
                         ::testing::Values("sgd", "adam", "langevin", "tangent-gradient",
                                           "true-gradient"));

TEST_F(CudaGradientStep, TwoThreadsShareADevice) {
  const auto trained = [](std::uint64_t k) {
    auto network = std::make_unique<Trained>("convnet5-4", kCuda, true, "sgd", k);
    network->seed = 100 * k;
    network->train(6, 6);
    return network;
  };
  std::vector<std::unique_ptr<Trained>> together(3);
  std::vector<std::thread> threads;
  for (std::uint64_t k = 0; k < 3; ++k) threads.emplace_back([&, k] { together[k] = trained(k); });
  for (std::thread& thread : threads) thread.join();
  for (std::uint64_t k = 0; k < 3; ++k) {
    SCOPED_TRACE(k);
    expect_same(*together[k], *trained(k));
  }
}

TEST_F(CudaGradientStep, AThreadHearsOfItsOwnBadLabelsAlone) {
  const Tensor logits = uniform<float>({2, 3}).to(kCuda);
  const auto losses_of = [&](std::int64_t label) {
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, label}, {2}, kCuda);
    return message_of([&] { cross_entropy(Variable(logits), labels).item(); });
  };
  std::string other;
  std::thread wrong([&] { other = losses_of(9); });
  const std::string own = losses_of(1);
  wrong.join();
  EXPECT_EQ(own, "no error");
  EXPECT_TRUE(contains(other, "label 9 of example 1"));
}

/// A layer that looks at its values.
class Curious final : public Module {
 public:
  explicit Curious(bool says_so) : says_so_(says_so) {}
  Variable forward(const Variable& x) override {
    seen = x.value().to_vector<double>();
    return x;
  }
  bool is_replayable() const override { return !says_so_; }
  std::string kind() const override { return "Curious"; }

  std::vector<double> seen;

 private:
  bool says_so_;
};

TEST_F(CudaGradientStep, ALayerThatReadsValuesSaysSo) {
  if (!can_capture(kCuda)) GTEST_SKIP() << "every kernel is waited for";
  const auto twice = [&](bool says_so) {
    return message_of([&] {
      auto curious = std::make_shared<Curious>(says_so);
      Rng rng(1);
      auto linear = std::make_shared<Linear>(3, 2, true, Init{}, rng);
      Sequential model;
      model.add("linear", linear);
      model.add("curious", curious);
      model.to(kCuda);
      GradientStep step(model, objective, true);
      const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1}, {2}, kCuda);
      for (std::uint64_t i = 0; i < 3; ++i) step(uniform<float>({2, 3}, i).to(kCuda), labels);
      EXPECT_EQ(curious->seen.size(), 4U);
    });
  };
  EXPECT_EQ(twice(true), "no error");
  EXPECT_TRUE(contains(twice(false), "waits for a device", "is_replayable()"));
  EXPECT_EQ(twice(true), "no error");  // the capture is over
}

TEST(Capture, TheHostHasNone) {
  EXPECT_FALSE(can_capture(Device{}));
  EXPECT_TRUE(contains(message_of([] { capture(Device{}, [] {}); }), "[capture]", "work of cpu"));
}

}  // namespace
}  // namespace rho::nn
