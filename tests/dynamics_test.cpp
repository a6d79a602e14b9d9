// Identities of the theory that hold exactly, or to a known order of the learning rate eta, along
// training (docs/theory.md). normalize_test.cpp has identities 1 and 6, sphere_test.cpp has 2.
#include <gtest/gtest.h>

#include <numbers>
#include <numeric>

#include "autograd/ops.h"
#include "kernels/copy.h"
#include "kernels/threads.h"
#include "nn/nn.h"
#include "optim/norm_constrained.h"
#include "optim/sgd.h"
#include "optim/sphere.h"
#include "tests/support/testing.h"
#include "tools/support/groups.h"

namespace rho {
namespace {

using optim::Group;
using optim::NormConstrained;
using optim::Sgd;
using optim::Tensors;
using testing::epsilon;
using testing::leaf;
using testing::uniform;

Tensors values_of(const Group& group) {
  Tensors out;
  for (const Variable& x : group.tensors) out.push_back(x.value());
  return out;
}

Tensors gradients_of(const Group& group) {
  Tensors out;
  for (const Variable& x : group.tensors) out.push_back(kernels::contiguous(x.grad().value()));
  return out;
}

Tensors scaled(double factor, const Tensors& x) { return optim::combine(factor, x, 0.0, x); }

double distance(const Tensors& a, const Tensors& b) {
  return optim::norm(optim::combine(1.0, a, -1.0, b), 2.0);
}

/// The order q of errors ~ eta^q, each from half the eta of the one before: the smallest that two
/// neighbours show. NaN, which fails every comparison, where an error is 0 or not finite.
double order_of(const std::vector<double>& errors) {
  double order = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < errors.size(); ++i) {
    if (!(errors[i] > 0.0 && std::isfinite(errors[i - 1])))
      return std::numeric_limits<double>::quiet_NaN();
    order = std::min(order, std::log2(errors[i - 1] / errors[i]));
  }
  return order;
}

const std::vector<double> kRates{4e-3, 2e-3, 1e-3, 5e-4};

/// A small network without biases after the first layer, six examples of three classes, and the
/// gradient of their cross-entropy.
struct Net {
  explicit Net(const std::string& kind) {
    Rng rng(5);
    const nn::Init he;
    if (kind == "dense") {
      x = Variable(uniform({6, 5}, 1));
      add("fc1", std::make_shared<nn::Linear>(5, 8, true, he, rng, DType::Float64));
      model.add("relu1", std::make_shared<nn::ReLU>());
      add("fc2", std::make_shared<nn::Linear>(8, 7, false, he, rng, DType::Float64));
      model.add("relu2", std::make_shared<nn::ReLU>());
      add("fc3", std::make_shared<nn::Linear>(7, 3, false, he, rng, DType::Float64));
    } else {
      x = Variable(uniform({6, 7, 7, 2}, 1));
      const kernels::Conv2dOptions strided{2, 2, 1, 1};
      add("conv1", std::make_shared<nn::Conv2d>(2, 4, 3, strided, true, he, rng, DType::Float64));
      model.add("relu1", std::make_shared<nn::ReLU>());
      add("conv2", std::make_shared<nn::Conv2d>(4, 5, 3, strided, false, he, rng, DType::Float64));
      model.add("relu2", std::make_shared<nn::ReLU>());
      model.add("flatten", std::make_shared<nn::Flatten>());
      add("fc", std::make_shared<nn::Linear>(20, 3, false, he, rng, DType::Float64));
    }
    groups = tools::parameter_groups(model);
    backward();
  }

  void backward() {
    model.zero_grad();
    cross_entropy(model(x), labels).backward();
  }

  nn::Sequential model;
  Variable x;
  Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 2, 1, 0}, {6});
  std::vector<Group> groups;

 private:
  void add(const std::string& name, const std::shared_ptr<nn::Weighted>& layer) {
    if (layer->bias().defined()) {
      Variable bias = layer->bias();
      bias.set_value(uniform(bias.shape(), 2, 0.1, 0.5));
    }
    model.add(name, layer);
  }
};

/// Networks this small are computed faster by one thread than shared among several.
template <class Base>
class OneThread : public Base {
 protected:
  OneThread() { kernels::set_threads(1); }
  ~OneThread() override { kernels::set_threads(before_); }

 private:
  int before_ = kernels::threads();
};

class BatchNormDynamics : public OneThread<::testing::Test> {};
class LinearDynamics : public OneThread<::testing::Test> {};
class LayeredDynamics : public OneThread<::testing::Test> {};
class MarginDynamics : public OneThread<::testing::Test> {};
class Dynamics : public OneThread<::testing::TestWithParam<const char*>> {};
INSTANTIATE_TEST_SUITE_P(Theory, Dynamics, ::testing::Values("dense", "conv"),
                         [](const auto& test) { return std::string(test.param); });

// Theory, identity 3 (TheoryIII eq. 63): -d rho_k^2 / dt = 2 <W_k, dL/dW_k> is the same for all k.
TEST_P(Dynamics, SquaredNormsOfAllLayersGrowAlike) {
  const Net net(GetParam());
  const double first = optim::dot(values_of(net.groups[0]), gradients_of(net.groups[0]));
  ASSERT_GT(std::abs(first), 1e-2);
  for (const Group& group : net.groups)
    EXPECT_NEAR(optim::dot(values_of(group), gradients_of(group)), first, 64 * epsilon<double>())
        << group.name;
}

// Theory, identity 3: the drift of rho_k^2 - rho_j^2 over one unit of time vanishes like eta.
TEST_P(Dynamics, DifferencesOfSquaredNormsDriftLinearlyInTheLearningRate) {
  std::vector<double> drifts;
  for (const int steps : {50, 100, 200, 400}) {
    Net net(GetParam());
    Sgd optimizer(net.groups, 1.0 / steps);
    const auto difference = [&] {
      const double a = optim::norm(values_of(net.groups.front()), 2.0);
      const double b = optim::norm(values_of(net.groups.back()), 2.0);
      return a * a - b * b;
    };
    const double before = difference();
    for (int step = 0; step < steps; ++step) {
      net.backward();
      optimizer.step();
    }
    drifts.push_back(std::abs(difference() - before));
  }
  EXPECT_NEAR(order_of(drifts), 1.0, 0.2);
}

// Theory, identity 4 (TheoryIII observation 1): the flow d rho = <V, dW>, dV = S dW / rho is that
// of W; one step of it differs from one of gradient descent by O(eta^2), and a path by O(eta).
TEST_P(Dynamics, RhoAndDirectionFollowGradientDescent) {
  for (const int steps : {1, 40}) {
    std::vector<std::vector<double>> errors(3);
    for (const int finer : {1, 2, 4, 8}) {
      Net plain(GetParam()), polar(GetParam());
      const int count = steps == 1 ? 1 : steps * finer;
      const double eta = 4e-3 / finer;
      Sgd sgd(plain.groups, eta);
      NormConstrained optimizer(polar.groups, eta, {.direction = "polar-gradient"});
      for (int step = 0; step < count; ++step) {
        plain.backward();
        sgd.step();
        polar.backward();
        optimizer.step();
      }
      for (std::size_t k = 0; k < 3; ++k)
        errors[k].push_back(distance(values_of(plain.groups[k]), values_of(polar.groups[k])));
    }
    for (const std::vector<double>& layer : errors)
      EXPECT_NEAR(order_of(layer), steps == 1 ? 2.0 : 1.0, 0.1) << steps << " steps";
  }
}

// Theory, identity 4: where rho_k = 1, the tangent gradient with a learned rho is that flow too.
TEST_P(Dynamics, TangentGradientOnTheUnitSphereFollowsGradientDescent) {
  std::vector<std::vector<double>> errors(3);
  for (const double eta : kRates) {
    Net plain(GetParam()), constrained(GetParam());
    for (Net* net : {&plain, &constrained}) {
      for (const Group& group : net->groups) {
        const double length = optim::norm(values_of(group), 2.0);
        for (Variable x : group.tensors) x.set_value(scale(x, 1.0 / length).value());
      }
      net->backward();
    }
    Sgd(plain.groups, eta).step();
    NormConstrained(constrained.groups, eta).step();
    for (std::size_t k = 0; k < 3; ++k)
      errors[k].push_back(distance(values_of(plain.groups[k]), values_of(constrained.groups[k])));
  }
  for (const std::vector<double>& layer : errors) EXPECT_NEAR(order_of(layer), 2.0, 0.05);
}

/// Weight normalization (WNBN eq. 8-9): W = g v / ||v||, with g and v moved along the gradients
/// that autograd finds by the chain rule from dL/dW.
struct WeightNormalized {
  explicit WeightNormalized(const Group& of) : group(of) {
    const double length = optim::norm(values_of(of), 2.0);
    g = leaf(Tensor::from(std::vector{length}, {1}));
    for (const Tensor& tensor : scaled(1.0 / length, values_of(of))) v.push_back(leaf(tensor));
  }
  std::vector<Variable> weights() const {
    Variable squares(Tensor::from(std::vector{0.0}, {1}));
    for (const Variable& part : v) squares = squares + sum(part * part);
    std::vector<Variable> out;
    for (const Variable& part : v) out.push_back(part * (g / sqrt(squares)));
    return out;
  }
  /// Gradients of g, then of each tensor of v.
  std::vector<Variable> gradients() const {
    Variable loss(Tensor::from(std::vector{0.0}, {1}));
    const std::vector<Variable> w = weights();
    for (std::size_t i = 0; i < w.size(); ++i)
      loss = loss + sum(w[i] * Variable(group.tensors[i].grad().value()));
    std::vector<Variable> leaves{g};
    leaves.insert(leaves.end(), v.begin(), v.end());
    return grad({loss}, leaves);
  }
  void step(double eta) {
    const std::vector<Variable> slopes = gradients();
    g.set_value((g.detach() - eta * slopes[0]).value());
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i].set_value((v[i].detach() - eta * slopes[i + 1]).value());
    const std::vector<Variable> w = weights();
    for (std::size_t i = 0; i < w.size(); ++i) group.tensors[i].set_value(w[i].value());
  }

  Group group;
  Variable g;
  std::vector<Variable> v;
};

// Theory, identity 4 (TheoryIII eq. 55-58): where ||v|| = 1, dL/dg = <V, G> and dL/dv = rho S G.
TEST_P(Dynamics, WeightNormalizationHasTheTangentGradient) {
  const Net net(GetParam());
  for (const Group& group : net.groups) {
    const WeightNormalized reparametrized(group);
    const Tensors w = values_of(group), g = gradients_of(group);
    const double rho = optim::norm(w, 2.0);
    const std::vector<Variable> slopes = reparametrized.gradients();
    EXPECT_NEAR(slopes[0].item(), optim::dot(w, g) / rho, 64 * epsilon<double>());
    const Tensors tangent = scaled(rho, optim::project(optim::normal(w, 2.0), g));
    for (std::size_t i = 0; i < tangent.size(); ++i)
      testing::expect_near(slopes[i + 1].value(), tangent[i].to_vector<double>(),
                           64 * epsilon<double>(), group.name);
  }
}

// The optimizer of that name takes the steps that autograd finds in the coordinates g and v.
TEST_P(Dynamics, WeightNormalizationIsGradientDescentOnItsCoordinates) {
  Net a(GetParam()), b(GetParam());
  NormConstrained optimizer(a.groups, 0.01, {.direction = "weight-normalization"});
  std::vector<WeightNormalized> layers(b.groups.begin(), b.groups.end());
  for (int step = 0; step < 20; ++step) {
    a.backward();
    optimizer.step();
    b.backward();
    for (WeightNormalized& layer : layers) layer.step(0.01);
  }
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_LE(distance(values_of(a.groups[k]), values_of(b.groups[k])), 1e4 * epsilon<double>());
}

// Theory, identity 4: ||v|| grows by O(eta^2) a step, so the trajectories part by O(eta); over a
// time so short that no rectifier switches in one trajectory only.
TEST_P(Dynamics, WeightNormalizationFollowsTheTangentGradientFlow) {
  std::vector<double> errors;
  for (const int steps : {20, 40, 80}) {
    Net a(GetParam()), b(GetParam());
    NormConstrained optimizer(a.groups, 0.02 / steps);
    std::vector<WeightNormalized> layers(b.groups.begin(), b.groups.end());
    double error = 0.0;
    for (int step = 0; step < steps; ++step) {
      a.backward();
      optimizer.step();
      b.backward();
      for (WeightNormalized& layer : layers) layer.step(0.02 / steps);
    }
    for (std::size_t k = 0; k < 3; ++k)
      error = std::max(error, distance(values_of(a.groups[k]), values_of(b.groups[k])));
    errors.push_back(error);
  }
  EXPECT_NEAR(order_of(errors), 1.0, 0.2);
}

// Theory, identity 5 (TheoryIII 9): tangent gradient, coefficient normalization, the Lagrange
// multiplier method and the true gradient agree to O(eta^2) a step, p = 2; and so does weight
// normalization from ||v|| = 1. (Brought back to the sphere, the straight step is closer to most.)
TEST_P(Dynamics, TheMethodsAgreeToSecondOrder) {
  const auto moved = [&](const std::string& method, double eta) {
    Net net(GetParam());
    NormConstrained(net.groups, eta, {.direction = method, .retract_every = 2}).step();
    return net.groups;
  };
  for (const std::string method : {"coefficient-normalization", "lagrange-multiplier",
                                   "true-gradient", "weight-normalization"}) {
    std::vector<std::vector<double>> errors(3);
    for (const double eta : kRates) {
      const std::vector<Group> tangent = moved("tangent-gradient", eta), other = moved(method, eta);
      for (std::size_t k = 0; k < 3; ++k)
        errors[k].push_back(distance(values_of(tangent[k]), values_of(other[k])));
    }
    for (const std::vector<double>& layer : errors)
      EXPECT_NEAR(order_of(layer), 2.0, 0.1) << method;
  }
}

// Theory, identity 5: the path of every method to a given time converges with eta to one flow.
TEST_P(Dynamics, TheMethodsFollowOneFlow) {
  const auto at_end = [&](const std::string& method, int steps) {
    Net net(GetParam());
    NormConstrained optimizer(net.groups, 0.04 / steps, {.direction = method});
    for (int step = 0; step < steps; ++step) {
      net.backward();
      optimizer.step();
    }
    return net.groups;
  };
  for (const std::string method : {"coefficient-normalization", "lagrange-multiplier",
                                   "true-gradient", "weight-normalization"}) {
    std::vector<double> errors;
    for (const int steps : {20, 40, 80}) {
      const std::vector<Group> a = at_end("tangent-gradient", steps), b = at_end(method, steps);
      double error = 0.0;
      for (std::size_t k = 0; k < 3; ++k)
        error = std::max(error, distance(values_of(a[k]), values_of(b[k])));
      errors.push_back(error);
    }
    EXPECT_GE(order_of(errors), 0.8) << method;  // O(eta); a great circle does better
    EXPECT_LT(errors.back(), errors.front());
  }
}

// TheoryIII eq. 63 seen by the audit: rho_k <V_k, G_k> is the same for all layers, and with it the
// multiplier that holds each of them on its sphere.
TEST_P(Dynamics, TheMultipliersOfAllLayersAreEqual) {
  for (const char* const method :
       {"tangent-gradient", "coefficient-normalization", "true-gradient", "weight-normalization"}) {
    Net net(GetParam());
    NormConstrained optimizer(net.groups, 0.01, {.direction = method});
    optimizer.keep_audit(true);
    for (int step = 0; step < 10; ++step) {
      net.backward();
      optimizer.step();
      const std::vector<optim::GroupAudit> audits = optimizer.audit(2.0);
      for (const optim::GroupAudit& layer : audits)
        // Weight normalization has ||v||^2, which has grown a little, in the denominator.
        EXPECT_NEAR(layer.multiplier, audits[0].multiplier,
                    method == std::string("weight-normalization")
                        ? 1e-2 * std::abs(audits[0].multiplier)
                        : 256 * epsilon<double>())
            << method << ' ' << layer.group;
    }
  }
}

// The tangent step of any p leaves its sphere by O(eta^2); smooth for p > 2.
TEST_P(Dynamics, TheNormDriftsBySecondOrderWithoutRetraction) {
  for (const double p : {2.0, 3.0, 4.0}) {
    std::vector<std::vector<double>> drifts(3);
    for (const double eta : kRates) {
      const Net net(GetParam());
      NormConstrained optimizer(net.groups, eta / 16, {.p = p, .rho = "fixed", .retract_every = 2});
      std::vector<double> before;
      for (const Group& group : net.groups) before.push_back(optim::norm(values_of(group), p));
      optimizer.step();
      for (std::size_t k = 0; k < 3; ++k)
        drifts[k].push_back(optim::norm(values_of(net.groups[k]), p) / before[k] - 1.0);
    }
    for (const std::vector<double>& layer : drifts)
      EXPECT_NEAR(order_of(layer), 2.0, 0.1) << "p = " << p;
  }
}

// Batch normalization divides by the scale of what comes before it: the loss does not change with
// the norm of a channel's weights, and their gradient is orthogonal to them (WNBN 5.2).
TEST_F(BatchNormDynamics, GradientsAreOrthogonalToTheWeightsOfEachChannel) {
  Rng rng(4);
  nn::Sequential model;
  const auto conv =
      model.add("conv", std::make_shared<nn::Conv2d>(2, 4, 3, kernels::Conv2dOptions{}, false,
                                                     nn::Init{}, rng, DType::Float64));
  model.add("bn", std::make_shared<nn::BatchNorm2d>(4, DType::Float64, 0.0));
  model.add("relu", std::make_shared<nn::ReLU>());
  model.add("flatten", std::make_shared<nn::Flatten>());
  model.add("fc", std::make_shared<nn::Linear>(36, 3, false, nn::Init{}, rng, DType::Float64));
  const Variable x(uniform({6, 5, 5, 2}, 1));
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 2, 1, 0}, {6});
  const Variable loss = cross_entropy(model(x), labels);
  loss.backward();
  const std::vector<double> w = conv->weight().value().to_vector<double>();
  const std::vector<double> g = conv->weight().grad().value().to_vector<double>();
  for (std::size_t channel = 0; channel < 4; ++channel) {
    const auto at = static_cast<std::ptrdiff_t>(channel * 18);
    const auto begin = w.begin() + at, slopes = g.begin() + at;
    EXPECT_NEAR(std::inner_product(begin, begin + 18, slopes, 0.0), 0.0, 256 * epsilon<double>());
    EXPECT_GT(std::inner_product(slopes, slopes + 18, slopes, 0.0), 1e-4);
  }
  Variable weight = conv->weight();
  weight.set_value(scale(weight, 10.0).value());
  EXPECT_NEAR(cross_entropy(model(x), labels).item(), loss.item(), 64 * epsilon<double>());
}

/// L = mean of exp(-<w, z_n>) with z_n = y_n x_n: one linear layer, one scalar output.
struct Linear {
  Linear(const std::vector<double>& weights, const std::vector<double>& z, std::int64_t examples)
      : w(leaf(Tensor::from(weights, {2, 1}))), inputs(Tensor::from(z, {examples, 2})) {}

  void backward() {
    w.zero_grad();
    const Variable f = matmul(inputs, w);
    mean(exp(-f)).backward();
  }
  std::vector<Group> groups() const { return {{"w", {w}, true}}; }
  std::vector<double> weights() const { return w.value().to_vector<double>(); }

  Variable w;
  Variable inputs;
};

// Theory, identity 7 (TheoryIII section 12), one example x = (1, 0): rho ~ log t. Gradient descent
// leaves w's component across x as it is, so the sine of the angle is its share of rho ~ 1 / log t.
TEST_F(LinearDynamics, GradientDescentTurnsLikeOneOverTheLogarithm) {
  Linear linear({0.5, 0.8}, {1.0, 0.0}, 1);
  Sgd optimizer(linear.groups(), 0.1);
  std::vector<double> along;
  for (int step = 1; step <= 20000; ++step) {
    linear.backward();
    optimizer.step();
    if (step == 2000 || step == 20000) along.push_back(linear.weights()[0]);
  }
  EXPECT_EQ(linear.weights()[1], 0.8);
  // d e^(w_1) / dt = 1: from t = 200 to t = 2000 w_1 grows by log 10, up to 1 / t.
  EXPECT_NEAR(along[1] - along[0], std::log(10.0), 0.02);
}

// Theory, identity 7: on the sphere d theta / d rho = -rho tan(theta), so that sin(theta) is
// proportional to exp(-rho^2 / 2), which is t^(-log(t) / 2) with rho = log t.
TEST_F(LinearDynamics, TangentGradientTurnsLikeAPowerOfItsLogarithm) {
  std::vector<double> errors;
  for (const double eta : {0.04, 0.02, 0.01}) {
    Linear linear({0.5, 0.8}, {1.0, 0.0}, 1);
    NormConstrained optimizer(linear.groups(), eta);
    const auto constant = [&] {
      const std::vector<double> w = linear.weights();
      const double rho = std::hypot(w[0], w[1]);
      return std::log(w[1] / rho) + rho * rho / 2;
    };
    const double start = constant();
    double rho_before = 0.0;
    const int steps = static_cast<int>(400.0 / eta);
    for (int step = 1; step <= steps; ++step) {
      linear.backward();
      optimizer.step();
      if (step == steps / 10) rho_before = linear.weights()[0];
    }
    errors.push_back(std::abs(constant() - start));
    EXPECT_NEAR(linear.weights()[0] - rho_before, std::log(10.0), 0.1);
    EXPECT_LT(linear.weights()[1], 1e-6);
  }
  EXPECT_NEAR(order_of(errors), 1.0, 0.2);
}

/// K linear layers of one weight r each and one example x: f = r^K x, f~ = x.
struct Chain {
  Chain(int layers, double r, double example) : x(Tensor::from(std::vector{example}, {1})) {
    for (int k = 0; k < layers; ++k) {
      weights.push_back(leaf(Tensor::from(std::vector{r}, {1})));
      groups.push_back({std::to_string(k), {weights.back()}, true});
    }
  }
  Variable f() const {
    Variable out = x;
    for (const Variable& w : weights) out = out * w;
    return out;
  }
  void step(Sgd& optimizer) {
    for (Variable& w : weights) w.zero_grad();
    exp(-f()).backward();
    optimizer.step();
  }

  Variable x;
  std::vector<Variable> weights;
  std::vector<Group> groups;
};

// Theory, identity 8 (TheoryIII eq. 64): d(e^(r^K f~)) / dt = K f~^2 r^(2K - 2), which one step of
// eta has up to O(eta).
TEST_F(LayeredDynamics, TheExponentialOfTheProductGrowsByTheLaw) {
  constexpr double kRadius = 1.2, kExample = 0.7;
  for (int layers = 1; layers <= 4; ++layers) {
    const double law = layers * kExample * kExample * std::pow(kRadius, 2 * layers - 2);
    std::vector<double> errors;
    for (const double eta : kRates) {
      Chain chain(layers, kRadius, kExample);
      Sgd optimizer(chain.groups, eta);
      const double before = std::exp(chain.f().item());
      chain.step(optimizer);
      errors.push_back(std::abs((std::exp(chain.f().item()) - before) / eta - law) / law);
    }
    EXPECT_LT(errors.back(), 1e-2) << layers;
    EXPECT_NEAR(order_of(errors), 1.0, 0.05) << layers;
  }
}

// Theory, identity 8: with more layers the product grows faster than log t, each layer slower.
TEST_F(LayeredDynamics, TheProductGrowsFasterThanTheLogarithmAndEachLayerSlower) {
  std::vector<double> products, layers;
  for (int count = 1; count <= 3; ++count) {
    Chain chain(count, 1.0, 1.0);
    Sgd optimizer(chain.groups, 0.01);
    const double at_start = chain.f().item();
    for (int step = 0; step < 10000; ++step) chain.step(optimizer);
    products.push_back(chain.f().item() - at_start);
    layers.push_back(chain.weights[0].item());
    for (const Variable& w : chain.weights)  // equal layers stay equal
      EXPECT_NEAR(w.item(), layers.back(), 1e4 * epsilon<double>() * layers.back());
  }
  EXPECT_NEAR(products[0], std::log1p(100.0 / std::numbers::e), 1e-2);
  EXPECT_GT(products[1], products[0] + 0.5);
  EXPECT_GT(products[2], products[1] + 0.5);
  EXPECT_LT(layers[1], layers[0] - 0.5);
  EXPECT_LT(layers[2], layers[1] - 0.1);
}

// Theory, identity 9 (TheoryIII theorem 5): the hull of these z_n is nearest to 0 at (21, 14) / 13,
// between the first two, so the hard margin has the direction (3, 2) / sqrt(13). At a given rho the
// constrained minimum is off by O(1 / rho).
TEST_F(LinearDynamics, GrowingRhoReachesTheHardMarginDirection) {
  Linear linear({0.2, 0.9}, {3.0, -1.0, 1.0, 2.0, 4.0, 4.0}, 3);
  NormConstrained optimizer(linear.groups(), 1.0, {.rho = "linear:0.01"});
  std::vector<double> angles;
  for (int step = 1; step <= 16000; ++step) {
    linear.backward();
    const std::vector<double> w = linear.weights();
    const double rho = std::hypot(w[0], w[1]);
    const double margin = std::min(3 * w[0] - w[1], w[0] + 2 * w[1]);
    optimizer.set_lr(0.05 * std::exp(margin) / (rho * rho));  // the path does not depend on time
    optimizer.step();
    if (step == 4000 || step == 8000 || step == 16000)
      angles.push_back(
          std::abs(std::atan2(linear.weights()[1], linear.weights()[0]) - std::atan2(2.0, 3.0)));
  }
  EXPECT_LT(angles.back(), 0.01);
  EXPECT_NEAR(order_of(angles), 1.0, 0.1);
}

// Theory, identity 10 (TheoryIII lemma 8): while the example of the smallest margin dominates the
// exponential loss, that margin of f~ does not decrease, even at a fixed rho.
TEST_F(MarginDynamics, TheNormalizedMarginGrowsWhileOneExampleDominates) {
  int steps = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Rng rng(seed);
    nn::Sequential model;
    model.add("fc1", std::make_shared<nn::Linear>(4, 8, true, nn::Init{}, rng, DType::Float64));
    model.add("relu", std::make_shared<nn::ReLU>());
    model.add("fc2", std::make_shared<nn::Linear>(8, 1, false, nn::Init{}, rng, DType::Float64));
    for (const nn::NamedParameter& parameter : model.parameters()) {
      Variable w = parameter.value;
      w.set_value(scale(w, 8.0).value());  // exp(-f) then differs much between the examples
    }
    const Variable x(uniform({5, 4}, seed));
    const auto f = [&] { return reshape(model(x), {5}); };
    const Tensor y = sign(f()).value();  // every network separates what it says itself
    std::vector<Group> groups = tools::parameter_groups(model);
    NormConstrained optimizer(groups, 1.0, {.rho = "fixed"});
    double before = 0.0;
    for (int step = 0; step < 200; ++step) {
      std::vector<double> margins = (f() * Variable(y)).value().to_vector<double>();
      std::sort(margins.begin(), margins.end());
      EXPECT_GT(margins[0], before) << "seed " << seed << ", step " << step;
      before = margins[0];
      if (!(margins[1] - margins[0] > 7.0)) break;  // others count for less than 1 in 1000
      model.zero_grad();
      exponential_loss(f(), y).backward();
      optimizer.set_lr(1e-6 * std::exp(margins[0]));
      optimizer.step();
      ++steps;
    }
  }
  EXPECT_GE(steps, 100);
}

}  // namespace
}  // namespace rho
