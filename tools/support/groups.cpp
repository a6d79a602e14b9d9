#include "tools/support/groups.h"

#include <algorithm>
#include <string>

namespace rho::tools {

std::vector<optim::Group> parameter_groups(const nn::Module& model) {
  const std::vector<nn::NamedParameter> parameters = model.parameters();
  const auto layer_of = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
  const auto is_weight = [](const nn::NamedParameter& parameter) {
    return parameter.value.rank() >= 2 && parameter.name.ends_with("weight");
  };
  const auto first = std::find_if(parameters.begin(), parameters.end(), is_weight);
  const std::string first_bias = first == parameters.end() ? "" : layer_of(first->name) + ".bias";

  std::vector<optim::Group> groups;
  for (const nn::NamedParameter& parameter : parameters) {
    if (parameter.name == first_bias) continue;
    const bool weight = is_weight(parameter);
    groups.push_back(
        {weight ? layer_of(parameter.name) : parameter.name, {parameter.value}, weight});
    if (first == parameters.end() || parameter.name != first->name) continue;
    for (const nn::NamedParameter& bias : parameters)
      if (bias.name == first_bias) groups.back().tensors.push_back(bias.value);
  }
  return groups;
}

}  // namespace rho::tools
