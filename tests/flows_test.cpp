// The flows, the integrator, the fits and the support vector machine that rho-dynamics is made of,
// against closed forms; and the identities of docs/theory.md over long times.
#include <gtest/gtest.h>

#include <boost/math/special_functions/expint.hpp>

#include "kernels/threads.h"
#include "nn/init.h"
#include "tests/support/testing.h"
#include "tools/dynamics/experiments.h"
#include "tools/dynamics/hard_margin.h"
#include "tools/dynamics/order.h"

namespace rho::dynamics {
namespace {

using testing::contains;
using testing::message_of;

/// Networks this small are computed faster by one thread.
class Flows : public ::testing::Test {
 protected:
  Flows() { kernels::set_threads(1); }
  ~Flows() override { kernels::set_threads(before_); }

 private:
  int before_ = kernels::threads();
};

void expect_close(double found, double expected, double tolerance, const std::string& what = "") {
  EXPECT_TRUE(std::abs(found - expected) <= tolerance * std::max(1.0, std::abs(expected)))
      << what << ": " << found << ", expected " << expected;
}

void expect_close(const Vector& found, const Vector& expected, double tolerance,
                  const std::string& what = "") {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    expect_close(found[i], expected[i], tolerance, what + " " + std::to_string(i));
}

const Row& row(const Report& report, const std::string& part) {
  for (const Row& of : report.rows)
    if (of.quantity.find(part) != std::string::npos) return of;
  throw std::runtime_error("no row " + part);
}

/// Every row whose name has `part` is within `tolerance` of what is predicted; how many there are.
int expect_predicted(const Report& report, const std::string& part, double tolerance) {
  int count = 0;
  for (const Row& of : report.rows) {
    if (of.quantity.find(part) == std::string::npos) continue;
    ++count;
    EXPECT_TRUE(std::abs(of.found.value - of.predicted) <= tolerance)
        << of.quantity << ": " << of.found.value << ", predicted " << of.predicted;
  }
  return count;
}

/// Three layers with two rectifiers between them.
struct Relu {
  Relu() {
    Rng rng(2, 1);
    for (const Shape& shape : {Shape{6, 2}, Shape{6, 6}, Shape{1, 6}}) {
      const Vector layer = nn::init_weight(shape, {}, rng, DType::Float64).to_vector<double>();
      start.insert(start.end(), layer.begin(), layer.end());
    }
  }

  NetworkSystem system{two_clouds(8, 2), Loss::Exponential, {2, 6, 6, 1}, true};
  Vector start;
};

TEST_F(Flows, ClosedGradientsAreAutograds) {
  const Examples examples = two_clouds(7, 5);
  for (const Loss loss : {Loss::Exponential, Loss::Logistic}) {
    LinearSystem closed(examples, loss);
    NetworkSystem graph(examples, loss, {2, 1}, false);
    for (const Vector& w : {Vector{0.3, -0.7}, Vector{20.0, 10.0}, Vector{-3.0, 1.0}}) {
      expect_close(closed.margins(w), graph.margins(w), 1e-14, "margin");
      const Vector a = closed.gradient(w), b = graph.gradient(w);
      EXPECT_TRUE(distance(a, b) <= 1e-13 * norm(b)) << a[0] << ' ' << b[0];
    }
  }
}

// One example x = (l, 0), e^(l w_1) grows at the constant rate l^2 (identity 7).
TEST_F(Flows, OneExampleFollowsItsClosedForms) {
  const double length = 1.7, along = 0.4, across = 0.9;
  LinearSystem system({2, {length, 0.0}, {1.0}}, Loss::Exponential);
  const Vector times = log_times(1e-3, 1e20, 40);
  const Accuracy digits{1e-12, 0.0};
  for (const char* name : {"gradient", "polar-gradient"}) {
    const Trajectory path = integrate(*make_flow(name, system), {along, across}, times, digits);
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double expected =
          std::log(length * length * times[i] + std::exp(length * along)) / length;
      expect_close(path.w[i], {expected, across}, 1e-8, name);
    }
  }
  // On the sphere sin(theta) e^(rho^2 / 2) is constant, however small the angle.
  const auto constant = [](const Vector& w) {
    return std::log(std::abs(w[1]) / norm(w)) + dot(w, w) / 2.0;
  };
  const Trajectory path =
      integrate(*make_flow("weight-normalization", system), {along, across}, times, digits);
  for (const Vector& w : path.w) expect_close(constant(w), constant({along, across}), 1e-8);
  EXPECT_LT(tangent(path.w.back(), {1.0, 0.0}), 1e-150);
}

TEST_F(Flows, DesignedRhoIsWhatIsAskedFor) {
  NetworkSystem system(two_clouds(6, 2), Loss::Logistic, {2, 2, 1}, false);
  const Vector start{1.0, 0.5, -0.5, 0.5, 1.0, -0.5}, times{0.5, 2.0, 7.0};
  const Vector before = system.norms(start);
  const std::pair<const char*, double (*)(double)> growths[] = {
      {"fixed", [](double) { return 0.0; }},
      {"linear:0.5", [](double t) { return 0.5 * t; }},
      {"log:2", [](double t) { return 2.0 * std::log1p(t); }}};
  for (const auto& [name, growth] : growths) {
    const Trajectory path = integrate(*make_flow(name, system), start, times);
    for (std::size_t i = 0; i < times.size(); ++i) {
      Vector expected = before;
      for (double& rho : expected) rho += growth(times[i]);
      expect_close(system.norms(path.w[i]), expected, 1e-7, name);
    }
  }
}

// Identities 3 and 4 along a network with rectifiers.
TEST_F(Flows, PolarFormIsGradientFlowAndSquaredNormsGrowAlike) {
  Relu relu;
  const Vector times = log_times(1e-2, 1e4, 20), before = relu.system.norms(relu.start);
  const auto run = [&](const char* name) {
    return integrate(*make_flow(name, relu.system), relu.start, times);
  };
  const Trajectory plain = run("gradient"), polar = run("polar-gradient"),
                   normalized = run("weight-normalization");
  EXPECT_TRUE(largest_distance(plain, polar) <= 1e-6) << largest_distance(plain, polar);
  EXPECT_GT(largest_distance(plain, normalized), 0.1);
  for (const Trajectory* path : {&plain, &polar, &normalized}) {
    const Vector after = relu.system.norms(path->w.back());
    const double gain = after[0] * after[0] - before[0] * before[0];
    EXPECT_GT(gain, 0.1);
    for (const std::size_t k : {1U, 2U})
      expect_close(after[k] * after[k] - before[k] * before[k], gain, 1e-7);
  }
}

// TheoryIII eq. 68 for K = 2 with the factor K: li(R) = 2 t + constant, li(R) = Ei(log R).
TEST_F(Flows, TwoLayersGrowLikeTheInverseLogarithmicIntegral) {
  NetworkSystem system({1, {1.0}, {1.0}}, Loss::Exponential, {1, 1, 1}, false);
  const Trajectory path =
      integrate(*make_flow("gradient", system), {1.0, 1.0}, log_times(1.0, 1e12, 13));
  for (std::size_t i = 0; i < path.t.size(); ++i)
    expect_close(boost::math::expint(path.w[i][0] * path.w[i][1]) - boost::math::expint(1.0),
                 2.0 * path.t[i], 1e-6);
}

/// Pulled to x = 0 from both sides at the same speed: there is no classical solution behind t = 1.
class Kink : public System {
 public:
  std::vector<std::size_t> layers() const override { return {1}; }
  Vector margins(const Vector& w) override { return w; }
  Vector gradient(const Vector& w) override { return {w[0] > 0.0 ? 1.0 : -1.0}; }
};

TEST_F(Flows, FailuresSayWhatIsWrong) {
  Kink kink;
  const auto flow = make_flow("gradient", kink);
  EXPECT_TRUE(contains(message_of([&] {
                         integrate(*flow, {1.0}, {3.0}, {1e-12, 1e-14});
                       }),
                       "[integrate]", "slides along the kink"));
  EXPECT_TRUE(contains(message_of([&] { integrate(*flow, {1.0}, {3.0, 2.0}); }), "ascending"));
  LinearSystem steep({1, {1.0}, {1.0}}, Loss::Exponential);
  EXPECT_TRUE(
      contains(message_of([&] { integrate(*make_flow("gradient", steep), {-800.0}, {1.0}); }),
               "not finite at t = 0"));
  for (const char* name : {"", "newton", "log:", "log:x", "linear:1x", "log:inf", "fixed:1"})
    EXPECT_TRUE(contains(message_of([&] { make_flow(name, steep); }), "[flow]", "linear:RATE"))
        << name;
  EXPECT_TRUE(contains(message_of([&] { make_flow("polar-gradient", steep)->coordinates({0.0}); }),
                       "is zero"));
  EXPECT_TRUE(contains(message_of([&] {
                         NetworkSystem(two_clouds(4, 1), Loss::Logistic, {3, 1}, false);
                       }),
                       "from 2 inputs"));
  EXPECT_TRUE(contains(message_of([] { log_times(2.0, 1.0, 3); }), "log_times"));
}

// Anscombe 1973, set I: slope 0.5001, standard error 0.1179, R2 0.6665; t(9) at 97.5 % is 2.2622.
TEST(Fits, LineHasItsTextbookIntervals) {
  const Line line = fit_line({10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5},
                             {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68});
  EXPECT_NEAR(line.slope.value, 0.50009, 1e-5);
  EXPECT_NEAR(line.slope.half_width, 0.1179 * 2.2622, 2e-4);
  EXPECT_NEAR(line.intercept.value, 3.0001, 1e-4);
  EXPECT_NEAR(line.intercept.half_width, 1.1247 * 2.2622, 1e-3);
  EXPECT_NEAR(line.r2, 0.66654, 1e-5);
  const Estimate mean = mean_of({1.0, 2.0, 3.0, 4.0});
  EXPECT_EQ(mean.value, 2.5);
  EXPECT_NEAR(mean.half_width, 3.18245 * 0.6454972, 1e-5);
}

TEST(Fits, WhatCanNotBeFittedFails) {
  const double nan = std::nan("");
  EXPECT_TRUE(contains(message_of([] { fit_line({1, 2}, {1, 2}); }), "at least 3"));
  EXPECT_TRUE(contains(message_of([] { fit_line({1, 1, 1}, {1, 2, 3}); }), "different x"));
  EXPECT_TRUE(contains(message_of([&] { fit_line({1, 2, 3}, {1, nan, 3}); }), "finite"));
  EXPECT_TRUE(contains(message_of([] { mean_of({1.0}); }), "at least 2"));
}

// z_1 = (3, 1), z_2 = (1, 3): the margin of (1, 1) / sqrt(2) is 4 / sqrt(2), and no other's is
// more.
TEST(HardMarginMachine, IsKnownForTwoExamples) {
  const HardMargin found = hard_margin({2, {3.0, 1.0, -1.0, -3.0, 9.0, 9.0}, {1.0, -1.0, 1.0}});
  expect_close(found.direction, {std::sqrt(0.5), std::sqrt(0.5)}, 1e-8);
  expect_close(found.margin, 4.0 * std::sqrt(0.5), 1e-8);
  EXPECT_EQ(found.supports, 2U);
}

TEST(HardMarginMachine, SaysWhereNothingSeparates) {
  EXPECT_TRUE(contains(message_of([] {
                         hard_margin({1, {1.0, 2.0}, {1.0, -1.0}});
                       }),
                       "no hyperplane through the origin"));
}

TEST(Iris, HasItsPublishedMeans) {
  const Examples flowers = iris(true);
  ASSERT_EQ(flowers.count(), 100U);
  ASSERT_EQ(flowers.inputs, 5U);
  Vector means[2] = {Vector(5, 0.0), Vector(5, 0.0)};
  for (std::size_t n = 0; n < 100; ++n) {
    EXPECT_EQ(flowers.y[n], n < 50 ? 1.0 : -1.0);
    for (std::size_t i = 0; i < 5; ++i) means[n / 50][i] += flowers.example(n)[i] / 50.0;
  }
  expect_close(means[0], {5.006, 3.428, 1.462, 0.246, 1.0}, 1e-12, "setosa");
  expect_close(means[1], {5.936, 2.770, 4.260, 1.326, 1.0}, 1e-12, "versicolor");
  EXPECT_EQ(iris(false).inputs, 4U);
}

class Published : public Flows {};

TEST_F(Published, TrajectoriesCoincideOrDiffer) {
  const Report report = trajectories({.t_end = 100.0});
  EXPECT_EQ(expect_predicted(report, "its (rho, V) form", 1e-8), 1);
  EXPECT_GT(row(report, "gradient flow, weight normalization").found.value, 0.3);
  EXPECT_EQ(expect_predicted(report, "order in lr", 0.08), 7);
}

TEST_F(Published, LayersGrowAsPredictedWithTheFactorK) {
  const Report report = growth({Loss::Exponential, 1e12, 3});
  EXPECT_EQ(expect_predicted(report, ": q in", 1e-4), 3);
  EXPECT_EQ(expect_predicted(report, ": c", 1e-3), 3);
  EXPECT_EQ(expect_predicted(report, "relative difference", 5e-3), 3);
  EXPECT_GT(row(report, "K = 2: rho / log t").found.value, 1.1);
  EXPECT_LT(row(report, "K = 2: norm").found.value, row(report, "K = 1: norm").found.value / 4);
}

TEST_F(Published, OneExampleTurnsOnBothLaws) {
  const Report report = directions({.t_end = 1e8, .example = 60});
  EXPECT_EQ(expect_predicted(report, "gradient: b in", 1e-5), 2);
  EXPECT_EQ(expect_predicted(report, "weight norm.: b in", 1e-3), 2);
  EXPECT_GT(row(report, "all 100, weight norm.: R2 of 1/error").found.value, 0.998);
  EXPECT_LT(row(report, "all 100, weight norm.: R2 of log").found.value, 0.98);
}

// Theorem 5: within 1 / log t of libsvm's direction, except where rho is too fast to get there.
TEST_F(Published, GrowingRhoFindsTheHardMargin) {
  const double end = 1e8;
  const Report report = margins({.t_end = end});
  int converging = 0;
  for (const Row& of : report.rows) {
    if (of.quantity.find(": error") == std::string::npos || std::isnan(of.predicted)) continue;
    ++converging;
    EXPECT_TRUE(of.found.value <= 2.0 / std::log(end)) << of.quantity << ' ' << of.found.value;
  }
  EXPECT_EQ(converging, 6);
  EXPECT_EQ(expect_predicted(report, "2 log(1 + t) / m: p", 1e-2), 2);
  EXPECT_GT(row(report, "IRIS, rho = t: error").found.value, 0.2);
}

TEST_F(Published, RectifiersKeepSquaredNormsApartAndMarginsGrowing) {
  const Report report = relu({});
  EXPECT_EQ(expect_predicted(report, "drift", 1e-7), 2);
  EXPECT_EQ(expect_predicted(report, "fall", 1e-9), 2);
  EXPECT_EQ(expect_predicted(report, ": q in", 0.03), 1);
  EXPECT_EQ(expect_predicted(report, "order in lr", 0.05), 4);
}

TEST_F(Published, NoiseFindsTheDegenerateMinimum) {
  const Report report = minima({.lr = 0.02, .t_end = 250.0, .chains = 150});
  EXPECT_EQ(expect_predicted(report, "share of time", 0.08), 2);
}

}  // namespace
}  // namespace rho::dynamics
