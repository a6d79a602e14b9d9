#include "tools/measure/report_json.h"

namespace rho::measure {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const MarginSummary& m) {
  return {{"min", m.min}, {"mean", m.mean}, {"p1", m.p1},  {"p5", m.p5},
          {"p10", m.p10}, {"p25", m.p25},   {"p50", m.p50}};
}

Json to_json(const Spread& spread) { return {{"mean", spread.mean}, {"std", spread.std}}; }

Json to_json(const SplitReport& split) {
  return {{"examples", split.examples},
          {"cross_entropy", split.cross_entropy},
          {"error", split.error},
          {"normalized_cross_entropy", split.normalized_cross_entropy},
          {"normalized_cross_entropy_minus_log_classes",
           split.normalized_cross_entropy_minus_log_classes},
          {"output_normalized_cross_entropy", split.output_normalized_cross_entropy},
          {"output_normalized_cross_entropy_minus_log_classes",
           split.output_normalized_cross_entropy_minus_log_classes},
          {"margin", to_json(split.margin)},
          {"normalized_margin", to_json(split.normalized_margin)},
          {"mean_centred_margin", split.mean_centred_margin},
          {"normalized_mean_centred_margin", split.normalized_mean_centred_margin},
          {"winning_output", to_json(split.winning_output)},
          {"normalized_winning_output", to_json(split.normalized_winning_output)}};
}

}  // namespace

Json to_json(const Report& report) {
  Json layers = Json::array();
  for (const nn::LayerNorm& layer : report.layers)
    layers.push_back({{"name", layer.name}, {"norm", layer.norm}});
  return {{"log_rho", report.log_rho},
          {"output_norm",
           {{"example", report.output_norm_example}, {"log_norm", report.log_output_norm}}},
          {"layers", layers},
          {"train", to_json(report.train)},
          {"test", to_json(report.test)},
          {"normalization",
           {{"max_relative_deviation", report.max_relative_deviation},
            {"classes_changed", report.classes_changed}}}};
}

}  // namespace rho::measure
