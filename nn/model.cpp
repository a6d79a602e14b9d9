#include "nn/model.h"

#include <functional>
#include <regex>

#include "nn/models/convnet.h"
#include "nn/models/mlp.h"
#include "nn/models/resnet.h"
#include "nn/models/tree.h"
#include "nn/weight_normalize.h"

namespace rho::nn {
namespace {

struct Architecture {
  std::string help;     ///< how the name is written, C, W and L standing for numbers
  std::string pattern;  ///< regular expression of the whole name; groups are numbers
  std::function<void(Builder&, const std::vector<std::int64_t>& numbers)> build;
};

const std::vector<Architecture>& architectures() {
  using Numbers = std::vector<std::int64_t>;
  static const std::vector<Architecture> all{
      {"convnet3-24", "convnet3-24", [](Builder& b, const Numbers&) { build_convnet3(b, 24); }},
      {"convnet3-34", "convnet3-34", [](Builder& b, const Numbers&) { build_convnet3(b, 34); }},
      {"convnet3-64s2", "convnet3-64s2",
       [](Builder& b, const Numbers&) { build_convnet3_strided(b); }},
      {"convnet5-w", "convnet5-w",
       [](Builder& b, const Numbers&) {
         build_convnet5(b, {32, 64, 64, 128}, false);
       }},
      {"convnet5-w-bn", "convnet5-w-bn",
       [](Builder& b, const Numbers&) {
         build_convnet5(b, {32, 64, 64, 128}, true);
       }},
      {"convnet5-C", "convnet5-([1-9][0-9]{0,4})",
       [](Builder& b, const Numbers& n) {
         build_convnet5(b, {n[0], n[0], n[0], n[0]}, false);
       }},
      {"convnet5-C-bn", "convnet5-([1-9][0-9]{0,4})-bn",
       [](Builder& b, const Numbers& n) {
         build_convnet5(b, {n[0], n[0], n[0], n[0]}, true);
       }},
      {"resnet20, resnet32, resnet44, resnet56, resnet110", "resnet(20|32|44|56|110)",
       [](Builder& b, const Numbers& n) { build_resnet(b, n[0]); }},
      {"mlp-W-L", "mlp-([1-9][0-9]{0,6})-([1-9][0-9]{0,2})",
       [](Builder& b, const Numbers& n) { build_mlp(b, n[0], n[1], false); }},
      {"mlp-W-L-fixed", "mlp-([1-9][0-9]{0,6})-([1-9][0-9]{0,2})-fixed",
       [](Builder& b, const Numbers& n) { build_mlp(b, n[0], n[1], true); }},
      {"linear", "linear", [](Builder& b, const Numbers&) { build_mlp(b, 0, 0, false); }},
      {"shallow-N", "shallow-([1-9][0-9]{0,6})",
       [](Builder& b, const Numbers& n) { build_shallow(b, n[0]); }},
      {"compositional-N", "compositional-([1-9][0-9]{0,6})",
       [](Builder& b, const Numbers& n) { build_compositional(b, n[0]); }},
  };
  return all;
}

}  // namespace

std::shared_ptr<Module> make_model(const ModelSpec& spec, const Init& init, Rng& rng, DType dtype) {
  for (const Architecture& architecture : architectures()) {
    std::smatch match;
    if (!std::regex_match(spec.name, match, std::regex(architecture.pattern + "(-wn|-wn-layer)?")))
      continue;
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 1; i + 1 < match.size(); ++i) numbers.push_back(std::stoll(match[i]));
    Builder builder(spec, init, rng, dtype);
    architecture.build(builder, numbers);
    const std::string suffix = match[match.size() - 1];
    if (!suffix.empty()) weight_normalize(*builder.net(), suffix == "-wn");
    return builder.net();
  }
  fail("model", "unknown name \"", spec.name, "\", expected one of: ", model_names());
}

std::string model_names() {
  std::string names;
  for (const Architecture& architecture : architectures())
    names += (names.empty() ? "" : ", ") + architecture.help;
  return names + "; each also with -wn or -wn-layer: weight norm by output channel or by layer";
}

bool is_weight_normalized(const std::string& model) {
  return model.ends_with("-wn") || model.ends_with("-wn-layer");
}

}  // namespace rho::nn
