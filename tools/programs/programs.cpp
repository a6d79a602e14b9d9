#include "tools/programs/programs.h"

#include <map>

namespace rho::tools {

Program find_program(const std::string& name) {
  static const std::map<std::string, Program> all{{"rho-train", train_program},
                                                  {"rho-measure", measure_program},
                                                  {"rho-approximate", approximate_program}};
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

}  // namespace rho::tools
