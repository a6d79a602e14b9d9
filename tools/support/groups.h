// Which parameters share a norm.
#pragma once

#include <vector>

#include "nn/module.h"
#include "optim/optimizer.h"

namespace rho::tools {

/// One constrained group per weight (a parameter of that name and of rank 2 or more), named by its
/// layer; the first weight's bias is a column of it (docs/theory.md) and joins its group. Every
/// other parameter (later biases, batch norm, the weight_g and weight_v of weight norm) is an
/// unconstrained group of its own, named by itself.
std::vector<optim::Group> parameter_groups(const nn::Module& model);

}  // namespace rho::tools
