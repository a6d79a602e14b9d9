// docs/theory.md, identity 2: norms, normals, projections and the ways back onto the sphere.
#include "optim/sphere.h"

#include <gtest/gtest.h>

#include <numeric>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/sphere.h"
#include "kernels/threads.h"
#include "tests/support/testing.h"

namespace rho::optim {
namespace {

using testing::contains;
using testing::epsilon;
using testing::message_of;
using testing::uniform;
using Values = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kOrders[] = {1.0, 1.5, 2.0, 4.0, kInfinity};

// What is expected, written out on one list of doubles.

double expected_norm(const Values& x, double p) {
  double out = 0.0;
  for (const double value : x)
    out = std::isinf(p) ? std::max(out, std::abs(value)) : out + std::pow(std::abs(value), p);
  return std::isinf(p) ? out : std::pow(out, 1.0 / p);
}

double expected_dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Values expected_normal(const Values& v, double p) {
  const double length = expected_norm(v, p);
  Values out(v.size(), 0.0);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double sign = v[i] > 0 ? 1.0 : v[i] < 0 ? -1.0 : 0.0;
    if (!std::isinf(p)) {
      out[i] = sign * (v[i] == 0.0 ? 0.0 : std::pow(std::abs(v[i]) / length, p - 1.0));
    } else if (std::abs(v[i]) == length) {
      out[i] = sign;
      break;
    }
  }
  return out;
}

Values expected_projection(const Values& nu, const Values& g) {
  const double along = expected_dot(nu, g) / expected_dot(nu, nu);
  Values out = g;
  for (std::size_t i = 0; i < g.size(); ++i) out[i] -= along * nu[i];
  return out;
}

Values values_of(const Tensors& x) {
  Values out;
  for (const Tensor& tensor : x) {
    const Values part = tensor.to_vector<double>();
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

// Every element, of `found` in all its tensors.
void expect_near(const Tensors& found, const Values& expected, double tolerance) {
  const Values values = values_of(found);
  testing::expect_near(Tensor::from(values, {static_cast<std::int64_t>(values.size())}), expected,
                       tolerance);
}

template <class T>
class Sphere : public ::testing::Test {
 protected:
  // A weight, a bias with a zero in it, and nothing; sums have kCount terms.
  static constexpr double kCount = 5 * 7 * 3 + 4;
  static constexpr double kTolerance = 8 * epsilon<T>();

  static Tensors point(std::uint64_t stream) {
    Tensors out{uniform<T>({5, 7, 3}, stream), uniform<T>({4}, stream + 100),
                Tensor::empty({0}, dtype_of<T>())};
    out[1].data<T>()[2] = T{0};
    return out;
  }
};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Sphere, Precisions);

TYPED_TEST(Sphere, NormIsThatOfAllTensorsTogether) {
  const Tensors x = this->point(1);
  for (const double p : kOrders) {
    const double expected = expected_norm(values_of(x), p);
    EXPECT_NEAR(norm(x, p), expected, this->kCount * epsilon<double>() * expected) << "p = " << p;
  }
  EXPECT_EQ(norm({}, 2.0), 0.0);
  EXPECT_EQ(norm({kernels::zeros({3}, dtype_of<TypeParam>())}, 1.5), 0.0);
}

TYPED_TEST(Sphere, NormalIsTheFormula) {
  const Tensors v = this->point(2);
  for (const double p : kOrders)
    expect_near(normal(v, p), expected_normal(values_of(v), p), this->kTolerance);
}

TYPED_TEST(Sphere, ProjectionIsTheFormula) {
  const Tensors v = this->point(3), g = this->point(4);
  const Values before = values_of(g);
  for (const double p : kOrders) {
    const Tensors nu = normal(v, p);
    expect_near(project(nu, g), expected_projection(values_of(nu), before), this->kTolerance);
    EXPECT_EQ(values_of(g), before);
  }
}

// Identity 2: S V = 0 for p = 2, S_p nu = 0, S_p^2 = S_p, <nu, S_p g> = 0, <g, S_p g> >= 0.
TYPED_TEST(Sphere, ProjectorIdentities) {
  const Tensors v = this->point(5), g = this->point(6);
  for (const double p : kOrders) {
    SCOPED_TRACE(p);
    const Tensors nu = normal(v, p);
    const Tensors h = project(nu, g);
    expect_near(project(nu, nu), Values(values_of(v).size(), 0.0), this->kTolerance);
    expect_near(project(nu, h), values_of(h), this->kTolerance);
    EXPECT_NEAR(dot(nu, h), 0.0, this->kCount * this->kTolerance);
    EXPECT_GT(dot(g, h), 0.0);
    EXPECT_GT(norm(h, 2.0), 0.5);  // or all of this would hold of zero
  }
  expect_near(project(normal(v, 2.0), v), Values(values_of(v).size(), 0.0), this->kTolerance);
}

TYPED_TEST(Sphere, NormalizeDividesByTheNormInPlace) {
  for (const double p : kOrders) {
    SCOPED_TRACE(p);
    const Tensors v = this->point(7);
    Values expected = values_of(v);
    const double length = expected_norm(expected, p);
    for (double& value : expected) value /= length;
    normalize(v, p);
    expect_near(v, expected, this->kTolerance);
    EXPECT_NEAR(norm(v, p), 1.0, this->kCount * this->kTolerance);
  }
}

TYPED_TEST(Sphere, GeodesicIsTheGreatCircle) {
  const Tensors v = this->point(8);
  normalize(v, 2.0);
  for (const double length : {0.0, 1e-3, 1.0, 4.0}) {
    SCOPED_TRACE(length);
    Tensors h = project(normal(v, 2.0), this->point(9));
    h = combine(length / norm(h, 2.0), h, 0.0, h);
    Values expected = values_of(v);
    const Values along = values_of(h);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] *= std::cos(length);
      if (length > 0.0) expected[i] += std::sin(length) / length * along[i];
    }
    const Tensors end = geodesic(v, h);
    expect_near(end, expected, this->kTolerance);
    EXPECT_NEAR(norm(end, 2.0), 1.0, this->kCount * this->kTolerance);
  }
}

TYPED_TEST(Sphere, ZeroHasNoDirection) {
  for (const double p : kOrders) {
    const Tensors zero{kernels::zeros({3}, dtype_of<TypeParam>())};
    EXPECT_TRUE(contains(message_of([&] { normal(zero, p); }), "[sphere]", "norm 0"));
    EXPECT_TRUE(contains(message_of([&] { normalize(zero, p); }), "[sphere]", "norm 0"));
  }
}

TYPED_TEST(Sphere, NotFiniteStaysNotFinite) {
  using T = TypeParam;
  for (const double p : kOrders)
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
      // After a number, before one, and in the later tensor.
      for (const std::size_t tensor : {std::size_t{0}, std::size_t{1}})
        for (const std::int64_t at : {0, 3}) {
          const Tensors x = this->point(10);
          x[tensor].template data<T>()[at] = bad;
          const double length = norm(x, p);
          EXPECT_TRUE(std::isnan(bad) ? std::isnan(length) : length == kInfinity) << length;
          EXPECT_NE(message_of([&] { normalize(x, p); }), "no error");
        }
    }
}

// The sums behind these norms overflow or vanish, and so do reciprocals; the results do not.
TYPED_TEST(Sphere, ExtremeMagnitudes) {
  using T = TypeParam;
  const std::vector<double> scales = std::is_same_v<T, float>
                                         ? std::vector<double>{1e38, 1e-30, 1e-38}
                                         : std::vector<double>{1e300, 1e-300, 1e-307};
  for (const double p : kOrders)
    for (const double scale : scales) {
      SCOPED_TRACE(::testing::Message() << "p = " << p << ", scale " << scale);
      const Values ratios{1.0, -0.5, 0.25, 0.75};
      Tensors x{Tensor::empty({4}, dtype_of<T>())};
      for (std::size_t i = 0; i < 4; ++i) x[0].data<T>()[i] = static_cast<T>(ratios[i] * scale);
      const double length = expected_norm(ratios, p);
      EXPECT_NEAR(norm(x, p) / scale, length, this->kTolerance * length);
      expect_near(normal(x, p), expected_normal(ratios, p), this->kTolerance);
      normalize(x, p);
      Values expected = ratios;
      for (double& value : expected) value /= length;
      expect_near(x, expected, this->kTolerance);
    }
}

// Where even 1 / norm overflows; a subnormal norm has only 34 bits here.
TEST(SphereNormalize, SubnormalPoints) {
  for (const double p : kOrders) {
    const Values ratios{1.0, -0.5, 0.25, 0.75};
    Values expected = ratios, values = ratios;
    for (double& value : values) value *= 0x1p-1040;
    for (double& value : expected) value /= expected_norm(ratios, p);
    const Tensors x{Tensor::from(values, {4})};
    normalize(x, p);
    expect_near(x, expected, 0x1p-33);
  }
}

TYPED_TEST(Sphere, SameBitsOnAnyNumberOfThreads) {
  using T = TypeParam;
  const Tensors x{uniform<T>({300, 301}, 11), uniform<T>({50000}, 12)};
  const Tensors g{uniform<T>({300, 301}, 13), uniform<T>({50000}, 14)};
  const int before = kernels::threads();
  for (const double p : kOrders) {
    std::vector<Values> found;
    for (const int threads : {1, 2}) {
      kernels::set_threads(threads);
      Values& all = found.emplace_back(values_of(project(normal(x, p), g)));
      all.push_back(norm(x, p));
      all.push_back(dot(x, g));
      const Tensors v{kernels::clone(x[0]), kernels::clone(x[1])};
      normalize(v, p);
      const Values normalized = values_of(v);
      all.insert(all.end(), normalized.begin(), normalized.end());
    }
    EXPECT_TRUE(found[0] == found[1]) << "p = " << p;
  }
  kernels::set_threads(before);
}

// Away from zeros (p = 1) and ties (p = infinity), where the norm has a kink.
TEST(SphereNormal, IsTheGradientOfTheNorm) {
  constexpr double kStep = 1e-5;
  for (const double p : kOrders) {
    const Values v{0.8, -0.3, 0.5, -0.1};
    const auto norm_at = [&](std::size_t i, double shift) {
      Values moved = v;
      moved[i] += shift;
      return norm({Tensor::from(moved, {4})}, p);
    };
    Values slopes;
    for (std::size_t i = 0; i < v.size(); ++i)
      slopes.push_back((norm_at(i, kStep) - norm_at(i, -kStep)) / (2 * kStep));
    // Truncation is of the order of kStep^2 / 0.1^(3-p), rounding of epsilon / kStep.
    expect_near(normal({Tensor::from(v, {4})}, p), slopes, 1e-8);
  }
}

TEST(SphereNormal, TheFirstOfEqualMaximaIsTheNormalOfTheMaximumNorm) {
  expect_near(
      normal({Tensor::from(Values{0.5, -1.0}, {2}), Tensor::from(Values{1.0}, {1})}, kInfinity),
      {0.0, -1.0, 0.0}, 0.0);
}

template <class T>
void expect_peak(const std::vector<T>& values, double value, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(values.size());
  std::vector<kernels::Peak> peaks(1);
  kernels::abs_max({Tensor::from(values, {size})}, peaks);
  EXPECT_EQ(peaks[0].index, index);
  EXPECT_TRUE(peaks[0].value == value || (std::isnan(peaks[0].value) && std::isnan(value)));
}

template <class T>
void check_peaks() {
  using Limits = std::numeric_limits<T>;
  expect_peak<T>({}, 0.0, -1);
  expect_peak<T>({T{-0.0}}, 0.0, 0);
  expect_peak<T>({0, Limits::denorm_min()}, static_cast<double>(Limits::denorm_min()), 1);
  std::vector<T> many(50'000, T{0});  // what several threads share
  expect_peak(many, 0.0, 0);
  many[20'000] = -3, many[20'001] = 3, many[49'999] = 3;
  expect_peak(many, 3.0, 20'000);
  many[30'000] = -Limits::infinity();
  expect_peak(many, kInfinity, 30'000);
  many[40'000] = -Limits::quiet_NaN(), many[40'001] = Limits::signaling_NaN();
  many[49'998] = Limits::quiet_NaN();
  expect_peak(many, std::numeric_limits<double>::quiet_NaN(), 40'000);
}

TEST(AbsMax, IsTheFirstOfTheLargestOrTheFirstNaN) {
  check_peaks<float>();
  check_peaks<double>();
}

TEST(SphereErrors, OrdersBelowOne) {
  const Tensors x{uniform({3})};
  for (const double p : {0.5, -1.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_TRUE(contains(message_of([&] { norm(x, p); }), "[norm]", "p >= 1"));
}

}  // namespace
}  // namespace rho::optim
