// Elementwise operations against the C++ library in double, broadcast, strided and differentiated.
#include "autograd/ops/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops/relu.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::epsilon;
using testing::leaf;
using testing::message_of;
using testing::strided;
using testing::uniform;

struct UnaryCase {
  std::string name;
  Variable (*op)(const Variable&);
  double (*oracle)(double);
  double low = -2.0, high = 2.0;  ///< away from the points without a derivative
};
void PrintTo(const UnaryCase& of, std::ostream* out) { *out << of.name; }

const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> cases{
      {"neg", &neg, [](double x) { return -x; }},
      {"scale", [](const Variable& x) { return scale(x, -1.5); },
       [](double x) { return -1.5 * x; }},
      {"shift", [](const Variable& x) { return shift(x, 0.25); },
       [](double x) { return x + 0.25; }},
      {"exp", &exp, [](double x) { return std::exp(x); }},
      {"log", &log, [](double x) { return std::log(x); }, 0.5, 3.0},
      {"sqrt", &sqrt, [](double x) { return std::sqrt(x); }, 0.5, 3.0},
      {"abs", &abs, [](double x) { return std::abs(x); }, 0.1, 2.0},
      {"abs_negative", &abs, [](double x) { return std::abs(x); }, -2.0, -0.1},
      {"sign", &sign, [](double x) { return x > 0 ? 1.0 : -1.0; }, 0.1, 2.0},
      {"pow_3", [](const Variable& x) { return pow(x, 3.0); }, [](double x) { return x * x * x; }},
      {"pow_-0.5", [](const Variable& x) { return pow(x, -0.5); },
       [](double x) { return 1.0 / std::sqrt(x); }, 0.5, 3.0},
      {"pow_0", [](const Variable& x) { return pow(x, 0.0); }, [](double) { return 1.0; }},
      {"softplus", &softplus, [](double x) { return std::log1p(std::exp(x)); }},
      {"sigmoid", &sigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
      {"relu", &relu, [](double x) { return std::max(x, 0.0); }, 0.1, 2.0},
      {"relu_negative", &relu, [](double x) { return std::max(x, 0.0); }, -2.0, -0.1},
  };
  return cases;
}

class Unary : public ::testing::TestWithParam<UnaryCase> {};

template <class T>
void expect_oracle(const UnaryCase& c, const Tensor& x) {
  std::vector<double> expected;
  for (const double value : x.to_vector<double>()) expected.push_back(c.oracle(value));
  const Variable y = c.op(Variable(x));
  EXPECT_TRUE(y.shape() == x.shape());
  // A few roundings, of the input of exp and pow too, whose condition here is below 4.
  testing::expect_near(y.value(), expected, 8 * epsilon<T>(), c.name);
}

TEST_P(Unary, AgreesWithDouble) {
  const UnaryCase& c = GetParam();
  for (const Shape& shape : std::vector<Shape>{{7, 5}, {1}, {}, {0, 3}, {3, 1, 20000}}) {
    expect_oracle<double>(c, uniform<double>(shape, 1, c.low, c.high));
    expect_oracle<float>(c, uniform<float>(shape, 1, c.low, c.high));
  }
  expect_oracle<double>(c, strided<double>(uniform<double>({4, 3, 5}, 2, c.low, c.high)));
  expect_oracle<float>(c, strided<float>(uniform<float>({4, 3, 5}, 2, c.low, c.high)));
}

TEST_P(Unary, Derivatives) {
  const UnaryCase& c = GetParam();
  const auto f = [&](const std::vector<Variable>& in) { return c.op(in[0]); };
  for (const Shape& shape : std::vector<Shape>{{2, 3}, {1}, {}, {0, 2}}) {
    const Variable x = leaf(uniform(shape, 3, c.low, c.high));
    EXPECT_TRUE(gradcheck(f, {x})) << gradcheck(f, {x}).message;
    if (c.name == "sign") continue;  // constant: there is no gradient to differentiate
    EXPECT_TRUE(gradgradcheck(f, {x})) << gradgradcheck(f, {x}).message;
  }
}

INSTANTIATE_TEST_SUITE_P(Arithmetic, Unary, ::testing::ValuesIn(unary_cases()),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::replace_if(
                               name.begin(), name.end(), [](char ch) { return !std::isalnum(ch); },
                               '_');
                           return name;
                         });

struct BinaryCase {
  std::string name;
  Variable (*op)(const Variable&, const Variable&);
  double (*oracle)(double, double);
};
void PrintTo(const BinaryCase& of, std::ostream* out) { *out << of.name; }

class Binary : public ::testing::TestWithParam<BinaryCase> {};

/// The element of `t` that broadcasting puts at `index` of a larger shape.
double broadcast_at(const Tensor& t, const Dims& index) {
  const Tensor flat = t;
  std::int64_t offset = 0;
  for (int d = 1; d <= t.rank(); ++d)
    if (t.shape()[t.rank() - d] != 1) offset += index[index.size() - d] * t.strides()[t.rank() - d];
  return t.data<double>()[offset];
}

const std::vector<std::pair<Shape, Shape>>& shape_pairs() {
  static const std::vector<std::pair<Shape, Shape>> pairs{
      {{3, 4}, {3, 4}}, {{3, 4}, {4}},    {{3, 4}, {3, 1}}, {{2, 1, 4}, {3, 1}}, {{}, {2, 3}},
      {{1}, {1}},       {{2, 3, 1}, {1}}, {{0, 3}, {3}},    {{5, 1}, {1, 6}},    {{1, 1}, {}},
  };
  return pairs;
}

TEST_P(Binary, AgreesWithDoubleAndBroadcasts) {
  const BinaryCase& c = GetParam();
  for (const auto& [shape_a, shape_b] : shape_pairs()) {
    const Tensor a = uniform(shape_a, 1, 0.5, 2.0), b = uniform(shape_b, 2, 0.5, 2.0);
    const Shape shape = broadcast_shapes(shape_a, shape_b, "test");
    std::vector<double> expected;
    Dims index = Dims::filled(shape.size(), 0);
    for (std::int64_t i = 0; i < numel(shape); ++i) {
      expected.push_back(c.oracle(broadcast_at(a, index), broadcast_at(b, index)));
      for (int d = shape.size() - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
    }
    const Variable y = c.op(Variable(a), Variable(b));
    EXPECT_TRUE(y.shape() == shape);
    testing::expect_near(y.value(), expected, epsilon<double>(), c.name);
    if (shape_a.empty() || shape_b.empty()) continue;
    const Variable z = c.op(Variable(strided<double>(a)), Variable(strided<double>(b)));
    testing::expect_near(z.value(), expected, epsilon<double>(), c.name + " strided");
  }
}

TEST_P(Binary, LargeFloatTensorsOnSeveralThreads) {
  const BinaryCase& c = GetParam();
  const Tensor a = uniform<float>({70, 1000}, 1, 0.5, 2.0), b = uniform<float>({1000}, 2, 0.5, 2.0);
  std::vector<double> expected;
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  for (std::size_t i = 0; i < left.size(); ++i)
    expected.push_back(c.oracle(left[i], right[i % 1000]));
  testing::expect_near(c.op(Variable(a), Variable(b)).value(), expected, epsilon<float>(), c.name);
}

TEST_P(Binary, Derivatives) {
  const BinaryCase& c = GetParam();
  const auto f = [&](const std::vector<Variable>& in) { return c.op(in[0], in[1]); };
  for (const auto& [shape_a, shape_b] : shape_pairs()) {
    const Variable a = leaf(uniform(shape_a, 3, 0.5, 2.0)), b = leaf(uniform(shape_b, 4, 0.5, 2.0));
    EXPECT_TRUE(gradcheck(f, {a, b})) << gradcheck(f, {a, b}).message;
    EXPECT_TRUE(gradgradcheck(f, {a, b})) << gradgradcheck(f, {a, b}).message;
  }
  const auto square = [&](const std::vector<Variable>& in) { return c.op(in[0], in[0]); };
  EXPECT_TRUE(gradcheck(square, {leaf(uniform({3}, 5, 0.5, 2.0))}));
}

TEST_P(Binary, NamesBothShapesAndDtypes) {
  const BinaryCase& c = GetParam();
  const Variable a(uniform({2, 3})), b(uniform({2, 4})), f(uniform<float>({2, 3}));
  EXPECT_TRUE(contains(message_of([&] { c.op(a, b); }), "[" + c.name + "]", "[2, 3]", "[2, 4]"));
  EXPECT_TRUE(contains(message_of([&] { c.op(a, f); }), "[" + c.name + "]", "float64", "float32"));
}

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, Binary,
    ::testing::Values(BinaryCase{"add", &add, [](double a, double b) { return a + b; }},
                      BinaryCase{"sub", &sub, [](double a, double b) { return a - b; }},
                      BinaryCase{"mul", &mul, [](double a, double b) { return a * b; }},
                      BinaryCase{"div", &div, [](double a, double b) { return a / b; }}),
    [](const auto& test) { return test.param.name; });

TEST(Arithmetic, SoftplusAndSigmoidDoNotOverflow) {
  const Variable x(Tensor::from(std::vector<double>{-800.0, -40.0, 0.0, 40.0, 800.0}, {5}));
  testing::expect_near(softplus(x).value(),
                       {0.0, std::exp(-40.0), std::log(2.0), 40.0 + std::exp(-40.0), 800.0},
                       epsilon<double>());
  testing::expect_near(sigmoid(x).value(), {0.0, std::exp(-40.0), 0.5, 1.0, 1.0},
                       epsilon<double>());
}

TEST(Arithmetic, DerivativesAtTheKinks) {
  const Variable zero = leaf(Tensor::from(std::vector<double>{0.0}, {1}));
  EXPECT_EQ(grad({relu(zero)}, {zero})[0].item(), 0.0);
  EXPECT_EQ(grad({abs(zero)}, {zero})[0].item(), 0.0);
  EXPECT_EQ(grad({pow(zero, 1.0)}, {zero})[0].item(), 1.0);
}

TEST(Arithmetic, NaNAndInfinityPassThrough) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Variable x(Tensor::from(std::vector<double>{nan, inf, -inf}, {3}));
  testing::expect_near(relu(x).value(), {nan, inf, 0.0}, 0.0);
  testing::expect_near(sign(x).value(), {nan, 1.0, -1.0}, 0.0);
  testing::expect_near(add(x, x).value(), {nan, inf, -inf}, 0.0);
}

TEST(Arithmetic, IntegersAreRefused) {
  const Variable x(Tensor::from(std::vector<std::int64_t>{1, 2}, {2}));
  EXPECT_TRUE(contains(message_of([&] { add(x, x); }), "[add]", "int64"));
  EXPECT_TRUE(contains(message_of([&] { exp(x); }), "[exp]", "int64"));
}

}  // namespace
}  // namespace rho
