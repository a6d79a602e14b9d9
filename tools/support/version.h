// Which code made a result.
#pragma once

#include <string>

namespace rho::tools {

/// "0.1.0+COMMIT", with "-dirty" where files of the commit were changed; "0.1.0" where the source
/// was built outside a git repository.
std::string code_version();

}  // namespace rho::tools
