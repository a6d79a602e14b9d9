// Where the texts beside the points of a panel go.
#pragma once

#include <string>
#include <vector>

namespace rho::figures {

/// In pixels, y downwards.
struct Pixel {
  double x = 0.0, y = 0.0;
};
struct Box {
  double left = 0.0, top = 0.0, right = 0.0, bottom = 0.0;
};

struct Label {
  std::size_t point = 0;
  Pixel centre;
};

/// Width of a text as it is drawn, about: characters times their mean width.
double text_width(const std::string& text);

/// A place for each point's text close to the point, inside the frame, off the other points and
/// texts, and off the `lines` where that is possible. A text without such a place is left out.
std::vector<Label> place_labels(const std::vector<Pixel>& points,
                                const std::vector<std::string>& texts, const Box& frame,
                                const std::vector<Pixel>& lines);

}  // namespace rho::figures
