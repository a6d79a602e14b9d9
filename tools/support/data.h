// The --data flag, and how shapes and numbers are written in metadata.
#pragma once

#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace rho::tools {

/// A data set by name, and the folder or file that holds it (empty: the default place).
struct DataSpec {
  std::string name;
  std::string directory;
};

/// Reads "NAME" or "NAME:DIR"; only the first colon counts. Throws when the name is empty.
DataSpec parse_data(const std::string& text);

datasets::Split load(const DataSpec& spec);

/// Shape of one example: [H, W, C] of images, [D] of features.
Shape input_shape(const datasets::Dataset& dataset);

/// "28,28,1"
std::string shape_to_text(const Shape& shape);
/// The inverse of shape_to_text; `what` names the source in the error.
Shape shape_from_text(const std::string& text, const std::string& what);

/// p of a norm, as --norm has it: a number, or infinity for "inf"; 0 where the text is neither.
double norm_order(const std::string& text);

/// Comma separated, in as few digits as read back to the same bits.
std::string numbers_to_text(const std::vector<double>& values);
std::vector<double> numbers_from_text(const std::string& text, const std::string& what);

}  // namespace rho::tools
