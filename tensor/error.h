// One error type and one way to raise it: "[op] what was found, what was expected".
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rho {

/// Every failure that Rho itself detects: a bad shape, file, flag, or number.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Error("[op] part part ..."); every part is anything that `<<` prints.
template <class... Parts>
[[noreturn]] void fail(std::string_view op, const Parts&... parts) {
  std::ostringstream message;
  message << '[' << op << "] ";
  (message << ... << parts);
  throw Error(message.str());
}

/// fail(op, parts...) unless `ok`. The message is only built on failure.
template <class... Parts>
void check(bool ok, std::string_view op, const Parts&... parts) {
  if (!ok) fail(op, parts...);
}

}  // namespace rho
