// The family of norm-constrained methods (docs/theory.md): each rule against an oracle on plain
// lists of doubles, output channels against layers of their own, and what is defined where a step
// can not be taken. optim_test.cpp has what all optimizers share and the tangent gradient.
#include "optim/norm_constrained.h"

#include <gtest/gtest.h>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "optim/factory.h"
#include "optim/langevin.h"
#include "optim/sgd.h"
#include "tests/support/optim.h"

namespace rho::optim {
namespace {

using testing::contains;
using testing::direction_of;
using testing::entry;
using testing::epsilon;
using testing::gradients_of;
using testing::kInfinity;
using testing::kOrders;
using testing::leaf;
using testing::make_groups;
using testing::message_of;
using testing::norm_of;
using testing::project_at;
using testing::rho_of;
using testing::set_gradients;
using testing::tensors_of;
using testing::uniform;
using testing::Values;
using testing::values_of;

double product(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// a x + b y.
Values mix(double a, const Values& x, double b, const Values& y) {
  Values out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = a * x[i] + b * y[i];
  return out;
}

Values normalized(const Values& x, double p) { return mix(1.0 / norm_of(x, p), x, 0.0, x); }

// V' for a step g from V.
Values turned(const std::string& method, const Values& v, double p, const Values& g) {
  const Values h = project_at(v, p, g);
  if (method == "coefficient-normalization") return normalized(mix(1, v, 1, g), p);
  if (method == "lagrange-multiplier") {
    const double along = product(v, g);
    const double alpha = std::sqrt(1.0 - product(g, g) + along * along) - along;
    return mix(alpha, v, 1.0, g);
  }
  if (method == "true-gradient") {
    const double angle = norm_of(h, 2);
    return mix(std::cos(angle), v, std::sin(angle) / angle, h);
  }
  if (method == "weight-normalization") return mix(1, v, 1, h);
  return normalized(mix(1, v, 1, h), p);
}

template <class T>
class Methods : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Methods, Precisions);

TYPED_TEST(Methods, FollowTheirRules) {
  using T = TypeParam;
  constexpr double kRate = 0.02, kRhoRate = 0.05;
  constexpr int kSteps = 6;
  for (const Direction& method : directions())
    for (const double p : kOrders)
      for (const double momentum : {0.0, 0.5, 0.9}) {
        if (!method.any_p && p != 2.0) continue;
        const bool nesterov = momentum > 0.5;
        SCOPED_TRACE(::testing::Message() << method.name << " p " << p << " momentum " << momentum);
        const std::vector<Group> groups = make_groups<T>();
        const std::vector<Variable>& w = groups[0].tensors;
        NormConstrained optimizer(groups, kRate,
                                  {.direction = method.name,
                                   .p = p,
                                   .momentum = momentum,
                                   .nesterov = nesterov,
                                   .rho_lr = kRhoRate});
        Values v = normalized(values_of(w), p), u(v.size());
        double rho = norm_of(values_of(w), p);
        for (int step = 0; step < kSteps; ++step) {
          set_gradients<T>(groups, static_cast<std::uint64_t>(step));
          const Values gradient = gradients_of(w);
          const double length = norm_of(v, 2), free = method.back == Return::Free ? length : 1.0;
          const double pull = method.name == std::string("polar-gradient") ? 1.0 / rho : rho / free;
          const Values pushed = mix(momentum, u, pull, gradient);
          u = project_at(v, p, pushed);
          const Values ahead = nesterov ? mix(momentum, u, pull, gradient) : pushed;
          rho -= kRhoRate * product(v, gradient) / free;
          v = turned(method.name, v, p, mix(-kRate, ahead, 0.0, ahead));
          const double scale = method.back == Return::Free ? rho / norm_of(v, 2) : rho;
          optimizer.step();
          // Each step rounds a handful of times what is of the order of 1.
          const double tolerance = 64 * kSteps * epsilon<T>();
          testing::expect_near(w, mix(scale, v, 0.0, v), tolerance);
          EXPECT_NEAR(rho_of(optimizer), rho, tolerance * rho);
        }
      }
}

TYPED_TEST(Methods, StayOnTheSphereOrAtAnyLengthAsTheyShould) {
  using T = TypeParam;
  for (const Direction& method : directions())
    for (const double p : kOrders) {
      if (!method.any_p && p != 2.0) continue;
      SCOPED_TRACE(::testing::Message() << method.name << ", p = " << p);
      const std::vector<Group> groups = make_groups<T>();
      NormConstrained optimizer(groups, 0.02, {.direction = method.name, .p = p, .momentum = 0.9});
      double drift = 0.0;
      for (int step = 0; step < 50; ++step) {
        set_gradients<T>(groups, static_cast<std::uint64_t>(step));
        optimizer.step();
        drift = norm(direction_of(optimizer), p) - 1.0;
        if (method.back == Return::Free)
          EXPECT_GT(drift, 0.0);  // tangents of the Euclidean sphere leave it outwards
        else
          EXPECT_NEAR(drift, 0.0, 16 * epsilon<T>());
      }
      EXPECT_NEAR(norm_of(values_of(groups[0].tensors), p), rho_of(optimizer),
                  64 * epsilon<T>() * rho_of(optimizer));
    }
}

// A channel's norm is that of a layer that has this channel alone.
TEST(PerChannel, EveryChannelMovesLikeALayerOfItsOwn) {
  for (const Direction& method : directions())
    for (const double p : kOrders) {
      if (!method.any_p && p != 2.0) continue;
      SCOPED_TRACE(::testing::Message() << method.name << ", p = " << p);
      const std::vector<Group> whole{
          {"conv", {leaf(uniform({3, 2, 2}, 1)), leaf(uniform({3}, 2))}, true}};
      std::vector<Group> apart;
      for (std::int64_t o = 0; o < 3; ++o)
        apart.push_back({std::to_string(o),
                         {leaf(kernels::clone(uniform({3, 2, 2}, 1).slice(0, o, o + 1))),
                          leaf(kernels::clone(uniform({3}, 2).slice(0, o, o + 1)))},
                         true});
      NormConstrainedOptions options{.direction = method.name, .p = p, .momentum = 0.9};
      NormConstrained together(apart, 0.02, options);
      options.per_channel = true;
      NormConstrained channels(whole, 0.02, options);
      for (std::uint64_t step = 0; step < 4; ++step) {
        set_gradients(whole, step);
        for (std::int64_t o = 0; o < 3; ++o)
          for (std::size_t t = 0; t < 2; ++t) {
            Variable x = apart[static_cast<std::size_t>(o)].tensors[t];
            const Tensor g = whole[0].tensors[t].grad().value();
            x.set_grad(Variable(kernels::clone(g.slice(0, o, o + 1))));
          }
        channels.step();
        together.step();
      }
      Values expected;
      for (const std::size_t t : {std::size_t{0}, std::size_t{1}})
        for (const Group& group : apart) {
          const Values part = values_of({group.tensors[t]});
          expected.insert(expected.end(), part.begin(), part.end());
        }
      testing::expect_near(whole[0].tensors, expected, 0.0);
      EXPECT_EQ(entry(channels, "conv/rho").shape(), Shape({3}));
    }
}

TEST(PerChannel, ADeadChannelStaysAndTheOthersMove) {
  const Tensor w = uniform({3, 4}, 1);
  kernels::fill(w.slice(0, 1, 2), 0.0);
  const std::vector<Group> groups{{"fc", {leaf(w)}, true}};
  for (const Direction& method : directions()) {
    Variable x = groups[0].tensors[0];
    x.set_value(kernels::clone(w));
    NormConstrained optimizer(groups, 0.02,
                              {.direction = method.name, .momentum = 0.9, .per_channel = true});
    optimizer.keep_audit(true);
    for (std::uint64_t step = 0; step < 3; ++step) {
      set_gradients(groups, step);
      optimizer.step();
    }
    const Values moved = values_of(groups[0].tensors), before = w.to_vector<double>();
    for (std::size_t i = 0; i < moved.size(); ++i)
      EXPECT_EQ(moved[i] == before[i], i / 4 == 1) << method.name << ' ' << i;
    EXPECT_TRUE(std::isfinite(optimizer.audit(2.0)[0].norm_deviation));
    EXPECT_EQ(optimizer.audit(2.0)[0].held, 3);  // one channel, three steps
  }
}

TEST(PerChannel, TensorsMustHaveTheSameChannels) {
  const std::vector<Group> groups{{"fc", {leaf(uniform({3, 4}, 1)), leaf(uniform({4}, 2))}, true}};
  EXPECT_TRUE(contains(message_of([&] { NormConstrained(groups, 0.1, {.per_channel = true}); }),
                       "group fc", "3 and 4"));
}

// Beyond ||S g|| = 1 no multiplier puts alpha V + g on the sphere: the step becomes S g / ||S g||.
TEST(LagrangeMultiplier, StepsThatAreTooLongAreShortenedAndCounted) {
  const std::vector<Group> groups = make_groups();
  NormConstrained optimizer(groups, 3.0, {.direction = "lagrange-multiplier", .rho = "fixed"});
  optimizer.keep_audit(true);
  for (int step = 1; step <= 3; ++step) {
    const Values v = values_of({leaf(direction_of(optimizer, "fc")[0])});
    set_gradients(groups, static_cast<std::uint64_t>(step));
    const Values tangent = project_at(v, 2.0, gradients_of(groups[1].tensors));
    ASSERT_GT(3.0 * rho_of(optimizer, "fc") * norm_of(tangent, 2), 1.0);
    optimizer.step();
    const Values expected = mix(-1.0 / norm_of(tangent, 2), tangent, 0.0, tangent);
    testing::expect_near(direction_of(optimizer, "fc")[0], expected, 1e-7);
    EXPECT_NEAR(norm(direction_of(optimizer, "fc"), 2), 1.0, 1e-7);
    EXPECT_EQ(optimizer.audit(2.0)[1].shortened, step);
  }
}

TEST(CoefficientNormalization, AStepThatLeavesNothingIsHeldAndCounted) {
  const std::vector<Group> groups = make_groups();
  NormConstrained optimizer(groups, 0.5,
                            {.direction = "coefficient-normalization", .rho = "fixed"});
  set_gradients(groups, 1);
  Variable w = groups[1].tensors[0];
  // V - lr rho G = 0.
  const double rho = rho_of(optimizer, "fc");
  w.set_grad(Variable(combine(1.0 / (0.5 * rho * rho), w.value(), 0.0, w.value())));
  const Values before = values_of({w});
  optimizer.step();
  testing::expect_near({w}, before, 4 * epsilon<double>());
  EXPECT_EQ(entry(optimizer, "fc/held").item(), 1.0);
  EXPECT_EQ(entry(optimizer, "conv/held").item(), 0.0);
}

TEST(NormConstrainedErrors, EuclideanMethodsRefuseOtherNorms) {
  for (const Direction& method : directions()) {
    if (method.any_p) continue;
    EXPECT_TRUE(contains(message_of([&] {
                           NormConstrained(make_groups(), 0.1,
                                           {.direction = method.name, .p = 3.0});
                         }),
                         method.name, "p = 3", "expected 2"));
  }
}

TEST(NormConstrainedErrors, AStepThatOverflowsChangesNothing) {
  const std::vector<Group> groups = make_groups();
  NormConstrained optimizer(groups, 1e30, {.rho = "fixed"});
  set_gradients(groups, 1);
  const Values before = values_of(tensors_of(groups));
  EXPECT_TRUE(contains(message_of([&] { optimizer.step(); }), "[tangent-gradient]", "group conv",
                       "smaller lr"));
  EXPECT_EQ(values_of(tensors_of(groups)), before);
}

// Whether gradients are finite is asked of their squares first.
TEST(NormConstrainedErrors, AGradientWhoseSquareOverflowsIsFinite) {
  const std::vector<Group> groups = make_groups();
  NormConstrained optimizer(groups, 1e-200);
  set_gradients(groups, 1);
  groups[2].tensors[0].grad().value().data<double>()[0] = 1e200;
  const double before = groups[2].tensors[0].value().to_vector<double>()[0];
  optimizer.step();
  EXPECT_DOUBLE_EQ(groups[2].tensors[0].value().to_vector<double>()[0], before - 1.0);
}

TEST(SkipNonfinite, SkipsTheWholeStepAndCountsIt) {
  for (const char* const name : {"sgd", "adam", "langevin", "tangent-gradient"}) {
    const std::vector<Group> groups = make_groups();
    const auto optimizer =
        make_optimizer({.name = name, .momentum = 0.5, .temperature = 0.1}, groups);
    optimizer->skip_nonfinite(true);
    set_gradients(groups, 1);
    groups[2].tensors[0].grad().value().data<double>()[0] = kInfinity;
    const Values before = values_of(tensors_of(groups));
    optimizer->step();
    EXPECT_EQ(values_of(tensors_of(groups)), before) << name;
    EXPECT_EQ(optimizer->skipped_steps(), 1) << name;
    const auto other =
        make_optimizer({.name = name, .momentum = 0.5, .temperature = 0.1}, make_groups());
    other->load_state(optimizer->state());
    EXPECT_EQ(other->skipped_steps(), 1) << name;
    set_gradients(groups, 2);
    optimizer->step();
    EXPECT_NE(values_of(tensors_of(groups)), before) << name;
    EXPECT_EQ(optimizer->skipped_steps(), 1) << name;
  }
}

TEST(AdaptiveRho, GrowsWhileTheMarginIsPositiveAndTooSmall) {
  const std::vector<Group> groups = make_groups();
  NormConstrained optimizer(groups, 0.01, {.rho = "margin:2"});
  ASSERT_TRUE(optimizer.uses_margin());
  const auto growth = [&](double margin) {
    const double before = rho_of(optimizer);
    optimizer.observe_margin(margin);
    set_gradients(groups, 1);
    optimizer.step();
    return rho_of(optimizer) / before;
  };
  const double tolerance = 8 * epsilon<double>();
  EXPECT_EQ(growth(-1.0), 1.0);  // not separated
  EXPECT_EQ(growth(0.0), 1.0);
  EXPECT_NEAR(growth(1e-3), std::sqrt(1.01), tolerance);  // at most 1 % for both layers together
  const double target = 2 * std::log1p(4.0);
  EXPECT_NEAR(growth(target / 1.002), std::sqrt(1.002), tolerance);
  EXPECT_EQ(growth(100.0), 1.0);  // never shrinks
}

TEST(LangevinTest, WithoutTemperatureItIsGradientDescent) {
  const std::vector<Group> groups = make_groups(), plain = make_groups();
  Langevin noisy(groups, 0.1);
  Sgd sgd(plain, 0.1);
  for (std::uint64_t step = 0; step < 3; ++step) {
    set_gradients(groups, step);
    set_gradients(plain, step);
    noisy.step();
    sgd.step();
  }
  EXPECT_EQ(values_of(tensors_of(groups)), values_of(tensors_of(plain)));
}

// L = k x^2 / 2: x <- (1 - lr k) x + sqrt(2 lr T) xi has the stationary variance
// T / (k (1 - lr k / 2)), and no memory of step or element.
TEST(LangevinTest, SamplesTheGibbsDensity) {
  constexpr double kStiffness = 2.0, kTemperature = 0.3, kRate = 0.1;
  constexpr std::int64_t kCount = 20000;
  const std::vector<Group> groups{{"x", {leaf(kernels::zeros({kCount}, DType::Float64))}}};
  Langevin optimizer(groups, kRate, {kTemperature, 5});
  Variable x = groups[0].tensors[0];
  Values before;
  for (int step = 0; step < 60; ++step) {
    before = values_of({x});
    x.set_grad(Variable(combine(kStiffness, x.value(), 0.0, x.value())));
    optimizer.step();
  }
  const Values found = values_of({x});
  const double variance = kTemperature / (kStiffness * (1 - kRate * kStiffness / 2));
  const double mean = std::accumulate(found.begin(), found.end(), 0.0) / kCount;
  // Five standard errors each.
  EXPECT_NEAR(mean, 0.0, 5 * std::sqrt(variance / kCount));
  EXPECT_NEAR(product(found, found) / kCount, variance, 5 * variance * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(product(found, before) / kCount, (1 - kRate * kStiffness) * variance,
              5 * variance * std::sqrt(2.0 / kCount));
  Values neighbours(found.begin() + 1, found.end());
  neighbours.push_back(found.front());
  EXPECT_NEAR(product(found, neighbours) / kCount, 0.0, 5 * variance / std::sqrt(kCount));
}

TEST(Audit, ProjectedStepsAreTangentAndTheOthersNearlySo) {
  for (const Direction& method : directions())
    for (const double p : kOrders) {
      if (!method.any_p && p != 2.0) continue;
      SCOPED_TRACE(::testing::Message() << method.name << ", p = " << p);
      std::vector<double> residuals;
      for (const double lr : {0.02, 0.01, 0.005}) {
        const std::vector<Group> groups = make_groups();
        NormConstrained optimizer(groups, lr, {.direction = method.name, .p = p});
        optimizer.keep_audit(true);
        set_gradients(groups, 1);
        const double start = rho_of(optimizer);
        const Tensors v = direction_of(optimizer), nu = normal(v, p);
        const Values g = gradients_of(groups[0].tensors);
        optimizer.step();
        const GroupAudit audit = optimizer.audit(2.0)[0];
        EXPECT_EQ(audit.group, "conv");
        EXPECT_NEAR(audit.rho, rho_of(optimizer), 4 * epsilon<double>() * audit.rho);
        // The length that is left free grows by O(lr^2).
        EXPECT_LE(audit.norm_deviation,
                  method.back == Return::Free ? 100 * lr * lr : 32 * epsilon<double>());
        EXPECT_EQ(audit.shortened + audit.held, 0);
        const double pull = method.pull(start, 1.0), order = std::isinf(p) ? 1.0 : p;
        const Tensors gradient{groups[0].tensors[0].grad().value(),
                               groups[0].tensors[1].grad().value()};
        const double lambda = lr * pull * dot(nu, gradient) / dot(nu, nu) / order;
        if (method.name == std::string("lagrange-multiplier"))
          EXPECT_NEAR(audit.multiplier, lambda, lr * lr * pull * pull * product(g, g));
        else
          EXPECT_NEAR(audit.multiplier, lambda, 64 * epsilon<double>());
        residuals.push_back(audit.tangency);
      }
      const bool projects = method.back == Return::Scheduled || method.back == Return::Free;
      // A step of 1e-3 or more, taken out of numbers of the order of 1.
      if (projects)
        EXPECT_LE(residuals.front(), 1e5 * epsilon<double>());
      else if (method.name != std::string("coefficient-normalization"))
        EXPECT_NEAR(residuals[0] / residuals[2], 4.0, 0.4);  // O(lr)
      else
        EXPECT_GT(residuals.front(), 1e-3);  // V + g: all of g
    }
}

TEST(Audit, OfStepsThatBeganWithIt) {
  for (const char* const name : {"sgd", "tangent-gradient"}) {
    const std::vector<Group> groups = make_groups();
    const auto optimizer = make_optimizer({.name = name, .lr = 0.01}, groups);
    set_gradients(groups, 1);
    optimizer->prepare();
    optimizer->enqueue();
    optimizer->keep_audit(true);
    optimizer->conclude();
    EXPECT_TRUE(contains(message_of([&] { optimizer->audit(2.0); }), "[audit]", "no step")) << name;
    optimizer->prepare();
    optimizer->enqueue();
    optimizer->keep_audit(false);
    optimizer->conclude();
    EXPECT_EQ(optimizer->audit(2.0).size(), 2U) << name;
    EXPECT_NE(optimizer->audit(2.0)[0].multiplier, 0.0) << name;
  }
}

// Of plain gradient descent, the flow of rho and V that its steps imply.
TEST(Audit, SgdHasItsImpliedFlow) {
  for (const double p : kOrders) {
    SCOPED_TRACE(p);
    const std::vector<Group> groups = make_groups();
    Sgd optimizer(groups, 0.01);
    EXPECT_TRUE(contains(message_of([&] { optimizer.audit(p); }), "[audit]"));
    optimizer.keep_audit(true);
    const Values w = values_of(groups[0].tensors);
    set_gradients(groups, 1);
    const Values g = gradients_of(groups[0].tensors);
    optimizer.step();
    const std::vector<GroupAudit> audits = optimizer.audit(p);
    ASSERT_EQ(audits.size(), 2U);  // the bias is on no sphere
    const double rho = norm_of(w, p);
    const Values tangent = project_at(w, p, g);
    const double into_rho = std::sqrt(product(g, g) - product(tangent, tangent));
    EXPECT_NEAR(audits[0].rho, norm_of(values_of(groups[0].tensors), p), 1e-14);
    EXPECT_NEAR(audits[0].tangency, into_rho / norm_of(g, 2), 1e-10);
    EXPECT_EQ(audits[0].norm_deviation, 0.0);
    const Tensors v{leaf(uniform({3, 2, 2}, 1)).value(), leaf(uniform({3}, 2)).value()};
    const Tensors nu = normal(v, p);
    const Tensors step{groups[0].tensors[0].grad().value(), groups[0].tensors[1].grad().value()};
    const double order = std::isinf(p) ? 1.0 : p;
    EXPECT_NEAR(audits[0].multiplier, 0.01 * dot(nu, step) / dot(nu, nu) / rho / order, 1e-10);
  }
}

}  // namespace
}  // namespace rho::optim
