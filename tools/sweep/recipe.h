// One experiment in one file: what is trained, what varies, what is drawn, and what the paper
// claims. docs/sweeps.md explains the format; tools/recipes/ holds the published experiments.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rho::sweep {

/// Options of a program by name: an object of numbers, texts and switches.
using Options = nlohmann::ordered_json;

/// The text of an option, as a command line has it.
std::string option_text(const nlohmann::ordered_json& value);

/// One training; it starts where the one before ended, with a fresh optimizer.
struct Phase {
  std::string name;
  Options options;  ///< on top of Recipe::options
};

/// One value of an axis. An option "PHASE.NAME" belongs to one phase only.
struct Level {
  std::string label;
  Options options;
};

struct Axis {
  std::string name;    ///< a column of results.csv
  std::string option;  ///< that plain values are of
  std::vector<Level> levels;
};

/// A single run outside the grid.
struct Extra {
  std::string name;
  std::string group;  ///< in the column "group", where runs of the grid have "grid"
  Options options;
};

/// What rho-measure says of the trained network, beyond what rho-train records.
struct Measure {
  std::string name;  ///< its columns are NAME.KEY
  Options options;
  bool examples = false;  ///< also a file with every example's outputs, for histograms
};

/// Rows of results.csv: those that have one of the values in each of the columns.
struct Where {
  struct Condition {
    std::string column;
    std::vector<std::string> values;
  };
  std::vector<Condition> conditions;
};

/// One plot of a figure.
struct Panel {
  enum class Kind {
    Scatter,    ///< a point a run
    Curve,      ///< y over x; runs with the same x are averaged, their range is drawn
    Epochs,     ///< y along the training, a curve a run (a column of metrics.jsonl)
    Histogram,  ///< x over the examples of the runs (a column of the examples' file)
  };
  Kind kind = Kind::Scatter;
  std::string title;
  std::string x;
  std::vector<std::string> y;  ///< several: curves beside each other
  std::vector<std::string> y_titles;
  std::string x_label, y_label;
  std::string label;   ///< column whose text stands beside a point
  std::string series;  ///< column that tells colours apart
  Where where;
  bool log_x = false, log_y = false;
  bool fit = false;       ///< least squares, and the line of slope 1
  bool diagonal = false;  ///< y = x
};

/// "scatter", "curve", "epochs", "histogram"; throws, naming `where`, otherwise.
Panel::Kind parse_panel_kind(const std::string& text, const std::string& where);

struct Figure {
  std::string name, title;
  std::vector<Panel> panels;
  bool picture = false;  ///< drawn by the program itself
};

/// A published statement as a number with bounds.
struct Claim {
  std::string text;
  std::string published;  ///< the value in the paper
  std::string statistic;  ///< see docs/sweeps.md
  std::string x, y;       ///< columns
  Where where;
  Where numerator, denominator;  ///< of the statistic "ratio"
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  bool asserted = true;  ///< at this scale; otherwise only reported
};

struct Recipe {
  std::string path, scale;
  std::string id, title, source, summary;
  std::string scaled;  ///< what this scale changes of the published setting
  std::string program;
  std::vector<std::string> arguments;  ///< before the options
  Options options;
  std::vector<Phase> phases;  ///< at least one of rho-train's, none of another program
  std::vector<Axis> axes;
  std::vector<Extra> extras;
  std::vector<Measure> measures;
  std::vector<Figure> figures;
  std::vector<Claim> claims;
};

/// The tables of a recipe, at all scales. What it "extends", a file beside it, is filled in: tables
/// are joined, everything else is replaced. A recipe may also be JSON (.json), as the folder of a
/// sweep has it.
nlohmann::ordered_json read_recipe_file(const std::string& path);

/// Reads the file at one of its scales: tiny, small, or full. Throws, naming the file and the line
/// or the key, for what is not TOML, unknown, missing, or of another type.
Recipe read_recipe(const std::string& path, const std::string& scale);

}  // namespace rho::sweep
