// The program rho-approximate: see its --help.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/threads.h"
#include "nn/atomic_file.h"
#include "tools/approximate/errors.h"
#include "tools/approximate/fit.h"
#include "tools/approximate/target.h"
#include "tools/programs/programs.h"
#include "tools/support/command_line.h"
#include "tools/support/console.h"
#include "tools/support/device.h"
#include "tools/support/precision.h"
#include "tools/support/provider.h"
#include "tools/support/run.h"

namespace rho::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  A tree of two-input nodes on a function that is such a tree, and a shallow network:
    rho-approximate --network compositional --units 112
    rho-approximate --network shallow --units 112
  The control: the same function of permuted variables, which is no such tree any more:
    rho-approximate --network compositional --target permuted --units 112 --json out.json

The target is h3(h21(h11(x1, x2), h12(x3, x4)), h22(h13(x5, x6), h14(x7, x8))) on [-1, 1]^8. The sup
norm of the error is the largest error found: among the test points, and by climbing from the
worst 100 of them. Same options: the same bits.
Exit code: 0, 1 for a failure, 2 for a wrong command line.)";

struct Options {
  approximate::FitOptions fit;
  std::int64_t test = 100000;
  int threads = 1;
  std::string precision = "f32", provider = "rho", device = "cpu", json;
};

std::optional<Options> parse_options(int argc, char** argv) {
  constexpr std::int64_t kOne = 1, kMany = 1000000000;
  Options o;
  approximate::FitOptions& fit = o.fit;
  CommandLine line("rho-approximate",
                   "Fits a shallow network or a binary tree of small networks to a function of 8 "
                   "variables, and prints the error that is left (Issues section 1).",
                   kExamples);
  line.add("--network", fit.network, "what is fitted").one_of({"shallow", "compositional"});
  line.add("--units", fit.units, "hidden units; of the tree, 7 nodes share them")
      .range(kOne, std::int64_t{1000000});
  line.add("--target", fit.target, "the function").one_of(approximate::target_names());
  line.add("--steps", fit.steps, "of the optimizer").range(kOne, kMany);
  line.add("--batch", fit.batch, "fresh random points a step").range(kOne, kMany);
  line.add("--optimizer", fit.optimizer, "of the mean square error").one_of({"adam", "sgd"});
  line.add("--lr", fit.lr, "learning rate").range(1e-12, 1e3);
  line.add("--schedule", fit.schedule, "of the learning rate, over the steps")
      .one_of({"cosine", "constant"});
  line.add("--seed", fit.seed, "of the weights and the batches")
      .range(std::uint64_t{0},  // a minus sign would wrap around
             std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  line.add("--test", o.test, "random points on which the error is measured")
      .range(std::int64_t{2}, kMany);
  line.add("--precision", o.precision, kPrecisionHelp);
  line.add("--provider", o.provider, kProviderHelp);
  line.add("--device", o.device, kDeviceHelp);
  line.add("--threads", o.threads, "more than 1 pay only with many units").range(1, 1024);
  line.add("--json", o.json, "writes every number to this file");
  if (!line.parse(argc, argv)) return std::nullopt;
  const Device device = parsed("--device", [&] { return parse_device(o.device); });
  const Precision precision =
      parsed("--precision", [&] { return parse_precision(o.precision, device); });
  fit.dtype = precision.dtype;
  fit.precision = precision.products;
  fit.provider = parsed("--provider", [&] { return parse_provider(o.provider, device); });
  require(fit.network != "compositional" || fit.units % (approximate::kVariables - 1) == 0,
          "--units", "of the compositional network must be a multiple of 7");
  return o;
}

nlohmann::ordered_json to_json(const Options& o, std::int64_t parameters,
                               const approximate::Errors& errors) {
  return {{"network", o.fit.network}, {"target", o.fit.target},
          {"units", o.fit.units},     {"parameters", parameters},
          {"seed", o.fit.seed},       {"steps", o.fit.steps},
          {"batch", o.fit.batch},     {"optimizer", o.fit.optimizer},
          {"lr", o.fit.lr},           {"schedule", o.fit.schedule},
          {"precision", o.precision}, {"provider", o.provider},
          {"device", o.device},       {"test_points", o.test},
          {"sup_error", errors.sup},  {"sampled_sup_error", errors.sampled_sup},
          {"rms_error", errors.rms},  {"relative_rms_error", errors.relative_rms}};
}

int run(const Options& o) {
  check_output(o.json);
  kernels::set_threads(o.threads);
  const auto network = approximate::fit(o.fit, find_device(o.device));
  const approximate::Errors errors = approximate::measure_errors(*network, o.fit.target, o.test);
  const std::int64_t parameters = network->parameter_count();
  std::fprintf(console().out,
               "%s network, %s target: %lld units, %lld parameters\n\n"
               "sup error           %.6f   (among the %lld test points: %.6f)\n"
               "rms error           %.6f\n"
               "relative rms error  %.6f   (to the standard deviation of the target)\n",
               o.fit.network.c_str(), o.fit.target.c_str(), static_cast<long long>(o.fit.units),
               static_cast<long long>(parameters), errors.sup, static_cast<long long>(o.test),
               errors.sampled_sup, errors.rms, errors.relative_rms);
  if (!o.json.empty()) nn::write_text(o.json, to_json(o, parameters, errors).dump(2) + "\n");
  return 0;
}

}  // namespace

int approximate_program(int argc, char** argv) { return run_main(argc, argv, parse_options, run); }

}  // namespace rho::tools
