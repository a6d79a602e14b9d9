#include "nn/fold.h"

#include "nn/nn.h"

namespace rho::nn {

void fold_weight_norm(Module& module) {
  if (auto* const sequence = dynamic_cast<Sequential*>(&module))
    for (std::size_t i = 0; i < sequence->children().size(); ++i)
      if (auto* const norm = dynamic_cast<WeightNorm*>(sequence->children()[i].second.get()))
        sequence->replace(i, norm->fold());
  for (const auto& child : module.children()) fold_weight_norm(*child.second);
}

void fold_batch_norm(Module& module) {
  if (auto* const sequence = dynamic_cast<Sequential*>(&module)) {
    for (std::size_t i = 1; i < sequence->children().size(); ++i) {
      auto* const layer = dynamic_cast<Weighted*>(sequence->children()[i - 1].second.get());
      auto* const norm = dynamic_cast<BatchNorm2d*>(sequence->children()[i].second.get());
      if (layer == nullptr || norm == nullptr) continue;
      norm->fold_into(*layer);
      sequence->replace(i, std::make_shared<Identity>());
    }
  }
  for (const auto& child : module.children()) fold_batch_norm(*child.second);
}

}  // namespace rho::nn
