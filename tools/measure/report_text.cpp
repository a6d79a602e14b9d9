#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/measure/report.h"

namespace rho::measure {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, pattern, values...);
  return line;
}

std::string loss_row(const char* name, const SplitReport& split) {
  return format("%-6s  %9lld  %13.6f  %8.4f  %14.9f  %20.6e\n", name,
                static_cast<long long>(split.examples), split.cross_entropy, split.error,
                split.normalized_cross_entropy, split.normalized_cross_entropy_minus_log_classes);
}

std::string margin_row(const char* name, const MarginSummary& m) {
  return format("%-18s  %10.3e  %10.3e  %10.3e  %10.3e  %10.3e  %10.3e  %10.3e\n", name, m.min,
                m.p1, m.p5, m.p10, m.p25, m.p50, m.mean);
}

std::string output_row(const char* name, double centred, const Spread& winning) {
  return format("%-18s  %19.6e  %14.6e  %14.6e\n", name, centred, winning.mean, winning.std);
}

std::string output_tables(const Report& report) {
  const SplitReport &train = report.train, &test = report.test;
  std::string text =
      format("%-18s  %19s  %14s  %14s\n", "output", "mean centred margin", "winning: mean", "std");
  text += output_row("train", train.mean_centred_margin, train.winning_output);
  text += output_row("test", test.mean_centred_margin, test.winning_output);
  text += output_row("train, normalized", train.normalized_mean_centred_margin,
                     train.normalized_winning_output);
  text += output_row("test, normalized", test.normalized_mean_centred_margin,
                     test.normalized_winning_output);
  text += format("\nf divided by the norm of its output on training example %lld, e^%.9g\n",
                 static_cast<long long>(report.output_norm_example), report.log_output_norm);
  for (const SplitReport* const split : {&train, &test})
    text += format("%-6s  CE %14.9f  CE - ln C %20.6e\n", split == &train ? "train" : "test",
                   split->output_normalized_cross_entropy,
                   split->output_normalized_cross_entropy_minus_log_classes);
  return text;
}

}  // namespace

std::string to_text(const Report& report) {
  std::string text = format("%-6s  %9s  %13s  %8s  %14s  %20s\n", "split", "examples",
                            "cross-entropy", "error", "normalized CE", "normalized CE - ln C");
  text += loss_row("train", report.train) + loss_row("test", report.test) + '\n';

  text += format("%-18s  %10s  %10s  %10s  %10s  %10s  %10s  %10s\n", "margin", "min", "1 %", "5 %",
                 "10 %", "25 %", "50 %", "mean");
  text += margin_row("train", report.train.margin) + margin_row("test", report.test.margin);
  text += margin_row("train, normalized", report.train.normalized_margin);
  text += margin_row("test, normalized", report.test.normalized_margin) + '\n';

  text += output_tables(report) + '\n';

  std::size_t width = 5;
  for (const nn::LayerNorm& layer : report.layers) width = std::max(width, layer.name.size());
  const int columns = static_cast<int>(width);
  text += format("%-*s  %12s\n", columns, "layer", "norm");
  for (const nn::LayerNorm& layer : report.layers)
    text += format("%-*s  %12.6g\n", columns, layer.name.c_str(), layer.norm);

  text += format("\nlog rho %.9g (rho = 10^%.2f)\n", report.log_rho, report.log_rho / std::log(10));
  text +=
      format("f against rho f~: largest relative deviation %.2e, %lld of %lld classes changed\n",
             report.max_relative_deviation, static_cast<long long>(report.classes_changed),
             static_cast<long long>(report.train.examples + report.test.examples));
  return text;
}

}  // namespace rho::measure
