#include "tools/figures/labels.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace rho::figures {
namespace {

constexpr double kCharacter = 8.0, kLine = 15.0;  // of the fonts in tools/plot
constexpr double kPoint = 5.0;                    // half the size of a point
constexpr double kNear = 6.0, kFar = 16.0;        // from a point to its text

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

bool inside(const Box& a, const Box& frame) {
  return a.left >= frame.left && a.right <= frame.right && a.top >= frame.top &&
         a.bottom <= frame.bottom;
}

Box around(const Pixel& centre, double width, double height) {
  return {centre.x - width / 2, centre.y - height / 2, centre.x + width / 2, centre.y + height / 2};
}

// Beside, above and below the point, then at its corners; near, then further away.
std::vector<Pixel> candidates(const Pixel& point, double width) {
  std::vector<Pixel> out;
  for (const double gap : {kNear, kFar}) {
    const double x = width / 2 + kPoint / 2 + gap, y = kLine / 2 + gap;
    for (const Pixel& way : {Pixel{1, 0}, Pixel{-1, 0}, Pixel{0, -1}, Pixel{0, 1}, Pixel{-1, -1},
                             Pixel{1, 1}, Pixel{1, -1}, Pixel{-1, 1}}) {
      const double shrink = way.x != 0 && way.y != 0 ? 0.8 : 1.0;
      out.push_back({point.x + way.x * x * shrink, point.y + way.y * y * shrink});
    }
  }
  return out;
}

bool hits(const Box& box, const std::vector<Pixel>& points, double size) {
  return std::any_of(points.begin(), points.end(),
                     [&](const Pixel& point) { return overlap(box, around(point, size, size)); });
}

}  // namespace

double text_width(const std::string& text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not inside a UTF-8 sequence
  });
  return kCharacter * static_cast<double>(characters);
}

std::vector<Label> place_labels(const std::vector<Pixel>& points,
                                const std::vector<std::string>& texts, const Box& frame,
                                const std::vector<Pixel>& lines) {
  std::vector<Label> out;
  std::vector<Box> taken;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (texts[i].empty()) continue;
    const double width = text_width(texts[i]);
    std::optional<Pixel> best;
    for (const Pixel& centre : candidates(points[i], width)) {
      const Box box = around(centre, width, kLine);
      const bool free = inside(box, frame) && !hits(box, points, 2 * kPoint) &&
                        std::none_of(taken.begin(), taken.end(),
                                     [&](const Box& other) { return overlap(box, other); });
      if (!free) continue;
      if (!best) best = centre;
      if (hits(box, lines, 1.0)) continue;
      best = centre;
      break;
    }
    if (!best) continue;
    taken.push_back(around(*best, width, kLine));
    out.push_back({i, *best});
  }
  return out;
}

}  // namespace rho::figures
