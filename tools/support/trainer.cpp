#include "tools/support/trainer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "autograd/ops/losses.h"
#include "datasets/loader.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/threads.h"
#include "nn/atomic_file.h"
#include "nn/gradient_step.h"
#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "optim/factory.h"
#include "optim/schedule.h"
#include "tensor/profile.h"
#include "tools/measure/cross_entropy.h"
#include "tools/measure/evaluate.h"
#include "tools/measure/margins.h"
#include "tools/measure/normalization.h"
#include "tools/support/checkpoint.h"
#include "tools/support/console.h"
#include "tools/support/data.h"
#include "tools/support/device.h"
#include "tools/support/groups.h"
#include "tools/support/precision.h"
#include "tools/support/profile_report.h"
#include "tools/support/progress.h"
#include "tools/support/provider.h"
#include "tools/support/run_data.h"
#include "tools/support/seeds.h"
#include "tools/support/step_profiler.h"
#include "tools/support/stop_rules.h"

namespace rho::tools {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kEvaluationBatch = 250;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

nn::Init init_of(const TrainOptions& options) {
  if (options.init == "normal") return {nn::InitKind::Normal, options.init_std};
  if (options.init == "glorot") return {nn::InitKind::Glorot};
  if (options.init == "orthogonal") return {nn::InitKind::Orthogonal};
  return {nn::InitKind::He};
}

optim::OptimizerOptions optimizer_of(const TrainOptions& options) {
  optim::OptimizerOptions out;
  out.name = options.optimizer;
  out.lr = options.lr;
  out.momentum = options.momentum;
  out.nesterov = options.nesterov;
  out.weight_decay = options.weight_decay;
  out.p = options.p();
  out.rho = options.rho;
  out.rho_lr = options.rho_lr;
  out.retract_every = options.retract_every;
  out.per_channel = options.norm_per == "channel";
  out.temperature = options.temperature;
  out.seed = seed_of(options, Stream::Noise);
  return out;
}

// Indices count within the split in use.
void write_corrupted(const std::string& path, const Tensor& indices, const TrainOptions& options) {
  if (!indices.defined()) {
    std::filesystem::remove(path);  // of an earlier try in this folder
    return;
  }
  const Json json{{"mode", options.corrupt_mode}, {"indices", indices.to_vector<std::int64_t>()}};
  nn::write_text(path, json.dump() + "\n");
}

std::map<std::string, std::string> metadata_of(const TrainOptions& options,
                                               const nn::ModelSpec& spec,
                                               const datasets::Standardization& standardization) {
  return {{"model", spec.name},
          {"classes", std::to_string(spec.classes)},
          {"input", shape_to_text(spec.input)},
          {"data", options.data},
          {"precision", options.precision},
          {"standardization.mean", numbers_to_text(standardization.mean)},
          {"standardization.std", numbers_to_text(standardization.std)},
          {"rho_version", kRhoVersion}};
}

Tensor one_hot(const Tensor& labels, std::int64_t classes, DType dtype) {
  Tensor out = kernels::zeros({labels.size(0), classes}, dtype, Device{});
  dispatch_floating(dtype, "one_hot", [&]<class T>() {
    std::int64_t row = 0;
    for (const std::int64_t label : labels.to_vector<std::int64_t>())
      out.data<T>()[row++ * classes + label] = T{1};
  });
  return out.to(labels.device());
}

// The minimized loss, a mean over the batch.
Variable objective(const std::string& loss, const Variable& logits, const Tensor& labels) {
  if (loss == "square") return square_loss(logits, one_hot(labels, logits.size(1), logits.dtype()));
  if (loss == "exponential") return multiclass_exponential_loss(logits, labels);
  return cross_entropy(logits, labels);
}

// A run in progress: everything that an epoch needs.
class Training {
 public:
  // The first weights are those in the file `start`; empty: random ones.
  Training(const TrainOptions& options, Device device, const datasets::Split& split,
           const std::string& start)
      : options_(options),
        device_(device),
        precision_(parse_precision(options.precision, device)),
        provider_(parse_provider(options.provider, device)),
        standardization_(datasets::measure_standardization(split.train)),
        spec_{options.model, input_shape(split.train), split.train.classes},
        examples_(split.train.size()),
        train_(split.train, standardization_,
               {options.batch, true, options.augment, precision_.dtype,
                seed_of(options, Stream::Order), device}),
        train_evaluation_(split.train, standardization_, evaluation_options()),
        test_evaluation_(split.test, standardization_, evaluation_options()),
        schedule_(optim::make_schedule(options.schedule)) {
    Rng rng = rng_of(options, Stream::Weights);
    model_ = nn::make_model(spec_, init_of(options), rng, precision_.dtype);
    model_->to(device_);
    if (!start.empty()) nn::import_state(*model_, nn::read_safetensors(start).tensors, start);
    optimizer_ = optim::make_optimizer(optimizer_of(options), parameter_groups(*model_));
    optimizer_->skip_nonfinite(options.nonfinite == "skip");
    optimizer_->keep_audit(options.audit);
    // What asks the host for something between gradients and update gets its update after them.
    updates_within_ = optimizer_->is_replayable();
    // The other losses make their targets on the host.
    step_.emplace(
        *model_,
        [this](const Variable& logits, const Tensor& labels) {
          return objective(options_.loss, logits, labels);
        },
        options.loss == "cross-entropy",
        updates_within_ ? [this] { enqueue_update(); } : nn::GradientStep::Update{});
  }

  std::int64_t examples() const { return examples_; }
  std::int64_t steps_an_epoch() const { return train_.batches(); }
  const nn::Module& model() const { return *model_; }
  // Where it computes: "2 threads", "cuda:0".
  std::string place() const {
    if (device_.type == DeviceType::CPU) return std::to_string(options_.threads) + " threads";
    return "cuda:" + std::to_string(device_.index);
  }

  void restore(const Checkpoint& checkpoint, const std::string& source) {
    for (const auto& [key, value] : metadata_of(options_, spec_, standardization_)) {
      const auto saved = checkpoint.metadata.find(key);
      check(saved != checkpoint.metadata.end() && (saved->second == value || key == "rho_version"),
            "resume", source, " was trained with another ", key, ", now ", value);
    }
    nn::import_state(*model_, checkpoint.model, source);
    optimizer_->load_state(checkpoint.optimizer);
  }

  Checkpoint checkpoint(std::int64_t epoch) const {
    return {epoch, metadata_of(options_, spec_, standardization_), nn::export_state(*model_),
            optimizer_->state()};
  }

  // One pass over the training split and an evaluation; `epoch` counts from 1.
  EpochRecord run_epoch(std::int64_t epoch, Progress& progress, StepProfiler& profiler) {
    const Clock::time_point start = Clock::now();
    audit_.clear();
    EpochRecord record;
    record.epoch = epoch;
    record.lr = options_.lr * schedule_->factor(epoch - 1);
    optimizer_->set_lr(record.lr);
    train_pass(epoch, start, progress, profiler);
    record.img_per_s = static_cast<double>(examples_) / seconds_since(start);
    evaluate(record);
    record.seconds = seconds_since(start);
    return record;
  }

  // The lines of audit.jsonl that the last epoch made.
  const std::string& audit() const { return audit_; }

 private:
  datasets::LoaderOptions evaluation_options() const {
    datasets::LoaderOptions out;
    out.batch = kEvaluationBatch;
    out.dtype = precision_.dtype;
    out.device = device_;
    return out;
  }

  void train_pass(std::int64_t epoch, Clock::time_point start, Progress& progress,
                  StepProfiler& profiler) {
    model_->train();
    train_.start(epoch - 1);
    std::int64_t seen = 0, step = (epoch - 1) * steps_an_epoch();
    const std::int64_t last = epoch * steps_an_epoch();
    while (step < last) {
      const auto [examples, loss] = train_step(epoch, ++step, profiler.next_step());
      seen += examples;
      progress.step(seen, loss, static_cast<double>(seen) / seconds_since(start));
      if (const auto table = profiler.report()) progress.print(*table);
    }
  }

  struct Stepped {
    std::int64_t examples;
    double loss;
  };

  // `step` counts from 1 over the whole run; it is recorded where there is a profile.
  Stepped train_step(std::int64_t epoch, std::int64_t step, Profile* profile) {
    const Recording recording(profile);
    const ProfileScope scope(SpanKind::Step, "step");
    // Not while anything is measured.
    const kernels::ProductPrecisionScope precision(precision_.products);
    const kernels::ProductProviderScope provider(provider_);
    const datasets::Batch batch = next_batch();
    const std::int64_t skipped = optimizer_->skipped_steps();
    if (updates_within_) optimizer_->prepare();
    const auto [logits, loss] = (*step_)(batch.inputs, batch.labels);
    const double value = loss.item();
    if (!std::isfinite(value) && options_.nonfinite == "stop")
      fail_diverged(epoch, "the loss is not finite");
    update(epoch, logits, batch.labels);
    if (options_.audit && optimizer_->skipped_steps() == skipped) keep_audit(epoch, step);
    return {batch.labels.size(0), value};
  }

  datasets::Batch next_batch() {
    const ProfileScope scope(SpanKind::Phase, "data wait");
    return *train_.next();  // there are steps_an_epoch() of them
  }

  void enqueue_update() {
    const ProfileScope scope(SpanKind::Phase, "optimizer");
    optimizer_->enqueue();
  }

  // What is left of it.
  void update(std::int64_t epoch, const Variable& logits, const Tensor& labels) {
    try {
      if (!updates_within_) {
        if (optimizer_->uses_margin()) optimizer_->observe_margin(mean_margin(logits, labels));
        optimizer_->prepare();
        enqueue_update();
      }
      optimizer_->conclude();
    } catch (const Error& error) {
      fail_diverged(epoch, error.what());
    }
  }

  void keep_audit(std::int64_t epoch, std::int64_t step) {
    const ProfileScope scope(SpanKind::Phase, "audit");
    audit_ += to_json(epoch, step, optimizer_->audit(options_.p())).dump() + "\n";
  }

  static double mean_margin(const Variable& logits, const Tensor& labels) {
    const Tensor here = kernels::contiguous(logits.value().to(Device{}));
    const measure::Outputs outputs{kernels::to_dtype(here, DType::Float64), labels.to(Device{})};
    return measure::summarize(measure::margins(outputs)).mean;
  }

  void evaluate(EpochRecord& record) {
    const measure::Outputs train = measure::evaluate(*model_, train_evaluation_);
    const measure::Outputs test = measure::evaluate(*model_, test_evaluation_);
    record.train_loss = measure::cross_entropy(train);
    record.test_loss = measure::cross_entropy(test);
    // Checked before anything is normalized or saved: the last checkpoint stays a usable one.
    if (!std::isfinite(record.train_loss)) fail_diverged(record.epoch, "the loss is not finite");
    record.train_error = measure::error(train);
    record.test_error = measure::error(test);
    record.objective = minimized(train, record.train_loss);
    const measure::Normalization normalized =
        measure::normalize(spec_, *model_, options_.p(), DType::Float64);
    record.log_rho = normalized.log_rho;
    record.layers = normalized.layers;
    record.skipped_steps = optimizer_->skipped_steps();
    record.train_normalized_cross_entropy = measure::cross_entropy(train, record.log_rho);
    record.test_normalized_cross_entropy = measure::cross_entropy(test, record.log_rho);
    record.train_normalized_cross_entropy_minus_log_classes =
        measure::cross_entropy_minus_log_classes(train, record.log_rho);
    record.test_normalized_cross_entropy_minus_log_classes =
        measure::cross_entropy_minus_log_classes(test, record.log_rho);
    record.min_margin = measure::summarize(measure::margins(train)).min;
    const measure::MarginSummary margin =
        measure::summarize(measure::margins(train, record.log_rho));
    record.min_normalized_margin = margin.min;
    record.median_normalized_margin = margin.p50;
    record.train_mean_centred_margin = measure::mean_centred_margin(train, record.log_rho);
    record.test_mean_centred_margin = measure::mean_centred_margin(test, record.log_rho);
  }

  double minimized(const measure::Outputs& train, double cross_entropy) const {
    if (options_.loss == "cross-entropy") return cross_entropy;
    const NoGrad no_grad;
    return objective(options_.loss, Variable(train.logits), train.labels).item();
  }

  [[noreturn]] void fail_diverged(std::int64_t epoch, const std::string& why) const {
    fail("train", "diverged in epoch ", epoch, ": ", why, ". ",
         epoch > 1 ? "The checkpoint of the epoch before is kept" : "No epoch was completed",
         "; try a smaller --lr than ", options_.lr);
  }

  const TrainOptions& options_;
  Device device_;
  Precision precision_;
  kernels::ProductProvider provider_;
  datasets::Standardization standardization_;
  nn::ModelSpec spec_;
  std::int64_t examples_;
  datasets::Loader train_;
  datasets::Loader train_evaluation_;
  datasets::Loader test_evaluation_;
  std::unique_ptr<optim::Schedule> schedule_;
  std::shared_ptr<nn::Module> model_;
  std::optional<nn::GradientStep> step_;
  bool updates_within_ = true;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::string audit_;
};

// The rule that a run had met when it was left.
std::optional<std::string> met_before(const StopRules& rules, const RunDirectory& directory) {
  const std::vector<nlohmann::json> records = directory.records();
  if (records.empty()) return std::nullopt;
  return rules.met(records.back().at("train_loss"), records.back().at("train_error"));
}

void report_start(const TrainOptions& options, const Training& training, std::int64_t tested,
                  std::int64_t done) {
  std::fprintf(console().out, "%s: %lld parameters, %s: %lld training and %lld test examples, %s\n",
               options.model.c_str(), static_cast<long long>(training.model().parameter_count()),
               options.data.c_str(), static_cast<long long>(training.examples()),
               static_cast<long long>(tested), training.place().c_str());
  if (done > 0)
    std::fprintf(console().out, "resumed after epoch %lld\n", static_cast<long long>(done));
  std::fflush(console().out);
}

void report_end(std::int64_t epoch, const std::optional<std::string>& stop) {
  std::fprintf(console().out, "complete after epoch %lld%s%s\n", static_cast<long long>(epoch),
               stop ? ": " : "", stop ? stop->c_str() : "");
}

}  // namespace

void train(const TrainOptions& options) {
  kernels::set_threads(options.threads);
  RunDirectory directory(options.out, options.snapshot);
  check(options.resume || !directory.holds_run(), "out", options.out,
        " already holds a run: continue it with --resume, or choose another folder");
  const std::optional<Checkpoint> last = directory.load();
  const std::int64_t done = last ? last->epoch : 0;
  check(options.epochs >= done, "resume", options.out, " already has ", done,
        " epochs, --epochs is ", options.epochs);
  const StopRules rules(options.stop);
  std::optional<std::string> stop = met_before(rules, directory);
  const std::int64_t left = stop ? 0 : options.epochs - done;
  if (left == 0 && !options.profile) {
    report_end(done, stop);
    return;
  }

  const Device device = find_device(options.device);
  const RunData data = load_data(options);
  // A run that goes on has weights of its own.
  Training training(options, device, data.split, last ? "" : options.start);
  if (last) training.restore(*last, directory.file("last.safetensors"));
  StepProfiler profiler;
  if (options.profile) profiler = StepProfiler(directory, left * training.steps_an_epoch());
  nn::write_text(directory.file("config.json"), to_json(options).dump(2) + "\n");
  write_corrupted(directory.file("corrupted-train.json"), data.corrupted_train, options);
  write_corrupted(directory.file("corrupted-test.json"), data.corrupted_test, options);
  report_start(options, training, data.split.test.size(), done);
  Progress progress(training.examples(), done, options.epochs);
  for (std::int64_t epoch = done + 1; epoch <= options.epochs && !stop; ++epoch) {
    const EpochRecord record = training.run_epoch(epoch, progress, profiler);
    directory.save(training.checkpoint(epoch), record, training.audit());
    progress.epoch(record);
    stop = rules.met(record.train_loss, record.train_error);
    if (stop) report_end(epoch, stop);
  }
}

}  // namespace rho::tools
