#include "tools/figures/figure.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "tensor/error.h"
#include "tools/figures/panel.h"
#include "tools/plot/gnuplot.h"

namespace rho::figures {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kColumns = 3;
constexpr int kPictureTitle = 36, kMargin = 8;  // pixels

struct Size {
  int width, plot_height;
};
// Of a panel, by how many stand side by side.
constexpr Size kSizes[kColumns] = {{660, 400}, {560, 340}, {500, 350}};

template <class... Args>
std::string print(const char* format, Args... args) {
  std::array<char, 512> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

std::string estimate(double value, const sweep::Interval& interval) {
  if (interval.low == interval.high) return print("%.6g", value);  // it was held
  return print("%.6g [%.6g, %.6g]", value, interval.low, interval.high);
}

constexpr const char* kRow = "%-*s  %-13s  %6s  %-32s  %-40s  %9s  %10s\n";

std::string row_of(int width, const std::string& name, const char* kind, const sweep::Line& line) {
  return print(kRow, width, name.c_str(), kind, print("%zu", line.points).c_str(),
               estimate(line.slope, line.slope_interval).c_str(),
               estimate(line.intercept, line.intercept_interval).c_str(),
               print("%.6f", line.r2).c_str(), print("%.3e", line.rmse).c_str());
}

std::string name_of(const Fit& fit) {
  return fit.figure + (fit.panel.empty() ? "" : ": " + fit.panel);
}

nlohmann::ordered_json to_json(const sweep::Line& line) {
  return {{"slope", line.slope},
          {"slope_95", {line.slope_interval.low, line.slope_interval.high}},
          {"intercept", line.intercept},
          {"intercept_95", {line.intercept_interval.low, line.intercept_interval.high}},
          {"r2", line.r2},
          {"rmse", line.rmse},
          {"points", line.points}};
}

void draw_panels(const Sweep& sweep, const sweep::Figure& figure, const fs::path& stem,
                 const std::vector<std::string>& formats, Drawn& out) {
  std::vector<Content> panels;
  for (const Panel& panel : figure.panels) panels.push_back(make_content(sweep, panel));
  for (const std::string& format : formats) {
    out.files.push_back(stem.string() + "." + format);
    draw(figure.title, panels, out.files.back());
  }
  out.fits = fits_of(figure.name, panels);
  for (const Content& panel : panels)
    if (!panel.note.empty())
      out.notes.push_back((panel.title.empty() ? "" : panel.title + ": ") + panel.note);
}

// What the program itself drew, a picture a run.
void copy_pictures(const Sweep& sweep, const fs::path& stem, Drawn& out) {
  std::vector<fs::path> pictures;
  for (const std::size_t row : sweep.rows("done"))
    if (const fs::path path = fs::path(sweep::run_folder(sweep, row)) / "picture.png";
        fs::exists(path))
      pictures.push_back(path);
  check(!pictures.empty(), "figure", stem.filename().string(), ": no run has a picture");
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    std::string file = stem.string();
    if (pictures.size() > 1) file.append("-").append(std::to_string(i));
    out.files.push_back(file + ".png");
    std::error_code error;
    fs::copy_file(pictures[i], out.files.back(), fs::copy_options::overwrite_existing, error);
    check(!error, "figure", out.files.back(), ": ", error.message());
  }
}

}  // namespace

Content make_content(const Sweep& sweep, const Panel& panel) {
  const auto make = [&] {
    switch (panel.kind) {
      case Panel::Kind::Scatter:
        return make_scatter(sweep, panel);
      case Panel::Kind::Curve:
        return make_curve(sweep, panel);
      case Panel::Kind::Epochs:
        return make_epochs(sweep, panel);
      case Panel::Kind::Histogram:
        break;
    }
    return make_histogram(sweep, panel);
  };
  Content content = make();
  content.title = panel.title;
  return content;
}

void draw(const std::string& title, const std::vector<Content>& panels, const std::string& path) {
  const std::size_t columns = std::min(kColumns, panels.size());
  const Size size = kSizes[columns - 1];
  std::vector<PanelPicture> pictures;
  pictures.reserve(panels.size());
  for (const Content& panel : panels) pictures.emplace_back(panel, size.width, size.plot_height);
  std::vector<Place> places;
  Place next{kMargin, kPictureTitle, 0, 0};
  int row_height = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (i != 0 && i % columns == 0) {
      next = {kMargin, next.top + row_height, 0, 0};
      row_height = 0;
    }
    places.push_back(next);
    next.left += size.width;
    row_height = std::max(row_height, pictures[i].height());
  }
  const int width = 2 * kMargin + static_cast<int>(columns) * size.width;
  const int height = next.top + row_height;
  std::ostringstream out;
  out.precision(12);
  out << "set encoding utf8\nset multiplot title " << plot::quoted(title)
      << " noenhanced font ',14'\nunset key\nset grid ytics linecolor '#e4e4e4' linetype 1 "
         "linewidth 0.6\n";
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    places[i].canvas_width = width;
    places[i].canvas_height = height;
    pictures[i].write(out, "panel" + std::to_string(i) + "_", places[i]);
  }
  out << "unset multiplot\n";
  plot::draw(path, width, height, out.str());
}

std::vector<Fit> fits_of(const std::string& figure, const std::vector<Content>& panels) {
  std::vector<Fit> out;
  for (const Content& panel : panels)
    if (panel.best && panel.slope_one)
      out.push_back(
          {figure, panel.title, panel.x.label, panel.y.label, *panel.best, *panel.slope_one});
  return out;
}

std::string to_text(const std::vector<Fit>& fits) {
  if (fits.empty()) return "";
  std::size_t widest = 0;
  for (const Fit& fit : fits) widest = std::max(widest, name_of(fit).size());
  const int width = static_cast<int>(widest);
  std::string out =
      print(kRow, width, "fit", "line", "points", "slope [95 %]", "intercept [95 %]", "R2", "RMSE");
  for (const Fit& fit : fits)
    out += row_of(width, name_of(fit), "least squares", fit.best) +
           row_of(width, name_of(fit), "slope 1", fit.slope_one);
  return out;
}

nlohmann::ordered_json to_json(const std::vector<Fit>& fits) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Fit& fit : fits)
    out.push_back({{"figure", fit.figure},
                   {"panel", fit.panel},
                   {"x", fit.x},
                   {"y", fit.y},
                   {"least_squares", to_json(fit.best)},
                   {"slope_one", to_json(fit.slope_one)}});
  return out;
}

Drawn draw_figure(const Sweep& sweep, const sweep::Figure& figure, const std::string& folder,
                  const std::vector<std::string>& formats) {
  Drawn out;
  out.name = figure.name;
  out.title = figure.title;
  try {
    if (figure.picture)
      copy_pictures(sweep, fs::path(folder) / figure.name, out);
    else
      draw_panels(sweep, figure, fs::path(folder) / figure.name, formats, out);
  } catch (const Error& error) {
    out.problem = error.what();
  }
  return out;
}

}  // namespace rho::figures
