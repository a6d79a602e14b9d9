#include "tools/dynamics/fit.h"

#include <boost/math/distributions/students_t.hpp>

namespace rho::dynamics {
namespace {

double mean(const Vector& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// The sum of (a - mean(a)) (b - mean(b)).
double scatter(const Vector& a, const Vector& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double out = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) out += (a[i] - mean_a) * (b[i] - mean_b);
  return out;
}

double student(double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), 0.975);
}

}  // namespace

Line fit_line(const Vector& x, const Vector& y) {
  check(x.size() == y.size() && x.size() >= 3, "fit_line", x.size(), " and ", y.size(),
        " values, expected as many of both, at least 3");
  const auto n = static_cast<double>(x.size());
  const double xx = scatter(x, x), xy = scatter(x, y), yy = scatter(y, y);
  check(xx > 0.0 && std::isfinite(xx) && std::isfinite(yy), "fit_line",
        "expected finite values at different x");
  Line out;
  out.slope.value = xy / xx;
  out.intercept.value = mean(y) - out.slope.value * mean(x);
  double squares = 0.0;  // of the residuals; not yy - xy^2 / xx, which cancels
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double residual = y[i] - out.intercept.value - out.slope.value * x[i];
    squares += residual * residual;
  }
  const double spread = student(n - 2.0) * std::sqrt(squares / (n - 2.0));
  out.slope.half_width = spread / std::sqrt(xx);
  out.intercept.half_width = spread * std::sqrt(1.0 / n + mean(x) * mean(x) / xx);
  out.r2 = yy > 0.0 ? 1.0 - squares / yy : 1.0;
  return out;
}

Estimate mean_of(const Vector& samples) {
  check(samples.size() >= 2, "mean_of", samples.size(), " samples, expected at least 2");
  const auto n = static_cast<double>(samples.size());
  return {mean(samples), student(n - 1.0) * std::sqrt(scatter(samples, samples) / (n - 1.0) / n)};
}

}  // namespace rho::dynamics
