#include "nn/models/tree.h"

#include <bit>

#include "nn/models/mlp.h"

namespace rho::nn {

void build_shallow(Builder& builder, std::int64_t units) { build_mlp(builder, units, 1, false); }

void build_compositional(Builder& builder, std::int64_t units) {
  const auto& [name, input, classes] = builder.spec();
  const std::int64_t variables = numel(input);
  check(input.size() == 1 && variables >= 2 &&
            std::has_single_bit(static_cast<std::uint64_t>(variables)),
        "model", name, " expects examples [D] with D = 2, 4, 8, ..., found ", input);
  check(units % (variables - 1) == 0, "model", name, ": the ", variables - 1, " nodes on ",
        variables, " inputs share the units equally, ", units, " is no multiple of ",
        variables - 1);
  const std::int64_t per_node = units / (variables - 1);
  // A level at once: its nodes are the groups.
  std::int64_t level = 1;
  for (std::int64_t nodes = variables / 2; nodes >= 1; nodes /= 2, ++level) {
    const std::string number = std::to_string(level);
    builder.grouped_linear("units" + number, nodes * per_node, nodes, true);
    builder.relu("relu" + number);
    builder.grouped_linear("nodes" + number, nodes == 1 ? classes : nodes, nodes, false);
  }
}

}  // namespace rho::nn
