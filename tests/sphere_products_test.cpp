// What a step on norm spheres sees of the parameters, against plain loops in long double.
#include "kernels/sphere_products.h"

#include <gtest/gtest.h>

#include "kernels/threads.h"
#include "tests/support/optim.h"

namespace rho::kernels {
namespace {

using testing::epsilon;
using testing::kInfinity;
using testing::kOrders;
using testing::uniform;
using testing::Values;

constexpr double SphereProducts::*kFields[] = {
    &SphereProducts::vv, &SphereProducts::vu, &SphereProducts::vg, &SphereProducts::vn,
    &SphereProducts::uu, &SphereProducts::ug, &SphereProducts::un, &SphereProducts::gg,
    &SphereProducts::gn, &SphereProducts::nn};

// n of one row.
Values normal_of(const Values& v, double p) {
  Values n(v.size(), 0.0);
  std::size_t peak = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (std::abs(v[i]) > std::abs(v[peak])) peak = i;
    if (!std::isinf(p)) n[i] = std::copysign(std::pow(std::abs(v[i]), p - 1.0), v[i]);
  }
  if (std::isinf(p)) n[peak] = std::copysign(1.0, v[peak]);
  return n;
}

Values row_of(const Tensor& x, std::int64_t row, std::int64_t rows) {
  if (!x.defined()) return {};
  const Values all = x.to_vector<double>();
  const auto columns = static_cast<std::ptrdiff_t>(x.numel() / rows);
  return {all.begin() + row * columns, all.begin() + (row + 1) * columns};
}

// <a, b>; 0 where one is missing.
double product(const Values& a, const Values& b) {
  long double sum = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    sum += static_cast<long double>(a[i]) * b[i];
  return static_cast<double>(sum);
}

// Of one parameter.
void products_of(const SphereVectors& of, double p, std::vector<SphereProducts>& rows) {
  std::vector<std::vector<SphereProducts>> found{rows};
  sphere_products({of}, p, found);
  rows = found[0];
}

template <class T>
class SphereProductsTest : public ::testing::Test {
 protected:
  // Rows of one element, of several, and longer than a chunk of the sums.
  static constexpr std::int64_t kShapes[][2] = {{1, 1}, {5, 1}, {3, 7}, {1, 40000}, {2, 17000}};
};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SphereProductsTest, Precisions);

TYPED_TEST(SphereProductsTest, ProductsAreThoseOfEachRow) {
  using T = TypeParam;
  for (const double p : kOrders)
    for (const auto& [rows, columns] : TestFixture::kShapes)
      for (const bool moving : {false, true}) {
        SCOPED_TRACE(::testing::Message() << "p = " << p << ", " << rows << " x " << columns);
        const Tensor v = uniform<T>({rows, columns}, 1);
        const Tensor g = uniform<T>({rows, columns}, 2);
        const Tensor u = moving ? uniform<T>({rows, columns}, 3) : Tensor();
        std::vector<SphereProducts> found(static_cast<std::size_t>(rows));
        products_of({v, u, g}, p, found);
        for (std::int64_t r = 0; r < rows; ++r) {
          const Values x = row_of(v, r, rows), n = normal_of(x, p);
          const Values vectors[] = {x, row_of(u, r, rows), row_of(g, r, rows), n};
          std::size_t field = 0;
          for (const auto& [a, b] : {std::pair{0, 0},
                                     {0, 1},
                                     {0, 2},
                                     {0, 3},
                                     {1, 1},
                                     {1, 2},
                                     {1, 3},
                                     {2, 2},
                                     {2, 3},
                                     {3, 3}}) {
            // Sums, over chunks of 16384, of `columns` terms of at most 1.
            EXPECT_NEAR(found[static_cast<std::size_t>(r)].*kFields[field++],
                        product(vectors[a], vectors[b]),
                        static_cast<double>(columns * std::min<std::int64_t>(columns, 16384)) *
                            epsilon<double>());
          }
          if (!std::isinf(p)) continue;
          const SphereProducts& row = found[static_cast<std::size_t>(r)];
          EXPECT_EQ(row.peak, testing::norm_of(x, kInfinity));
          EXPECT_EQ(std::abs(x[static_cast<std::size_t>(row.peak_index)]), row.peak);
        }
      }
}

// One pass over parameters of different sizes is one pass over each.
TYPED_TEST(SphereProductsTest, ParametersTogetherAreParametersAlone) {
  using T = TypeParam;
  for (const double p : kOrders) {
    std::vector<SphereVectors> all;
    std::vector<std::vector<SphereProducts>> together;
    for (const auto& [rows, columns] : TestFixture::kShapes) {
      const auto stream = static_cast<std::uint64_t>(10 * rows + columns);
      all.push_back({uniform<T>({rows, columns}, stream), {}, uniform<T>({rows, columns}, 1)});
      together.emplace_back(static_cast<std::size_t>(rows));
    }
    all.push_back({Tensor::empty({3, 0}, dtype_of<T>()), {}, {}});
    together.emplace_back(3);
    sphere_products(all, p, together);
    for (std::size_t t = 0; t < all.size(); ++t) {
      std::vector<SphereProducts> alone(together[t].size());
      products_of(all[t], p, alone);
      for (std::size_t r = 0; r < alone.size(); ++r)
        for (const auto field : kFields) EXPECT_EQ(together[t][r].*field, alone[r].*field);
    }
  }
}

TYPED_TEST(SphereProductsTest, SameBitsForAnyNumberOfThreads) {
  using T = TypeParam;
  const Tensor v = uniform<T>({3, 40000}, 1), g = uniform<T>({3, 40000}, 2);
  const int before = kernels::threads();
  std::vector<std::vector<SphereProducts>> found;
  for (const int threads : {1, 2, 5}) {
    kernels::set_threads(threads);
    products_of({v, {}, g}, 3.0, found.emplace_back(3));
  }
  kernels::set_threads(before);
  for (const std::vector<SphereProducts>& rows : found)
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (const auto field : kFields) EXPECT_EQ(rows[r].*field, found[0][r].*field);
}

// Identity 2 of docs/theory.md, on the coefficients alone: <n, S a> = 0 and S S a = S a.
TEST(SphereProductsAlgebra, InnerProductsOfCombinations) {
  const Tensor v = uniform({6}, 1), u = uniform({6}, 2), g = uniform({6}, 3);
  std::vector<SphereProducts> of(1);
  products_of({v, u, g}, 3.0, of);
  const Values n = normal_of(v.to_vector<double>(), 3.0);
  const Combination a{0.3, -1.0, 2.0, 0.7}, b{1.0, 0.5, -0.2, 0.1};
  const auto mix = [&](const Combination& c) {
    Values out;
    for (std::size_t i = 0; i < 6; ++i)
      out.push_back(c.v * v.to_vector<double>()[i] + c.u * u.to_vector<double>()[i] +
                    c.g * g.to_vector<double>()[i] + c.n * n[i]);
    return out;
  };
  EXPECT_NEAR(inner(of[0], a, b), product(mix(a), mix(b)), 64 * epsilon<double>());
  EXPECT_NEAR(inner(of[0], 2.0 * a + b, b), product(mix(2.0 * a + b), mix(b)),
              64 * epsilon<double>());
}

}  // namespace
}  // namespace rho::kernels
