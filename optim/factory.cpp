#include "optim/factory.h"

#include "optim/adam.h"
#include "optim/langevin.h"
#include "optim/norm_constrained.h"
#include "optim/sgd.h"

namespace rho::optim {
namespace {

struct Method {
  const char* name;
  std::unique_ptr<Optimizer> (*make)(const OptimizerOptions&, std::vector<Group>&&);
};

constexpr Method kMethods[] = {
    {"sgd",
     [](const OptimizerOptions& o, std::vector<Group>&& groups) -> std::unique_ptr<Optimizer> {
       return std::make_unique<Sgd>(std::move(groups), o.lr,
                                    SgdOptions{o.momentum, o.nesterov, o.weight_decay});
     }},
    {"adam",
     [](const OptimizerOptions& o, std::vector<Group>&& groups) -> std::unique_ptr<Optimizer> {
       return std::make_unique<Adam>(std::move(groups), o.lr,
                                     AdamOptions{o.beta1, o.beta2, o.eps, o.weight_decay});
     }},
    {"langevin",
     [](const OptimizerOptions& o, std::vector<Group>&& groups) -> std::unique_ptr<Optimizer> {
       return std::make_unique<Langevin>(std::move(groups), o.lr,
                                         LangevinOptions{o.temperature, o.seed});
     }},
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::vector<Group> groups) {
  for (const Method& method : kMethods)
    if (options.name == method.name) return method.make(options, std::move(groups));
  if (is_norm_constrained(options.name))
    return std::make_unique<NormConstrained>(
        std::move(groups), options.lr,
        NormConstrainedOptions{options.name, options.p, options.momentum, options.nesterov,
                               options.weight_decay, options.rho, options.rho_lr,
                               options.retract_every, options.per_channel});
  fail("optimizer", "unknown name \"", options.name, "\", expected one of: ", optimizer_names());
}

std::string optimizer_names() {
  std::string names;
  const auto append = [&](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
  for (const Method& method : kMethods) append(method.name);
  for (const Direction& direction : directions()) append(direction.name);
  return names;
}

}  // namespace rho::optim
