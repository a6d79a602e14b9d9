#include "tools/dynamics/report.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "tools/plot/gnuplot.h"

namespace rho::dynamics {
namespace {

constexpr int kPanelWidth = 560, kPanelHeight = 460;  // pixels

std::string number(double value, const char* format) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isnan(value) ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

std::string axis(char name, const std::string& label, bool logarithmic) {
  const std::string axis(1, name);
  return "set " + axis + "label " + plot::quoted(label) + "\n" +
         (logarithmic ? "set logscale " + axis + "\nset format " + axis + " '10^{%L}'\n"
                      : "unset logscale " + axis + "\nset format " + axis + " '%g'\n");
}

// Lines differ in colour, in dashes and, as colours do in grey, in brightness.
std::string style_of(const Curve& curve, std::size_t index) {
  const std::string colour = std::string(" linecolor '") + plot::kColours[index % 7] + "'";
  const std::string dashes = " dashtype " + std::to_string(index % 5 + 1);
  switch (curve.style) {
    case Curve::Style::Line:
      return "lines linewidth 2.5" + dashes + colour;
    case Curve::Style::Law:
      return "lines linewidth 1.5 dashtype 3 linecolor '#000000'";
    case Curve::Style::Points:
      return "points pointsize 0.7 pointtype " + std::to_string(2 * (index % 4) + 4) + colour;
    case Curve::Style::Steps:
      return "steps linewidth 2" + dashes + colour;
  }
  fail("report", "unknown style");
}

void write_panel(std::ostream& out, const Panel& panel) {
  out << "set autoscale\nset title " << plot::quoted(panel.title) << "\nset key " << panel.key
      << '\n'
      << axis('x', panel.x_label, panel.log_x) << axis('y', panel.y_label, panel.log_y)
      << panel.commands;
  for (std::size_t i = 0; i < panel.curves.size(); ++i) {
    const Curve& curve = panel.curves[i];
    out << "$curve" << i << " << end\n";
    for (std::size_t n = 0; n < curve.x.size(); ++n) out << curve.x[n] << ' ' << curve.y[n] << '\n';
    out << "end\n";
  }
  out << "plot " << panel.ground;
  // Curves of one kind count together: the points of a line have its colour.
  std::size_t counts[4] = {};
  for (std::size_t i = 0; i < panel.curves.size(); ++i) {
    const Curve& curve = panel.curves[i];
    std::size_t& count = counts[static_cast<std::size_t>(curve.style)];
    out << (i == 0 && panel.ground.empty() ? "" : ", ") << "$curve" << i << " with "
        << style_of(curve, count++)
        << (curve.title.empty() ? " notitle" : " title " + plot::quoted(curve.title));
  }
  out << '\n';
}

}  // namespace

std::string to_text(const Report& report) {
  std::size_t width = std::string("quantity").size();
  for (const Row& row : report.rows) width = std::max(width, row.quantity.size());
  std::ostringstream out;
  const auto line = [&](const std::string& quantity, const std::string& found,
                        const std::string& interval, const std::string& predicted,
                        const std::string& over) {
    out << quantity << std::string(width - quantity.size(), ' ') << padded(found, 14)
        << padded(interval, 11) << padded(predicted, 13) << "   " << over << '\n';
  };
  out << report.experiment << ": " << report.title << "\n\n";
  line("quantity", "found", "+- 95 %", "predicted", "over");
  for (const Row& row : report.rows)
    line(row.quantity, number(row.found.value, "%.6g"), number(row.found.half_width, "%.1e"),
         number(row.predicted, "%.6g"), row.over);
  for (const std::string& note : report.notes) out << '\n' << note << '\n';
  return out.str();
}

nlohmann::ordered_json to_json(const Report& report) {
  nlohmann::ordered_json out{{"experiment", report.experiment}, {"title", report.title}};
  for (const Row& row : report.rows)
    out["rows"].push_back({{"quantity", row.quantity},
                           {"found", row.found.value},
                           {"half_width_95", number_or_null(row.found.half_width)},
                           {"predicted", number_or_null(row.predicted)},
                           {"over", row.over}});
  out["notes"] = report.notes;
  for (const Panel& panel : report.panels) {
    nlohmann::ordered_json curves;
    for (const Curve& curve : panel.curves)
      curves.push_back({{"title", curve.title}, {"x", curve.x}, {"y", curve.y}});
    out["panels"].push_back({{"title", panel.title},
                             {"x_label", panel.x_label},
                             {"y_label", panel.y_label},
                             {"curves", curves}});
  }
  return out;
}

void draw(const Report& report, const std::string& path) {
  const int count = static_cast<int>(report.panels.size());
  std::ostringstream out;
  out.precision(9);
  out << "set multiplot layout 1," << count << "\n";
  for (const Panel& panel : report.panels) write_panel(out, panel);
  out << "unset multiplot\n";
  plot::draw(path, count * kPanelWidth, kPanelHeight, out.str());
}

}  // namespace rho::dynamics
