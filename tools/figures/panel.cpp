#include "tools/figures/panel.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tools/figures/quantity.h"
#include "tools/plot/gnuplot.h"

namespace rho::figures {
namespace {

// Pixels.
constexpr int kTitle = 34, kRight = 18, kTicks = 24, kAxisLabel = 26, kKeyRow = 20, kBelow = 12;
constexpr int kSample = 48;        // of the key: a piece of line, and the gap behind it
constexpr int kBesideTicks = 44;   // left of the axis: its label and gaps
constexpr double kTickGap = 18.0;  // between texts below the axis
constexpr int kLinePoints = 200;
constexpr double kDiagonalMay = 2.2;  // stretch the y axis by

constexpr int kPointTypes[] = {7, 5, 9, 13, 11, 15, 6, 4, 8, 12};
constexpr const char* kDashes[] = {"1", "2", "4", "5", "3"};
constexpr const char* kBest = "linecolor '#000000' linewidth 1.6 dashtype 1";
constexpr const char* kSlopeOne = "linecolor '#000000' linewidth 1.6 dashtype 2";
constexpr const char* kDiagonal = "linecolor '#808080' linewidth 1.4 dashtype 3";

std::string dash(int shape) {
  return kDashes[static_cast<std::size_t>(shape) % std::size(kDashes)];
}

std::string point_style(const Series& series) {
  const std::size_t shape = static_cast<std::size_t>(series.shape) % std::size(kPointTypes);
  return "pointtype " + std::to_string(kPointTypes[shape]) + " pointsize " +
         (series.look == Series::Look::Points ? "1.1" : "0.9") + " linecolor '" + series.colour +
         "'";
}

std::string line_style(const Series& series) {
  return "linewidth 2 dashtype " + dash(series.shape) + " linecolor '" + series.colour + "'";
}

struct Range {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

std::string interval(const sweep::Interval& range, int digits) {
  return pretty(range.low, digits) + " … " + pretty(range.high, digits);
}

// "+ 0.0174" or "− 0.0174".
std::string signed_term(double value, int digits) {
  return (value < 0 ? "− " : "+ ") + pretty(std::abs(value), digits);
}

// Digits that tell 0.99998 from 1.
std::string r2_text(double r2) {
  if (!(r2 > 0.99) || r2 == 1.0) return pretty(r2, 4);
  return pretty(r2, 2 - static_cast<int>(std::floor(std::log10(1.0 - r2))));
}

std::string quality(const sweep::Line& line) {
  return "R² " + r2_text(line.r2) + ", RMSE " + pretty(line.rmse, 3);
}

double screen_x(const Place& place, double x) { return x / place.canvas_width; }
double screen_y(const Place& place, double y) { return 1.0 - y / place.canvas_height; }

std::string screen(const Place& place, double x, double y) {
  return "screen " + std::to_string(screen_x(place, x)) + ", screen " +
         std::to_string(screen_y(place, y));
}

void write_ticks(std::ostream& out, const char* axis, const Scale& scale, bool turn) {
  out << "set " << axis << "tics nomirror " << (turn ? "rotate by 30 right " : "norotate ")
      << "noenhanced (";
  for (std::size_t i = 0; i < scale.ticks.size(); ++i)
    out << (i == 0 ? "" : ", ") << plot::quoted(scale.ticks[i].text) << ' ' << scale.ticks[i].at
        << (scale.ticks[i].text.empty() ? " 1" : "");
  out << ")\n"
      << (scale.log ? "set logscale " : "unset logscale ") << axis << "\nset " << axis << "range ["
      << scale.low << ':' << scale.high << "]\n";
}

void write_block(std::ostream& out, const std::string& name, const std::vector<Point>& points) {
  out << '$' << name << " << end\n";
  for (const Point& point : points)
    if (std::isfinite(point.y))
      out << point.x << ' ' << point.y << ' ' << point.low << ' ' << point.high << '\n';
    else
      out << point.x << " NaN NaN NaN\n";
  out << "end\n";
}

}  // namespace

PanelPicture::PanelPicture(Content content, int width, int plot_height)
    : content_(std::move(content)), width_(width), plot_height_(plot_height) {
  choose_scales();
  make_key();
}

std::vector<Point> PanelPicture::line(double slope, double intercept) const {
  std::vector<Point> out;
  for (int i = 0; i <= kLinePoints; ++i) {
    const double part = static_cast<double>(i) / kLinePoints;
    const double x =
        x_.log ? x_.low * std::pow(x_.high / x_.low, part) : std::lerp(x_.low, x_.high, part);
    Point point;
    point.x = x;
    point.y = intercept + slope * (x + content_.x.origin) - content_.y.origin;
    if (!y_.log || point.y > 0) out.push_back(point);
  }
  return out;
}

void PanelPicture::choose_scales() {
  Range x, y;
  for (const Series& series : content_.series)
    for (const Point& point : series.points) {
      if (!std::isfinite(point.y) || (content_.x.log && !(point.x > 0)) ||
          (content_.y.log && !(point.y > 0)))
        continue;
      x.add(point.x);
      for (const double value : {point.y, point.low, point.high})
        if (!content_.y.log || value > 0) y.add(value);
    }
  check(!x.empty(), "figure", content_.title.empty() ? "panel" : content_.title,
        ": no run has a point that the axes can show");
  if (content_.diagonal) {
    Range both = y;
    both.add(x.low + content_.x.origin - content_.y.origin);
    both.add(x.high + content_.x.origin - content_.y.origin);
    shows_diagonal_ = both.high - both.low <= kDiagonalMay * (y.high - y.low);
    if (shows_diagonal_) y = both;
  }
  y_ = make_scale(content_.y, y.low, y.high, std::max(2, plot_height_ / 55));
  // How many ticks fit below the axis depends on their texts.
  for (int most = 8; most >= 2; --most) {
    x_ = make_scale(content_.x, x.low, x.high, most);
    double needed = 0.0;
    for (const Tick& tick : x_.ticks)
      if (!tick.text.empty()) needed += text_width(tick.text) + kTickGap;
    if (needed <= width_ - 110 || !content_.x.categories.empty()) break;
  }
}

bool PanelPicture::turned() const {
  if (content_.x.categories.empty()) return false;
  double widest = 0.0;
  for (const Tick& tick : x_.ticks) widest = std::max(widest, text_width(tick.text));
  return (widest + kTickGap / 2) * static_cast<double>(x_.ticks.size()) > width_ - 110;
}

int PanelPicture::axis_height() const {
  double widest = 0.0;
  if (turned())
    for (const Tick& tick : x_.ticks) widest = std::max(widest, text_width(tick.text));
  return kTicks + kAxisLabel + static_cast<int>(widest * 0.5);
}

void PanelPicture::make_key() {
  add_series_to_key();
  add_lines_to_key();
}

// As many columns as fit.
void PanelPicture::add_series_to_key() {
  double widest = 0.0;
  for (const Series& series : content_.series)
    if (!series.name.empty()) widest = std::max(widest, text_width(series.name));
  key_column_ = static_cast<int>(widest) + kSample + 16;
  const int columns = std::max(1, (width_ - 2 * kRight) / key_column_);
  int count = 0;
  for (std::size_t s = 0; s < content_.series.size(); ++s) {
    const std::string& name = content_.series[s].name;
    if (name.empty()) continue;
    key_.push_back({KeyEntry::Sample::Series, s, name, count % columns, count / columns});
    ++count;
  }
  key_rows_ = (count + columns - 1) / columns;
}

void PanelPicture::add_lines_to_key() {
  const auto add = [&](KeyEntry::Sample sample, const std::string& text) {
    key_.push_back({sample, 0, text, 0, key_rows_++});
  };
  if (content_.best) {
    const sweep::Line& best = *content_.best;
    add(KeyEntry::Sample::Best, "y = " + pretty(best.slope, 4) + " x " +
                                    signed_term(best.intercept, 4) + ", " + quality(best));
    const std::string slope = "95 %: slope " + interval(best.slope_interval, 4);
    const std::string intercept = "intercept " + interval(best.intercept_interval, 3);
    const bool fit_in_one = text_width(slope + ", " + intercept) <= width_ - 2 * kRight - kSample;
    add(KeyEntry::Sample::None, fit_in_one ? slope + ", " + intercept : slope);
    if (!fit_in_one) add(KeyEntry::Sample::None, "95 %: " + intercept);
  }
  if (content_.slope_one) {
    const sweep::Line& held = *content_.slope_one;
    add(KeyEntry::Sample::SlopeOne,
        "y = x " + signed_term(held.intercept, 4) + ", " + quality(held));
    add(KeyEntry::Sample::None, "95 %: offset " + interval(held.intercept_interval, 4));
  }
  if (shows_diagonal_) add(KeyEntry::Sample::Diagonal, "y = x");
  if (!content_.note.empty()) add(KeyEntry::Sample::None, content_.note);
}

int PanelPicture::height() const {
  return kTitle + plot_height_ + axis_height() + key_rows_ * kKeyRow + kBelow;
}

Box PanelPicture::frame(const Place& place) const {
  double widest = 0.0;
  for (const Tick& tick : y_.ticks) widest = std::max(widest, text_width(tick.text));
  return {place.left + kBesideTicks + widest, static_cast<double>(place.top + kTitle),
          static_cast<double>(place.left + width_ - kRight),
          static_cast<double>(place.top + kTitle + plot_height_)};
}

void PanelPicture::write(std::ostream& out, const std::string& name, const Place& place) const {
  out << "unset label\nunset arrow\n";
  write_axes(out, place);
  write_key(out, place);
  write_labels(out, place);
  write_plot(out, name);
}

void PanelPicture::write_axes(std::ostream& out, const Place& place) const {
  const Box box = frame(place);
  out << "set lmargin at screen " << screen_x(place, box.left) << "\nset rmargin at screen "
      << screen_x(place, box.right) << "\nset tmargin at screen " << screen_y(place, box.top)
      << "\nset bmargin at screen " << screen_y(place, box.bottom) << "\nset title "
      << plot::quoted(content_.title) << " noenhanced\nset ylabel " << plot::quoted(y_.label)
      << " noenhanced\n";
  // At a place of our own: gnuplot's moves with texts that are turned.
  out << "set label " << plot::quoted(x_.label) << " at "
      << screen(place, (box.left + box.right) / 2, box.bottom + axis_height() - kAxisLabel / 2)
      << " center noenhanced\n";
  write_ticks(out, "x", x_, turned());
  write_ticks(out, "y", y_, false);
  for (const double x : content_.boundaries)
    out << "set arrow from " << x << ", graph 0 to " << x
        << ", graph 1 nohead linecolor '#a0a0a0' dashtype 3 back\n";
}

void PanelPicture::write_key(std::ostream& out, const Place& place) const {
  const double top = frame(place).bottom + axis_height() + kKeyRow / 2;
  for (const KeyEntry& entry : key_) {
    const double x = place.left + kRight + entry.column * key_column_;
    const double y = top + entry.row * kKeyRow;
    out << "set label " << plot::quoted(entry.text) << " at " << screen(place, x + kSample, y)
        << " left noenhanced\n";
    const auto piece = [&](const std::string& style) {
      out << "set arrow from " << screen(place, x, y) << " to " << screen(place, x + kSample - 8, y)
          << " nohead " << style << '\n';
    };
    switch (entry.sample) {
      case KeyEntry::Sample::None:
        break;
      case KeyEntry::Sample::Best:
        piece(kBest);
        break;
      case KeyEntry::Sample::SlopeOne:
        piece(kSlopeOne);
        break;
      case KeyEntry::Sample::Diagonal:
        piece(kDiagonal);
        break;
      case KeyEntry::Sample::Series: {
        const Series& series = content_.series[entry.series];
        if (series.look != Series::Look::Points) piece(line_style(series));
        if (series.look == Series::Look::Points || series.look == Series::Look::Bars)
          out << "set label '' at " << screen(place, x + (kSample - 8) / 2.0, y) << " point "
              << point_style(series) << '\n';
      }
    }
  }
}

void PanelPicture::write_labels(std::ostream& out, const Place& place) const {
  const Box box = frame(place);
  const auto pixel = [&](const Point& point) {
    return Pixel{std::lerp(box.left, box.right, x_.part(point.x)),
                 std::lerp(box.bottom, box.top, y_.part(point.y))};
  };
  std::vector<Pixel> points, lines;
  std::vector<std::string> texts;
  for (const Series& series : content_.series)
    if (series.look == Series::Look::Points)
      for (const Point& point : series.points) {
        points.push_back(pixel(point));
        texts.push_back(point.label);
      }
  for (const auto& fit : {content_.best, content_.slope_one})
    if (fit)
      for (const Point& point : line(fit->slope, fit->intercept)) lines.push_back(pixel(point));
  for (const Label& label : place_labels(points, texts, box, lines))
    out << "set label " << plot::quoted(texts[label.point]) << " at "
        << screen(place, label.centre.x, label.centre.y)
        << " center noenhanced textcolor '#404040' front\n";
}

void PanelPicture::write_plot(std::ostream& out, const std::string& name) const {
  std::string commands;
  int count = 0;
  const auto add = [&](const std::vector<Point>& points, const std::string& with) {
    const std::string block = name + std::to_string(count++);
    write_block(out, block, points);
    commands += (commands.empty() ? "plot $" : ", $") + block + ' ' + with + " notitle";
  };
  if (shows_diagonal_) add(line(1.0, 0.0), std::string("with lines ") + kDiagonal);
  if (content_.slope_one)
    add(line(1.0, content_.slope_one->intercept), std::string("with lines ") + kSlopeOne);
  if (content_.best)
    add(line(content_.best->slope, content_.best->intercept), std::string("with lines ") + kBest);
  for (const Series& series : content_.series) {
    if (series.look == Series::Look::Area)
      add(series.points, "with filledcurves y1=" + std::to_string(y_.low) + " fillcolor '" +
                             series.colour + "' fillstyle transparent solid 0.3");
    if (series.look == Series::Look::Bars)
      add(series.points, "using 1:2:3:4 with yerrorbars linewidth 1.2 " + point_style(series));
    if (series.look == Series::Look::Points)
      add(series.points, "with points " + point_style(series));
    else
      add(series.points, "with lines " + line_style(series));
  }
  out << commands << '\n';
}

}  // namespace rho::figures
