// Figures of a sweep as files.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/figures/content.h"

namespace rho::figures {

/// The straight lines of one panel.
struct Fit {
  std::string figure, panel;
  std::string x, y;  ///< what is on the axes, in whose units the numbers are
  sweep::Line best, slope_one;
};

/// Panels side by side, three a row, under the figure's title; the file `path`, .svg or .png, is
/// replaced in one step. Throws, naming the figure, the panel, or the file, where it can not be
/// drawn.
void draw(const std::string& title, const std::vector<Content>& panels, const std::string& path);

std::vector<Fit> fits_of(const std::string& figure, const std::vector<Content>& panels);

/// A row a line; and the same numbers.
std::string to_text(const std::vector<Fit>& fits);
nlohmann::ordered_json to_json(const std::vector<Fit>& fits);

/// A figure of the recipe, drawn.
struct Drawn {
  std::string name, title;
  std::vector<std::string> files;  ///< one a format; of a program's own pictures, one a run
  std::vector<Fit> fits;
  std::vector<std::string> notes;  ///< what is missing in it
  std::string problem;             ///< why it could not be drawn; empty where it was
};

/// Draws a figure into FOLDER/NAME.svg or .png, or copies there what the program drew itself.
/// Nothing that the sweep lacks is an error: the figure's problem says it.
Drawn draw_figure(const Sweep& sweep, const sweep::Figure& figure, const std::string& folder,
                  const std::vector<std::string>& formats);

}  // namespace rho::figures
