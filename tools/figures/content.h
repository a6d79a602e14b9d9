// What a panel shows, in the units of its axes; how it was found out is in the maker of its kind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/sweep/results.h"
#include "tools/sweep/statistics.h"

namespace rho::figures {

using sweep::Panel;
using sweep::Sweep;

struct Axis {
  std::string label;
  bool log = false;
  bool starts_at_lowest = false;             ///< without room below the values: of histograms, at 0
  double origin = 0.0;                       ///< values of the points are less this
  std::vector<std::string> categories = {};  ///< where not empty, values are places in this list
  bool whole = false;                        ///< ticks at whole numbers only
};

struct Point {
  double x = 0.0, y = 0.0;
  double low = 0.0, high = 0.0;  ///< of a bar
  std::string label;
};

/// Points of one look.
struct Series {
  enum class Look { Points, Lines, Bars, Area };  ///< Bars: lines with points and bars
  std::string name;                               ///< in the key; empty: not there
  Look look = Look::Points;
  std::string colour;
  int shape = 0;  ///< of points or dashes, counted from 0
  std::vector<Point> points;
};

struct Content {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  bool diagonal = false;
  std::optional<sweep::Line> best, slope_one;
  std::vector<double> boundaries;  ///< x of vertical lines
  std::string note;                ///< why something is not drawn; empty mostly
};

/// What the panel shows of the runs that are done. Throws, naming panel or column, where there is
/// nothing to show.
Content make_content(const Sweep& sweep, const Panel& panel);

Content make_scatter(const Sweep& sweep, const Panel& panel);
Content make_curve(const Sweep& sweep, const Panel& panel);
Content make_epochs(const Sweep& sweep, const Panel& panel);
Content make_histogram(const Sweep& sweep, const Panel& panel);

}  // namespace rho::figures
