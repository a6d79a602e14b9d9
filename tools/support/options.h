// The options of rho-train: one table makes the flags, the help, and config.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace rho::tools {

struct TrainOptions {
  std::string model;
  std::string data;
  std::string optimizer = "sgd";
  double lr = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  std::string schedule = "constant";
  std::int64_t epochs = 10;
  std::string stop;
  std::int64_t batch = 100;
  std::string loss = "cross-entropy";
  std::string norm = "2";
  std::string rho = "learned";
  double rho_lr = -1.0;
  std::int64_t retract_every = 1;
  std::string norm_per = "layer";
  double temperature = 0.0;
  std::string nonfinite = "stop";
  bool audit = false;
  double snapshot = 0.0;
  std::string start;
  std::string init = "he";
  double init_std = 0.0;
  std::uint64_t seed = 0;
  double corrupt = 0.0;
  double corrupt_test = 0.0;
  std::string corrupt_mode = "uniform";
  std::int64_t subset = 0;
  std::int64_t subset_test = 0;
  std::string subset_mode = "first";
  std::string pixels = "natural";
  bool augment = false;
  std::string precision = "f32";
  std::string provider = "rho";
  std::string device = "cpu";
  int threads = 0;
  std::string out;
  bool resume = false;
  bool profile = false;

  /// --norm as a number: infinity for "inf".
  double p() const;
};

/// Everything but --out, --resume and --profile, in the order of the help.
nlohmann::ordered_json to_json(const TrainOptions& options);

/// The options of the run in `directory`, from its config.json; those that are newer than the run
/// have their defaults. Throws, naming the file, where it is missing or not valid.
TrainOptions options_of_run(const std::string& directory);

/// Reads the command line. Nothing when it asked for --help, which has then been printed. With
/// --resume, options that are not given come from OUT/config.json, and those that are given must be
/// equal to it (only --epochs, --stop and --threads may differ); otherwise throws, naming the
/// option. A wrong command line is a
/// UsageError.
std::optional<TrainOptions> parse_train_options(int argc, char** argv);

}  // namespace rho::tools
