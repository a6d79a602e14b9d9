#include "tools/figures/scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tools/figures/quantity.h"

namespace rho::figures {
namespace {

constexpr double kRoom = 0.06;           // of the axis, on either side of the values
constexpr double kCloseToOrigin = 1e-5;  // a range so small beside the origin is shown without it
constexpr double kFewDecades = 0.8;
constexpr int kLargest = 5, kSmallest = -3;  // powers of ten that ticks are written out for

// The smallest of 1, 2, 2.5, 5 times a power of ten that makes at most `most` steps.
double nice_step(double length, int most) {
  const double power = std::pow(10.0, std::floor(std::log10(length / most)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0})
    if (length <= factor * power * most) return factor * power;
  return 10.0 * power;
}

int decimals(double step) {
  for (int digits = 0; digits < 15; ++digits) {
    const double scaled = step * std::pow(10.0, digits);
    if (std::abs(scaled - std::round(scaled)) < 1e-6 * scaled) return digits;
  }
  return 15;
}

std::string fixed(double value, int digits) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, std::abs(value));
  const std::string text = buffer.data();
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !zero ? "−" + text : text;
}

// "label [nats]" and a power of ten: "label [10⁻⁴ nats]".
std::string with_power(const std::string& label, int exponent) {
  if (exponent == 0) return label;
  const std::string power = power_of_ten(exponent);
  const std::size_t unit = label.rfind('[');
  if (unit == std::string::npos) return label + " [" + power + "]";
  return label.substr(0, unit + 1) + power + " " + label.substr(unit + 1);
}

// "label [nats]" less ln C.
std::string less_origin(const std::string& label, double origin) {
  const std::string less = " − ln " + std::to_string(std::lround(std::exp(origin)));
  const std::size_t unit = label.rfind(" [");
  return unit == std::string::npos ? label + less
                                   : label.substr(0, unit) + less + label.substr(unit);
}

void add_room(double& low, double& high) {
  double length = high - low;
  if (!(length > 1e-12 * std::max(std::abs(low), std::abs(high))))
    length = low == 0.0 ? 1.0 : std::abs(low);
  low -= kRoom * length;
  high += kRoom * length;
}

Scale linear(const Axis& axis, double low, double high, int most) {
  const double lowest = low;
  add_room(low, high);
  if (axis.starts_at_lowest) low = lowest;
  Scale out{low, high, {}, axis.label, false};
  const bool show_origin = axis.origin != 0.0 && high - low > kCloseToOrigin * axis.origin;
  const double origin = show_origin ? axis.origin : 0.0;
  if (axis.origin != 0.0 && !show_origin) out.label = less_origin(axis.label, axis.origin);
  double step = nice_step(high - low, most);
  if (axis.whole) step = std::max(1.0, std::ceil(step));
  const double largest = std::max(std::abs(low + origin), std::abs(high + origin));
  const int power = static_cast<int>(std::floor(std::log10(largest)));
  const int exponent = power >= kLargest || power < kSmallest ? power : 0;
  const double unit = std::pow(10.0, exponent);
  const int digits = decimals(step / unit);
  const auto first = static_cast<std::int64_t>(std::ceil((low + origin) / step - 1e-9));
  const auto last = static_cast<std::int64_t>(std::floor((high + origin) / step + 1e-9));
  for (std::int64_t i = first; i <= last; ++i) {
    const double value = static_cast<double>(i) * step;
    out.ticks.push_back({value - origin, fixed(value / unit, digits)});
  }
  out.label = with_power(out.label, exponent);
  return out;
}

std::string text_of_power(double value, int exponent) {
  if (exponent < kSmallest || exponent >= kLargest) return power_of_ten(exponent);
  return pretty(value, 6);
}

// Within less than a decade, numbers at even distances say more than 1, 2 and 5.
Scale with_linear_ticks(Scale scale, int most) {
  Axis axis;
  axis.label = scale.label;
  const Scale plain = linear(axis, scale.low, scale.high, most);
  scale.label = plain.label;
  for (const Tick& tick : plain.ticks)
    if (tick.at >= scale.low && tick.at <= scale.high) scale.ticks.push_back(tick);
  return scale;
}

Scale logarithmic(const Axis& axis, double low, double high, int most) {
  double from = std::log10(low), to = std::log10(high);
  add_room(from, to);
  Scale out{std::pow(10.0, from), std::pow(10.0, to), {}, axis.label, true};
  const int first = static_cast<int>(std::floor(from)), last = static_cast<int>(std::ceil(to));
  if (to - from < kFewDecades) return with_linear_ticks(out, most);
  const int every = std::max(1, static_cast<int>(std::ceil((to - from) / most)));
  const bool few = to - from < 2.0;  // then powers alone would be too few
  for (int exponent = first; exponent <= last; ++exponent)
    for (int digit = 1; digit < 10; ++digit) {
      const double value = digit * std::pow(10.0, exponent);
      if (value < out.low || value > out.high) continue;
      std::string text;
      if (digit == 1 && exponent % every == 0) text = text_of_power(value, exponent);
      if (few && (digit == 2 || digit == 5)) text = pretty(value, 6);
      out.ticks.push_back({value, text});
    }
  return out;
}

Scale categorical(const Axis& axis) {
  const auto count = static_cast<double>(axis.categories.size());
  Scale out{-0.5, count - 0.5, {}, axis.label, false};
  for (std::size_t i = 0; i < axis.categories.size(); ++i)
    out.ticks.push_back({static_cast<double>(i), axis.categories[i]});
  return out;
}

}  // namespace

double Scale::part(double value) const {
  return log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

Scale make_scale(const Axis& axis, double low, double high, int most) {
  if (!axis.categories.empty()) return categorical(axis);
  return axis.log ? logarithmic(axis, low, high, most) : linear(axis, low, high, most);
}

}  // namespace rho::figures
