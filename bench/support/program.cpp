#include "bench/support/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "bench/support/cuda_clock.h"
#include "bench/support/peak.h"
#include "tools/support/device.h"

namespace rho::bench {
namespace {

struct Flags {
  Device device;
  std::vector<int> threads{1, hardware_threads()};
  TurnOptions turns;
  bool avx2 = false;
};
Flags& flags() {
  static Flags all;
  return all;
}

/// OpenBLAS and BLIS take a processor that is newer than themselves for an older one than it is, so
/// they are told whose kernels to use. OpenBLAS looks when it is loaded, which may be before main:
/// the program starts over. What is hidden from ours is hidden from every peer.
void choose_kernels_of_peers(char** argv) {
  if (flags().avx2) {
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    setenv("DNNL_MAX_CPU_ISA", "AVX2", 1);  // what is part of libtorch
    setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
  }
  const std::string set = instruction_set();
  const bool avx512 = set.starts_with("AVX3");
  if ((!avx512 && set != "AVX2") || std::getenv("OPENBLAS_CORETYPE") != nullptr) return;
  setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 0);
  setenv("BLIS_ARCH_TYPE", avx512 ? "0" : "3", 0);  // BLIS_ARCH_SKX and BLIS_ARCH_HASWELL of 0.9
  execv("/proc/self/exe", argv);
}

/// A device has one stream of work and no threads that spin.
void use_device(const std::string& name) {
  flags().device = tools::find_device(name);
  if (flags().device.type == DeviceType::CPU) return;
  flags().threads = {1};
  flags().turns.clock = [](const std::function<void()>& function, int calls) {
    return cuda_clock(flags().device, function, calls);
  };
  flags().turns.pause = 0.0;
}

}  // namespace

void start(int argc, char** argv, const std::vector<ProgramFlag>& more) {
  std::string device = "cpu";
  CLI::App app("Checks results, then times ours and its peers in turns.");
  app.footer("Every flag of Google Benchmark works too: --benchmark_filter=REGEX, ...");
  app.allow_extras();
  app.add_option("--device", device, tools::kDeviceHelp)->capture_default_str();
  app.add_option("--threads", flags().threads, "Numbers of threads to run every case with")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", flags().turns.rounds, "Rounds, of whose times medians are taken")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--avx2", flags().avx2, "Hide what is newer than AVX2 from ours and from the peers");
  for (const ProgramFlag& flag : more) app.add_option(flag.name, flag.value, flag.help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (flags().avx2) hide_newer_than_avx2();
  choose_kernels_of_peers(argv);
  try {
    use_device(device);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    std::exit(1);
  }
  std::vector<int>& threads = flags().threads;
  std::sort(threads.begin(), threads.end());
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());

  std::vector<std::string> rest = app.remaining();
  std::vector<char*> left{argv[0]};
  for (std::string& argument : rest) left.push_back(argument.data());
  int count = static_cast<int>(left.size());
  benchmark::Initialize(&count, left.data());
  if (benchmark::ReportUnrecognizedArguments(count, left.data())) std::exit(1);
}

Device device() { return flags().device; }
const std::vector<int>& thread_counts() { return flags().threads; }
const TurnOptions& turn_options() { return flags().turns; }

int run(const std::vector<std::pair<std::string, std::string>>& peers) {
  benchmark::AddCustomContext("instruction set", instruction_set());
  if (flags().avx2) benchmark::AddCustomContext("hidden", "newer than AVX2");
  benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
  if (device().type == DeviceType::CUDA)
    benchmark::AddCustomContext("device", cuda_device_name(device()));
  for (const auto& [name, version] : peers) benchmark::AddCustomContext(name, version);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace rho::bench
