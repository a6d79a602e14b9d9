// Groups of parameters with made-up gradients, and the sphere on plain lists of doubles.
#pragma once

#include <cmath>
#include <numeric>

#include "optim/optimizer.h"
#include "optim/sphere.h"
#include "tests/support/testing.h"

namespace rho::testing {

using optim::Group;
using optim::Optimizer;
using optim::Tensors;
using Values = std::vector<double>;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kOrders[] = {1.0, 1.5, 2.0, 4.0, kInfinity};

/// A first layer with its bias, a layer, and a bias that is on no sphere.
template <class T = double>
std::vector<Group> make_groups() {
  return {{"conv", {leaf(uniform<T>({3, 2, 2}, 1)), leaf(uniform<T>({3}, 2))}, true},
          {"fc", {leaf(uniform<T>({2, 4}, 3))}, true},
          {"fc.bias", {leaf(uniform<T>({2}, 4))}, false}};
}

inline std::vector<Variable> tensors_of(const std::vector<Group>& groups) {
  std::vector<Variable> out;
  for (const Group& group : groups)
    out.insert(out.end(), group.tensors.begin(), group.tensors.end());
  return out;
}

/// Gives every tensor its gradient of this step.
template <class T = double>
void set_gradients(const std::vector<Group>& groups, std::uint64_t step) {
  std::uint64_t stream = 100 * (step + 1);
  for (Variable& x : tensors_of(groups)) x.set_grad(Variable(uniform<T>(x.shape(), ++stream)));
}

inline Values values_of(const std::vector<Variable>& tensors) {
  Values out;
  for (const Variable& x : tensors) {
    const Values part = x.value().to_vector<double>();
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

inline Values gradients_of(const std::vector<Variable>& tensors) {
  std::vector<Variable> gradients;
  gradients.reserve(tensors.size());
  for (const Variable& x : tensors) gradients.push_back(x.grad());
  return values_of(gradients);
}

inline void expect_near(const std::vector<Variable>& found, const Values& expected,
                        double tolerance) {
  const Values values = values_of(found);
  testing::expect_near(Tensor::from(values, {static_cast<std::int64_t>(values.size())}), expected,
                       tolerance);
}

inline Tensor entry(const Optimizer& optimizer, const std::string& name) {
  for (const auto& [key, tensor] : optimizer.entries())
    if (key == name) return tensor;
  fail("test", "no entry ", name);
}

inline Tensors direction_of(const Optimizer& optimizer, const std::string& group = "conv") {
  Tensors out{entry(optimizer, group + "/direction/0")};
  if (group == "conv") out.push_back(entry(optimizer, group + "/direction/1"));
  return out;
}

inline double rho_of(const Optimizer& optimizer, const std::string& group = "conv") {
  return entry(optimizer, group + "/rho").item();
}

/// S_p g on one list of doubles, and ||v||_p.
inline double norm_of(const Values& v, double p) {
  double out = 0.0;
  for (const double value : v)
    out = std::isinf(p) ? std::max(out, std::abs(value)) : out + std::pow(std::abs(value), p);
  return std::isinf(p) ? out : std::pow(out, 1.0 / p);
}

inline Values project_at(const Values& v, double p, Values g) {
  const double length = norm_of(v, p);
  Values nu(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double ratio = std::abs(v[i]) / length;
    const double size = std::isinf(p) ? (ratio == 1.0 ? 1.0 : 0.0) : std::pow(ratio, p - 1.0);
    nu[i] = std::copysign(size, v[i]);
  }
  const double along = std::inner_product(nu.begin(), nu.end(), g.begin(), 0.0) /
                       std::inner_product(nu.begin(), nu.end(), nu.begin(), 0.0);
  for (std::size_t i = 0; i < g.size(); ++i) g[i] -= along * nu[i];
  return g;
}

}  // namespace rho::testing
