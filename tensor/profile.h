// What a thread spends its time on, as nested spans: the steps of a training, their phases, the
// layers and kernels inside.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/shape.h"

namespace rho {

enum class SpanKind { Step, Phase, Layer, Operation, Kernel };

// Names of the phases whose time is also told by layer.
inline constexpr const char* kForward = "forward";
inline constexpr const char* kBackward = "backward";

/// One stretch of time. Spans nest: a child begins and ends within its parent.
struct Span {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  SpanKind kind;
  std::string name;   ///< of a layer: its dotted path
  std::string layer;  ///< path, of a layer or an operation that goes back through one; else empty
  std::vector<Shape> shapes;  ///< of a kernel's tensors
  std::size_t parent;         ///< its position among the spans, before this one's; kNone: outermost
  std::chrono::steady_clock::time_point begin, end;
};

/// The spans of one thread, in the order in which they began. Worker threads record nothing: a
/// kernel's time is that of its caller, who waits for them.
class Profile {
 public:
  Profile() { spans_.reserve(kReserved); }

  /// The profile that this thread records into; null, the default, for none.
  static Profile* current() { return current_; }

  const std::vector<Span>& spans() const { return spans_; }
  /// The path of the innermost layer that is open; empty outside of layers.
  std::string_view layer() const;

 private:
  friend class ProfileScope;
  friend class Recording;

  static constexpr std::size_t kReserved = 1 << 14;  // ten steps of a deep network
  static inline constinit thread_local Profile* current_ = nullptr;

  Span& open(SpanKind kind, std::string_view name);
  /// The clock of the innermost span starts here, after all that opening it took.
  void start() { spans_[innermost_].begin = std::chrono::steady_clock::now(); }
  void close();

  std::vector<Span> spans_;
  std::size_t innermost_ = Span::kNone;
};

/// Makes `profile` this thread's for the lifetime of the guard; null: nothing is recorded.
class Recording {
 public:
  explicit Recording(Profile* profile);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  Profile* before_;
};

/// A span of the current profile, for the lifetime of the scope. Without a profile it costs a
/// branch.
class ProfileScope {
 public:
  ProfileScope(SpanKind kind, std::string_view name) : ProfileScope(kind, name, [](Span&) {}) {}
  /// `describe(span)` fills in what else is known; it is called only where a span is recorded.
  template <class Describe>
  ProfileScope(SpanKind kind, std::string_view name, const Describe& describe)
      : profile_(Profile::current()) {
    if (profile_ == nullptr) [[likely]]
      return;
    describe(profile_->open(kind, name));
    profile_->start();
  }
  ~ProfileScope() {
    if (profile_ != nullptr) [[unlikely]]
      profile_->close();
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  Profile* profile_;
};

}  // namespace rho
