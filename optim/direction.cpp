#include "optim/direction.h"

#include <algorithm>

#include "kernels/directions.h"

namespace rho::optim {

namespace {

// Null where there is no such method.
const Direction* lookup(const std::string& name) {
  const auto found = std::find_if(directions().begin(), directions().end(),
                                  [&](const Direction& one) { return one.name == name; });
  return found == directions().end() ? nullptr : &*found;
}

}  // namespace

const std::vector<Direction>& directions() {
  static const std::vector<Direction> all = [] {
    std::vector<Direction> out;
    kernels::Directions::for_each([&](auto rule) {
      out.push_back(
          {static_cast<int>(out.size()), rule.name, rule.help, &rule.pull, rule.back, rule.any_p});
    });
    return out;
  }();
  return all;
}

bool is_norm_constrained(const std::string& name) { return lookup(name) != nullptr; }

const Direction& find_direction(const std::string& name) {
  if (const Direction* const found = lookup(name)) return *found;
  std::string names;
  for (const Direction& one : directions())
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  fail("optimizer", "unknown direction \"", name, "\", expected one of: ", names);
}

}  // namespace rho::optim
