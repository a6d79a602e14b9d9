// --device.
#pragma once

#include <string>

#include "tensor/device.h"

namespace rho::tools {

/// What --device takes, for help texts.
inline constexpr const char* kDeviceHelp = "cpu, cuda, or cuda:N (the N-th device, from 0)";

/// "cpu", "cuda" or "cuda:N". Throws where the text is none of them.
Device parse_device(const std::string& text);

/// The same, and throws, saying what is missing, where this program or machine has no such device.
Device find_device(const std::string& text);

}  // namespace rho::tools
