// Optimizers and schedules: their rules against oracles in double, what they leave alone, what they
// refuse, and that a saved state resumes bit for bit. dynamics_test.cpp has the theory's
// identities.
#include "tests/support/optim.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "optim/factory.h"
#include "optim/schedule.h"

namespace rho::optim {
namespace {

using testing::contains;
using testing::direction_of;
using testing::entry;
using testing::epsilon;
using testing::expect_near;
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

template <class T>
class Rules : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Rules, Precisions);

constexpr int kSteps = 6;
/// Each step rounds a handful of times what is of the order of 1.
template <class T>
constexpr double tolerance() {
  return 8 * kSteps * epsilon<T>();
}

TYPED_TEST(Rules, Sgd) {
  using T = TypeParam;
  struct Case {
    double momentum;
    bool nesterov;
    double weight_decay;
  };
  for (const auto& [momentum, nesterov, weight_decay] :
       {Case{0, false, 0}, Case{0, false, 0.1}, Case{0.9, false, 0}, Case{0.9, true, 0.1}}) {
    SCOPED_TRACE(::testing::Message() << momentum << ' ' << nesterov << ' ' << weight_decay);
    const std::vector<Group> groups = make_groups<T>();
    const auto optimizer = make_optimizer(
        {.lr = 0.1, .momentum = momentum, .nesterov = nesterov, .weight_decay = weight_decay},
        groups);
    Values x = values_of(tensors_of(groups));
    Values buffer(x.size());
    for (int step = 0; step < kSteps; ++step) {
      set_gradients<T>(groups, step);
      const Values gradient = gradients_of(tensors_of(groups));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double g = gradient[i] + weight_decay * x[i];
        buffer[i] = step == 0 ? g : momentum * buffer[i] + g;
        x[i] -= 0.1 * (nesterov ? g + momentum * buffer[i] : buffer[i]);
      }
      optimizer->step();
      expect_near(tensors_of(groups), x, tolerance<T>());
    }
  }
}

TYPED_TEST(Rules, Adam) {
  using T = TypeParam;
  for (const double weight_decay : {0.0, 0.1}) {
    const std::vector<Group> groups = make_groups<T>();
    const auto optimizer = make_optimizer({.name = "adam",
                                           .lr = 0.01,
                                           .weight_decay = weight_decay,
                                           .beta1 = 0.8,
                                           .beta2 = 0.95,
                                           .eps = 1e-3},
                                          groups);
    Values x = values_of(tensors_of(groups));
    Values first(x.size()), second(x.size());
    for (int step = 1; step <= kSteps; ++step) {
      set_gradients<T>(groups, step);
      const Values gradient = gradients_of(tensors_of(groups));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double g = gradient[i] + weight_decay * x[i];
        first[i] = 0.8 * first[i] + 0.2 * g;
        second[i] = 0.95 * second[i] + 0.05 * g * g;
        const double mean = first[i] / (1 - std::pow(0.8, step));
        const double square = second[i] / (1 - std::pow(0.95, step));
        x[i] -= 0.01 * mean / (std::sqrt(square) + 1e-3);
      }
      optimizer->step();
      expect_near(tensors_of(groups), x, tolerance<T>());
    }
  }
}

TYPED_TEST(Rules, TangentGradient) {
  using T = TypeParam;
  for (const double p : kOrders)
    for (const bool nesterov : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "p = " << p << ", nesterov " << nesterov);
      const double momentum = nesterov ? 0.9 : 0.5, lr = 0.02, rho_lr = 0.05, weight_decay = 0.3;
      const std::vector<Group> groups = make_groups<T>();
      const std::vector<Variable>& w = groups[0].tensors;
      const auto optimizer = make_optimizer({.name = "tangent-gradient",
                                             .lr = lr,
                                             .momentum = momentum,
                                             .nesterov = nesterov,
                                             .weight_decay = weight_decay,
                                             .p = p,
                                             .rho_lr = rho_lr,
                                             .retract_every = 2},
                                            groups);
      Values v = values_of(w);
      double rho = norm_of(v, p);
      for (double& value : v) value /= rho;
      Values velocity(v.size());
      for (int step = 1; step <= kSteps; ++step) {
        set_gradients<T>(groups, step);
        const Values gradient = gradients_of(w);
        Values pushed(v.size());
        for (std::size_t i = 0; i < v.size(); ++i)
          pushed[i] = momentum * velocity[i] + rho * gradient[i];
        velocity = project_at(v, p, pushed);
        for (std::size_t i = 0; i < v.size(); ++i)
          pushed[i] = nesterov ? momentum * velocity[i] + rho * gradient[i] : velocity[i];
        const Values move = project_at(v, p, pushed);
        rho -= rho_lr *
               (std::inner_product(v.begin(), v.end(), gradient.begin(), 0.0) + weight_decay * rho);
        for (std::size_t i = 0; i < v.size(); ++i) v[i] -= lr * move[i];
        const double length = step % 2 == 0 ? norm_of(v, p) : 1.0;
        Values expected;
        for (double& value : v) expected.push_back(rho * (value /= length));
        optimizer->step();
        expect_near(w, expected, 8 * tolerance<T>());
        EXPECT_NEAR(rho_of(*optimizer), rho, 8 * tolerance<T>() * rho);
      }
    }
}

struct Named {
  std::string label;
  OptimizerOptions options;
};
void PrintTo(const Named& of, std::ostream* out) { *out << of.label; }

class EveryOptimizer : public ::testing::TestWithParam<Named> {
 protected:
  std::unique_ptr<Optimizer> make(const std::vector<Group>& groups) const {
    return make_optimizer(GetParam().options, groups);
  }
};

std::map<std::string, Values> bits_of(const Optimizer& optimizer) {
  std::map<std::string, Values> out;
  for (const auto& [name, tensor] : optimizer.entries()) out[name] = tensor.to_vector<double>();
  return out;
}

TEST_P(EveryOptimizer, MovesParametersAndLeavesGradientsAlone) {
  const std::vector<Group> groups = make_groups<float>();
  const auto optimizer = make(groups);
  for (int step = 0; step < 3; ++step) {
    set_gradients<float>(groups, step);
    const Values gradients = gradients_of(tensors_of(groups));
    const std::vector<Tensor> before{groups[0].tensors[0].value(), groups[2].tensors[0].value()};
    optimizer->step();
    EXPECT_EQ(gradients_of(tensors_of(groups)), gradients);
    EXPECT_NE(groups[0].tensors[0].value().to_vector<double>(), before[0].to_vector<double>());
    EXPECT_NE(groups[2].tensors[0].value().to_vector<double>(), before[1].to_vector<double>());
  }
}

TEST_P(EveryOptimizer, ResumesBitForBit) {
  const std::vector<Group> whole = make_groups<float>();
  const auto uninterrupted = make(whole);
  const std::vector<Group> resumed = make_groups<float>();
  for (Variable& x : tensors_of(resumed))
    x.set_value(uniform<float>(x.shape(), 77));  // another start
  const auto second = make(resumed);
  State saved;
  for (int step = 0; step < 8; ++step) {
    set_gradients<float>(whole, step);
    uninterrupted->step();
    if (step != 3) continue;
    saved = uninterrupted->state();
    const std::vector<Variable> from = tensors_of(whole);
    std::vector<Variable> to = tensors_of(resumed);
    for (std::size_t i = 0; i < to.size(); ++i) to[i].set_value(kernels::clone(from[i].value()));
  }
  second->load_state(saved);  // after four more steps: a state is a copy
  for (int step = 4; step < 8; ++step) {
    set_gradients<float>(resumed, step);
    second->step();
  }
  EXPECT_EQ(values_of(tensors_of(resumed)), values_of(tensors_of(whole)));
  EXPECT_EQ(bits_of(*second), bits_of(*uninterrupted));
}

TEST_P(EveryOptimizer, AGradientThatIsNotFiniteChangesNothing) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -kInfinity})
    for (const auto& [group, name] :
         {std::pair{0, "group conv "}, std::pair{2, "group fc.bias "}}) {
      const std::vector<Group> groups = make_groups();
      const auto optimizer = make(groups);
      set_gradients(groups, 0);
      optimizer->step();
      set_gradients(groups, 1);
      const std::vector<Variable>& tensors = groups[static_cast<std::size_t>(group)].tensors;
      tensors.back().grad().value().data<double>()[1] = bad;
      const Values parameters = values_of(tensors_of(groups));
      const auto state = bits_of(*optimizer);
      EXPECT_TRUE(contains(message_of([&] { optimizer->step(); }), name, "not finite"));
      EXPECT_EQ(values_of(tensors_of(groups)), parameters);
      EXPECT_EQ(bits_of(*optimizer), state);
    }
}

TEST_P(EveryOptimizer, LoadStateNamesWhatIsWrongAndChangesNothing) {
  const std::vector<Group> groups = make_groups();
  const auto optimizer = make(groups);
  set_gradients(groups, 0);
  optimizer->step();
  const auto before = bits_of(*optimizer);
  const auto expect_error = [&](const State& state, const std::string& name) {
    EXPECT_TRUE(contains(message_of([&] { optimizer->load_state(state); }), "[load_state]", name));
    EXPECT_EQ(bits_of(*optimizer), before);
  };
  State state = optimizer->state();
  for (auto& [name, tensor] : state) kernels::fill(tensor, 0.5);  // would be seen if loaded
  State extra = state;
  extra.emplace_back("stranger", make_number(1.0));
  expect_error(extra, "stranger");
  if (state.empty()) return;
  const std::string last = state.back().first;
  State missing = state;
  missing.pop_back();
  expect_error(missing, last);
  State reshaped = state;
  reshaped.back().second = kernels::zeros({7}, DType::Float64);
  expect_error(reshaped, last);
  State converted = state;
  converted.back().second = kernels::to_dtype(state.back().second, DType::Float32);
  expect_error(converted, last);
}

TEST_P(EveryOptimizer, GroupsWithoutAGradientStay) {
  const std::vector<Group> groups = make_groups<float>();
  const auto optimizer = make(groups);
  set_gradients<float>(groups, 0);
  for (Variable x : {groups[1].tensors[0], groups[2].tensors[0]}) x.zero_grad();
  const Values constrained = values_of(groups[1].tensors), rest = values_of(groups[2].tensors);
  const Values moving = values_of(groups[0].tensors);
  optimizer->step();
  EXPECT_EQ(values_of(groups[1].tensors), constrained);
  EXPECT_EQ(values_of(groups[2].tensors), rest);
  EXPECT_NE(values_of(groups[0].tensors), moving);
}

TEST_P(EveryOptimizer, EmptyTensorsAreNoTrouble) {
  std::vector<Group> groups = make_groups<float>(), plain = make_groups<float>();
  groups.push_back({"none", {leaf(uniform<float>({0}))}, false});
  const auto optimizer = make(groups), reference = make(plain);
  for (const std::vector<Group>* const all : {&groups, &plain}) set_gradients<float>(*all, 0);
  optimizer->step();
  reference->step();
  EXPECT_EQ(values_of(tensors_of(groups)), values_of(tensors_of(plain)));
  for (const Variable& x : tensors_of(groups))
    if (x.numel() > 0) Variable(x).zero_grad();
  optimizer->step();  // nothing but the empty one has a gradient
  EXPECT_EQ(values_of(tensors_of(groups)), values_of(tensors_of(plain)));
}

TEST_P(EveryOptimizer, AnyStrides) {
  const std::vector<Group> dense = make_groups(), spread = make_groups();
  for (Variable& x : tensors_of(spread)) x.set_value(testing::strided<double>(x.value()));
  const auto a = make(dense), b = make(spread);
  for (int step = 0; step < 3; ++step) {
    set_gradients(dense, step);
    set_gradients(spread, step);
    for (Variable& x : tensors_of(spread))
      x.set_grad(Variable(testing::strided<double>(x.grad().value())));
    a->step();
    b->step();
    EXPECT_EQ(values_of(tensors_of(dense)), values_of(tensors_of(spread)));
  }
}

OptimizerOptions tangent(double p, double momentum, const std::string& rho,
                         std::int64_t retract_every = 1) {
  return {.name = "tangent-gradient",
          .lr = 0.02,
          .momentum = momentum,
          .p = p,
          .rho = rho,
          .retract_every = retract_every};
}

OptimizerOptions method(const std::string& name, double p = 2.0) {
  OptimizerOptions options = tangent(p, 0.9, "learned");
  options.name = name;
  return options;
}

OptimizerOptions channels() {
  OptimizerOptions options = tangent(1.5, 0.9, "margin:1");
  options.per_channel = true;
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Optim, EveryOptimizer,
    ::testing::Values(Named{"sgd", {.lr = 0.1}}, Named{"momentum", {.lr = 0.1, .momentum = 0.9}},
                      Named{"nesterov",
                            {.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01}},
                      Named{"adam", {.name = "adam", .weight_decay = 0.01}},
                      Named{"langevin", {.name = "langevin", .lr = 0.1, .temperature = 0.2}},
                      Named{"coefficient", method("coefficient-normalization", 3)},
                      Named{"lagrange", method("lagrange-multiplier")},
                      Named{"true_gradient", method("true-gradient")},
                      Named{"weight_normalization", method("weight-normalization")},
                      Named{"polar", method("polar-gradient")}, Named{"channels", channels()},
                      Named{"tangent_plain", tangent(2, 0, "learned")},
                      Named{"tangent_momentum", tangent(2, 0.9, "learned", 3)},
                      Named{"tangent_fixed", tangent(1, 0.5, "fixed")},
                      Named{"tangent_linear", tangent(4, 0.5, "linear:0.1", 3)},
                      Named{"tangent_log", tangent(kInfinity, 0, "log:0.5", 2)}),
    [](const auto& test) { return test.param.label; });

TEST(TangentGradientTest, DirectionsStayOnTheSphereAndMakeUpTheWeights) {
  for (const double p : kOrders) {
    SCOPED_TRACE(p);
    const std::vector<Group> groups = make_groups();
    const auto optimizer = make_optimizer(tangent(p, 0.9, "learned"), groups);
    for (int step = 0; step < 20; ++step) {
      set_gradients(groups, step);
      optimizer->step();
      for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
        const Tensors v = direction_of(*optimizer, groups[k].name);
        EXPECT_NEAR(norm(v, p), 1.0, 32 * epsilon<double>());
        const double rho = rho_of(*optimizer, groups[k].name);
        const Tensors w = combine(rho, v, 0.0, v);
        for (std::size_t i = 0; i < w.size(); ++i)
          expect_near(groups[k].tensors[i].value(), w[i].to_vector<double>(), 0.0);
      }
    }
  }
}

TEST(TangentGradientTest, RhoIsFixedOrFollowsItsSchedule) {
  struct Case {
    std::string rho;
    double after[3];  // what is added after one step, two, three
  };
  for (const auto& [rho, after] :
       {Case{"fixed", {0, 0, 0}}, Case{"linear:0.25", {0.25, 0.5, 0.75}},
        Case{"linear:-0.1", {-0.1, -0.2, -0.3}},
        Case{"log:2", {2 * std::log(2.0), 2 * std::log(3.0), 2 * std::log(4.0)}}}) {
    SCOPED_TRACE(rho);
    const std::vector<Group> groups = make_groups();
    const auto optimizer = make_optimizer(tangent(2, 0, rho), groups);
    const double start = rho_of(*optimizer);
    EXPECT_NEAR(start, norm_of(values_of(groups[0].tensors), 2), 32 * epsilon<double>());
    for (const double change : after) {
      set_gradients(groups, 1);
      optimizer->step();
      EXPECT_NEAR(rho_of(*optimizer), start + change, 8 * epsilon<double>() * start);
      EXPECT_NEAR(norm_of(values_of(groups[0].tensors), 2), rho_of(*optimizer),
                  32 * epsilon<double>() * start);
    }
  }
}

TEST(TangentGradientTest, MomentumStaysTangentAndTheFirstStepIsThePlainOne) {
  for (const double p : kOrders) {
    SCOPED_TRACE(p);
    const std::vector<Group> groups = make_groups(), plain = make_groups();
    const auto optimizer = make_optimizer(tangent(p, 0.9, "learned"), groups);
    const auto without = make_optimizer(tangent(p, 0.0, "learned"), plain);
    for (int step = 0; step < 5; ++step) {
      const Tensors nu = normal(direction_of(*optimizer), p);  // where the velocity will be used
      set_gradients(groups, step);
      set_gradients(plain, step);
      optimizer->step();
      without->step();
      const Tensors velocity{entry(*optimizer, "conv/velocity/0"),
                             entry(*optimizer, "conv/velocity/1")};
      EXPECT_NEAR(dot(nu, velocity), 0.0, 64 * epsilon<double>());
      EXPECT_GT(norm(velocity, 2), 0.1);
      const bool same = values_of(tensors_of(groups)) == values_of(tensors_of(plain));
      EXPECT_EQ(same, step == 0);
    }
  }
}

TEST(TangentGradientTest, RetractsEveryFewSteps) {
  const std::vector<Group> groups = make_groups();
  const auto optimizer = make_optimizer(tangent(2, 0, "fixed", 3), groups);
  for (int step = 1; step <= 9; ++step) {
    set_gradients(groups, step);
    optimizer->step();
    const double drift = norm(direction_of(*optimizer), 2) - 1.0;
    if (step % 3 == 0)
      EXPECT_NEAR(drift, 0.0, 8 * epsilon<double>());
    else
      EXPECT_GT(drift, 1e-5);  // a tangent of the Euclidean sphere leaves it outwards
  }
}

TEST(TangentGradientTest, WeightDecayActsOnRhoOnly) {
  const std::vector<Group> groups = make_groups(), decayed = make_groups();
  OptimizerOptions options = tangent(2, 0.9, "learned");
  const auto without = make_optimizer(options, groups);
  options.weight_decay = 0.5;
  const auto with = make_optimizer(options, decayed);
  const double start = rho_of(*with);
  set_gradients(groups, 1);
  set_gradients(decayed, 1);
  without->step();
  with->step();
  EXPECT_NEAR(rho_of(*with), rho_of(*without) - 0.02 * 0.5 * start, 8 * epsilon<double>() * start);
  EXPECT_EQ(values_of(decayed[2].tensors), values_of(groups[2].tensors));
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(direction_of(*with)[i].to_vector<double>(),
              direction_of(*without)[i].to_vector<double>());
}

TEST(TangentGradientTest, ALearnedRhoHasItsOwnRateOrThatOfTheWeights) {
  for (const double rho_lr : {-1.0, 0.0, 0.3}) {
    const std::vector<Group> groups = make_groups();
    OptimizerOptions options = tangent(2, 0, "learned");
    options.rho_lr = rho_lr;
    const auto optimizer = make_optimizer(options, groups);
    optimizer->set_lr(0.05);  // as a schedule does
    set_gradients(groups, 1);
    const double start = rho_of(*optimizer);
    const Values v = values_of(groups[0].tensors), g = gradients_of(groups[0].tensors);
    const double slope = std::inner_product(v.begin(), v.end(), g.begin(), 0.0) / start;
    optimizer->step();
    EXPECT_NEAR(rho_of(*optimizer), start - (rho_lr < 0 ? 0.05 : rho_lr) * slope,
                16 * epsilon<double>() * start);
  }
}

TEST(TangentGradientTest, OtherGroupsGetPlainSgd) {
  const std::vector<Group> groups = make_groups(), reference = make_groups();
  OptimizerOptions options = tangent(2, 0.9, "learned");
  options.nesterov = true;
  const auto optimizer = make_optimizer(options, groups);
  options.name = "sgd";
  const auto sgd = make_optimizer(options, reference);
  for (int step = 0; step < 4; ++step) {
    for (Optimizer* one : {optimizer.get(), sgd.get()}) {
      set_gradients(one->groups(), step);
      one->set_lr(0.02 / (1 + step));
      one->step();
    }
    EXPECT_EQ(values_of(groups[2].tensors), values_of(reference[2].tensors));
  }
}

TEST(TangentGradientTest, AMissingGradientInAGroupCountsAsZero) {
  const std::vector<Group> groups = make_groups(), zeros = make_groups();
  for (const std::vector<Group>* all : {&groups, &zeros}) {
    const auto optimizer = make_optimizer(tangent(2, 0.9, "learned"), *all);
    set_gradients(*all, 1);
    Variable bias = (*all)[0].tensors[1];
    bias.set_grad(all == &groups ? Variable() : Variable(kernels::zeros({3}, DType::Float64)));
    optimizer->step();
  }
  EXPECT_EQ(values_of(groups[0].tensors), values_of(zeros[0].tensors));
}

TEST(TangentGradientErrors, RhoMustStayPositive) {
  for (const char* rho : {"learned", "linear:-100", "log:-100"}) {
    const std::vector<Group> groups = make_groups();
    OptimizerOptions options = tangent(2, 0.9, rho);
    options.rho_lr = 2.0;
    const auto optimizer = make_optimizer(options, groups);
    set_gradients(groups, 1);
    Variable w = groups[1].tensors[0];
    w.set_grad(Variable(kernels::clone(w.value())));  // <V, G> = rho
    const Values parameters = values_of(tensors_of(groups));
    const auto state = bits_of(*optimizer);
    EXPECT_TRUE(contains(message_of([&] { optimizer->step(); }), "[tangent-gradient]",
                         "rho of group", options.rho == "learned" ? "fc" : "conv", "expected > 0",
                         "smaller"));
    EXPECT_EQ(values_of(tensors_of(groups)), parameters);
    EXPECT_EQ(bits_of(*optimizer), state);
  }
}

TEST(TangentGradientErrors, AGroupWithoutADirectionIsNamed) {
  for (const double value : {0.0, kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<Group> groups = make_groups();
    Variable w = groups[1].tensors[0];
    w.set_value(kernels::full(w.shape(), value, w.dtype()));
    EXPECT_TRUE(contains(message_of([&] { make_optimizer(tangent(2, 0, "learned"), groups); }),
                         "[tangent-gradient]", "group fc ", "norm",
                         "expected a positive finite norm"));
    make_optimizer({}, groups);  // to the others, a weight like any
  }
}

TEST(OptimizerFactory, NamesAreThoseThatItMakes) {
  EXPECT_EQ(optimizer_names(),
            "sgd, adam, langevin, tangent-gradient, coefficient-normalization, "
            "lagrange-multiplier, true-gradient, weight-normalization, polar-gradient");
  EXPECT_TRUE(contains(message_of([] { make_optimizer({.name = "imaginary"}, {}); }), "imaginary",
                       optimizer_names()));
}

TEST(OptimizerFactory, ValuesOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  struct Case {
    std::string expected;
    OptimizerOptions options;
  };
  std::vector<Case> cases;
  for (const char* name : {"sgd", "adam", "tangent-gradient"}) {
    for (const double lr : {0.0, -1.0, nan, kInfinity})
      cases.push_back({"lr", {.name = name, .lr = lr}});
    for (const double decay : {-1.0, nan, kInfinity})
      cases.push_back({"weight_decay", {.name = name, .weight_decay = decay}});
  }
  for (const char* name : {"sgd", "tangent-gradient"}) {
    for (const double momentum : {-0.1, 1.0, nan})
      cases.push_back({"momentum", {.name = name, .momentum = momentum}});
    cases.push_back({"nesterov", {.name = name, .nesterov = true}});
  }
  for (const double bad : {-0.1, 1.0, nan}) {
    cases.push_back({"beta1", {.name = "adam", .beta1 = bad}});
    cases.push_back({"beta2", {.name = "adam", .beta2 = bad}});
  }
  for (const double eps : {-1e-8, nan}) cases.push_back({"eps", {.name = "adam", .eps = eps}});
  for (const double p : {0.5, nan})
    cases.push_back({"p >= 1", {.name = "tangent-gradient", .p = p}});
  for (const char* rho :
       {"", "free", "linear", "linear:", "linear:x", "log:1:2", "fixed:1", "log:inf"})
    cases.push_back({"expected learned", {.name = "tangent-gradient", .rho = rho}});
  cases.push_back(
      {"weight_decay", {.name = "tangent-gradient", .weight_decay = 0.1, .rho = "fixed"}});
  cases.push_back({"rho_lr", {.name = "tangent-gradient", .rho_lr = nan}});
  cases.push_back({"retract_every", {.name = "tangent-gradient", .retract_every = 0}});
  for (const Case& one : cases)
    EXPECT_TRUE(
        contains(message_of([&] { make_optimizer(one.options, make_groups()); }), one.expected))
        << one.options.name;
}

TEST(OptimizerFactory, OptionsOfOtherOptimizersAreIgnored) {
  make_optimizer({.p = 0.0, .rho = "x", .beta1 = 2.0, .retract_every = 0}, make_groups());
  make_optimizer({.name = "adam", .momentum = 2.0, .rho = "x"}, make_groups());
}

TEST(OptimizerFactory, TwoGroupsOfOneNameHaveNoState) {
  std::vector<Group> groups = make_groups();
  groups[1].name = "conv";
  EXPECT_TRUE(contains(message_of([&] { make_optimizer({}, groups); }), "two groups", "conv"));
}

TEST(Schedules, Factors) {
  struct Case {
    std::string text;
    std::map<std::int64_t, double> factors;
  };
  const double root = std::sqrt(2.0);
  for (const auto& [text, factors] : std::vector<Case>{
           {"constant", {{0, 1}, {1000, 1}}},
           {"step:3:0.1", {{0, 1}, {2, 1}, {3, 0.1}, {5, 0.1}, {6, 0.01}, {9, 0.001}}},
           {"step:1:2", {{0, 1}, {4, 16}}},
           {"multistep:2,5:0.5", {{0, 1}, {1, 1}, {2, 0.5}, {4, 0.5}, {5, 0.25}, {100, 0.25}}},
           {"multistep:7:0.1", {{6, 1}, {7, 0.1}}},
           {"cosine:4",
            {{0, 1}, {1, 0.5 + root / 4}, {2, 0.5}, {3, 0.5 - root / 4}, {4, 0}, {9, 0}}}})
    for (const auto& [epoch, factor] : factors)
      EXPECT_NEAR(make_schedule(text)->factor(epoch), factor,
                  8 * epsilon<double>() * factor + epsilon<double>())
          << text << " at " << epoch;
}

TEST(Schedules, WrongTextsAreQuoted) {
  for (const char* text : {"",
                           "sometimes",
                           "constant:1",
                           "step",
                           "step:2",
                           "step:0:0.1",
                           "step:2:0",
                           "step:2:-1",
                           "step:2:x",
                           "step:2:inf",
                           "step:1,2:0.1",
                           "step:2.5:0.1",
                           "step:2:0.1:3",
                           "multistep:1,:0.1",
                           "multistep::0.1",
                           "multistep:1,2",
                           "cosine",
                           "cosine:0",
                           "cosine:-3",
                           "cosine:3x",
                           " constant"})
    EXPECT_TRUE(contains(message_of([&] { make_schedule(text); }), "[schedule]",
                         '"' + std::string(text) + '"', "expected", "step:EVERY:GAMMA"))
        << text;
}

}  // namespace
}  // namespace rho::optim
