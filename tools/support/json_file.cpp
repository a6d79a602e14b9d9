#include "tools/support/json_file.h"

#include <fstream>

#include "tensor/error.h"

namespace rho::tools {

using Json = nlohmann::ordered_json;

Json read_json(const std::string& path, std::string_view op) {
  std::ifstream in(path);
  check(in.good(), op, path, " can not be read");
  Json json = Json::parse(in, nullptr, false);
  check(json.is_object(), op, path, " is not a JSON object");
  return json;
}

std::vector<Json> read_json_lines(const std::string& path, std::string_view op) {
  std::ifstream in(path);
  std::vector<Json> out;
  for (std::string line; std::getline(in, line);) {
    out.push_back(Json::parse(line, nullptr, false));
    check(out.back().is_object(), op, path, ", line ", out.size(), " is not a JSON object");
  }
  return out;
}

}  // namespace rho::tools
