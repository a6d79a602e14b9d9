#include "tools/support/profile_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>
#include <string_view>

namespace rho::tools {
namespace {

using Json = nlohmann::ordered_json;
using Summary = ProfileSummary;

template <class Unit>
double between(std::chrono::steady_clock::time_point begin,
               std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double, Unit>(end - begin).count();
}

// What the spans around it say about each span, itself included.
struct Context {
  std::string_view phase, layer;
};

std::vector<Context> contexts(const std::vector<Span>& spans) {
  std::vector<Context> out;
  out.reserve(spans.size());
  for (const Span& span : spans) {
    Context context = span.parent == Span::kNone ? Context{} : out[span.parent];
    if (span.kind == SpanKind::Phase) context.phase = span.name;
    if (!span.layer.empty()) context.layer = span.layer;
    out.push_back(context);
  }
  return out;
}

// In milliseconds.
std::vector<double> own_times(const std::vector<Span>& spans) {
  std::vector<double> out(spans.size());
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const double time = between<std::milli>(spans[i].begin, spans[i].end);
    out[i] += time;
    if (spans[i].parent != Span::kNone) out[spans[i].parent] -= time;
  }
  return out;
}

// The element of that name, appended where there is none.
template <class T>
T& named(std::vector<T>& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const T& one) { return one.name == name; });
  if (found != list.end()) return *found;
  list.emplace_back().name = name;
  return list.back();
}

template <class... Args>
std::string print(const char* format, Args... args) {
  std::array<char, 256> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

constexpr const char* kOutsideKernels = "outside kernels";
constexpr const char* kOutsideLayers = "outside layers";

const char* category(SpanKind kind) {
  switch (kind) {
    case SpanKind::Step:
      return "step";
    case SpanKind::Phase:
      return "phase";
    case SpanKind::Layer:
      return "layer";
    case SpanKind::Operation:
      return "operation";
    case SpanKind::Kernel:
      return "kernel";
  }
  return "";
}

std::string to_text(const std::vector<Shape>& shapes) {
  std::ostringstream out;
  for (const Shape& shape : shapes) out << (&shape == shapes.data() ? "" : ", ") << shape;
  return out.str();
}

}  // namespace

ProfileSummary summarize(const Profile& profile) {
  const std::vector<Span>& spans = profile.spans();
  const std::vector<Context> context = contexts(spans);
  const std::vector<double> own = own_times(spans);
  Summary out;
  out.steps = std::count_if(spans.begin(), spans.end(),
                            [](const Span& span) { return span.kind == SpanKind::Step; });
  check(out.steps > 0, "profile", "has no step");
  const double share = 1.0 / static_cast<double>(out.steps);  // of one step in a mean
  Summary::Phase rest{"rest of the step", 0, {}, 0};
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const double time = share * own[i];
    const auto& [phase_name, layer_name] = context[i];
    Summary::Phase& phase = phase_name.empty() ? rest : named(out.phases, phase_name);
    out.step += time;
    phase.time += time;
    if (spans[i].kind == SpanKind::Kernel) {
      Summary::Kernel& kernel = named(phase.kernels, spans[i].name);
      kernel.calls += share;
      kernel.time += time;
    } else {
      phase.outside_kernels += time;
    }
    if (phase_name == kForward) named(out.layers, layer_name).forward += time;
    if (phase_name == kBackward) named(out.layers, layer_name).backward += time;
  }
  out.phases.push_back(std::move(rest));
  for (Summary::Phase& phase : out.phases)
    std::sort(phase.kernels.begin(), phase.kernels.end(),
              [](const auto& a, const auto& b) { return a.time > b.time; });
  // What is outside of layers comes last.
  std::stable_partition(out.layers.begin(), out.layers.end(),
                        [](const Summary::Layer& layer) { return !layer.name.empty(); });
  return out;
}

std::string to_text(const ProfileSummary& summary) {
  const std::string steps = print("mean of %lld step%s", static_cast<long long>(summary.steps),
                                  summary.steps == 1 ? "" : "s");
  std::size_t widest = std::max(steps.size(), std::string_view(kOutsideKernels).size() + 2);
  for (const Summary::Phase& phase : summary.phases) {
    widest = std::max(widest, phase.name.size());
    for (const Summary::Kernel& kernel : phase.kernels)
      widest = std::max(widest, kernel.name.size() + 2);
  }
  for (const Summary::Layer& layer : summary.layers) widest = std::max(widest, layer.name.size());
  const int width = static_cast<int>(widest + 2);

  std::string out = print("%-*s%10s%12s%9s\n", width, steps.c_str(), "calls", "ms", "share");
  const auto line = [&](const std::string& name, const std::string& calls, double time) {
    out += print("%-*s%10s%12.3f%7.1f %%\n", width, name.c_str(), calls.c_str(), time,
                 100.0 * time / summary.step);
  };
  for (const Summary::Phase& phase : summary.phases) {
    line(phase.name, "", phase.time);
    if (phase.kernels.empty()) continue;  // its line has said it all
    for (const Summary::Kernel& kernel : phase.kernels)
      line("  " + kernel.name, print("%.4g", kernel.calls), kernel.time);
    line(std::string("  ") + kOutsideKernels, "", phase.outside_kernels);
  }
  line("step", "", summary.step);

  out += print("\n%-*s%10s%12s%12s\n", width, "by layer, ms", kForward, kBackward, "both");
  const auto layer_line = [&](const char* name, double forward, double backward) {
    out += print("%-*s%10.3f%12.3f%12.3f\n", width, name, forward, backward, forward + backward);
  };
  double forward = 0, backward = 0;
  for (const Summary::Layer& layer : summary.layers) {
    forward += layer.forward;
    backward += layer.backward;
    if (layer.forward + layer.backward < 5e-4) continue;  // an identity: all zeros
    layer_line(layer.name.empty() ? kOutsideLayers : layer.name.c_str(), layer.forward,
               layer.backward);
  }
  layer_line("all", forward, backward);
  return out;
}

nlohmann::ordered_json to_trace(const Profile& profile) {
  const std::vector<Span>& spans = profile.spans();
  const std::vector<Context> context = contexts(spans);
  Json events = Json::array();
  events.push_back({{"name", "thread_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"name", "training"}}}});
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    Json arguments = Json::object();
    if (!context[i].layer.empty()) arguments["layer"] = context[i].layer;
    if (!span.shapes.empty()) arguments["shapes"] = to_text(span.shapes);
    events.push_back({{"name", span.name},
                      {"cat", category(span.kind)},
                      {"ph", "X"},
                      {"ts", between<std::micro>(spans.front().begin, span.begin)},
                      {"dur", between<std::micro>(span.begin, span.end)},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", std::move(arguments)}});
  }
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
}

}  // namespace rho::tools
