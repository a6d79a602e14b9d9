// Pictures drawn by gnuplot: what every figure of the tools shares.
#pragma once

#include <string>

namespace rho::plot {

/// Colours of Okabe and Ito: apart for every kind of colour vision, and in grey by their order.
inline constexpr const char* kColours[] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                           "#56B4E9", "#D55E00", "#000000", "#F0E442"};

/// True for the suffixes that draw() knows: .svg and .png.
bool is_picture_name(const std::string& path);

/// Throws, with one line, where draw() could not run gnuplot.
void check_gnuplot();

/// A gnuplot string that shows `text` as it is.
std::string quoted(const std::string& text);

/// Runs the gnuplot commands `body` on a canvas of width x height pixels, with grey axes on a white
/// ground, and replaces the file `path` in one step. Throws, naming the path, where gnuplot fails
/// or the file can not be written.
void draw(const std::string& path, int width, int height, const std::string& body);

}  // namespace rho::plot
