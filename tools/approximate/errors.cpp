#include "tools/approximate/errors.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "tools/approximate/fit.h"
#include "tools/approximate/target.h"

namespace rho::approximate {
namespace {

using Vector = std::vector<double>;

constexpr std::uint64_t kTestSeed = 0, kTestStream = 100;  // no stream of a fit
constexpr std::int64_t kChunk = 1000;                      // points at once
constexpr std::size_t kClimbers = 100;
constexpr int kClimbSteps = 60;
constexpr double kFirstStep = 0.1;

/// `to` = `x` moved by `length` along the part of the gradient that does not leave the cube.
void step(const double* x, const double* gradient, std::size_t dimensions, double length,
          double* to) {
  const auto direction = [&](std::size_t d) {
    const bool outwards = std::abs(x[d]) >= 1.0 && gradient[d] * x[d] > 0.0;
    return outwards ? 0.0 : gradient[d];
  };
  double square = 0.0;
  for (std::size_t d = 0; d < dimensions; ++d) square += direction(d) * direction(d);
  const double scale = square > 0.0 ? length / std::sqrt(square) : 0.0;
  for (std::size_t d = 0; d < dimensions; ++d)
    to[d] = std::clamp(x[d] + scale * direction(d), -1.0, 1.0);
}

struct Sample {
  Tensor points;              ///< [N, 8]
  Vector target, difference;  ///< f and f - P on them
};

Sample sample(nn::Module& network, const std::string& name, std::int64_t points) {
  const NoGrad guard;
  Rng rng(kTestSeed, kTestStream);
  Sample out{random_points(points, rng, DType::Float64), {}, {}};
  for (std::int64_t begin = 0; begin < points; begin += kChunk) {
    const Tensor chunk = out.points.slice(0, begin, std::min(begin + kChunk, points));
    const Variable x(chunk.to(network.device()));
    const Variable f = target(name, x);
    const Vector values = f.value().to_vector<double>();
    const Vector differences = (f - network(x)).value().to_vector<double>();
    out.target.insert(out.target.end(), values.begin(), values.end());
    out.difference.insert(out.difference.end(), differences.begin(), differences.end());
  }
  return out;
}

/// The points where |f - P| is largest, the worst one first.
Tensor worst_points(const Sample& of) {
  std::vector<std::size_t> order(of.difference.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t count = std::min(kClimbers, order.size());
  const auto size = [&](std::size_t n) { return std::abs(of.difference[n]); };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return size(a) > size(b) || (size(a) == size(b) && a < b);
                    });
  Vector out;
  const double* const points = of.points.data<double>();
  for (std::size_t k = 0; k < count; ++k)
    out.insert(out.end(), points + order[k] * kVariables, points + (order[k] + 1) * kVariables);
  return Tensor::from(out, {static_cast<std::int64_t>(count), kVariables}, Device{});
}

double root_mean_square(const Vector& values, double around) {
  double sum = 0.0;
  for (const double value : values) sum += (value - around) * (value - around);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double mean_of(const Vector& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Tensor climb(const std::function<Variable(const Variable&)>& height, const Tensor& start) {
  const auto rows = static_cast<std::size_t>(start.size(0));
  const auto dimensions = static_cast<std::size_t>(start.size(1));
  Vector best = start.to_vector<double>(), next = best, slope(best.size());
  Vector top(rows, -INFINITY), length(rows, kFirstStep);
  for (int k = 0; k <= kClimbSteps; ++k) {
    const Variable x(Tensor::from(next, start.shape(), start.device()), true);
    const Variable y = height(x);
    const Vector values = y.value().to_vector<double>();
    const Vector slopes = grad({sum(y)}, {x})[0].value().to_vector<double>();
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t at = r * dimensions;
      if (values[r] > top[r]) {
        top[r] = values[r];
        std::copy_n(&next[at], dimensions, &best[at]);
        std::copy_n(&slopes[at], dimensions, &slope[at]);
      } else {
        length[r] /= 2.0;
      }
      step(&best[at], &slope[at], dimensions, length[r], &next[at]);
    }
  }
  return Tensor::from(best, start.shape(), start.device());
}

Errors measure_errors(nn::Module& network, const std::string& name, std::int64_t points) {
  check(points >= 2, "errors", points, " test points, expected at least 2");
  network.to(DType::Float64);
  const auto error = [&](const Variable& x) { return abs(target(name, x) - network(x)); };
  const Sample of = sample(network, name, points);
  const double rms = root_mean_square(of.difference, 0.0);
  check(std::isfinite(rms), "errors", "the network has diverged: its rms error is ", rms);
  const Tensor worst = worst_points(of).to(network.device());
  const Vector errors = error(Variable(worst)).value().to_vector<double>();
  const Vector top = error(Variable(climb(error, worst))).value().to_vector<double>();
  return {errors[0], *std::max_element(top.begin(), top.end()), rms,
          rms / root_mean_square(of.target, mean_of(of.target))};
}

}  // namespace rho::approximate
