#include "tools/sweep/toml.h"

#include <toml++/toml.h>

#include <cmath>
#include <fstream>

#include "tensor/error.h"

namespace rho::sweep {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const toml::node& node, const std::string& path) {
  if (const toml::table* table = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *table) out[std::string(key.str())] = to_json(value, path);
    return out;
  }
  if (const toml::array* array = node.as_array()) {
    Json out = Json::array();
    for (const toml::node& value : *array) out.push_back(to_json(value, path));
    return out;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point(); number && std::isfinite(number->get()))
    return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  fail("recipe", path, ", line ", node.source().begin.line,
       ": dates and numbers that are not finite have no meaning here");
}

}  // namespace

Json read_toml(const std::string& path) {
  std::ifstream in(path);
  check(in.good(), "recipe", path, " can not be read");
  try {
    return to_json(toml::parse(in, path), path);
  } catch (const toml::parse_error& error) {
    fail("recipe", path, ", line ", error.source().begin.line, ": ", error.description());
  }
}

}  // namespace rho::sweep
