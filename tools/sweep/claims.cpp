#include "tools/sweep/claims.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>

#include "tensor/error.h"
#include "tools/sweep/selection.h"

namespace rho::sweep {
namespace {

using Rows = std::vector<std::size_t>;

std::vector<double> values_of(const Table& table, const Rows& rows, const std::string& column) {
  std::vector<double> out;
  for (const std::size_t row : rows) {
    out.push_back(value(table, row, column));
    check(std::isfinite(out.back()), "claim", "row ", row + 1, " has no ", column);
  }
  return out;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(const std::vector<double>& values) {
  check(values.size() >= 2, "claim", "one row, expected at least 2");
  const double centre = mean(values);
  double squares = 0.0;
  for (const double one : values) squares += (one - centre) * (one - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// Rows of the same x.
Rows rows_at(const Table& table, const Rows& rows, const std::string& x, const std::string& at) {
  Rows out;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out),
               [&](std::size_t row) { return same_value(table.text(row, x), at); });
  return out;
}

Rows rows_of(const Table& table, const Rows& rows, const Where& where) {
  Rows out;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out),
               [&](std::size_t row) { return matches(table, row, where); });
  return out;
}

double largest_ratio(const Claim& claim, const Table& table, const Rows& rows) {
  const Rows above = rows_of(table, rows, claim.numerator);
  const Rows below = rows_of(table, rows, claim.denominator);
  std::optional<double> largest;
  for (const std::size_t row : above) {
    const std::string& at = table.text(row, claim.x);
    const Rows matched = rows_at(table, below, claim.x, at);
    if (matched.empty()) continue;
    const double divisor = mean(values_of(table, matched, claim.y));
    check(divisor != 0.0, "claim", "the denominator is 0 at ", claim.x, " = ", at);
    const double ratio =
        mean(values_of(table, rows_at(table, above, claim.x, at), claim.y)) / divisor;
    largest = std::max(ratio, largest.value_or(ratio));
  }
  check(largest.has_value(), "claim", "no ", claim.x,
        " has rows of both the numerator and the denominator");
  return *largest;
}

double statistic_of_line(const Claim& claim, const Sample& sample) {
  if (claim.statistic == "spearman") return spearman(sample);
  if (claim.statistic == "offset") return slope_one(sample).intercept;
  const Line line = least_squares(sample);
  if (claim.statistic == "slope") return line.slope;
  if (claim.statistic == "intercept") return line.intercept;
  if (claim.statistic == "rmse") return line.rmse;
  check(claim.statistic == "r2", "claim", "there is no statistic \"", claim.statistic, '"');
  check(std::isfinite(line.r2), "claim", "all y are equal: there is no R2");
  return line.r2;
}

double statistic(const Claim& claim, const Table& table) {
  const Rows rows = select(table, claim.where);
  check(!rows.empty(), "claim", "no run that is done has what \"where\" asks for");
  if (claim.statistic == "ratio") return largest_ratio(claim, table, rows);
  const std::string& name = claim.statistic;
  if (name != "min" && name != "max" && name != "mean" && name != "std" && name != "range")
    return statistic_of_line(claim, read_sample(table, rows, claim.x, claim.y));
  const std::vector<double> values = values_of(table, rows, claim.y);
  if (name == "mean") return mean(values);
  if (name == "std") return standard_deviation(values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return name == "min" ? *low : name == "max" ? *high : *high - *low;
}

}  // namespace

Verdict judge(const Claim& claim, const Table& results) {
  try {
    const double found = statistic(claim, results);
    return {found, found >= claim.at_least && found <= claim.at_most, ""};
  } catch (const Error& error) {
    return {std::nan(""), false, error.what()};
  }
}

std::string outcome(const Claim& claim, const Verdict& verdict) {
  if (!claim.asserted) return "not asserted";
  return verdict.holds ? "reproduced" : "not reproduced";
}

std::string bounds(const Claim& claim) {
  std::ostringstream out;
  if (std::isfinite(claim.at_least)) out << "at least " << claim.at_least;
  if (std::isfinite(claim.at_least) && std::isfinite(claim.at_most)) out << ", ";
  if (std::isfinite(claim.at_most)) out << "at most " << claim.at_most;
  return out.str();
}

std::string to_text(const Claim& claim, const Verdict& verdict) {
  std::ostringstream out;
  out.precision(6);
  out << outcome(claim, verdict) << ": " << claim.text << " [" << claim.statistic;
  if (verdict.problem.empty())
    out << ' ' << verdict.value;
  else
    out << ": " << verdict.problem;
  if (!bounds(claim).empty()) out << "; " << bounds(claim);
  if (!claim.published.empty()) out << "; published " << claim.published;
  out << ']';
  std::string line = out.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace rho::sweep
