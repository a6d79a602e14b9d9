// What a profile of training steps says: means per step as a table, and every span as a trace.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tensor/profile.h"

namespace rho::tools {

/// Means per step, in milliseconds. A span's own time is its time without that of the spans in it,
/// so everything adds up: the parts of a phase to the phase, the phases to the step.
struct ProfileSummary {
  struct Kernel {
    std::string name;
    double calls = 0, time = 0;
  };
  struct Phase {
    std::string name;
    double time = 0;
    std::vector<Kernel> kernels;  ///< the longest first
    double outside_kernels = 0;
  };
  /// The own time of a layer, without the layers inside it.
  struct Layer {
    std::string name;  ///< empty: outside of layers
    double forward = 0, backward = 0;
  };
  std::int64_t steps = 0;
  double step = 0;
  std::vector<Phase> phases;  ///< in their order in a step; the last one is what is in none
  std::vector<Layer> layers;  ///< in the order in which data flow through them
};

/// Of a profile with at least one step.
ProfileSummary summarize(const Profile& profile);

std::string to_text(const ProfileSummary& summary);

/// The spans as a JSON object in the Trace Event Format, which chrome://tracing and
/// ui.perfetto.dev open.
nlohmann::ordered_json to_trace(const Profile& profile);

}  // namespace rho::tools
