// Operations that move elements, and gather with its adjoint.
#include "autograd/ops/shape.h"

#include <gtest/gtest.h>

#include <numeric>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::leaf;
using testing::message_of;
using testing::strided;
using testing::uniform;

Tensor counting(const Shape& shape) {
  Tensor out = Tensor::empty(shape, DType::Float64);
  std::iota(out.data<double>(), out.data<double>() + out.numel(), 0.0);
  return out;
}

TEST(ShapeOps, Values) {
  const Variable x(counting({2, 3}));
  testing::expect_near(transpose(x, 0, 1).value(), {0, 3, 1, 4, 2, 5}, 0.0);
  testing::expect_near(reshape(transpose(x, 0, 1), {2, -1}).value(), {0, 3, 1, 4, 2, 5}, 0.0);
  testing::expect_near(permute(Variable(counting({1, 2, 3})), {2, 0, 1}).value(),
                       {0, 3, 1, 4, 2, 5}, 0.0);
  testing::expect_near(expand(Variable(counting({2, 1})), {2, 2, 2}).value(),
                       {0, 0, 1, 1, 0, 0, 1, 1}, 0.0);
  testing::expect_near(slice(x, 1, 0, 3, 2).value(), {0, 2, 3, 5}, 0.0);
  testing::expect_near(pad(x, {1, 0}, {0, 1}, 7.0).value(), {7, 7, 7, 7, 0, 1, 2, 7, 3, 4, 5, 7},
                       0.0);
  testing::expect_near(concat({x, Variable(counting({2, 1})), x}, 1).value(),
                       {0, 1, 2, 0, 0, 1, 2, 3, 4, 5, 1, 3, 4, 5}, 0.0);
  testing::expect_near(concat({x, Variable(counting({0, 3}))}, 0).value(), {0, 1, 2, 3, 4, 5}, 0.0);
}

TEST(ShapeOps, Derivatives) {
  const Tensor index = Tensor::from(std::vector<std::int64_t>{5, 0, 5, 2}, {2, 2});
  const std::vector<std::pair<std::string, DifferentiableFunction>> cases{
      {"reshape",
       [](const auto& in) {
         return reshape(in[0], {3, -1});
       }},
      {"permute",
       [](const auto& in) {
         return permute(in[0], {1, 0});
       }},
      {"transpose", [](const auto& in) { return transpose(in[0], -1, 0); }},
      {"expand",
       [](const auto& in) {
         return expand(in[0], {4, 2, 3});
       }},
      {"slice", [](const auto& in) { return slice(in[0], 1, 1, 3); }},
      {"slice with steps", [](const auto& in) { return slice(in[0], 1, 0, 3, 2); }},
      {"empty slice", [](const auto& in) { return slice(in[0], 1, 2, 2); }},
      {"pad",
       [](const auto& in) {
         return pad(in[0], {0, 2}, {1, 1}, 0.5);
       }},
      {"concat",
       [](const auto& in) {
         return concat({in[0], in[0] * in[0]}, 1);
       }},
      {"gather", [=](const auto& in) { return gather(in[0], index); }},
      {"scatter_add",
       [=](const auto& in) {
         return scatter_add(slice(in[0], 1, 0, 2), index, {3, 4});
       }},
  };
  for (const auto& [name, f] : cases)
    for (const Tensor& x : {uniform({2, 3}), strided<double>(uniform({2, 3}))}) {
      EXPECT_TRUE(gradcheck(f, {leaf(x)})) << name << ": " << gradcheck(f, {leaf(x)}).message;
      EXPECT_TRUE(gradgradcheck(f, {leaf(x)})) << name;
      // A linear map's second derivative vanishes; its square's does not.
      const auto squared = [&f](const auto& in) {
        const Variable y = f(in);
        return y * y;
      };
      EXPECT_TRUE(gradgradcheck(squared, {leaf(x)})) << name << " squared";
    }
}

TEST(ShapeOps, GatherAndScatterAddAreAdjoint) {
  const Tensor index = Tensor::from(std::vector<std::int64_t>{3, 3, 0}, {3});
  const Tensor x = uniform({2, 2}, 1), g = uniform({3}, 2);
  const auto a = gather(Variable(x), index).value().to_vector<double>(), b = g.to_vector<double>();
  const auto c = scatter_add(Variable(g), index, {2, 2}).value().to_vector<double>(),
             d = x.to_vector<double>();
  EXPECT_NEAR(std::inner_product(a.begin(), a.end(), b.begin(), 0.0),
              std::inner_product(c.begin(), c.end(), d.begin(), 0.0), 1e-15);
}

TEST(ShapeOps, GatherAndScatterAddOnPlainNumbers) {
  const Tensor x = Tensor::from(std::vector<double>{10, 11, 12, 13, 14, 15}, {2, 3});
  const Tensor index = Tensor::from(std::vector<std::int64_t>{5, 0, 5, 2}, {2, 2});
  const Variable taken = gather(Variable(x), index);
  EXPECT_EQ(taken.shape(), (Shape{2, 2}));
  EXPECT_EQ(taken.value().to_vector<double>(), (std::vector<double>{15, 10, 15, 12}));
  EXPECT_EQ(gather(Variable(x.transpose(0, 1)), index).value().to_vector<double>(),
            (std::vector<double>{15, 10, 15, 11}));
  const Tensor g = Tensor::from(std::vector<double>{1, 2, 4, 8}, {2, 2});
  EXPECT_EQ(scatter_add(Variable(g), index, {2, 3}).value().to_vector<double>(),
            (std::vector<double>{2, 0, 8, 0, 0, 5}));
  EXPECT_TRUE(contains(message_of([&] { scatter_add(Variable(g), index, {5}); }), "[scatter_add]",
                       "index 5"));
}

TEST(ShapeOps, EmptyTensors) {
  const Variable empty(Tensor::empty({0, 3}, DType::Float64));
  EXPECT_TRUE(reshape(empty, {3, 0}).shape() == Shape({3, 0}));
  EXPECT_TRUE(transpose(empty, 0, 1).shape() == Shape({3, 0}));
  EXPECT_TRUE(pad(empty, {1, 0}, {0, 0}).shape() == Shape({1, 3}));
  EXPECT_TRUE(gather(empty, Tensor::empty({0}, DType::Int64)).shape() == Shape({0}));
}

TEST(ShapeOps, Messages) {
  const Variable x(counting({2, 3}));
  EXPECT_TRUE(contains(message_of([&] { reshape(x, {4}); }), "[reshape]", "6", "[4]"));
  EXPECT_TRUE(contains(message_of([&] { reshape(x, {-1, -1}); }), "[reshape]", "more than one"));
  EXPECT_TRUE(contains(message_of([&] { permute(x, {0, 0}); }), "[permute]", "repeats"));
  EXPECT_TRUE(contains(message_of([&] { expand(x, {2, 4}); }), "[expand]", "[2, 3]", "[2, 4]"));
  EXPECT_TRUE(contains(message_of([&] { slice(x, 1, 2, 5); }), "[slice]", "2:5:1", "[2, 3]"));
  EXPECT_TRUE(contains(message_of([&] { pad(x, {1}, {1}); }), "[pad]", "[2, 3]"));
  EXPECT_TRUE(contains(message_of([&] {
                         concat({x, Variable(counting({3, 3}))}, 1);
                       }),
                       "[concat]", "[2, 3]", "[3, 3]"));
  const Tensor far = Tensor::from(std::vector<std::int64_t>{6}, {1});
  EXPECT_TRUE(contains(message_of([&] { gather(x, far); }), "[gather]", "index 6", "6 elements"));
}

}  // namespace
}  // namespace rho
