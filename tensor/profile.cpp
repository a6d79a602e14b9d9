#include "tensor/profile.h"

#include <utility>

namespace rho {

std::string_view Profile::layer() const {
  for (std::size_t i = innermost_; i != Span::kNone; i = spans_[i].parent)
    if (!spans_[i].layer.empty()) return spans_[i].layer;
  return {};
}

Span& Profile::open(SpanKind kind, std::string_view name) {
  Span span{kind, std::string(name), {}, {}, innermost_, {}, {}};
  if (kind == SpanKind::Layer) {
    const std::string_view around = layer();
    if (!around.empty()) span.name = std::string(around) + '.' + span.name;
    span.layer = span.name;
  }
  innermost_ = spans_.size();
  return spans_.emplace_back(std::move(span));
}

void Profile::close() {
  Span& span = spans_[innermost_];
  span.end = std::chrono::steady_clock::now();
  innermost_ = span.parent;
}

Recording::Recording(Profile* profile) : before_(std::exchange(Profile::current_, profile)) {}
Recording::~Recording() { Profile::current_ = before_; }

}  // namespace rho
