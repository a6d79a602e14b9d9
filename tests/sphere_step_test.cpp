// A step on norm spheres against plain lists of doubles, with rows of several tensors and of many
// pieces; and what leaves everything as it was. norm_constrained_test.cpp has the methods.
#include "kernels/sphere_step.h"

#include <gtest/gtest.h>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "optim/direction.h"
#include "tests/support/optim.h"

namespace rho::kernels {
namespace {

using testing::epsilon;
using testing::kInfinity;
using testing::kOrders;
using testing::norm_of;
using testing::project_at;
using testing::uniform;
using testing::Values;

constexpr double kRate = 0.01, kMomentum = 0.5, kAlong = -0.02;

/// A layer with a bias of three channels, one that is cut into pieces, and a parameter on no
/// sphere.
template <class T>
struct Parameters {
  static constexpr std::size_t kRows = 4;  // three channels, one layer

  std::vector<SphereGroup> groups{channels(), layer()};
  std::vector<SgdVectors> free{{uniform<T>({5000}, 21), uniform<T>({5000}, 22),
                                uniform<T>({5000}, 23), Tensor::empty({5000}, dtype_of<T>())}};
  Shared<SphereStep> step{1, default_device()};
  Shared<SphereRow> rows{kRows, default_device()};
  Shared<SphereResult> results{kRows + 1, default_device()};

  explicit Parameters(double p) {
    step.front().p = p;
    step.front().descent = {kRate, kMomentum, false, 0.0};
    step.front().scale.along = kAlong;
    step.front().retracts = true;
    for (std::size_t r = 0; r < kRows; ++r) {
      rows.values()[r] = {2.0 + static_cast<double>(r), 1.0};
      const Tensors unit = row(&SphereGroup::v, r);
      optim::normalize(unit, p);
    }
  }
  void run() {
    sphere_step(groups, free, step, rows, results);
    results.wait();
  }

  using Tensors = std::vector<Tensor>;
  /// Row r of all, in views.
  Tensors row(std::vector<Tensor> SphereGroup::*list, std::size_t r) const {
    if (r == kRows - 1) return groups[1].*list;
    Tensors out;
    const auto at = static_cast<std::int64_t>(r);
    for (const Tensor& x : groups[0].*list) out.push_back(x.slice(0, at, at + 1));
    return out;
  }
  Values values(std::vector<Tensor> SphereGroup::*list, std::size_t r) const {
    Values out;
    for (const Tensor& x : row(list, r)) {
      const Values part = x.to_vector<double>();
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }
  /// Everything that a step may write, and where it lies.
  std::vector<Values> all() const {
    std::vector<Values> out;
    for (const auto list : {&SphereGroup::v, &SphereGroup::u, &SphereGroup::w})
      for (std::size_t r = 0; r < kRows; ++r) out.push_back(values(list, r));
    out.push_back(free[0].velocity.template to_vector<double>());
    out.push_back(free[0].out.template to_vector<double>());
    return out;
  }

 private:
  static SphereGroup channels() {
    SphereGroup out;
    out.v = {uniform<T>({3, 7}, 1), uniform<T>({3}, 2)};
    out.g = {uniform<T>({3, 7}, 3), uniform<T>({3}, 4)};
    out.u = {uniform<T>({3, 7}, 5), uniform<T>({3}, 6)};
    out.w = {uniform<T>({3, 7}, 7), uniform<T>({3}, 8)};
    out.rows = 3;
    return out;
  }
  static SphereGroup layer() {
    const Shape shape{9, 1000}, bias{9};
    SphereGroup out;
    out.v = {uniform<T>(shape, 11), uniform<T>(bias, 12)};
    out.g = {uniform<T>(shape, 13), uniform<T>(bias, 14)};
    out.u = {uniform<T>(shape, 15), uniform<T>(bias, 16)};
    out.w = {uniform<T>(shape, 19), uniform<T>(bias, 20)};
    out.first = 3;
    return out;
  }
};

template <class T>
class SphereStepTest : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SphereStepTest, Precisions);

TYPED_TEST(SphereStepTest, MovesEveryRowByTheRule) {
  using T = TypeParam;
  for (const double p : kOrders)
    for (const bool retracts : {true, false}) {
      SCOPED_TRACE(::testing::Message() << "p = " << p << ", retracts " << retracts);
      Parameters<T> parameters(p);
      parameters.step.front().retracts = retracts;
      struct Row {
        Values v, u, g;
      };
      std::vector<Row> before;
      for (std::size_t r = 0; r < parameters.kRows; ++r)
        before.push_back({parameters.values(&SphereGroup::v, r),
                          parameters.values(&SphereGroup::u, r),
                          parameters.values(&SphereGroup::g, r)});
      const Values velocity = parameters.free[0].velocity.template to_vector<double>();
      parameters.run();
      for (std::size_t r = 0; r < parameters.kRows; ++r) {
        SCOPED_TRACE(::testing::Message() << "row " << r);
        const auto& [v, u, g] = before[r];
        const double rho = parameters.rows.values()[r].rho;
        Values pulled(v.size()), moved(v.size());
        for (std::size_t i = 0; i < v.size(); ++i) pulled[i] = kMomentum * u[i] + rho * g[i];
        const Values turned = project_at(v, p, pulled);
        for (std::size_t i = 0; i < v.size(); ++i) moved[i] = v[i] - kRate * turned[i];
        const double length = retracts ? norm_of(moved, p) : 1.0;
        const double next = rho + kAlong * std::inner_product(v.begin(), v.end(), g.begin(), 0.0);
        const SphereResult& result = parameters.results.values()[r];
        EXPECT_EQ(result.fault, SphereFault::None);
        EXPECT_FALSE(result.held || result.shortened);
        // Sums of up to 9009 products of numbers below 1, whose V was rounded to T.
        const double sums = static_cast<double>(v.size()) * epsilon<double>();
        EXPECT_NEAR(result.rho, next, 4 * sums * rho);
        EXPECT_NEAR(result.length, length, 64 * (sums + epsilon<T>()) * length);
        const Values to_v = parameters.values(&SphereGroup::v, r);
        const Values to_u = parameters.values(&SphereGroup::u, r);
        const Values w = parameters.values(&SphereGroup::w, r);
        for (std::size_t i = 0; i < v.size(); ++i) {
          // The normal's share in a step is at most the sum of |g|, times rho.
          const double tolerance = 64 * (epsilon<T>() + sums) * rho;
          ASSERT_NEAR(to_v[i], moved[i] / length, tolerance) << i;
          ASSERT_NEAR(to_u[i], turned[i], tolerance * (1.0 + std::abs(turned[i]))) << i;
          ASSERT_NEAR(w[i], next * to_v[i], 4 * epsilon<T>() * next) << i;
        }
      }
      const Values x = parameters.free[0].x.template to_vector<double>();
      const Values g = parameters.free[0].grad.template to_vector<double>();
      const Values moved = parameters.free[0].out.template to_vector<double>();
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(moved[i], x[i] - kRate * (kMomentum * velocity[i] + g[i]), 4 * epsilon<T>());
    }
}

TYPED_TEST(SphereStepTest, AFaultAnywhereLeavesEverything) {
  using T = TypeParam;
  const auto set_infinite = [](const Tensor& x, std::int64_t i) {
    fill(x.view({-1}).slice(0, i, i + 1), kInfinity);
  };
  struct Case {
    const char* name;
    std::size_t row;
    SphereFault fault;
    std::function<void(Parameters<T>&)> spoil;
  };
  const std::vector<Case> cases{
      {"no number on no sphere", 4, SphereFault::Gradient,
       [&](Parameters<T>& all) { set_infinite(all.free[0].grad, 4999); }},
      {"no number in the last piece of a layer", 3, SphereFault::Gradient,
       [&](Parameters<T>& all) { set_infinite(all.groups[1].g[1], 8); }},
      {"no number in a channel", 1, SphereFault::Gradient,
       [&](Parameters<T>& all) { set_infinite(all.groups[0].g[0], 10); }},
      {"a step too long", 0, SphereFault::Length,
       [&](Parameters<T>& all) { all.step.front().descent.lr = 1e30; }},
      {"a norm below 0", 2, SphereFault::Rho,
       [&](Parameters<T>& all) {
         all.step.front().scale = {.keep = 0.0, .start = 1.0};
         all.rows.values()[2].initial_rho = -1.0;
       }},
  };
  for (const double p : {1.0, 2.0, kInfinity})
    for (const auto& [name, row, fault, spoil] : cases) {
      SCOPED_TRACE(::testing::Message() << name << ", p = " << p);
      Parameters<T> parameters(p);
      spoil(parameters);
      const std::vector<Values> before = parameters.all();
      parameters.run();
      EXPECT_EQ(parameters.results.values()[row].fault, fault);
      const double found = parameters.results.values()[row].found;
      EXPECT_TRUE(fault != SphereFault::Length || found > kLongest) << found;
      EXPECT_TRUE(fault != SphereFault::Rho || found == -1.0) << found;
      EXPECT_EQ(parameters.all(), before);
    }
}

// A row of norm 0 has no direction: it stays, and the others move.
TYPED_TEST(SphereStepTest, ARowWithoutDirectionIsHeld) {
  using T = TypeParam;
  for (const double p : kOrders) {
    Parameters<T> parameters(p);
    parameters.rows.values()[1].rho = 0.0;
    for (const Tensor& x : parameters.row(&SphereGroup::v, 1)) fill(x, 0.0);
    parameters.run();
    for (std::size_t r = 0; r < parameters.kRows; ++r) {
      EXPECT_EQ(parameters.results.values()[r].held, r == 1);
      EXPECT_EQ(parameters.results.values()[r].fault, SphereFault::None);
    }
    EXPECT_EQ(parameters.values(&SphereGroup::w, 1), Values(8, 0.0));
    EXPECT_EQ(parameters.results.values()[1].rho, 0.0);
  }
}

// Where no layer on a sphere has a gradient.
TYPED_TEST(SphereStepTest, WhatIsOnNoSphereMovesByItself) {
  using T = TypeParam;
  Parameters<T> parameters(2.0), alone(2.0);
  parameters.run();
  alone.groups.clear();
  sphere_step(alone.groups, alone.free, alone.step, alone.rows, alone.results);
  alone.results.wait();
  EXPECT_EQ(alone.free[0].out.template to_vector<T>(),
            parameters.free[0].out.template to_vector<T>());
  EXPECT_EQ(alone.results.values()[4].fault, SphereFault::None);
}

// A row of length 2 whose step is all along V, and far longer: what V + S g leaves is rounding.
TEST(SphereStepPlan, AHeldRowOfAnyLengthKeepsItsWeight) {
  SphereStep step;
  step.direction = optim::find_direction("weight-normalization").number;
  step.descent.lr = 1.0;
  SphereProducts of;
  of.vv = of.vn = of.nn = 4.0;
  of.vg = of.gn = 4e12;
  of.gg = 4e24;
  const SpherePlan plan = plan_row(step, {3.0, 3.0}, of);
  EXPECT_TRUE(plan.result.held);
  EXPECT_EQ(plan.result.rho, 3.0);
  EXPECT_EQ(plan.move.weight, 1.5);  // W = rho V / ||V||
}

TYPED_TEST(SphereStepTest, TheSameBitsTwice) {
  using T = TypeParam;
  for (const double p : {1.5, 2.0, kInfinity}) {
    Parameters<T> one(p), other(p);
    one.run();
    other.run();
    EXPECT_EQ(one.all(), other.all());
  }
}

}  // namespace
}  // namespace rho::kernels
