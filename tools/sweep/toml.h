// TOML as JSON values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rho::sweep {

/// The tables of a file. Throws, naming the file and the line, where it can not be read or parsed,
/// or holds a date or a number that is not finite.
nlohmann::ordered_json read_toml(const std::string& path);

}  // namespace rho::sweep
