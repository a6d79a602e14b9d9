#include "optim/factory.h"

#include "optim/adam.h"
#include "optim/sgd.h"
#include "optim/tangent_gradient.h"

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
    {"tangent-gradient",
     [](const OptimizerOptions& o, std::vector<Group>&& groups) -> std::unique_ptr<Optimizer> {
       return std::make_unique<TangentGradient>(
           std::move(groups), o.lr,
           TangentGradientOptions{o.p, o.momentum, o.nesterov, o.weight_decay, o.rho, o.rho_lr,
                                  o.retract_every});
     }},
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::vector<Group> groups) {
  for (const Method& method : kMethods)
    if (options.name == method.name) return method.make(options, std::move(groups));
  fail("optimizer", "unknown name \"", options.name, "\", expected one of: ", optimizer_names());
}

std::string optimizer_names() {
  std::string names;
  for (const Method& method : kMethods)
    names += (names.empty() ? "" : ", ") + std::string(method.name);
  return names;
}

}  // namespace rho::optim
