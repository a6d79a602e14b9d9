// --device.
#pragma once

#include <string>

#include "tensor/device.h"

namespace rho::tools {

/// What --device takes, for help texts.
inline constexpr const char* kDeviceHelp =
    "cpu, cuda, cuda:N (the N-th device, from 0), or auto: cuda where there is a device, else cpu";

/// "cpu", "cuda" or "cuda:N"; "auto" is what this machine has. Throws where the text is none of
/// them.
Device parse_device(const std::string& text);

/// The same, and throws, saying what is missing, where this program or machine has no such device.
Device find_device(const std::string& text);

}  // namespace rho::tools
