// The report as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/measure/report.h"

namespace rho::measure {

/// log_rho, output_norm, layers[].{name, norm}, train and test (losses, error, margins and
/// outputs), normalization. A number that is not finite becomes null.
nlohmann::ordered_json to_json(const Report& report);

}  // namespace rho::measure
