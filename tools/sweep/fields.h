// Reading a table of keys whose names and types are known: everything else is an error.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace rho::sweep {

using Json = nlohmann::ordered_json;

class Fields {
 public:
  /// `where` names the table in errors: "puzzles-2.toml: figure 2".
  Fields(Json table, std::string where) : table_(std::move(table)), where_(std::move(where)) {
    check(table_.is_object(), "recipe", where_, " is not a table");
  }

  const std::string& where() const { return where_; }
  /// The whole table.
  const Json& all() const { return table_; }
  bool has(const std::string& key) const { return table_.contains(key); }

  template <class T>
  T required(const std::string& key) {
    check(has(key), "recipe", where_, " has no \"", key, '"');
    return value<T>(key);
  }
  template <class T>
  T optional(const std::string& key, T otherwise) {
    return has(key) ? value<T>(key) : otherwise;
  }
  /// A table, or an empty one.
  Json table(const std::string& key) {
    Json out = optional<Json>(key, Json::object());
    check(out.is_object(), "recipe", where_, ": \"", key, "\" is not a table");
    return out;
  }
  /// The tables of [[key]], or none.
  std::vector<Fields> tables(const std::string& key) {
    const Json list = optional<Json>(key, Json::array());
    check(list.is_array(), "recipe", where_, ": \"", key, "\" is not a list of tables");
    std::vector<Fields> out;
    for (const Json& one : list)
      out.emplace_back(one, where_ + ": " + key + " " + std::to_string(out.size() + 1));
    return out;
  }
  /// Throws where a key was never asked for.
  void expect_no_more() const {
    for (const auto& [key, unused] : table_.items())
      check(read_.contains(key), "recipe", where_, " has an unknown key \"", key, '"');
  }

 private:
  template <class T>
  T value(const std::string& key) {
    read_.insert(key);
    try {
      return table_.at(key).get<T>();
    } catch (const Json::exception&) {
      fail("recipe", where_, ": \"", key, "\" is ", table_.at(key).dump(), ", of the wrong type");
    }
  }

  Json table_;
  std::string where_;
  std::set<std::string> read_;
};

}  // namespace rho::sweep
