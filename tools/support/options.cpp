#include "tools/support/options.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "datasets/corrupt.h"
#include "datasets/pixels.h"
#include "kernels/threads.h"
#include "nn/model.h"
#include "optim/direction.h"
#include "optim/factory.h"
#include "optim/schedule.h"
#include "tools/support/command_line.h"
#include "tools/support/data.h"
#include "tools/support/device.h"
#include "tools/support/json_file.h"
#include "tools/support/precision.h"
#include "tools/support/provider.h"
#include "tools/support/stop_rules.h"

namespace rho::tools {
namespace {

using Json = nlohmann::ordered_json;

// visit(group, name, field, help) for every option that belongs to a run.
template <class Options, class Visit>
void for_each_option(Options& o, Visit&& visit) {
  const char* group = "What to train";
  visit(group, "model", o.model, nn::model_names());
  visit(group, "data", o.data,
        "NAME[:DIR]: fashion-mnist, mnist, cifar10, cifar100, folder, csv; the files are in DIR");
  visit(group, "loss", o.loss, "cross-entropy, square, or exponential (multi-class)");
  visit(group, "precision", o.precision, kPrecisionHelp);
  visit(group, "provider", o.provider, kProviderHelp);

  group = "How";
  visit(group, "epochs", o.epochs, "passes over the training split, in all");
  visit(
      group, "stop", o.stop,
      "end earlier, after the first epoch with at most this: train-error:X, train-loss:X, or both "
      "with a comma between");
  visit(group, "batch", o.batch, "examples a step");
  visit(group, "optimizer", o.optimizer, optim::optimizer_names());
  visit(group, "lr", o.lr, "learning rate");
  visit(group, "momentum", o.momentum, "0 for none");
  visit(group, "nesterov", o.nesterov, "Nesterov's form of momentum");
  visit(group, "weight-decay", o.weight_decay, "L2 penalty on the weights");
  visit(group, "schedule", o.schedule,
        "of the learning rate: constant, step:EVERY:GAMMA, multistep:E1,E2:GAMMA, cosine:EPOCHS");
  visit(group, "temperature", o.temperature, "langevin: T of its noise");
  visit(group, "nonfinite", o.nonfinite,
        "a step whose loss or gradient is not finite: stop, or skip (and count) it");
  visit(group, "augment", o.augment, "pad by 4, crop and flip at random (images)");

  group = "Norms";
  visit(group, "norm", o.norm, "p of the layers' norms: a number >= 1, or inf");
  visit(group, "norm-per", o.norm_per,
        "what has a norm of its own under a constraint: layer or channel (output channel)");
  visit(group, "rho", o.rho,
        "under a constraint: learned, fixed, linear:RATE, log:C, or margin:C (adaptive)");
  visit(group, "rho-lr", o.rho_lr, "learning rate of a learned rho; negative: that of the weights");
  visit(group, "retract-every", o.retract_every,
        "tangent-gradient, polar-gradient: steps between returns to the sphere");

  group = "Start";
  visit(
      group, "start", o.start,
      "checkpoint (safetensors, PyTorch's names) with the initial weights, instead of random ones");
  visit(group, "init", o.init, "he, glorot, normal (with --init-std), or orthogonal");
  visit(group, "init-std", o.init_std, "standard deviation of the initial weights");
  visit(group, "seed", o.seed,
        "of the weights, the order, the augmentation and the changes to the data");

  group = "Changes to the data";
  visit(group, "corrupt", o.corrupt, "fraction of the training labels to corrupt");
  visit(group, "corrupt-test", o.corrupt_test, "fraction of the test labels to corrupt");
  visit(group, "corrupt-mode", o.corrupt_mode,
        "uniform (over all classes), uniform-others, or permutation");
  visit(group, "subset", o.subset, "training examples to use; 0 for all");
  visit(group, "subset-test", o.subset_test, "test examples to use; 0 for all");
  visit(group, "subset-mode", o.subset_mode, "which: first or random");
  visit(group, "pixels", o.pixels,
        "natural, shuffled (one permutation for all images), random (one an image), or gaussian "
        "(noise)");

  group = "Run";
  visit(group, "audit", o.audit, "record what each step does to the norms in OUT/audit.jsonl");
  visit(group, "snapshot", o.snapshot,
        "keep the network of the epoch whose train_loss is nearest to this, in "
        "OUT/snapshot.safetensors; 0 for none");
  visit(group, "device", o.device, kDeviceHelp);
  visit(group, "threads", o.threads, "0 for $OMP_NUM_THREADS, or one a core");
}

constexpr const char* kExamples = R"(Examples:
  A small convolutional network on Fashion-MNIST (Debian package dataset-fashion-mnist):
    rho-train --model convnet3-34 --data fashion-mnist --lr 0.01 --momentum 0.9 \
              --schedule cosine:10 --epochs 10 --out runs/first
  The same run, continued after an interruption, or for more epochs:
    rho-train --resume --out runs/first
    rho-train --resume --epochs 20 --out runs/first
  Gradient descent with every layer on its unit sphere, and a record of its constraints:
    rho-train --model convnet3-34 --data fashion-mnist --optimizer tangent-gradient --lr 0.0001 \
              --rho-lr 0.01 --momentum 0.9 --epochs 5 --audit --out runs/sphere
  Random labels, on 1000 examples:
    rho-train --model mlp-128-2 --data mnist:DIR --corrupt 1 --subset 1000 --epochs 200 --out runs/random
  A second phase from there: the natural labels, until none is misclassified:
    rho-train --model mlp-128-2 --data mnist:DIR --start runs/random/last.safetensors --subset 1000 \
              --stop train-error:0 --epochs 200 --out runs/natural

OUT gets metrics.jsonl (a line an epoch), last.safetensors (the network; PyTorch's names) and
config.json (these options); with --audit, audit.jsonl (a line a step), with --snapshot,
snapshot.safetensors. Same options, same thread count: the same bits.)";

template <class T>
void require_one_of(const char* flag, const T& value, std::initializer_list<const char*> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  std::string names;
  for (const char* name : known) names += (names.empty() ? "" : ", ") + std::string(name);
  throw UsageError(flag, "\"" + value + "\" is none of " + names);
}

void validate(const TrainOptions& o) {
  require(!o.model.empty(), "--model", "is required");
  require(!o.data.empty(), "--data", "is required");
  parsed("--data", [&] { return parse_data(o.data); });
  parsed("--schedule", [&] { return optim::make_schedule(o.schedule); });
  parsed("--pixels", [&] { return datasets::parse_pixel_mode(o.pixels); });
  parsed("--corrupt-mode", [&] { return datasets::parse_corruption_mode(o.corrupt_mode); });
  require(
      !nn::is_weight_normalized(o.model) || !optim::is_norm_constrained(o.optimizer), "--optimizer",
      "must be sgd, adam or langevin: a weight-normalized model has no plain weight to constrain");
  const Device device = parsed("--device", [&] { return parse_device(o.device); });
  parsed("--precision", [&] { return parse_precision(o.precision, device); });
  parsed("--provider", [&] { return parse_provider(o.provider, device); });
  parsed("--stop", [&] { return StopRules(o.stop); });
  require_one_of("--loss", o.loss, {"cross-entropy", "square", "exponential"});
  require_one_of("--norm-per", o.norm_per, {"layer", "channel"});
  require_one_of("--nonfinite", o.nonfinite, {"stop", "skip"});
  require_one_of("--init", o.init, {"he", "glorot", "normal", "orthogonal"});
  require_one_of("--subset-mode", o.subset_mode, {"first", "random"});
  require(o.init != "normal" || o.init_std > 0, "--init-std", "is required > 0 by --init normal");
  require(o.init == "normal" || o.init_std == 0, "--init-std", "goes with --init normal only");
  require(o.epochs >= 1, "--epochs", "must be >= 1");
  require(o.batch >= 1, "--batch", "must be >= 1");
  require(o.lr > 0 && std::isfinite(o.lr), "--lr", "must be > 0");
  require(o.momentum >= 0 && o.momentum < 1, "--momentum", "must be in [0, 1)");
  require(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "--weight-decay", "must be >= 0");
  require(o.temperature >= 0 && std::isfinite(o.temperature), "--temperature", "must be >= 0");
  require(o.retract_every >= 1, "--retract-every", "must be >= 1");
  require(o.corrupt >= 0 && o.corrupt <= 1, "--corrupt", "must be in [0, 1]");
  require(o.corrupt_test >= 0 && o.corrupt_test <= 1, "--corrupt-test", "must be in [0, 1]");
  require(o.subset >= 0, "--subset", "must be >= 0");
  require(o.subset_test >= 0, "--subset-test", "must be >= 0");
  require(o.snapshot >= 0 && std::isfinite(o.snapshot), "--snapshot", "must be >= 0");
  require(o.threads >= 0, "--threads", "must be >= 0");
  require(o.p() >= 1, "--norm", "must be a number >= 1, or inf");
}

std::string config_of(const std::string& directory) {
  return (std::filesystem::path(directory) / "config.json").string();
}

// Options that were not given take the value of the run that is resumed.
void merge(TrainOptions& options, const CommandLine& line) {
  const Json run = to_json(options_of_run(options.out));
  for_each_option(options,
                  [&]<class T>(const char*, const std::string& name, T& value, const auto&) {
                    // None of the three changes what an epoch computes.
                    if (name == "threads") return;
                    const bool may_differ = name == "epochs" || name == "stop";
                    const T saved = run.at(name).get<T>();
                    const bool given = line.given("--" + name);
                    check(!given || value == saved || may_differ, "resume", "--", name, " is ",
                          value, ", but the run in ", options.out, " has ", saved);
                    if (!given) value = saved;
                  });
}

}  // namespace

double TrainOptions::p() const { return norm_order(norm); }

nlohmann::ordered_json to_json(const TrainOptions& options) {
  Json json;
  for_each_option(options, [&](const char*, const char* name, const auto& value, const auto&) {
    json[name] = value;
  });
  return json;
}

TrainOptions options_of_run(const std::string& directory) {
  const std::string path = config_of(directory);
  const Json config = read_json(path, "config");
  TrainOptions options;
  for_each_option(options, [&]<class T>(const char*, const char* name, T& value, const auto&) {
    if (!config.contains(name)) return;
    try {
      value = config.at(name).get<T>();
    } catch (const Json::exception&) {
      fail("config", path, " has no valid \"", name, '"');
    }
  });
  options.out = directory;
  return options;
}

std::optional<TrainOptions> parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CommandLine line(
      "rho-train",
      "Trains a network and records its loss, error, norms and margins after every epoch.",
      kExamples);
  for_each_option(options,
                  [&](const char* group, const char* name, auto& value, const std::string& help) {
                    line.add(std::string("--") + name, value, help).group(group);
                  });
  line.add("--out", options.out, "folder of the run; made where missing").group("Run").required();
  line.add("--resume", options.resume,
           "go on from the last checkpoint in OUT, with the options of that run")
      .group("Run");
  line.add("--profile", options.profile,
           "time some early steps by kernel and by layer: a table, also in OUT/profile.txt, and "
           "a trace for chrome://tracing or ui.perfetto.dev in OUT/profile.json")
      .group("Run");
  if (!line.parse(argc, argv)) return std::nullopt;

  if (line.given("--init-std") && !line.given("--init")) options.init = "normal";
  if (options.threads == 0) options.threads = kernels::threads();
  if (options.resume && std::filesystem::exists(config_of(options.out))) merge(options, line);
  for (const char* const flag : {"--init", "--init-std"})
    require(options.start.empty() || !line.given(flag), flag,
            "is for random weights, but --start names others");
  validate(options);
  return options;
}

}  // namespace rho::tools
