// How the columns of a sweep are named on an axis.
#pragma once

#include <string>

namespace rho::figures {

struct Quantity {
  std::string label, unit;
  double factor = 1.0;  ///< from the column to the axis: errors are fractions, drawn in per cent
};

/// Of a column of results.csv, metrics.jsonl or an examples' file, with "MEASURE." and "-" in front
/// of it or not; a column that is not known keeps its name.
Quantity quantity(const std::string& column);

/// "label [unit]".
std::string title_of(const Quantity& quantity);

/// "10⁻⁵".
std::string power_of_ten(int exponent);

/// A number for people: "0.0174", "−4.77×10⁻⁵".
std::string pretty(double value, int digits);

}  // namespace rho::figures
