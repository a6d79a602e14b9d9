// Integrates the gradient flows of the theory: see rho-dynamics --help.

#include <cstdio>
#include <functional>
#include <limits>

#include "kernels/threads.h"
#include "nn/atomic_file.h"
#include "tools/dynamics/experiments.h"
#include "tools/plot/gnuplot.h"
#include "tools/support/command_line.h"
#include "tools/support/run.h"

namespace rho::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  Gradient flow, its (rho, V) form and weight normalization from one start:
    rho-dynamics theory3-1 --plot trajectories.png
  Growth of the norms of 1 to 6 layers until t = 1e100, every number to a file:
    rho-dynamics theory3-2 --layers 6 --t-end 1e100 --json growth.json
  What the options of an experiment are:
    rho-dynamics hard-margin --help

Flows are integrated in float64 over s = log(1 + t), with an error-controlled method of order 5. The
loss is a sum over the examples. "found" has half the width of its 95 % confidence interval beside
it where it is a fit or a mean; of a deterministic curve the interval says how straight the curve
is. "later half" is half of log time: t from the root of the end to the end.
Exit code: 0, 1 for a failure, 2 for a wrong command line.)";

struct Output {
  std::string plot, json;
};

// An experiment as a subcommand: its options, and what runs it with them.
class Experiment {
 public:
  Experiment(CommandLine& line, const char* name, const char* help, Output& output)
      : command_(line.command(name, help)), output_(output) {
    command_.add("--plot", output.plot, "draws the picture to this file, .svg or .png");
    command_.add("--json", output.json, "writes every number and curve to this file");
  }

  template <class Options>
  void runs(const Options& options, dynamics::Report (*experiment)(const Options&)) {
    run_ = [&options, experiment] { return experiment(options); };
  }

  CommandLine& command() { return command_; }

  void loss_option(dynamics::Loss& loss) {
    const auto set = [&loss](const std::string& name) {
      loss = name == "logistic" ? dynamics::Loss::Logistic : dynamics::Loss::Exponential;
    };
    command_.add("--loss", {"exponential", "logistic"}, set, "the loss of an example");
  }
  template <class T>
  void option(const char* flag, T& value, const char* help, T low, T high) {
    command_.add(flag, value, help).range(low, high);
  }

  bool chosen() const { return command_.chosen(); }

  int run() const {
    if (!output_.plot.empty()) require_picture("--plot", output_.plot);
    check_output(output_.plot);
    check_output(output_.json);
    if (!output_.plot.empty()) plot::check_gnuplot();
    const dynamics::Report report = run_();
    std::fputs(dynamics::to_text(report).c_str(), stdout);
    if (!output_.json.empty())
      nn::write_text(output_.json, dynamics::to_json(report).dump(2) + "\n");
    if (!output_.plot.empty()) dynamics::draw(report, output_.plot);
    return 0;
  }

 private:
  CommandLine command_;
  Output& output_;
  std::function<dynamics::Report()> run_;
};

struct AllOptions {
  Output output;
  dynamics::TrajectoriesOptions trajectories;
  dynamics::GrowthOptions growth;
  dynamics::DirectionsOptions directions;
  dynamics::MarginsOptions margins;
  dynamics::ReluOptions relu;
  dynamics::MinimaOptions minima;
};

constexpr std::int64_t kSeeds = std::numeric_limits<std::int64_t>::max();
constexpr double kLatest = 1e300;  // of --t-end

std::vector<Experiment> experiments(CommandLine& line, AllOptions& o) {
  std::vector<Experiment> out;
  const auto add = [&](const char* name, const char* help) -> Experiment& {
    return out.emplace_back(line, name, help, o.output);
  };
  {
    Experiment& e = add("theory3-1",
                        "Two parameters, two examples: gradient flow and its (rho, V) form "
                        "coincide, weight normalization does not; every optimizer follows its flow "
                        "to first order (TheoryIII Fig. 1)");
    e.loss_option(o.trajectories.loss);
    e.option("--t-end", o.trajectories.t_end, "last time", 1.0, kLatest);
    e.runs(o.trajectories, dynamics::trajectories);
  }
  {
    Experiment& e = add("theory3-2",
                        "1, 2, ... equal layers, one example: growth of their product and of one "
                        "layer (TheoryIII Fig. 2)");
    e.loss_option(o.growth.loss);
    e.option("--t-end", o.growth.t_end, "last time", 1e6, kLatest);
    e.option("--layers", o.growth.layers, "the largest number of layers", 1, 20);
    e.runs(o.growth, dynamics::growth);
  }
  {
    Experiment& e = add("theory3-3",
                        "A linear network on IRIS: how fast its direction converges, by gradient "
                        "flow and by weight normalization (TheoryIII Fig. 3)");
    e.loss_option(o.directions.loss);
    e.option("--t-end", o.directions.t_end, "last time", 1e6, kLatest);
    e.option("--example", o.directions.example, "the one example, a row of the data", 1, 100);
    e.command().add("--bias", o.directions.bias, "gives the 100 examples a fifth input that is 1");
    e.runs(o.directions, dynamics::directions);
  }
  {
    Experiment& e = add("hard-margin",
                        "Flows with growing rho on separable data, against the support vector "
                        "machine of libsvm (TheoryIII theorem 5)");
    e.loss_option(o.margins.loss);
    e.option("--t-end", o.margins.t_end, "last time", 1e6, kLatest);
    e.option("--examples", o.margins.examples, "points of the two clouds", 2, 100000);
    e.option("--seed", o.margins.seed, "of the two clouds", std::int64_t{0}, kSeeds);
    e.command().add("--bias", o.margins.bias, "gives IRIS a fifth input that is 1");
    e.runs(o.margins, dynamics::margins);
  }
  {
    Experiment& e = add("relu",
                        "A small ReLU network: differences of squared norms, growth of the margin, "
                        "descent and flow (TheoryIII eq. 63, lemma 8)");
    e.loss_option(o.relu.loss);
    e.option("--t-end", o.relu.t_end, "last time", 1e6, kLatest);
    e.option("--layers", o.relu.layers, "layers", 1, 20);
    e.option("--width", o.relu.width, "units of a hidden layer", 1, 1000);
    e.option("--examples", o.relu.examples, "points of two clouds in the plane", 2, 10000);
    e.option("--seed", o.relu.seed, "of points and weights; many have flows that slide along kinks",
             std::int64_t{0}, kSeeds);
    e.runs(o.relu, dynamics::relu);
  }
  {
    Experiment& e = add("issues-2",
                        "SGD and SGDL (Langevin) prefer a degenerate minimum to an isolated one of "
                        "equal depth (Issues Fig. 2)");
    e.option("--temperature", o.minima.temperature, "T; the barrier between the minima is 1", 1e-3,
             10.0);
    e.option("--lr", o.minima.lr, "learning rate, the time of a step", 1e-4, 0.05);
    e.option("--t-end", o.minima.t_end, "last time; the first half is not looked at", 3.0, 1e6);
    e.option("--chains", o.minima.chains, "independent runs", 2, 1000000);
    e.option("--seed", o.minima.seed, "of the noise", std::int64_t{0}, kSeeds);
    e.runs(o.minima, dynamics::minima);
  }
  return out;
}

int run(int argc, char** argv) {
  CommandLine line("rho-dynamics",
                   "Experiments on the dynamics of gradient methods: integrates flows over "
                   "logarithmic time, and prints fitted rates beside the predicted laws.",
                   kExamples);
  AllOptions options;
  const std::vector<Experiment> all = experiments(line, options);
  if (!line.parse(argc, argv)) return 0;
  kernels::set_threads(1);  // the problems are smaller than the start of a second thread
  for (const Experiment& experiment : all)
    if (experiment.chosen()) return experiment.run();
  return 0;
}

}  // namespace
}  // namespace rho::tools

int main(int argc, char** argv) {
  return rho::tools::run_main(argv, [&] { return rho::tools::run(argc, argv); });
}
