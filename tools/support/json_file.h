// JSON from files, keys in the order of the file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rho::tools {

/// The object that a file holds. Throws "[op] path ..." where it can not be read or holds none.
nlohmann::ordered_json read_json(const std::string& path, std::string_view op);

/// The objects in the lines of a file; none without a file. Throws, naming the line, for any other
/// line.
std::vector<nlohmann::ordered_json> read_json_lines(const std::string& path, std::string_view op);

}  // namespace rho::tools
