#include "nn/weight_normalize.h"

#include "nn/nn.h"

namespace rho::nn {
namespace {

void wrap(Module& module, const std::string& name, bool per_channel) {
  check(dynamic_cast<Weighted*>(&module) == nullptr, "weight_normalize", "layer ", name, " (",
        module.kind(), ") is not in a Sequential");
  auto* const sequence = dynamic_cast<Sequential*>(&module);
  for (std::size_t i = 0; i < module.children().size(); ++i) {
    const auto& [child_name, child] = module.children()[i];
    const std::string path = dotted(name, child_name);
    const auto layer = std::dynamic_pointer_cast<Weighted>(child);
    if (sequence != nullptr && layer != nullptr)
      sequence->replace(i, std::make_shared<WeightNorm>(layer, per_channel, path));
    else
      wrap(*child, path, per_channel);
  }
}

}  // namespace

void weight_normalize(Module& module, bool per_channel) { wrap(module, "", per_channel); }

}  // namespace rho::nn
