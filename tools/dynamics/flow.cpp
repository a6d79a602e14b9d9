#include "tools/dynamics/flow.h"

#include <functional>

#include "tensor/text.h"

namespace rho::dynamics {
namespace {

class GradientFlow : public Flow {
 public:
  explicit GradientFlow(System& system) : system_(system) {}

  Vector coordinates(const Vector& w) const override { return w; }
  Vector weights(const Vector& x) const override { return x; }
  Vector velocity(const Vector& x, double) override {
    Vector out = system_.gradient(x);
    for (double& value : out) value = -value;
    return out;
  }

 private:
  System& system_;
};

// drho/dt as a function of time; empty where rho is learned.
using Growth = std::function<double(double)>;

// Coordinates: the norms rho_k of all layers, then the directions V_k.
class SphereFlow : public Flow {
 public:
  // dV = -rho^power S G.
  SphereFlow(System& system, double power, Growth growth = {})
      : system_(system), layers_(system.layers()), power_(power), growth_(std::move(growth)) {}

  Vector coordinates(const Vector& w) const override {
    Vector out = system_.norms(w);
    out.insert(out.end(), w.begin(), w.end());
    each_layer([&](std::size_t k, std::size_t begin) {
      check(out[k] > 0.0, "flow", "layer ", k + 1, " is zero: it has no direction");
      for (std::size_t i = begin; i < begin + layers_[k]; ++i) out[layers_.size() + i] /= out[k];
    });
    return out;
  }

  Vector weights(const Vector& x) const override {
    Vector out(x.begin() + static_cast<std::ptrdiff_t>(layers_.size()), x.end());
    each_layer([&](std::size_t k, std::size_t begin) {
      for (std::size_t i = begin; i < begin + layers_[k]; ++i) out[i] *= x[k];
    });
    return out;
  }

  Vector velocity(const Vector& x, double t) override {
    const Vector gradient = system_.gradient(weights(x));
    Vector out(x.size());
    each_layer([&](std::size_t k, std::size_t begin) {
      const auto v = std::span(x).subspan(layers_.size() + begin, layers_[k]);
      const auto g = std::span(gradient).subspan(begin, layers_[k]);
      const double along = dot(v, g), squares = dot(v, v), factor = std::pow(x[k], power_);
      out[k] = growth_ ? growth_(t) : -along;
      for (std::size_t i = 0; i < v.size(); ++i)
        out[layers_.size() + begin + i] = -factor * (g[i] - v[i] * along / squares);
    });
    return out;
  }

 private:
  void each_layer(const std::function<void(std::size_t k, std::size_t begin)>& visit) const {
    std::size_t begin = 0;
    for (std::size_t k = 0; k < layers_.size(); begin += layers_[k++]) visit(k, begin);
  }

  System& system_;
  std::vector<std::size_t> layers_;
  double power_;
  Growth growth_;
};

// "linear:RATE", "log:C" and "fixed"; throws for all else.
Growth parse_growth(const std::string& name) {
  if (name == "fixed") return [](double) { return 0.0; };
  const std::vector<std::string> fields = split(name, ':');
  const auto rate = fields.size() == 2 ? parse_number<double>(fields[1]) : std::nullopt;
  if (rate && fields[0] == "linear") return [r = *rate](double) { return r; };
  if (rate && fields[0] == "log") return [r = *rate](double t) { return r / (1.0 + t); };
  fail("flow", "unknown flow \"", name, "\", expected gradient, polar-gradient, ",
       "weight-normalization, fixed, linear:RATE or log:C");
}

}  // namespace

std::unique_ptr<Flow> make_flow(const std::string& name, System& system) {
  if (name == "gradient") return std::make_unique<GradientFlow>(system);
  if (name == "polar-gradient") return std::make_unique<SphereFlow>(system, -1.0);
  if (name == "weight-normalization") return std::make_unique<SphereFlow>(system, 1.0);
  return std::make_unique<SphereFlow>(system, 1.0, parse_growth(name));
}

}  // namespace rho::dynamics
