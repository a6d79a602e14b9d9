// Profiles: what is recorded, that times add up, and what the table and the trace make of them.
#include "tensor/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "autograd/ops.h"
#include "kernels/relu.h"
#include "kernels/sphere_products.h"
#include "nn/model.h"
#include "tests/support/testing.h"
#include "tools/support/profile_report.h"

namespace rho {
namespace {

using nlohmann::json;
using testing::uniform;

constexpr std::size_t kNone = Span::kNone;

void run_kernel(const Shape& shape) {
  const Tensor x = uniform(shape);
  kernels::relu(x, Tensor::empty(shape, x.dtype()));
}

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

double ms_of(const Span& span) {
  return std::chrono::duration<double, std::milli>(span.end - span.begin).count();
}

TEST(ProfileTest, ScopesNest) {
  Profile profile;
  {
    const Recording recording(&profile);
    const ProfileScope step(SpanKind::Step, "step");
    {
      const ProfileScope outer(SpanKind::Layer, "block");
      const ProfileScope inner(SpanKind::Layer, "conv");
      EXPECT_EQ(profile.layer(), "block.conv");
      sleep_ms(2);
    }
    EXPECT_EQ(profile.layer(), "");
    const ProfileScope other(SpanKind::Layer, "fc");
  }
  const std::vector<Span>& spans = profile.spans();
  ASSERT_EQ(spans.size(), 4U);
  const char* const names[] = {"step", "block", "block.conv", "fc"};
  const std::size_t parents[] = {kNone, 0, 1, 0};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(spans[i].name, names[i]);
    EXPECT_EQ(spans[i].layer, i == 0 ? "" : names[i]);
    EXPECT_EQ(spans[i].parent, parents[i]);
    EXPECT_LE(spans[i].begin, spans[i].end);
    if (parents[i] == kNone) continue;
    EXPECT_LE(spans[parents[i]].begin, spans[i].begin);
    EXPECT_GE(spans[parents[i]].end, spans[i].end);
  }
  EXPECT_LE(spans[1].end, spans[3].begin);
  EXPECT_GE(ms_of(spans[2]), 2.0);
}

TEST(ProfileTest, KernelsHaveTheirNameAndShapes) {
  Profile profile;
  const Recording recording(&profile);
  const Tensor v = uniform({2, 3});
  std::vector<std::vector<kernels::SphereProducts>> rows{std::vector<kernels::SphereProducts>(2)};
  kernels::sphere_products({{v, {}, v}}, 2.0, rows);
  ASSERT_EQ(profile.spans().size(), 1U);
  const Span& span = profile.spans()[0];
  EXPECT_EQ(span.kind, SpanKind::Kernel);
  EXPECT_EQ(span.name, "sphere_products");
  EXPECT_EQ(span.shapes, (std::vector<Shape>{{2, 3}, {2, 3}}));  // what is undefined has none
}

TEST(ProfileTest, NothingIsRecordedWithoutIt) {
  EXPECT_EQ(Profile::current(), nullptr);
  Profile profile;
  run_kernel({2});
  {
    const Recording recording(&profile);
    {
      const Recording off(nullptr);
      run_kernel({2});
    }
    std::thread([] { run_kernel({2}); }).join();
    EXPECT_TRUE(profile.spans().empty());
    run_kernel({2});
    EXPECT_EQ(profile.spans().size(), 1U);
  }
  run_kernel({2});
  EXPECT_EQ(profile.spans().size(), 1U);
  EXPECT_EQ(Profile::current(), nullptr);
}

TEST(ProfileTest, AnErrorClosesItsSpans) {
  Profile profile;
  const Recording recording(&profile);
  const ProfileScope step(SpanKind::Step, "step");
  EXPECT_THROW(
      {
        const ProfileScope layer(SpanKind::Layer, "conv");
        fail("test", "stops here");
      },
      Error);
  run_kernel({2});
  EXPECT_EQ(profile.spans().back().parent, 0U);
}

// The layers and the way back through them, of one step of `model`.
void expect_layers_both_ways(const std::string& model) {
  SCOPED_TRACE(model);
  Rng rng(1);
  const auto net = nn::make_model({model, {8, 8, 3}, 4}, {}, rng);
  Profile profile;
  {
    const Recording recording(&profile);
    const Variable x(uniform<float>({2, 8, 8, 3}));
    sum((*net)(x)).backward();
  }
  std::set<std::string> forward, backward;
  for (const Span& span : profile.spans()) {
    if (span.kind == SpanKind::Layer) forward.insert(span.layer);
    if (span.kind == SpanKind::Operation) backward.insert(span.layer);
  }
  for (const nn::NamedParameter& parameter : net->parameters()) {
    const std::string layer = parameter.name.substr(0, parameter.name.rfind('.'));
    EXPECT_TRUE(forward.contains(layer)) << layer;
    EXPECT_TRUE(backward.contains(layer)) << layer;
  }
}

TEST(ProfileTest, LayersHaveTheirPathBothWays) {
  expect_layers_both_ways("resnet20");
  expect_layers_both_ways("resnet20-wn");
  expect_layers_both_ways("mlp-16-2");
}

// Two steps of two layers, with known pauses.
Profile two_steps() {
  Profile profile;
  const Recording recording(&profile);
  for (int i = 0; i < 2; ++i) {
    const ProfileScope step(SpanKind::Step, "step");
    run_kernel({3});
    {
      const ProfileScope phase(SpanKind::Phase, kForward);
      const ProfileScope layer(SpanKind::Layer, "fc");
      sleep_ms(4);
      run_kernel({3});
      run_kernel({1 << 20});
    }
    const ProfileScope phase(SpanKind::Phase, kBackward);
    const ProfileScope operation(SpanKind::Operation, "add", [](Span& span) { span.layer = "fc"; });
    const ProfileScope kernel(SpanKind::Kernel, "slow");
    const ProfileScope inside(SpanKind::Kernel, "copy");
    sleep_ms(2);
  }
  return profile;
}

TEST(ProfileReportTest, OwnTimesAddUp) {
  const Profile profile = two_steps();
  const tools::ProfileSummary summary = tools::summarize(profile);
  EXPECT_EQ(summary.steps, 2);
  double steps = 0;
  for (const Span& span : profile.spans())
    if (span.kind == SpanKind::Step) steps += ms_of(span);
  EXPECT_NEAR(summary.step, steps / 2, 1e-9);

  double phases = 0;
  for (const auto& phase : summary.phases) {
    double parts = phase.outside_kernels;
    for (const auto& kernel : phase.kernels) parts += kernel.time;
    EXPECT_NEAR(parts, phase.time, 1e-9) << phase.name;
    phases += phase.time;
  }
  EXPECT_NEAR(phases, summary.step, 1e-9);

  ASSERT_EQ(summary.phases.size(), 3U);
  const auto& forward = summary.phases[0];
  EXPECT_EQ(forward.name, "forward");
  ASSERT_EQ(forward.kernels.size(), 1U);
  EXPECT_EQ(forward.kernels[0].calls, 2.0);
  EXPECT_GE(forward.outside_kernels, 4.0);
  const auto& backward = summary.phases[1];
  ASSERT_EQ(backward.kernels.size(), 2U);
  EXPECT_GE(backward.kernels[0].time, backward.kernels[1].time);
  double caller = 0;
  for (const Span& span : profile.spans()) {
    if (span.name == "slow") caller += ms_of(span) / 2;
    if (span.name == "copy") caller -= ms_of(span) / 2;
  }
  for (const auto& kernel : backward.kernels)
    if (kernel.name == "slow") {
      EXPECT_NEAR(kernel.time, caller, 1e-9);
    }
  EXPECT_EQ(summary.phases[2].kernels[0].calls, 1.0);

  double forward_layers = 0, backward_layers = 0;
  for (const auto& layer : summary.layers) {
    forward_layers += layer.forward;
    backward_layers += layer.backward;
  }
  EXPECT_NEAR(forward_layers, forward.time, 1e-9);
  EXPECT_NEAR(backward_layers, backward.time, 1e-9);
  ASSERT_EQ(summary.layers.size(), 2U);
  EXPECT_EQ(summary.layers[0].name, "fc");
  EXPECT_GE(summary.layers[0].forward, 4.0);
  EXPECT_GE(summary.layers[0].backward, 2.0);
}

TEST(ProfileReportTest, TheSharesOfTheTableSumUp) {
  std::istringstream table(tools::to_text(tools::summarize(two_steps())));
  double phases = 0, parts = 0;
  std::string line;
  std::getline(table, line);
  EXPECT_TRUE(line.starts_with("mean of 2 steps")) << line;
  while (std::getline(table, line) && !line.starts_with("step")) {
    ASSERT_TRUE(line.ends_with(" %")) << line;
    const double share = std::strtod(line.substr(line.size() - 9).c_str(), nullptr);
    (line.starts_with("  ") ? parts : phases) += share;
  }
  EXPECT_TRUE(line.ends_with("100.0 %")) << line;
  EXPECT_NEAR(phases, 100.0, 0.05 * 3 + 1e-9);
  EXPECT_NEAR(parts, 100.0, 0.05 * 8 + 1e-9);
  std::getline(table, line);
  EXPECT_EQ(line, "");
  std::getline(table, line);
  EXPECT_TRUE(testing::contains(line, "by layer", "forward", "backward"));
}

TEST(ProfileReportTest, AProfileWithoutAStepIsAnError) {
  EXPECT_TRUE(testing::contains(testing::message_of([] { tools::summarize({}); }), "no step"));
}

TEST(ProfileReportTest, TheTraceIsWhatViewersRead) {
  const json trace = json::parse(tools::to_trace(two_steps()).dump());
  const json& events = trace.at("traceEvents");
  ASSERT_TRUE(events.is_array());
  struct Open {
    double begin, end;
  };
  std::vector<Open> open;
  std::set<std::string> categories;
  for (const json& event : events) {
    for (const char* key : {"name", "ph", "pid", "tid", "args"})
      ASSERT_TRUE(event.contains(key)) << event;
    if (event["ph"] == "M") continue;
    ASSERT_EQ(event["ph"], "X");
    categories.insert(event.at("cat").get<std::string>());
    const double begin = event.at("ts").get<double>(), duration = event.at("dur").get<double>();
    EXPECT_GE(begin, 0.0);
    EXPECT_GE(duration, 0.0);
    // Microseconds with three decimals: sums of them round.
    constexpr double kTolerance = 1e-6;
    while (!open.empty() && open.back().end <= begin + kTolerance) open.pop_back();
    if (!open.empty()) {
      EXPECT_GE(begin, open.back().begin);
      EXPECT_LE(begin + duration, open.back().end + kTolerance) << event;
    }
    open.push_back({begin, begin + duration});
    if (event["cat"] == "kernel" && event["name"] == "relu" && event["args"].contains("layer")) {
      EXPECT_EQ(event["args"]["layer"], "fc");
      EXPECT_TRUE(event["args"]["shapes"] == "[3], [3]" ||
                  event["args"]["shapes"] == "[1048576], [1048576]");
    }
  }
  EXPECT_EQ(categories, (std::set<std::string>{"step", "phase", "layer", "operation", "kernel"}));
}

}  // namespace
}  // namespace rho
