// The measures against oracles in long double, exact normalization, and what is made of a report.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernels/copy.h"
#include "nn/normalize.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"
#include "tools/measure/cross_entropy.h"
#include "tools/measure/picture.h"
#include "tools/measure/report.h"
#include "tools/measure/report_json.h"
#include "tools/plot/gnuplot.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using measure::Outputs;
using testing::contains;
using testing::message_of;
using testing::uniform;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Outputs outputs(const std::vector<double>& logits, const std::vector<std::int64_t>& labels) {
  const auto count = static_cast<std::int64_t>(labels.size());
  return {Tensor::from(logits, {count, static_cast<std::int64_t>(logits.size()) / count}),
          Tensor::from(labels, {count})};
}

Outputs random_outputs(std::int64_t count, std::int64_t classes, double size) {
  std::vector<std::int64_t> labels;
  for (std::int64_t n = 0; n < count; ++n) labels.push_back(n % classes);
  return {uniform({count, classes}, 5, -size, size), Tensor::from(labels, {count})};
}

// Calls visit(gaps) with the exact differences z_j - z_y of each example.
template <class Visit>
void for_each_gaps(const Outputs& of, double log_rho, Visit&& visit) {
  const std::vector<double> logits = of.logits.to_vector<double>();
  const std::vector<std::int64_t> labels = of.labels.to_vector<std::int64_t>();
  const std::size_t classes = logits.size() / labels.size();
  for (std::size_t n = 0; n < labels.size(); ++n) {
    std::vector<long double> gaps;
    for (std::size_t j = 0; j < classes; ++j)
      gaps.push_back(
          (static_cast<long double>(logits[n * classes + j]) -
           static_cast<long double>(logits[n * classes + static_cast<std::size_t>(labels[n])])) *
          std::exp(-static_cast<long double>(log_rho)));
    visit(gaps);
  }
}

double exact_cross_entropy(const Outputs& of, double log_rho) {
  long double sum = 0;
  for_each_gaps(of, log_rho, [&](const std::vector<long double>& gaps) {
    long double total = 0;
    for (const long double gap : gaps) total += std::exp(gap);
    sum += std::log(total);
  });
  return static_cast<double>(sum / of.labels.numel());
}

// To third order in the gaps: CE - ln C = mean + variance / 2 + third central moment / 6.
double tiny_difference(const Outputs& of, double log_rho) {
  long double sum = 0;
  for_each_gaps(of, log_rho, [&](const std::vector<long double>& gaps) {
    const auto count = static_cast<long double>(gaps.size());
    long double mean = 0, second = 0, third = 0;
    for (const long double gap : gaps) mean += gap / count;
    for (const long double gap : gaps) {
      second += (gap - mean) * (gap - mean) / count;
      third += (gap - mean) * (gap - mean) * (gap - mean) / count;
    }
    sum += mean + second / 2 + third / 6;
  });
  return static_cast<double>(sum / of.labels.numel());
}

TEST(CrossEntropy, AgreesWithLongDouble) {
  for (const double size : {1e-3, 1.0, 30.0})
    for (const double log_rho : {-2.0, 0.0, 0.5, 4.0, 20.0}) {
      const Outputs of = random_outputs(50, 10, size);
      const double expected = exact_cross_entropy(of, log_rho);
      EXPECT_NEAR(measure::cross_entropy(of, log_rho), expected, 1e-14 * expected);
      EXPECT_NEAR(measure::cross_entropy_minus_log_classes(of, log_rho), expected - std::log(10.0),
                  1e-14 * expected);
    }
}

TEST(CrossEntropy, TheDifferenceKeepsItsDigitsWhereTheTermsCancel) {
  const Outputs of = random_outputs(50, 10, 10.0);
  for (const double log_rho : {12.0, 20.0, 40.0, 60.0, 600.0}) {
    const double expected = tiny_difference(of, log_rho);
    EXPECT_NEAR(measure::cross_entropy_minus_log_classes(of, log_rho) / expected, 1.0, 1e-11)
        << log_rho;
  }
  // What subtracting leaves at log rho = 60 is rounding, with no correct digit.
  const double naive = measure::cross_entropy(of, 60.0) - std::log(10.0);
  const double expected = tiny_difference(of, 60.0);
  EXPECT_GT(std::abs(naive - expected), 0.9 * std::abs(expected));
}

TEST(CrossEntropy, HugeOutputsAndHugeNorms) {
  const Outputs huge = outputs({1e4, -1e4, 0.0, -1e4, 1e4, 0.0}, {0, 0});
  EXPECT_DOUBLE_EQ(measure::cross_entropy(huge), 1e4);
  EXPECT_DOUBLE_EQ(measure::cross_entropy_minus_log_classes(huge, 0.0), 1e4 - std::log(3.0));
  // A confident example keeps the digits of its small loss.
  EXPECT_NEAR(measure::cross_entropy(outputs({60.0, 0.0}, {0})) / std::exp(-60.0), 1.0, 1e-14);
  // exp(log_rho) is infinite and exp(-log_rho) is 0 in double, f~ is neither.
  const Outputs beyond = outputs({0.0, 1e300}, {0});
  const double f_tilde = std::exp(std::log(1e300) - 760.0);
  EXPECT_NEAR(measure::cross_entropy_minus_log_classes(beyond, 760.0) / (f_tilde / 2), 1.0, 1e-11);
  EXPECT_NEAR(measure::margins(beyond, 760.0)[0] / -f_tilde, 1.0, 1e-11);
  EXPECT_TRUE(std::isnan(measure::cross_entropy(outputs({kNaN, 1.0}, {0}))));
  EXPECT_TRUE(std::isnan(measure::cross_entropy_minus_log_classes(outputs({1.0, kNaN}, {0}), 1.0)));
}

TEST(Error, TheFirstOfTheLargestIsPredictedAndNaNIsWrong) {
  EXPECT_EQ(measure::error(outputs({1, 2, 3, 3, 2, 1, 0, 5, 0, 0, 0, 1}, {2, 0, 1, 2})), 0.0);
  EXPECT_EQ(measure::error(outputs({1, 1, 1, 1}, {0, 1})), 0.5);
  EXPECT_EQ(measure::error(outputs({kNaN, 1, 1, kNaN}, {1, 0})), 1.0);
  EXPECT_EQ(measure::error(outputs({kInf, 1, 1, -kInf}, {0, 0})), 0.0);
  EXPECT_TRUE(contains(message_of([] {
                         measure::error({uniform({3, 2}), Tensor::from<std::int64_t>({0, 1}, {2})});
                       }),
                       "[measure]", "[3, 2]", "[2]"));
}

TEST(Margins, AreTheLabelsOutputMinusTheLargestOther) {
  const Outputs of = outputs({1, 2, 5, 1, 2, 5, 1, 1, 1, kNaN, 0, 1, 0, kNaN, 1}, {2, 0, 1, 2, 0});
  const std::vector<double> margins = measure::margins(of);
  ASSERT_EQ(margins.size(), 5U);
  EXPECT_EQ(margins[0], 3.0);
  EXPECT_EQ(margins[1], -4.0);
  EXPECT_EQ(margins[2], 0.0);
  EXPECT_TRUE(std::isnan(margins[3]) && std::isnan(margins[4]));
  EXPECT_NEAR(measure::margins(of, 60.0)[0], 3.0 * std::exp(-60.0), 1e-13 * std::exp(-60.0));
  EXPECT_TRUE(contains(message_of([] {
                         measure::margins(outputs({1, 2}, {0, 0}));
                       }),
                       "[margins]", "2 classes", "1"));
}

TEST(Margins, TheMeanCentredMarginIsTheFirstOrderOfCrossEntropy) {
  // The means of the rows are 1 and 3.
  const Outputs two = outputs({0, 1, 2, 1, 3, 5}, {2, 0});
  EXPECT_DOUBLE_EQ(measure::mean_centred_margin(two), -0.5);
  EXPECT_NEAR(measure::mean_centred_margin(two, 60.0) / (-0.5 * std::exp(-60.0)), 1.0, 1e-14);
  const Outputs of = random_outputs(50, 10, 10.0);
  EXPECT_NEAR(
      measure::mean_centred_margin(of, 30.0) / -measure::cross_entropy_minus_log_classes(of, 30.0),
      1.0, 1e-10);
  EXPECT_TRUE(std::isnan(measure::mean_centred_margin(outputs({kNaN, 1}, {1}))));
}

TEST(Margins, SummariesArePercentilesAsInNumpy) {
  // numpy.percentile([1, 2, 3, 4, 10], [1, 5, 10, 25, 50]) = [1.04, 1.2, 1.4, 2, 3]
  const measure::MarginSummary five = measure::summarize({10, 3, 1, 4, 2});
  EXPECT_DOUBLE_EQ(five.min, 1);
  EXPECT_DOUBLE_EQ(five.mean, 4);
  EXPECT_DOUBLE_EQ(five.p1, 1.04);
  EXPECT_DOUBLE_EQ(five.p5, 1.2);
  EXPECT_DOUBLE_EQ(five.p10, 1.4);
  EXPECT_DOUBLE_EQ(five.p25, 2);
  EXPECT_DOUBLE_EQ(five.p50, 3);
  EXPECT_DOUBLE_EQ(measure::summarize({10, 3, 1, 4, 2}, 1e-20).p10, 1.4e-20);
  const measure::MarginSummary one = measure::summarize({-7});
  for (const double value : {one.min, one.mean, one.p1, one.p5, one.p10, one.p25, one.p50})
    EXPECT_EQ(value, -7);
  const measure::MarginSummary none = measure::summarize({1, kNaN, 2});
  EXPECT_TRUE(std::isnan(none.min) && std::isnan(none.mean) && std::isnan(none.p50));
  EXPECT_TRUE(contains(message_of([] { measure::summarize({}); }), "[margins]", "no examples"));
}

TEST(Normalization, DeviationsAndChangedClasses) {
  const Outputs f = outputs({10, 20, 30, 40, 0, -10}, {0, 0, 0});
  const double log_rho = std::log(10.0);
  Outputs f_tilde = outputs({1, 2, 3, 4, 0, -1}, {0, 0, 0});
  EXPECT_LE(measure::max_relative_deviation(f, f_tilde, log_rho), 1e-15);
  EXPECT_EQ(measure::classes_changed(f, f_tilde), 0);
  f_tilde = outputs({2.5, 2, 3, 4, 0, -1.2}, {0, 0, 0});
  EXPECT_NEAR(measure::max_relative_deviation(f, f_tilde, log_rho), 1.5 / 4, 1e-14);
  EXPECT_EQ(measure::classes_changed(f, f_tilde), 1);
  f_tilde = outputs({1, kNaN, 3, 4, 0, -1}, {0, 0, 0});
  EXPECT_TRUE(std::isnan(measure::max_relative_deviation(f, f_tilde, log_rho)));
  EXPECT_EQ(measure::classes_changed(f, f_tilde), 1);
  const Outputs zero = outputs({0, 0}, {0});
  EXPECT_EQ(measure::max_relative_deviation(zero, zero, 1.0), 0.0);
  EXPECT_EQ(measure::max_relative_deviation(zero, outputs({0, 1}, {0}), 1.0), kInf);
  EXPECT_TRUE(contains(message_of([&] { measure::classes_changed(f, zero); }), "[normalization]",
                       "[3, 2]", "[1, 2]"));
}

// A network with random biases, and batch norms away from their initial statistics.
std::shared_ptr<nn::Module> make(const nn::ModelSpec& spec, DType dtype, double factor = 1.0) {
  Rng rng(11);
  const auto model = nn::make_model(spec, {}, rng, dtype);
  std::uint64_t stream = 0;
  for (const nn::NamedParameter& parameter : model->parameters()) {
    Variable value = parameter.value;
    std::vector<double> numbers = value.value().to_vector<double>();
    if (value.rank() == 1)
      numbers = uniform(value.shape(), ++stream, 0.3, 1.0).to_vector<double>();
    else
      for (double& number : numbers) number *= factor;
    value.set_value(kernels::to_dtype(Tensor::from(numbers, value.shape()), dtype));
  }
  for (const nn::NamedBuffer& buffer : model->buffers())
    if (buffer.value->rank() == 1)
      *buffer.value = kernels::to_dtype(uniform(buffer.value->shape(), ++stream, 0.2, 1.5), dtype);
  return model;
}

datasets::Dataset make_dataset(const Shape& input, std::int64_t count, std::int64_t classes) {
  Shape shape{count};
  for (const std::int64_t extent : input) shape.push_back(extent);
  std::vector<std::int64_t> labels;
  for (std::int64_t n = 0; n < count; ++n) labels.push_back(n % classes);
  datasets::Dataset out{"made", uniform(shape, 21), Tensor::from(labels, {count}), classes};
  if (input.size() == 1) return out;
  std::vector<std::uint8_t> pixels;
  for (const double value : out.examples.to_vector<double>())
    pixels.push_back(static_cast<std::uint8_t>(127.5 * (value + 1)));
  out.examples = Tensor::from(pixels, shape);
  return out;
}

struct Case {
  nn::ModelSpec spec;
  double factor;
  double min_log_rho;
};

TEST(Normalization, IsExactForEveryKindOfNetwork) {
  const std::vector<Case> cases{{{"mlp-20-3", {6}, 4}, 1.0, 0.0},
                                {{"mlp-20-3", {6}, 4}, 1e8, std::log(1e30)},
                                {{"convnet3-34", {10, 10, 1}, 3}, 1.0, 0.0},
                                {{"convnet5-16-bn", {32, 32, 3}, 4}, 1.0, 0.0},
                                {{"resnet20", {8, 8, 3}, 5}, 1.0, 0.0},
                                {{"resnet20", {8, 8, 3}, 5}, 100.0, 0.0},
                                {{"convnet5-16-bn-wn", {32, 32, 3}, 4}, 1.0, 0.0},
                                {{"resnet20-wn-layer", {8, 8, 3}, 5}, 1.0, 0.0}};
  for (const Case& of : cases)
    for (const DType dtype : {DType::Float32, DType::Float64}) {
      SCOPED_TRACE(of.spec.name + " x " + std::to_string(of.factor));
      const auto model = make(of.spec, dtype, of.factor);
      const datasets::Dataset dataset = make_dataset(of.spec.input, 12, of.spec.classes);
      const auto standardization = datasets::measure_standardization(dataset);
      for (const double p : {1.0, 2.0, kInf}) {
        const auto measured = [&](double layer_norm) {
          return measure::measure(of.spec, *model, {dataset, dataset}, standardization,
                                  {.p = p, .dtype = dtype, .layer_norm = layer_norm});
        };
        const measure::Report report = measured(1.0);
        EXPECT_LT(report.max_relative_deviation, dtype == DType::Float32 ? 1e-5 : 1e-10);
        EXPECT_EQ(report.classes_changed, 0);
        EXPECT_FALSE(report.layers.empty());
        if (p <= 2.0) {
          EXPECT_GE(report.log_rho, of.min_log_rho);
        }
        const measure::Report hundreds = measured(100.0);
        EXPECT_LT(hundreds.max_relative_deviation, dtype == DType::Float32 ? 1e-5 : 1e-10);
        EXPECT_EQ(hundreds.classes_changed, 0);
        EXPECT_EQ(hundreds.layers.size(), report.layers.size());
      }
    }
}

// The published "L1 norm divided by 100" (Puzzles Fig. 9).
TEST(Normalization, LayersOfAnotherNorm) {
  for (const nn::ModelSpec& spec :
       {nn::ModelSpec{"mlp-20-3", {6}, 4}, nn::ModelSpec{"resnet20", {8, 8, 3}, 5}}) {
    const auto model = make(spec, DType::Float64);
    const measure::Normalization ones = measure::normalize(spec, *model, 1.0, DType::Float64);
    const measure::Normalization hundreds =
        measure::normalize(spec, *model, 1.0, DType::Float64, 100.0);
    // The norms of the network are what they are; those of its twin are 100, biases included in the
    // first.
    double log_rho = 0.0;
    for (std::size_t k = 0; k < ones.layers.size(); ++k) {
      EXPECT_EQ(ones.layers[k].norm, hundreds.layers[k].norm);
      log_rho += std::log(hundreds.layers[k].norm / 100.0);
    }
    for (const nn::LayerNorm& layer : nn::normalize(*hundreds.normalized, 1.0, false).layers)
      EXPECT_NEAR(layer.norm, 100.0, 1e-10) << layer.name;
    if (spec.name != "resnet20") {  // where the scales of branches are not a product
      EXPECT_NEAR(hundreds.log_rho, log_rho, 1e-12);
    }
  }
  const nn::ModelSpec spec{"mlp-20-3", {6}, 4};
  const auto model = make(spec, DType::Float64);
  EXPECT_TRUE(
      contains(message_of([&] { measure::normalize(spec, *model, 2.0, DType::Float64, 0.0); }),
               "[normalize]", "layer_norm 0"));
}

TEST(TheOutput, WinsWithItsLargestEntry) {
  const Outputs of = outputs({1, 2, 5, -1, -2, -5, 3, 3, 3}, {0, 1, 2});
  const measure::Spread raw = measure::winning_output(of);  // of 5, -1, 3
  EXPECT_DOUBLE_EQ(raw.mean, 7.0 / 3);
  EXPECT_DOUBLE_EQ(raw.std, std::sqrt((25.0 + 1.0 + 9.0) / 3 - 49.0 / 9));
  const measure::Spread tiny = measure::winning_output(of, 700.0);
  EXPECT_NEAR(tiny.mean / (raw.mean * std::exp(-700.0)), 1.0, 1e-11);
  EXPECT_NEAR(tiny.std / raw.std, tiny.mean / raw.mean, 1e-11);
  EXPECT_TRUE(std::isnan(measure::winning_output(outputs({kNaN, 1}, {0})).mean));
  EXPECT_TRUE(std::isnan(measure::winning_output(outputs({1, kNaN}, {0})).std));
}

TEST(TheOutput, HasANorm) {
  const Outputs of = outputs({3, -4, 0, 0, 3e200, 4e200}, {0, 0, 0});
  EXPECT_DOUBLE_EQ(measure::log_output_norm(of, 0), std::log(5.0));
  EXPECT_EQ(measure::log_output_norm(of, 1), -kInf);
  EXPECT_DOUBLE_EQ(measure::log_output_norm(of, 2), std::log(5e200));
  for (const std::int64_t example : {-1, 3})
    EXPECT_TRUE(contains(message_of([&] { measure::log_output_norm(of, example); }),
                         "[output_norm]", "of 3"));
}

TEST(TheOutput, IsATableOfExamples) {
  const Outputs of = outputs({1, 2, 0.1, -3}, {0, 0});
  EXPECT_EQ(measure::example_rows("test", of, 0.0),
            "test,0,0,1,2,2,-1,-1\n"
            "test,1,0,0,0.1,0.1,3.1,3.1\n");
}

TEST(Normalization, LeavesTheNetworkAlone) {
  const nn::ModelSpec spec{"resnet20", {8, 8, 3}, 5};
  const auto model = make(spec, DType::Float64);
  std::vector<std::vector<double>> before, after;
  for (const auto& parameter : model->parameters())
    before.push_back(parameter.value.value().to_vector<double>());
  const measure::Normalization twin = measure::normalize(spec, *model, 2.0, DType::Float32);
  for (const auto& parameter : model->parameters())
    after.push_back(parameter.value.value().to_vector<double>());
  EXPECT_EQ(before, after);
  EXPECT_TRUE(model->training());
  EXPECT_EQ(twin.layers.size(), 20U);
  for (const auto& layer : twin.normalized->parameters())
    EXPECT_EQ(layer.value.dtype(), DType::Float32);
}

TEST(Evaluate, SeesEveryExampleInOrderAndRestoresTheMode) {
  const nn::ModelSpec spec{"convnet5-16-bn", {32, 32, 3}, 4};
  const auto model = make(spec, DType::Float64);
  const datasets::Dataset dataset = make_dataset(spec.input, 7, 4);
  const auto standardization = datasets::measure_standardization(dataset);
  datasets::LoaderOptions by_three, by_seven;
  by_three.batch = 3;
  by_seven.batch = 7;
  by_three.dtype = by_seven.dtype = DType::Float64;
  datasets::Loader three(dataset, standardization, by_three);
  datasets::Loader seven(dataset, standardization, by_seven);
  for (const bool training : {true, false}) {
    model->train(training);
    const Outputs a = measure::evaluate(*model, three);
    EXPECT_EQ(model->training(), training);
    const Outputs b = measure::evaluate(*model, seven);
    EXPECT_EQ(a.logits.shape(), (Shape{7, 4}));
    EXPECT_EQ(a.labels.to_vector<std::int64_t>(), dataset.labels.to_vector<std::int64_t>());
    testing::expect_near(a.logits, b.logits.to_vector<double>(), 1e-12);
  }
  datasets::Dataset wrong = dataset;
  wrong.labels = Tensor::from<std::int64_t>({0, 1, 2, 3, 4, 0, 1}, {7});
  wrong.classes = 5;
  datasets::Loader loader(wrong, standardization, by_seven);
  model->train();
  EXPECT_TRUE(contains(message_of([&] { measure::evaluate(*model, loader); }), "[evaluate]",
                       "label 4", "4 classes"));
  EXPECT_TRUE(model->training());
}

measure::Report make_report(std::size_t layers) {
  measure::Report report;
  report.log_rho = 61.5;
  for (std::size_t k = 0; k < layers; ++k)
    report.layers.push_back({"layer" + std::to_string(k) + "_'x", 1.0 + static_cast<double>(k)});
  Rng rng(3);
  for (measure::SplitReport* split : {&report.train, &report.test}) {
    for (int n = 0; n < 500; ++n) split->normalized_margins.push_back((1.0 + rng.normal()) * 1e-26);
    split->examples = 500;
    split->normalized_margin = measure::summarize(split->normalized_margins);
  }
  return report;
}

TEST(Report, MeasuresBothSplits) {
  const nn::ModelSpec spec{"mlp-8-2", {3}, 3};
  const auto model = make(spec, DType::Float64);
  const datasets::Split split{make_dataset({3}, 9, 3), make_dataset({3}, 5, 3)};
  const auto standardization = datasets::measure_standardization(split.train);
  measure::Options options;
  options.dtype = DType::Float64;
  options.batch = 4;
  const measure::Report report = measure::measure(spec, *model, split, standardization, options);
  datasets::LoaderOptions order;
  order.dtype = DType::Float64;
  datasets::Loader loader(split.test, standardization, order);
  const Outputs f = measure::evaluate(*model, loader);
  EXPECT_EQ(report.train.examples, 9);
  EXPECT_NEAR(report.test.cross_entropy, measure::cross_entropy(f), 1e-13);
  EXPECT_EQ(report.test.error, measure::error(f));
  EXPECT_NEAR(report.test.normalized_cross_entropy, measure::cross_entropy(f, report.log_rho),
              1e-13);
  EXPECT_NEAR(report.test.normalized_margin.min, report.test.margin.min * std::exp(-report.log_rho),
              1e-13);
  double sum = 0.0;
  for (const nn::LayerNorm& layer : report.layers) sum += std::log(layer.norm);
  EXPECT_NEAR(report.log_rho, sum, 1e-12);

  const nlohmann::ordered_json json = measure::to_json(report);
  EXPECT_EQ(json["log_rho"], report.log_rho);
  EXPECT_EQ(json["layers"].size(), 3U);
  EXPECT_EQ(json["test"]["normalized_margin"]["p25"], report.test.normalized_margin.p25);
  EXPECT_EQ(json["normalization"]["classes_changed"], 0);
  EXPECT_EQ(json["output_norm"]["example"], 0);
  EXPECT_EQ(json["output_norm"]["log_norm"], report.log_output_norm);
  EXPECT_EQ(json["test"]["output_normalized_cross_entropy"],
            measure::cross_entropy(report.test.outputs, report.log_output_norm));
  EXPECT_NEAR(json["test"]["output_normalized_cross_entropy_minus_log_classes"].get<double>(),
              report.test.output_normalized_cross_entropy - std::log(spec.classes), 1e-12);
  EXPECT_EQ(json["train"]["mean_centred_margin"], report.train.mean_centred_margin);
  EXPECT_NEAR(json["train"]["normalized_mean_centred_margin"].get<double>(),
              report.train.mean_centred_margin * std::exp(-report.log_rho), 1e-12);
  EXPECT_EQ(json["test"]["winning_output"]["std"], report.test.winning_output.std);
  EXPECT_NEAR(json["test"]["normalized_winning_output"]["mean"].get<double>(),
              report.test.winning_output.mean * std::exp(-report.log_rho), 1e-12);
  EXPECT_TRUE(contains(measure::to_text(report), "normalized CE - ln C", "fc3", "log rho",
                       "mean centred margin", "training example 0"));
}

TEST(Report, OutputsBeyondTheRangeOfTheTypeAreAnError) {
  const nn::ModelSpec spec{"mlp-8-2", {3}, 3};
  const auto model = make(spec, DType::Float32, 1e14);
  const datasets::Dataset dataset = make_dataset({3}, 9, 3);
  EXPECT_TRUE(contains(message_of([&] {
                         measure::measure(spec, *model, {dataset, dataset},
                                          datasets::measure_standardization(dataset), {});
                       }),
                       "[measure]", "made", "f64"));
}

class Picture : public ::testing::Test {
 protected:
  std::string content(const std::string& name) const { return testing::read_text(folder_ / name); }
  testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(Picture, PngAndSvg) {
  for (const std::size_t layers : {1U, 20U, 110U}) {
    measure::draw(make_report(layers), "it's \"a\" {title}", "2", folder_ / "a.png");
    EXPECT_TRUE(content("a.png").starts_with("\x89PNG"));
    measure::draw(make_report(layers), "title_1", "inf", folder_ / "a.svg");
    EXPECT_TRUE(contains(content("a.svg"), "<svg", "title_1", "layer0_'x", "</svg>"));
  }
  measure::Report flat = make_report(2);
  for (measure::SplitReport* split : {&flat.train, &flat.test})
    split->normalized_margins.assign(10, 0.0);
  measure::draw(flat, "flat", "2", folder_ / "flat.png");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 3) << "left-over files";
}

TEST_F(Picture, Errors) {
  const measure::Report report = make_report(2);
  EXPECT_TRUE(contains(message_of([&] { measure::draw(report, "t", "2", folder_ / "a.pdf"); }),
                       "a.pdf", ".svg", ".png"));
  EXPECT_TRUE(contains(message_of([&] { measure::draw(report, "t", "2", folder_ / "none/a.png"); }),
                       "none/a.png"));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder_.c_str(), 1);
  const std::string draw = message_of([&] { measure::draw(report, "t", "2", folder_ / "a.png"); });
  const std::string check = message_of([] { plot::check_gnuplot(); });
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(contains(draw, "[plot]", "a.png", "gnuplot"));
  EXPECT_TRUE(contains(check, "[plot]", "gnuplot", "PATH"));
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace rho
