// Trains the networks of a published figure: see rho-sweep --help.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include "kernels/threads.h"
#include "tools/support/command_line.h"
#include "tools/support/data.h"
#include "tools/support/device.h"
#include "tools/support/precision.h"
#include "tools/support/provider.h"
#include "tools/support/run.h"
#include "tools/sweep/drive.h"
#include "tools/sweep/ranks.h"

namespace rho::tools {
namespace {

using sweep::Folder;

constexpr const char* kExamples = R"(Examples:
  25 networks that differ in their initial weights, on every core, and the pictures of them:
    rho-sweep tools/recipes/puzzles-2.toml --scale small --out out/puzzles-2
    rho-plot out/puzzles-2 && rho-report out/puzzles-2
  The same on other data; killed or interrupted, the same command goes on:
    rho-sweep tools/recipes/puzzles-2.toml --scale full --data cifar10:DIR --out out/puzzles-2
  As the array of a Slurm job, K from 0; or over the ranks of an MPI job:
    rho-sweep RECIPE --scale full --out DIR --only $SLURM_ARRAY_TASK_ID
    mpirun rho-sweep RECIPE --scale full --out DIR --mpi
  With GNU parallel:
    rho-sweep RECIPE --out DIR --list | cut -f 1 | parallel rho-sweep RECIPE --out DIR --only {}

OUT gets results.csv (a row a run: docs/sweeps.md has its columns) and runs/K, a folder a run, with
its command lines, its logs and what its programs wrote. A run that fails does not stop the others.
Exit code: 0, 1 where a run failed, 2 for a wrong command line.)";

struct SweepOptions {
  std::string recipe, scale = "small", out, data, device = "cpu", precision, provider;
  int jobs = 0;
  std::optional<std::int64_t> only;
  bool list = false, mpi = false;
};

std::optional<SweepOptions> parse_options(int argc, char** argv) {
  SweepOptions o;
  CommandLine line(
      "rho-sweep",
      "Trains the many networks that an experiment needs, and collects what they found.",
      kExamples);
  line.add("RECIPE", o.recipe, "file of the experiment (tools/recipes)").required();
  line.add("--scale", o.scale, "tiny (seconds), small, or full (the published size)")
      .one_of({"tiny", "small", "full"});
  line.add("--out", o.out, "folder of the sweep; left out: out/RECIPE-SCALE");
  line.add("--data", o.data, "NAME[:DIR]: a data set in place of the recipe's");
  line.add("--jobs", o.jobs, "runs at a time; 0: one a core, or one a rank with --mpi")
      .range(0, 10000);
  line.add("--device", o.device, kDeviceHelp);
  line.add("--precision", o.precision,
           std::string(kPrecisionHelp) + "; left out: the recipe's, else f32");
  line.add("--provider", o.provider,
           std::string(kProviderHelp) + "; left out: the recipe's, else rho");
  Option only = line.add("--only", o.only, "does run K alone, of 0, 1, ...")
                    .range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
  Option list =
      line.add("--list", o.list, "prints number, state and name of every run, and does nothing");
  const Option mpi = line.add("--mpi", o.mpi, "shares the runs with the other ranks");
  only.excludes(list).excludes(mpi);
  list.excludes(mpi);
  if (!line.parse(argc, argv)) return std::nullopt;
  if (!o.data.empty()) parse_data(o.data);
  const Device device = parsed("--device", [&] { return parse_device(o.device); });
  if (!o.precision.empty())
    parsed("--precision", [&] { return parse_precision(o.precision, device); });
  if (!o.provider.empty()) parsed("--provider", [&] { return parse_provider(o.provider, device); });
  return o;
}

const char* name_of(Folder::State state) {
  switch (state) {
    case Folder::State::Done:
      return "done";
    case Folder::State::Failed:
      return "failed";
    default:
      return "unfinished";
  }
}

int list(const Folder& folder) {
  for (const sweep::Run& run : folder.runs())
    std::printf("%zu\t%s\t%s\n", run.index, name_of(folder.state(run)), run.name.c_str());
  return 0;
}

// One line for the end; 1 where a run failed.
int conclude(const Folder& folder, const std::vector<sweep::Run>& runs) {
  std::size_t failed = 0;
  for (const sweep::Run& run : runs) failed += folder.state(run) == Folder::State::Failed ? 1 : 0;
  std::printf("%s/results.csv\n", folder.path().c_str());
  check(failed == 0, "sweep", failed, " of ", runs.size(), " runs failed; why is in the column ",
        "\"error\" of ", folder.path(), "/results.csv");
  return 0;
}

int one(const Folder& folder, std::size_t index, bool in_process) {
  check(index < folder.runs().size(), "sweep", "--only ", index, ", but there are ",
        folder.runs().size(), " runs");
  std::optional<std::size_t> next = index;
  drive(folder, {[&] { return std::exchange(next, std::nullopt); }},
        {1, kernels::threads(), in_process});
  return conclude(folder, {folder.runs()[index]});
}

int all(const Folder& folder, int jobs, bool in_process) {
  const int cores = kernels::threads();
  if (jobs == 0) jobs = std::min(cores, static_cast<int>(folder.runs().size()));
  std::size_t next = 0;
  const auto source = [&]() -> std::optional<std::size_t> {
    return next < folder.runs().size() ? std::optional(next++) : std::nullopt;
  };
  drive(folder, {source}, {static_cast<std::size_t>(jobs), std::max(1, cores / jobs), in_process});
  return conclude(folder, folder.runs());
}

int across_ranks(const Folder& folder, int jobs, bool in_process, int argc, char** argv) {
  sweep::Ranks ranks(&argc, &argv, folder.runs().size());
  jobs = std::max(1, jobs);
  // How many cores a rank has is its launcher's business.
  const int threads = std::getenv("OMP_NUM_THREADS") == nullptr ? 1 : kernels::threads();
  drive(folder, {[&] { return ranks.next(); }, [&] { ranks.serve(); }, ranks.first()},
        {static_cast<std::size_t>(jobs), threads, in_process});
  ranks.meet();
  return ranks.first() ? conclude(folder, folder.runs()) : 0;
}

int run(SweepOptions o, int argc, char** argv) {
  sweep::Recipe recipe = sweep::read_recipe(o.recipe, o.scale);
  if (o.out.empty()) o.out = "out/" + recipe.id + "-" + o.scale;
  std::vector<sweep::Run> runs = make_plan(recipe, {o.data, o.device, o.precision, o.provider});
  const Folder folder(o.out, std::move(recipe), std::move(runs));
  if (o.list) return list(folder);
  // Several processes would take turns on a device. (Found now, or every run would fail.)
  const bool in_process = find_device(o.device).type != DeviceType::CPU;
  if (o.only) return one(folder, static_cast<std::size_t>(*o.only), in_process);
  return o.mpi ? across_ranks(folder, o.jobs, in_process, argc, argv)
               : all(folder, o.jobs, in_process);
}

}  // namespace
}  // namespace rho::tools

int main(int argc, char** argv) {
  using namespace rho::tools;
  return run_main(argc, argv, parse_options,
                  [&](const SweepOptions& options) { return run(options, argc, argv); });
}
