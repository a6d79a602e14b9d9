// The graph and its engine: depth, accumulation, release, second order, error messages.
#include <gtest/gtest.h>

#include <memory>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "kernels/fill.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::message_of;

Variable leaf(const std::vector<double>& values) {
  return Variable(Tensor::from(values, {static_cast<std::int64_t>(values.size())}), true);
}

TEST(Autograd, ChainOfOneHundredThousandOperations) {
  const Variable x = leaf({1.0});
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = shift(y, 1.0);
  EXPECT_EQ(grad({y}, {x}, {}, {.retain_graph = true})[0].item(), 1.0);
  EXPECT_EQ(y.item(), 100001.0);
  y = {};  // destroying the retained chain must not overflow the stack either
}

TEST(Autograd, SharedSubexpressionsAddUp) {
  const Variable x = leaf({3.0});
  const Variable square = x * x;
  const Variable y = square * square + square;  // x^4 + x^2
  EXPECT_DOUBLE_EQ(grad({sum(y)}, {x})[0].item(), 4 * 27.0 + 6.0);
}

TEST(Autograd, HigherDerivatives) {
  const Variable x = leaf({2.0});
  Variable y = sum(pow(x, 4.0));
  const double expected[] = {32.0, 48.0, 48.0, 24.0};
  for (const double value : expected) {
    y = grad({y}, {x}, {}, {.create_graph = true})[0];
    EXPECT_DOUBLE_EQ(y.item(), value);
    y = sum(y);
  }
}

TEST(Autograd, BackwardAccumulatesIntoLeaves) {
  const Variable x = leaf({1.0, 2.0});
  sum(x * x).backward();
  sum(x * x).backward();
  EXPECT_EQ(x.grad().value().to_vector<double>(), (std::vector<double>{4.0, 8.0}));
  Variable(x).zero_grad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Autograd, IntermediateInputsAndPartialGraphs) {
  const Variable x = leaf({2.0});
  const Variable h = x * x;
  const Variable y = sum(h * x);
  const auto found = grad({y}, {h, x});
  EXPECT_DOUBLE_EQ(found[0].item(), 2.0);
  EXPECT_DOUBLE_EQ(found[1].item(), 12.0);
}

// Gradients that meet are added in place, but never where somebody else sees them: the caller's
// own, one that is asked for and also passed on, and one that two inputs were given.
TEST(Autograd, AccumulatingLeavesOtherGradientsAlone) {
  const Variable x = leaf({1.0, 2.0});
  const Variable twice = x * 2.0;
  const Variable h = x + 1.0;  // passes its gradient on as it is
  const Variable y = h + twice + h;
  const Variable ones(Tensor::from(std::vector<double>{1.0, 1.0}, {2}));
  for (int pass = 0; pass < 2; ++pass) {
    const auto found = grad({y}, {h, twice, x}, {ones}, {.retain_graph = true});
    EXPECT_EQ(found[0].value().to_vector<double>(), (std::vector<double>{2.0, 2.0}));
    EXPECT_EQ(found[1].value().to_vector<double>(), (std::vector<double>{1.0, 1.0}));
    EXPECT_EQ(found[2].value().to_vector<double>(), (std::vector<double>{4.0, 4.0}));
    EXPECT_EQ(ones.value().to_vector<double>(), (std::vector<double>{1.0, 1.0}));
  }
}

TEST(Autograd, UnreachedInputHasNoGradient) {
  const Variable x = leaf({2.0});
  const Variable other = leaf({1.0});
  EXPECT_FALSE(grad({sum(x * x)}, {other})[0].defined());
}

TEST(Autograd, SavedValuesAreReleasedByThePass) {
  const Variable x = leaf({2.0});
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = witness;
  const Variable y = record("witness", x.value(), {x},
                            [witness](const Variable& g) { return std::vector<Variable>{g}; });
  witness.reset();
  EXPECT_FALSE(alive.expired());
  grad({sum(y)}, {x}, {}, {.retain_graph = true});
  EXPECT_FALSE(alive.expired());
  grad({sum(y)}, {x});
  EXPECT_TRUE(alive.expired());
  EXPECT_NE(message_of([&] { grad({sum(y)}, {x}); }).find("[witness]"), std::string::npos);
}

// Its graph dies with the program, after everything that a thread owns.
const Variable& kept_to_the_end() {
  static const Variable kept = exp(leaf({1.0, 2.0})) * 2.0;
  return kept;
}
TEST(Autograd, AGraphMayHaveStaticLifetime) { EXPECT_TRUE(kept_to_the_end().requires_grad()); }

TEST(Autograd, NoGradRecordsNothing) {
  const Variable x = leaf({2.0});
  const NoGrad guard;
  EXPECT_FALSE((x * x).requires_grad());
}

TEST(Autograd, FusedOperationUsesItsCompositeForHigherDerivatives) {
  // y = x^3 with a fast rule, and an input that is computed from another input.
  const auto cube_times = [](const std::vector<Variable>& in) {
    const Variable x = in[0];
    const Variable w = x * x;
    Tensor value;
    {
      const NoGrad guard;
      value = (x * w).value();
    }
    return record_fused(
        "cube", value, {x, w},
        [x, w](const Variable& g) {
          return std::vector<Variable>{g * w, g * x};
        },
        [](std::span<const Variable> inputs) { return inputs[0] * inputs[1]; });
  };
  EXPECT_TRUE(gradcheck(cube_times, {leaf({0.5, -1.5})}));
  EXPECT_TRUE(gradgradcheck(cube_times, {leaf({0.5, -1.5})}));
}

/// y = f(x), whose rule may write over the gradient of y: not where others see that.
template <class F>
void expect_gradients_are_kept(const Variable& x, const F& f) {
  const Tensor given = testing::uniform(f(x).shape(), 7, 1.0, 2.0);
  const std::vector<double> values = given.to_vector<double>();
  // A caller's, and one that was asked for on the way.
  const Variable g(given);
  grad({f(x)}, {x}, {g});
  EXPECT_EQ(given.to_vector<double>(), values);
  const Variable y = f(x);
  const std::vector<Variable> grads = grad({sum(y * Variable(given))}, {y, x});
  EXPECT_EQ(grads[0].value().to_vector<double>(), values);
  // Nobody's but the engine's: the same numbers.
  const std::vector<Variable> alone = grad({sum(f(x) * Variable(given))}, {x});
  EXPECT_EQ(alone[0].value().to_vector<double>(), grads[1].value().to_vector<double>());
}

TEST(Autograd, OverwritesNoGradientThatOthersSee) {
  const Variable x = testing::leaf(testing::uniform({2, 4, 4, 3}));
  const Variable w = testing::leaf(testing::uniform({3, 3, 3, 3}, 1));
  const Variable bias = testing::leaf(testing::uniform({3}, 2));
  const Variable residual = testing::leaf(testing::uniform({2, 4, 4, 3}, 3));
  expect_gradients_are_kept(x, [](const Variable& in) { return relu(in); });
  for (const Epilogue& then :
       {Epilogue{}, Epilogue{{}, true}, Epilogue{residual, false}, Epilogue{residual, true}}) {
    for (const Variable& shift : {bias, Variable()})
      expect_gradients_are_kept(x, [&](const Variable& in) {
        return conv2d(in, w, {.pad_h = 1, .pad_w = 1}, shift, then);
      });
    expect_gradients_are_kept(
        x, [&](const Variable& in) { return batch_norm_train(in, bias, bias, 1e-5, then).y; });
  }
}

TEST(Autograd, AFusedBatchNormKeepsNoResidual) {
  const Variable x = testing::leaf(testing::uniform({64, 32, 32, 4}));
  const Variable gamma = testing::leaf(testing::uniform({4}, 1));
  const std::size_t bytes = static_cast<std::size_t>(x.numel()) * sizeof(double);
  const CachingAllocator& memory = allocator(x.value().device().type);
  for (const bool rectified : {false, true}) {
    const std::size_t before = memory.statistics().bytes_in_use;
    Variable y;
    {
      const Variable residual = x * 2.0;
      y = batch_norm_train(x, gamma, gamma, 1e-5, {residual, rectified}).y;
    }
    EXPECT_LT(memory.statistics().bytes_in_use - before, bytes + bytes / 2) << rectified;
  }
}

TEST(Autograd, GradcheckFindsAWrongGradientAndNaN) {
  const auto wrong = [](const std::vector<Variable>& in) {
    const Variable x = in[0];
    return record("wrong", (x * x).value(), {x},
                  [x](const Variable& g) { return std::vector<Variable>{g * x}; });
  };
  EXPECT_FALSE(gradcheck(wrong, {leaf({1.0})}));
  const auto nan = [](const std::vector<Variable>& in) { return log(in[0]); };
  EXPECT_FALSE(gradcheck(nan, {leaf({-1.0})}));
}

TEST(Autograd, Messages) {
  const Variable x = leaf({1.0, 2.0});
  EXPECT_NE(message_of([&] { (x * x).backward(); }).find("[2]"), std::string::npos);
  EXPECT_NE(message_of([&] { grad({x * x}, {x}); }).find("grad_output"), std::string::npos);
  EXPECT_NE(message_of([] { Variable().value(); }).find("undefined"), std::string::npos);
  EXPECT_NE(message_of([] { Variable(kernels::zeros({1}, DType::Int64), true); }).find("int64"),
            std::string::npos);
}

}  // namespace
}  // namespace rho
