#include "tools/dynamics/integrate.h"

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <limits>

namespace rho::dynamics {
namespace {

constexpr double kFirstMove = 1e-2;   // of the coordinates in the first step, relative
constexpr int kStepsASample = 20000;  // more than that before the next time: there is no end

}  // namespace

Trajectory integrate(Flow& flow, const Vector& start, const Vector& times, Accuracy accuracy) {
  namespace odeint = boost::numeric::odeint;
  check(!times.empty() && times.front() >= 0.0 && std::ranges::is_sorted(times), "integrate",
        "expected ascending times from 0 on");
  Vector logarithms{0.0};  // the first is where the flow starts, whether or not it is asked for
  for (const double t : times) logarithms.push_back(std::log1p(t));

  Trajectory out;
  double s_reached = 0.0;
  const auto velocity = [&](const Vector& x, Vector& dx, double s) {
    dx = flow.velocity(x, std::expm1(s));
    for (double& value : dx) {
      value *= std::exp(s);
      check(std::isfinite(value), "integrate", "a velocity is not finite at t = ", std::expm1(s));
    }
  };
  bool first = true;
  const auto observe = [&](const Vector& x, double s) {
    s_reached = s;
    if (!std::exchange(first, false)) out.w.push_back(flow.weights(x));
  };
  // Not 0: a coordinate that is 0 and stays 0 has no error.
  const double absolute = std::max(accuracy.absolute, std::numeric_limits<double>::min());
  const auto method =
      odeint::make_controlled<odeint::runge_kutta_dopri5<Vector>>(absolute, accuracy.relative);
  Vector x = flow.coordinates(start);
  // Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4: a first
  // step so short that no stage leaves the neighbourhood; the method then finds its own.
  Vector initial;
  velocity(x, initial, 0.0);
  const double speed = norm(initial);
  const double first_step = kFirstMove * std::min(1.0, speed > 0.0 ? norm(x) / speed : 1.0);
  try {
    odeint::integrate_times(method, velocity, x, logarithms.begin(), logarithms.end(), first_step,
                            observe, odeint::max_step_checker(kStepsASample));
  } catch (const odeint::odeint_error&) {
    fail("integrate", "no end after ", kStepsASample, " steps behind t = ", std::expm1(s_reached),
         ": the flow is too stiff, or slides along the kink of a rectifier");
  }
  out.t = times;
  return out;
}

Vector log_times(double first, double last, std::size_t count) {
  check(first > 0.0 && last > first && count >= 2, "log_times", "from ", first, " to ", last);
  Vector out;
  const double ratio = std::log(last / first) / static_cast<double>(count - 1);
  for (std::size_t i = 0; i + 1 < count; ++i)
    out.push_back(first * std::exp(ratio * static_cast<double>(i)));
  out.push_back(last);
  return out;
}

}  // namespace rho::dynamics
