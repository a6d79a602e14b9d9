#include "tools/report/html.h"

#include <algorithm>
#include <cstdint>

#include "tensor/error.h"

namespace rho::report {

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

void Html::start(const std::string& tag, const Attributes& attributes) {
  out_ += '<' + tag;
  for (const auto& [name, value] : attributes) out_ += ' ' + name + "=\"" + escape(value) + '"';
  out_ += '>';
}

Html& Html::open(const std::string& tag, const Attributes& attributes) {
  start(tag, attributes);
  out_ += '\n';
  open_.push_back(tag);
  return *this;
}

Html& Html::close() {
  check(!open_.empty(), "html", "nothing is open");
  out_ += "</" + open_.back() + ">\n";
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) { return raw(escape(text)); }

Html& Html::element(const std::string& tag, std::string_view text, const Attributes& attributes) {
  start(tag, attributes);
  out_ += escape(text) + "</" + tag + ">\n";
  return *this;
}

Html& Html::single(const std::string& tag, const Attributes& attributes) {
  start(tag, attributes);
  out_ += '\n';
  return *this;
}

Html& Html::raw(std::string_view markup) {
  out_ += markup;
  return *this;
}

const std::string& Html::str() const {
  check(open_.empty(), "html", open_.empty() ? "" : open_.back(), " is not closed");
  return out_;
}

}  // namespace rho::report
