#include "tools/sweep/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tensor/error.h"
#include "tensor/random.h"

namespace rho::sweep {
namespace {

using Values = std::vector<double>;

constexpr int kResamples = 2000;
constexpr double kTail = 0.025;  // on either side of an interval

double mean(const Values& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// The sum of (a - mean(a)) (b - mean(b)).
double scatter(const Values& a, const Values& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double out = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) out += (a[i] - mean_a) * (b[i] - mean_b);
  return out;
}

bool all_equal(const Values& x) {
  return std::all_of(x.begin(), x.end(), [&](double value) { return value == x.front(); });
}

void check_sample(const Sample& sample, const char* op) {
  check(sample.x.size() == sample.y.size() && sample.x.size() >= 3, op, sample.x.size(), " x and ",
        sample.y.size(), " y, expected as many of both, at least 3");
  for (const Values* values : {&sample.x, &sample.y})
    for (const double value : *values) check(std::isfinite(value), op, "a value is not finite");
  check(!all_equal(sample.x), op, "all x are equal");
}

// Slope and intercept before the origins are added.
struct Fit {
  double slope, intercept;
};

Fit fit_free(const Values& x, const Values& y) {
  const double slope = scatter(x, y) / scatter(x, x);
  return {slope, mean(y) - slope * mean(x)};
}

Fit fit_slope_one(const Values& x, const Values& y) { return {1.0, mean(y) - mean(x)}; }

Fit add_origins(Fit fit, const Sample& sample) {
  return {fit.slope, fit.intercept + sample.origin_y - fit.slope * sample.origin_x};
}

// The value below which a part of them lies, linear between neighbours.
double quantile(Values& values, double part) {
  std::sort(values.begin(), values.end());
  const double at = part * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

Interval interval_of(Values values) {
  const double low = quantile(values, kTail);
  return {low, quantile(values, 1.0 - kTail)};
}

template <class Method>
void bootstrap(const Sample& sample, const Method& method, Line& line) {
  Rng rng(1);
  const std::size_t n = sample.x.size();
  Values slopes, intercepts, x(n), y(n);
  for (int r = 0; r < kResamples; ++r) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto drawn = static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(n)));
      x[i] = sample.x[drawn];
      y[i] = sample.y[drawn];
    }
    if (all_equal(x)) continue;
    const Fit fit = add_origins(method(x, y), sample);
    slopes.push_back(fit.slope);
    intercepts.push_back(fit.intercept);
  }
  line.slope_interval = interval_of(std::move(slopes));
  line.intercept_interval = interval_of(std::move(intercepts));
}

template <class Method>
Line line_of(const Sample& sample, const Method& method) {
  const Fit fit = method(sample.x, sample.y);
  double squares = 0.0;  // of the residuals
  for (std::size_t i = 0; i < sample.x.size(); ++i) {
    const double residual = sample.y[i] - fit.intercept - fit.slope * sample.x[i];
    squares += residual * residual;
  }
  Line line;
  line.points = sample.x.size();
  const Fit shown = add_origins(fit, sample);
  line.slope = shown.slope;
  line.intercept = shown.intercept;
  line.r2 = all_equal(sample.y) ? std::nan("") : 1.0 - squares / scatter(sample.y, sample.y);
  line.rmse = std::sqrt(squares / static_cast<double>(line.points));
  bootstrap(sample, method, line);
  return line;
}

// 1 for the smallest; equal values get the mean of their places.
Values ranks_of(const Values& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Values ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i)
      ranks[order[i]] = 0.5 * static_cast<double>(first + 1 + last);
  }
  return ranks;
}

}  // namespace

Line least_squares(const Sample& sample) {
  check_sample(sample, "least_squares");
  return line_of(sample, fit_free);
}

Line slope_one(const Sample& sample) {
  check_sample(sample, "slope_one");
  return line_of(sample, fit_slope_one);
}

double spearman(const Sample& sample) {
  check_sample(sample, "spearman");
  check(!all_equal(sample.y), "spearman", "all y are equal");
  const Values x = ranks_of(sample.x), y = ranks_of(sample.y);
  return scatter(x, y) / std::sqrt(scatter(x, x) * scatter(y, y));
}

}  // namespace rho::sweep
