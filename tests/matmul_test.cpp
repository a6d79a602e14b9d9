// Matrix products against plain loops in double, in every layout, and their derivatives.
#include "autograd/ops/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "autograd/gradcheck.h"
#include "autograd/ops/reduce.h"
#include "kernels/matmul.h"
#include "kernels/threads.h"
#include "tensor/random.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::leaf;

template <class T>
Tensor random(const Shape& shape, std::uint64_t stream) {
  Rng rng(7, stream);
  Tensor out = Tensor::empty(shape, dtype_of<T>());
  std::generate_n(out.data<T>(), out.numel(), [&] { return static_cast<T>(rng.normal()); });
  return out;
}

/// Compares out with a b, both [M, K] x [K, N]: each sum of K terms may be off by K + 2 roundings
/// of the sum of magnitudes (Higham 2002, section 3.1), in the kernel and in the oracle.
template <class T>
void expect_product(const Tensor& a, const Tensor& b, const Tensor& out) {
  const std::int64_t rows = a.size(0), depth = a.size(1), columns = b.size(1);
  ASSERT_EQ(out.shape(), (Shape{rows, columns}));
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  const auto found = out.to_vector<double>();
  double worst = 0.0;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = 0.0, magnitude = 0.0;
      for (std::int64_t k = 0; k < depth; ++k) {
        const double term = left[static_cast<std::size_t>(i * depth + k)] *
                            right[static_cast<std::size_t>(k * columns + j)];
        sum += term;
        magnitude += std::abs(term);
      }
      const double bound = 2.0 * static_cast<double>(depth + 2) * magnitude *
                           static_cast<double>(std::numeric_limits<T>::epsilon());
      const double error = std::abs(found[static_cast<std::size_t>(i * columns + j)] - sum);
      if (!(error <= bound)) worst = std::max(worst, std::isnan(error) ? 1e300 : error);
    }
  EXPECT_EQ(worst, 0.0) << a.shape() << " " << a.strides() << " x " << b.shape() << " "
                        << b.strides();
}

template <class T>
void expect_all_layouts(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  const Tensor a = random<T>({rows, depth}, 1), b = random<T>({depth, columns}, 2);
  const Tensor a_across = random<T>({depth, rows}, 3).transpose(0, 1);
  const Tensor b_across = random<T>({columns, depth}, 4).transpose(0, 1);
  const Tensor a_spread =
      random<T>({rows * 2, depth * 3}, 5).slice(0, 0, rows * 2, 2).slice(1, 0, depth * 3, 3);
  for (const Tensor& left : {a, a_across, a_spread})
    for (const Tensor& right : {b, b_across})
      expect_product<T>(left, right, matmul(Variable(left), Variable(right)).value());
}

TEST(Matmul, EqualsPlainLoops) {
  const std::int64_t sizes[][3] = {{1, 1, 1},    {1, 7, 1},     {2, 3, 4},      {5, 1, 9},
                                   {6, 16, 16},  {7, 17, 33},   {13, 31, 34},   {1, 300, 10},
                                   {100, 3, 10}, {67, 259, 41}, {3, 513, 8},    {150, 20, 2},
                                   {4, 5, 1100}, {12, 2, 24},   {300, 500, 70}, {40, 1024, 130}};
  for (const auto& [rows, depth, columns] : sizes) {
    expect_all_layouts<float>(rows, depth, columns);
    expect_all_layouts<double>(rows, depth, columns);
  }
}

TEST(Matmul, BroadcastsLeadingDimensions) {
  const Tensor a = random<double>({2, 1, 3, 4}, 1), b = random<double>({5, 4, 6}, 2);
  const Tensor out = matmul(Variable(a), Variable(b)).value();
  ASSERT_EQ(out.shape(), (Shape{2, 5, 3, 6}));
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 5; ++j)
      expect_product<double>(a.select(0, i).select(0, 0), b.select(0, j),
                             out.select(0, i).select(0, j));
  const Tensor expanded = random<float>({1, 4}, 3).expand({3, 4});
  expect_product<float>(expanded, expanded.transpose(0, 1),
                        matmul(Variable(expanded), Variable(expanded.transpose(0, 1))).value());
}

TEST(Matmul, EmptyExtents) {
  const auto product = [](const Shape& a, const Shape& b) {
    return matmul(Variable(random<float>(a, 1)), Variable(random<float>(b, 2))).value();
  };
  const auto expect_shape = [&](const Shape& a, const Shape& b, const Shape& expected) {
    EXPECT_EQ(product(a, b).shape(), expected);
  };
  expect_shape({0, 3}, {3, 2}, {0, 2});
  expect_shape({2, 3}, {3, 0}, {2, 0});
  expect_shape({0, 2, 3}, {3, 4}, {0, 2, 4});
  EXPECT_EQ(product({2, 0}, {0, 2}).to_vector<double>(), std::vector<double>(4, 0.0));
}

TEST(Matmul, SameBitsForAnyNumberOfThreads) {
  const int before = kernels::threads();
  for (const auto& [rows, depth, columns] :
       {std::array{97, 700, 41}, std::array{5, 300, 1500}, std::array{400, 30, 3}}) {
    const Variable b(random<float>({depth, columns}, 2));
    for (const Tensor& by :
         {random<float>({rows, depth}, 1), random<float>({depth, rows}, 3).transpose(0, 1)}) {
      const Variable a(by);
      kernels::set_threads(1);
      const auto expected = matmul(a, b).value().to_vector<float>();
      for (const int threads : {2, 3}) {
        kernels::set_threads(threads);
        EXPECT_EQ(matmul(a, b).value().to_vector<float>(), expected)
            << by.strides() << ", " << threads << " threads";
      }
    }
  }
  kernels::set_threads(before);
}

TEST(Matmul, PropagatesNaNAndInfinityOnlyWhereTheyBelong) {
  Tensor a = random<float>({3, 5}, 1);
  a.data<float>()[5 + 2] = std::numeric_limits<float>::quiet_NaN();
  a.data<float>()[10 + 2] = std::numeric_limits<float>::infinity();
  const auto out =
      matmul(Variable(a), Variable(random<float>({5, 2}, 2))).value().to_vector<float>();
  EXPECT_TRUE(std::isfinite(out[0]) && std::isfinite(out[1]));
  EXPECT_TRUE(std::isnan(out[2]) && std::isnan(out[3]));
  EXPECT_TRUE(std::isinf(out[4]) && std::isinf(out[5]));
}

TEST(Matmul, Derivatives) {
  const DifferentiableFunction f = [](const std::vector<Variable>& in) {
    return matmul(in[0], in[1]);
  };
  const Shape shapes[][2] = {
      {{3, 4}, {4, 2}}, {{2, 3, 4}, {4, 2}}, {{3, 2}, {2, 2, 3}}, {{2, 1, 2, 3}, {3, 3, 1}}};
  for (const auto& [a, b] : shapes) {
    const std::vector<Variable> inputs{leaf(random<double>(a, 1)), leaf(random<double>(b, 2))};
    const GradcheckResult first = gradcheck(f, inputs), second = gradgradcheck(f, inputs);
    EXPECT_TRUE(first.ok) << a << " x " << b << ": " << first.message;
    EXPECT_TRUE(second.ok) << a << " x " << b << ": " << second.message;
  }
}

TEST(Matmul, GradientOnlyWhereRequired) {
  const Variable a = leaf(random<double>({2, 3}, 1)), b(random<double>({3, 2}, 2));
  sum(matmul(a, b)).backward();
  EXPECT_TRUE(a.grad().defined());
  EXPECT_FALSE(b.grad().defined());
}

TEST(Matmul, ErrorsNameTheShapes) {
  const auto message = [](const Tensor& a, const Tensor& b) -> std::string {
    try {
      matmul(Variable(a), Variable(b));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const Tensor a = random<float>({2, 3}, 1);
  const std::string found = message(a, random<float>({4, 2}, 2));
  EXPECT_NE(found.find("[matmul]"), std::string::npos) << found;
  EXPECT_NE(found.find("[2, 3]"), std::string::npos) << found;
  EXPECT_NE(found.find("[4, 2]"), std::string::npos) << found;
  EXPECT_NE(message(a, random<float>({3}, 2)).find("[matmul]"), std::string::npos);
  EXPECT_NE(message(a, random<double>({3, 2}, 2)).find("float64"), std::string::npos);
  EXPECT_NE(message(random<float>({2, 2, 3}, 1), random<float>({3, 3, 2}, 2)).find("broadcast"),
            std::string::npos);
  EXPECT_NE(message(Tensor::empty({2, 3}, DType::Int64), Tensor::empty({3, 2}, DType::Int64))
                .find("int64"),
            std::string::npos);
}

}  // namespace
}  // namespace rho
