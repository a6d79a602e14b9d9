#include "tools/dynamics/hard_margin.h"

#include <libsvm/svm.h>

#include <algorithm>
#include <memory>

namespace rho::dynamics {
namespace {

constexpr double kNoSlack = 1e9;      // C: so large that no constraint is given up
constexpr double kPrecision = 1e-10;  // of the optimality conditions
constexpr double kTie = 1e-4;         // relative

}  // namespace

// libsvm's machine has a bias. Both z_n = y_n x_n as class 1 and -z_n as class -1 make the problem
// symmetric, and the bias 0.
HardMargin hard_margin(const Examples& examples) {
  const std::size_t count = examples.count(), width = examples.inputs + 1;
  std::vector<svm_node> nodes;
  std::vector<svm_node*> rows;
  Vector labels;
  nodes.reserve(2 * count * width);
  for (const double side : {1.0, -1.0})
    for (std::size_t n = 0; n < count; ++n) {
      rows.push_back(nodes.data() + nodes.size());
      labels.push_back(side);
      for (std::size_t i = 0; i < examples.inputs; ++i)
        nodes.push_back({static_cast<int>(i) + 1, side * examples.y[n] * examples.example(n)[i]});
      nodes.push_back({-1, 0.0});
    }
  const svm_problem problem{static_cast<int>(rows.size()), labels.data(), rows.data()};
  svm_parameter parameter{};
  parameter.svm_type = C_SVC;
  parameter.kernel_type = LINEAR;
  parameter.cache_size = 16.0;  // MB
  parameter.eps = kPrecision;
  parameter.C = kNoSlack;
  svm_set_print_string_function([](const char*) {});
  const auto free_model = [](svm_model* model) { svm_free_and_destroy_model(&model); };
  const std::unique_ptr<svm_model, decltype(free_model)> model(svm_train(&problem, &parameter),
                                                               free_model);

  HardMargin out;
  out.direction.assign(examples.inputs, 0.0);
  for (int k = 0; k < model->l; ++k)
    for (const svm_node* node = model->SV[k]; node->index != -1; ++node)
      out.direction[static_cast<std::size_t>(node->index) - 1] +=
          model->sv_coef[0][k] * node->value;
  out.direction = direction(out.direction);
  Vector margins;
  for (std::size_t n = 0; n < count; ++n)
    margins.push_back(examples.y[n] * dot(out.direction, examples.example(n)));
  out.margin = std::ranges::min(margins);
  check(out.margin > 0.0, "hard_margin", "no hyperplane through the origin separates the ", count,
        " examples");
  out.supports = static_cast<std::size_t>(
      std::ranges::count_if(margins, [&](double m) { return m <= (1.0 + kTie) * out.margin; }));
  return out;
}

}  // namespace rho::dynamics
