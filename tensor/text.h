// Numbers and lists in text: options such as "log:0.5" and "1,2,3", cells of a table.
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rho {

/// The parts of `text` between separators; one part where there is none.
inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// The finite number that `text` consists of; nothing where it is anything else.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && stop == text.data() + text.size();
  if (!whole || !std::isfinite(static_cast<double>(value))) return std::nullopt;
  return value;
}

/// In as few digits as read back to the same bits.
inline std::string number_to_text(double value) {
  char number[32];
  const std::to_chars_result end = std::to_chars(number, number + sizeof number, value);
  return {number, end.ptr};
}

}  // namespace rho
