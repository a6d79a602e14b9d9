#include "tools/support/data.h"

#include <limits>

#include "tensor/text.h"

namespace rho::tools {
namespace {

template <class T>
std::vector<T> parse_list(const std::string& text, const std::string& what) {
  std::vector<T> values;
  for (const std::string& part : split(text, ',')) {
    const std::optional<T> value = parse_number<T>(part);
    check(value.has_value(), what, "\"", text, "\" is not a list of comma separated numbers");
    values.push_back(*value);
  }
  return values;
}

}  // namespace

DataSpec parse_data(const std::string& text) {
  const std::size_t colon = text.find(':');
  DataSpec spec{text.substr(0, colon), {}};
  if (colon != std::string::npos) spec.directory = text.substr(colon + 1);
  check(!spec.name.empty(), "data", "\"", text, "\" has no name; expected NAME or NAME:DIR");
  return spec;
}

datasets::Split load(const DataSpec& spec) { return datasets::load(spec.name, spec.directory); }

Shape input_shape(const datasets::Dataset& dataset) {
  check(dataset.examples.defined() && dataset.examples.rank() >= 2, "data", dataset.name,
        " holds no examples");
  Shape shape;
  for (int d = 1; d < dataset.examples.rank(); ++d) shape.push_back(dataset.examples.shape()[d]);
  return shape;
}

std::string shape_to_text(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape) {
    text += text.empty() ? "" : ",";
    text += std::to_string(extent);
  }
  return text;
}

Shape shape_from_text(const std::string& text, const std::string& what) {
  Shape shape;
  for (const std::int64_t extent : parse_list<std::int64_t>(text, what)) {
    check(extent > 0, what, "\"", text, "\" is not a shape");
    shape.push_back(extent);
  }
  return shape;
}

double norm_order(const std::string& text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  return parse_number<double>(text).value_or(0.0);
}

std::string numbers_to_text(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    text += text.empty() ? "" : ",";
    text += number_to_text(value);
  }
  return text;
}

std::vector<double> numbers_from_text(const std::string& text, const std::string& what) {
  return parse_list<double>(text, what);
}

}  // namespace rho::tools
