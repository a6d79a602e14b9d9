// One panel as gnuplot commands.
#pragma once

#include <ostream>

#include "tools/figures/content.h"
#include "tools/figures/labels.h"
#include "tools/figures/scale.h"

namespace rho::figures {

/// Where a panel stands, in pixels.
struct Place {
  int left = 0, top = 0;
  int canvas_width = 0, canvas_height = 0;
};

/// A content with its axes, and below them a key, in which the fitted lines stand with their
/// numbers: there they cover no point.
class PanelPicture {
 public:
  /// Throws, naming the panel, where it has no point that its axes can show.
  PanelPicture(Content content, int width, int plot_height);

  int height() const;
  /// `name` begins the names of the panel's data blocks.
  void write(std::ostream& out, const std::string& name, const Place& place) const;

 private:
  struct KeyEntry {
    enum class Sample { None, Series, Best, SlopeOne, Diagonal };
    Sample sample;
    std::size_t series;  ///< of Sample::Series
    std::string text;
    int column, row;
  };

  void choose_scales();
  void make_key();
  void add_series_to_key();
  void add_lines_to_key();
  Box frame(const Place& place) const;
  int axis_height() const;
  /// Degrees that texts below the axis are turned by, so that none covers another.
  int turn() const;
  /// The line y = intercept + slope x in the coordinates of the points.
  std::vector<Point> line(double slope, double intercept) const;
  void write_axes(std::ostream& out, const Place& place) const;
  void write_key(std::ostream& out, const Place& place) const;
  void write_labels(std::ostream& out, const Place& place) const;
  void write_plot(std::ostream& out, const std::string& name) const;

  Content content_;
  int width_, plot_height_;
  Scale x_, y_;
  bool shows_diagonal_ = false;  ///< it is asked for, and near
  std::vector<KeyEntry> key_;
  int key_rows_ = 0, key_column_ = 0;  ///< rows, and the width of a column
};

}  // namespace rho::figures
