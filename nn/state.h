// A module's parameters and buffers as named tensors in PyTorch's layouts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace rho::nn {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Contiguous copies on the host under PyTorch's names, parameters first. This and import_state are
/// the only places where layouts change.
NamedTensors export_state(Module& module);

/// Sets every parameter and buffer where it lies; dtypes are converted. Throws, naming `source` and
/// the entry, where one is missing, unexpected, or of another shape. Only num_batches_tracked may
/// be missing.
void import_state(Module& module, const NamedTensors& entries, const std::string& source);

/// Copies parameters and buffers between two modules of one architecture; dtypes are converted.
void copy_state(Module& from, Module& to);

}  // namespace rho::nn
