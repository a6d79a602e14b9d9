#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "tensor/random.h"

namespace rho {
namespace {

Tensor random_like(const Tensor& like, std::uint64_t stream) {
  Rng rng(20, stream);
  Tensor out = Tensor::empty(like.shape(), like.dtype());
  std::generate_n(out.data<double>(), out.numel(), [&] { return 2.0 * rng.uniform() - 1.0; });
  return out;
}

/// Fresh contiguous leaves: the check perturbs its inputs in place and must not touch the caller's.
std::vector<Variable> fresh_leaves(const std::vector<Variable>& inputs) {
  std::vector<Variable> out;
  for (const Variable& input : inputs) {
    check(!input.requires_grad() || input.dtype() == DType::Float64, "gradcheck",
          "expects float64 inputs, found ", input.dtype());
    Tensor copy = Tensor::empty(input.shape(), input.dtype());
    kernels::copy(input.value(), copy);
    out.emplace_back(copy, input.requires_grad());
  }
  return out;
}

}  // namespace

GradcheckResult gradcheck(const DifferentiableFunction& f, std::vector<Variable> inputs, double eps,
                          double tol) {
  inputs = fresh_leaves(inputs);
  std::vector<Variable> wanted;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(wanted),
               [](const Variable& input) { return input.requires_grad(); });
  const Variable y = f(inputs);
  const Variable weights(random_like(y.value(), 1));
  std::vector<Variable> analytic(wanted.size());
  if (y.requires_grad()) analytic = grad({y}, wanted, {weights});
  const auto functional = [&] {
    const NoGrad guard;
    return sum(mul(f(inputs), weights)).item();
  };

  GradcheckResult result;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto* const x = wanted[i].value().data<double>();
    const std::vector<double> found = analytic[i].defined()
                                          ? analytic[i].value().to_vector<double>()
                                          : std::vector<double>(wanted[i].numel(), 0.0);
    if (analytic[i].defined() && !(analytic[i].shape() == wanted[i].shape()))
      return {false, INFINITY, "the gradient's shape differs from its input's"};
    for (std::int64_t j = 0; j < wanted[i].numel(); ++j) {
      const double before = x[j];
      x[j] = before + eps;
      const double above = functional();
      x[j] = before - eps;
      const double below = functional();
      x[j] = before;
      const double numeric = (above - below) / (2 * eps);
      const double exact = found[static_cast<std::size_t>(j)];
      const double error =
          std::abs(exact - numeric) / std::max({1.0, std::abs(exact), std::abs(numeric)});
      if (!std::isnan(result.max_error) && !(error <= result.max_error)) result.max_error = error;
      if (result.ok && !(error <= tol)) {
        std::ostringstream message;
        message << "input " << i << ", element " << j << ": gradient " << exact
                << ", central difference " << numeric;
        result = {false, error, message.str()};
      }
    }
  }
  return result;
}

GradcheckResult gradgradcheck(const DifferentiableFunction& f, std::vector<Variable> inputs,
                              double eps, double tol) {
  const std::size_t count = inputs.size();
  const Tensor output = f(inputs).value();
  inputs.emplace_back(random_like(output, 2), true);
  const auto gradient = [&f, count](const std::vector<Variable>& all) {
    const std::vector<Variable> xs(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<Variable> wanted;
    std::copy_if(xs.begin(), xs.end(), std::back_inserter(wanted),
                 [](const Variable& x) { return x.requires_grad(); });
    // Perturbed evaluations run under NoGrad; the gradient inside needs its graph all the same.
    const GradMode record_again(true);
    const std::vector<Variable> grads = grad({f(xs)}, wanted, {all[count]}, {.create_graph = true});
    // One functional of all the gradients, with different weights for each.
    Variable total(kernels::zeros(Shape{}, DType::Float64));
    for (std::size_t i = 0; i < grads.size(); ++i)
      if (grads[i].defined())
        total = add(total, sum(mul(grads[i], Variable(random_like(grads[i].value(), 3 + i)))));
    return total;
  };
  return gradcheck(gradient, std::move(inputs), eps, tol);
}

}  // namespace rho
