// What an experiment hands back: measured numbers beside predicted ones, and panels of curves.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/dynamics/fit.h"

namespace rho::dynamics {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One line of the table. kNone: no interval (a number that is not fitted), or no prediction.
struct Row {
  std::string quantity = {};
  Estimate found = {};
  double predicted = kNone;
  std::string over = {};  ///< the range that was fitted, or what the number is of
};

struct Curve {
  enum class Style {
    Line,
    Law,     ///< a prediction: thin, black, dashed
    Points,  ///< marks without a line
    Steps,   ///< a histogram: y[i] holds from x[i] to x[i + 1]
  };

  std::string title = {};  ///< empty: not in the legend
  Vector x = {}, y = {};
  Style style = Style::Line;
};

struct Panel {
  std::string title = {}, x_label = {}, y_label = {};
  bool log_x = false, log_y = false;
  std::string key = "top left";  ///< gnuplot's place of the legend
  std::vector<Curve> curves = {};
  std::string commands = {};  ///< more gnuplot, before the plot
  std::string ground = {};    ///< a gnuplot plot element under the curves
};

struct Report {
  std::string experiment = {}, title = {};
  std::vector<Row> rows = {};
  std::vector<std::string> notes = {};  ///< printed under the table
  std::vector<Panel> panels = {};
};

std::string to_text(const Report& report);
/// Rows, notes and the points of every curve.
nlohmann::ordered_json to_json(const Report& report);
/// The panels side by side in one picture, .svg or .png (see plot::draw).
void draw(const Report& report, const std::string& path);

}  // namespace rho::dynamics
