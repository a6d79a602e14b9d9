// A picture of the report, drawn by gnuplot.
#pragma once

#include <string>

#include "tools/measure/report.h"

namespace rho::measure {

/// Two panels, 1200 x 500: the histogram of the normalized margins of both splits, and the layers'
/// norms. `title` names what was measured, `norm` the p of the norms ("2"). The file is replaced in
/// one step. Throws, naming the path, where gnuplot fails or the file can not be written.
void draw(const Report& report, const std::string& title, const std::string& norm,
          const std::string& path);

}  // namespace rho::measure
