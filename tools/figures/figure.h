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

/// The contents of a figure's panels.
std::vector<Content> contents_of(const Sweep& sweep, const sweep::Figure& figure);

std::vector<Fit> fits_of(const std::string& figure, const std::vector<Content>& panels);

/// A row a line; and the same numbers.
std::string to_text(const std::vector<Fit>& fits);
nlohmann::ordered_json to_json(const std::vector<Fit>& fits);

/// The pictures that the program itself drew, a run each; none where no run has one yet.
std::vector<std::string> pictures_of(const Sweep& sweep);

}  // namespace rho::figures
