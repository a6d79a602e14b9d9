// The program rho-measure: see its --help.
#include <cstdio>
#include <filesystem>
#include <optional>

#include "nn/atomic_file.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tools/measure/picture.h"
#include "tools/measure/report.h"
#include "tools/measure/report_json.h"
#include "tools/plot/gnuplot.h"
#include "tools/programs/programs.h"
#include "tools/support/command_line.h"
#include "tools/support/console.h"
#include "tools/support/data.h"
#include "tools/support/device.h"
#include "tools/support/options.h"
#include "tools/support/run.h"
#include "tools/support/run_data.h"

namespace rho::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  A network that rho-train made, on the data that it was trained on, subsets and corruption included:
    rho-measure --run runs/first --json measure.json --plot measure.png
    rho-measure --run runs/first --checkpoint snapshot.safetensors --examples examples.csv
  The same network on other data (its name, mean and std are in the checkpoint):
    rho-measure --checkpoint runs/first/last.safetensors --data fashion-mnist
  A PyTorch checkpoint (safetensors), in double precision:
    rho-measure --model resnet20 --checkpoint resnet20.safetensors --data cifar10:DIR \
                --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --precision f64

Weight and batch norm are folded, and every layer is divided by its norm (and multiplied by
--layer-norm): f = rho f~ exactly. "normalized" is what belongs to f~. The margin of an example is
its label's output minus the largest other one, its winning output the largest.
Exit code: 0, 1 for a failure, 2 for a wrong command line.)";

struct MeasureOptions {
  std::string run, model, checkpoint, data, mean, std, norm = "2", precision = "f32",
                                                       device = "cpu";
  std::string json, plot, examples;
  double layer_norm = 1.0;
  std::int64_t output_norm_example = 0;
  std::int64_t batch = 100;
  TrainOptions trained;  ///< where there is a run

  double p() const { return norm_order(norm); }
  DType dtype() const { return precision == "f64" ? DType::Float64 : DType::Float32; }
};

// A file in the run's folder, or else any file.
std::string checkpoint_of_run(const std::string& run, const std::string& name) {
  const std::filesystem::path inside =
      std::filesystem::path(run) / (name.empty() ? "last.safetensors" : name);
  return name.empty() || std::filesystem::exists(inside) ? inside.string() : name;
}

void take_from_run(MeasureOptions& o) {
  o.trained = options_of_run(o.run);
  o.checkpoint = checkpoint_of_run(o.run, o.checkpoint);
  o.data = o.trained.data;
  o.precision = o.trained.precision == "f64" ? "f64" : "f32";
  o.device = o.trained.device;
}

void validate(const MeasureOptions& o) {
  parsed("--data", [&] { return parse_data(o.data); });
  require(o.p() >= 1.0, "--norm", "must be a number >= 1, or inf");
  require(o.layer_norm > 0.0 && std::isfinite(o.layer_norm), "--layer-norm", "must be > 0");
  require(o.output_norm_example >= 0, "--output-norm-example", "must be >= 0");
  require(o.precision == "f32" || o.precision == "f64", "--precision",
          "must be f32 or f64: measures round no operands of products");
  parsed("--device", [&] { return parse_device(o.device); });
  require(o.batch >= 1, "--batch", "must be >= 1");
  require(o.mean.empty() == o.std.empty(), "--mean", "goes with --std");
  if (!o.mean.empty()) {
    const auto mean = parsed("--mean", [&] { return numbers_from_text(o.mean, "mean"); });
    const auto std = parsed("--std", [&] { return numbers_from_text(o.std, "std"); });
    require(mean.size() == std.size(), "--mean", "and --std must have one number a channel each");
    for (const double value : std) require(value > 0.0, "--std", "must be > 0");
  }
  if (!o.plot.empty()) require_picture("--plot", o.plot);
}

std::optional<MeasureOptions> parse_options(int argc, char** argv) {
  MeasureOptions o;
  CommandLine line(
      "rho-measure",
      "Measures a trained network on both splits of a data set: loss, error and margins, "
      "as they are and normalized by the product of the layers' norms.",
      kExamples);
  const Option run =
      line.add("--run", o.run,
               "folder of a rho-train run: measures its network (last.safetensors, or "
               "--checkpoint) on its data, changed as they were for it");
  line.add("--checkpoint", o.checkpoint,
           "safetensors file, PyTorch's names; with --run also one in its folder");
  line.add("--data", o.data,
           "NAME[:DIR]: fashion-mnist, mnist, cifar10, cifar100, folder, csv; files in DIR")
      .excludes(run);
  line.add("--model", o.model, nn::model_names() + "; left out: what the checkpoint names");
  line.add("--mean", o.mean,
           "R,G,B: subtracted from the inputs (pixels are in [0, 1]); left out: what the "
           "checkpoint names, else measured on the training split");
  line.add("--std", o.std, "R,G,B: the inputs are then divided by it");
  line.add("--norm", o.norm, "p of the layers' norms: a number >= 1, or inf");
  line.add("--layer-norm", o.layer_norm, "norm of every layer of the normalized network");
  line.add("--output-norm-example", o.output_norm_example,
           "training example by the norm of whose output f is divided, beside the exact "
           "normalization");
  std::optional<std::string> precision, device;
  line.add(
      "--precision", precision,
      "f32 or f64; left out: f64 where the run has it, else f32, for runs in tf32 and bf16 too");
  line.add("--device", device, std::string(kDeviceHelp) + "; left out: the run's, else cpu");
  line.add("--batch", o.batch, "examples a forward pass");
  line.add("--json", o.json, "writes every number to this file");
  line.add("--examples", o.examples,
           "writes a row an example of both splits to this file (CSV): label, prediction, "
           "winning output, margin");
  line.add("--plot", o.plot, "draws margins and norms to this file, .svg or .png (needs gnuplot)");
  if (!line.parse(argc, argv)) return std::nullopt;
  if (!o.run.empty()) take_from_run(o);
  if (precision) o.precision = *precision;
  if (device) o.device = *device;
  require(!o.checkpoint.empty(), "--checkpoint", "is required (or --run)");
  require(!o.data.empty(), "--data", "is required (or --run)");
  validate(o);
  return o;
}

// An entry of the metadata; empty where the checkpoint has none.
std::string entry(const nn::TensorFile& checkpoint, const std::string& key) {
  const auto found = checkpoint.metadata.find(key);
  return found == checkpoint.metadata.end() ? "" : found->second;
}

struct Inputs {
  datasets::Standardization standardization;
  std::string source;  ///< of mean and std
};

Inputs standardize(const MeasureOptions& o, const nn::TensorFile& checkpoint,
                   const datasets::Dataset& train) {
  Inputs out{{}, "--mean and --std"};
  std::string mean = o.mean, std = o.std;
  if (mean.empty()) {
    mean = entry(checkpoint, "standardization.mean");
    std = entry(checkpoint, "standardization.std");
    out.source = "the checkpoint";
  }
  if (mean.empty() || std.empty())
    return {datasets::measure_standardization(train), "the training split"};
  out.standardization.divisor = train.examples.dtype() == DType::UInt8 ? 255.0 : 1.0;
  out.standardization.mean = numbers_from_text(mean, o.checkpoint + ": mean");
  out.standardization.std = numbers_from_text(std, o.checkpoint + ": std");
  const auto channels = static_cast<std::size_t>(train.examples.size(-1));
  check(out.standardization.mean.size() == channels && out.standardization.std.size() == channels,
        "standardization", "mean and std from ", out.source, " have ",
        out.standardization.mean.size(), " and ", out.standardization.std.size(),
        " numbers, expected ", channels, ", one a channel of ", train.name);
  return out;
}

nn::ModelSpec model_spec(const MeasureOptions& o, const nn::TensorFile& checkpoint,
                         const datasets::Dataset& train) {
  nn::ModelSpec spec{o.model.empty() ? entry(checkpoint, "model") : o.model, input_shape(train),
                     train.classes};
  check(!spec.name.empty(), "model", o.checkpoint,
        " does not name its model; give it with --model");
  const std::string input = entry(checkpoint, "input"), classes = entry(checkpoint, "classes");
  const std::string found = shape_to_text(spec.input);
  check(input.empty() || input == found, "data", o.data, " has examples ", found, ", but ",
        o.checkpoint, " was trained on ", input);
  check(classes.empty() || classes == std::to_string(spec.classes), "data", o.data, " has ",
        spec.classes, " classes, but ", o.checkpoint, " was trained on ", classes);
  return spec;
}

int run(const MeasureOptions& o) {
  check_output(o.json);
  check_output(o.plot);
  check_output(o.examples);
  if (!o.plot.empty()) plot::check_gnuplot();
  const Device device = find_device(o.device);
  const nn::TensorFile checkpoint = nn::read_safetensors(o.checkpoint);
  const datasets::Split split =
      o.run.empty() ? load(parse_data(o.data)) : load_data(o.trained).split;
  const nn::ModelSpec spec = model_spec(o, checkpoint, split.train);
  Rng rng(0);  // the weights come from the checkpoint
  const auto model = nn::make_model(spec, {}, rng, o.dtype());
  model->to(device);
  nn::import_state(*model, checkpoint.tensors, o.checkpoint);
  const Inputs inputs = standardize(o, checkpoint, split.train);

  std::fprintf(console().out,
               "%s: %lld parameters, %s, p = %s, layers of norm %g\nmean %s, std %s (from %s)\n\n",
               spec.name.c_str(), static_cast<long long>(model->parameter_count()),
               std::string(name_of(o.dtype())).c_str(), o.norm.c_str(), o.layer_norm,
               numbers_to_text(inputs.standardization.mean).c_str(),
               numbers_to_text(inputs.standardization.std).c_str(), inputs.source.c_str());
  std::fflush(console().out);
  const measure::Report report =
      measure::measure(spec, *model, split, inputs.standardization,
                       {o.p(), o.dtype(), o.batch, o.layer_norm, o.output_norm_example});
  std::fputs(measure::to_text(report).c_str(), console().out);

  if (!o.json.empty()) {
    nlohmann::ordered_json json{{"model", spec.name},
                                {"parameters", model->parameter_count()},
                                {"run", o.run},
                                {"checkpoint", o.checkpoint},
                                {"data", o.data},
                                {"norm", o.norm},
                                {"layer_norm", o.layer_norm},
                                {"precision", o.precision},
                                {"device", o.device},
                                {"standardization",
                                 {{"mean", inputs.standardization.mean},
                                  {"std", inputs.standardization.std},
                                  {"source", inputs.source}}}};
    json.update(measure::to_json(report));
    nn::write_text(o.json, json.dump(2) + "\n");
  }
  if (!o.examples.empty()) nn::write_text(o.examples, measure::examples_csv(report));
  if (!o.plot.empty())
    measure::draw(report, spec.name + " on " + parse_data(o.data).name, o.norm, o.plot);
  return 0;
}

}  // namespace

int measure_program(int argc, char** argv) { return run_main(argc, argv, parse_options, run); }

}  // namespace rho::tools
