// docs/extending.md followed literally: the operation and the layer it adds are used here.
#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "tests/extending/leaky_relu_layer.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::leaf;
using testing::strided;
using testing::uniform;

Tensor away_from_zero() {
  return Tensor::from(std::vector<double>{-2.0, -0.5, 0.25, 1.5, 3.0, -0.1}, {2, 3});
}

TEST(Extending, TheOperationAgreesWithDouble) {
  const std::vector<double> expected{-0.2, -0.05, 0.25, 1.5, 3.0, -0.01};
  testing::expect_near(leaky_relu(Variable(away_from_zero()), 0.1).value(), expected,
                       testing::epsilon<double>());
  testing::expect_near(leaky_relu(Variable(strided<double>(away_from_zero())), 0.1).value(),
                       expected, testing::epsilon<double>());
  EXPECT_EQ(leaky_relu(Variable(uniform({0, 3}))).numel(), 0);
}

TEST(Extending, TheOperationHasDerivatives) {
  const auto f = [](const std::vector<Variable>& in) {
    const Variable y = leaky_relu(in[0], 0.1);
    return y * y;
  };
  EXPECT_TRUE(gradcheck(f, {leaf(away_from_zero())}));
  EXPECT_TRUE(gradgradcheck(f, {leaf(away_from_zero())}));
}

TEST(Extending, TheLayerIsAModule) {
  nn::LeakyReLU layer(0.1);
  EXPECT_EQ(layer.parameter_count(), 0);
  EXPECT_DOUBLE_EQ(layer(Variable(away_from_zero())).value().to_vector<double>()[0], -0.2);
  nn::Rescaling scale;
  scale.log_scale = 1.5;
  layer.rescale(scale, "act");
  EXPECT_EQ(scale.log_scale, 1.5);
}

}  // namespace
}  // namespace rho
