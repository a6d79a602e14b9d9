// Writing HTML: what is opened is closed, and texts are escaped.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rho::report {

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// & < > " ' as entities.
std::string escape(std::string_view text);

/// RFC 4648, without line breaks.
std::string base64(std::string_view bytes);

class Html {
 public:
  /// An element that lasts until close().
  Html& open(const std::string& tag, const Attributes& attributes = {});
  Html& close();
  Html& text(std::string_view text);
  /// An element with nothing but text in it.
  Html& element(const std::string& tag, std::string_view text, const Attributes& attributes = {});
  /// An element without an end, such as img.
  Html& single(const std::string& tag, const Attributes& attributes);
  /// Markup or a style sheet as it is.
  Html& raw(std::string_view markup);

  /// Everything so far; all elements are closed.
  const std::string& str() const;

 private:
  void start(const std::string& tag, const Attributes& attributes);

  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace rho::report
