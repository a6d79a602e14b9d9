// --provider.
#pragma once

#include <string>

#include "kernels/provider.h"

namespace rho::tools {

/// What --provider takes, for help texts.
inline constexpr const char* kProviderHelp =
    "rho, or on a CUDA device nvidia: whose matrix products and convolutions train the network, "
    "ours or those of cuBLAS and cuDNN (never those of measures)";

/// "rho" or "nvidia". Throws where the text is neither, and where `device` has no such provider.
kernels::ProductProvider parse_provider(const std::string& text, Device device);

}  // namespace rho::tools
