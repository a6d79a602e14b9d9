// What every operation must stand, whatever it computes: strided, size-1 and empty inputs, first
// and second derivatives there, and wrong dtypes. Values against an oracle are in each operation's
// own test.
#include "autograd/ops.h"

#include <gtest/gtest.h>

#include "autograd/engine.h"
#include "autograd/gradcheck.h"
#include "kernels/copy.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::leaf;
using testing::message_of;
using testing::uniform;

using Shapes = std::vector<Shape>;

struct OpCase {
  std::string name;
  DifferentiableFunction f;
  Shapes usual, single, empty;  // shapes of the inputs
  Shape empty_result;
  bool positive = false;  // the inputs; else in (-1.2, 1.2), and not near 0
};
void PrintTo(const OpCase& of, std::ostream* out) { *out << of.name; }

const Tensor kLabels = Tensor::from(std::vector<std::int64_t>{2, 0, 1}, {3});
const Tensor kOneLabel = Tensor::from(std::vector<std::int64_t>{0}, {1});
const Tensor kNoLabel = Tensor::from(std::vector<std::int64_t>{}, {0});
const kernels::Pool2dOptions kPool{2, 2, 1, 1, 1, 1};
const kernels::Conv2dOptions kConv{2, 2, 1, 1};

// Labels, signs or targets for as many examples as x has.
Tensor labels_for(const Variable& x) {
  return x.size(0) == 3 ? kLabels : x.size(0) == 1 ? kOneLabel : kNoLabel;
}
Tensor targets_for(const Variable& x) {
  return kernels::to_dtype(uniform(x.shape(), 9), x.dtype());
}
Tensor signs_for(const Variable& x) { return sign(Variable(targets_for(x))).value(); }
Tensor statistics_for(const Variable& x, double low) {
  return kernels::to_dtype(uniform({x.size(-1)}, 8, low, low + 1.0), x.dtype());
}

std::vector<OpCase> op_cases() {
  const Shapes pair{{3, 4}, {4}}, pair_one{{1, 1}, {1}}, pair_none{{0, 4}, {4}};
  const Shapes one{{3, 4}}, one_one{{1, 1}}, one_none{{0, 4}};
  const Shapes image{{2, 4, 5, 3}}, image_one{{1, 1, 1, 1}}, image_none{{0, 4, 5, 3}};
  const Shapes norm{{6, 3}, {3}, {3}}, norm_one{{1, 1}, {1}, {1}}, norm_none{{0, 3}, {3}, {3}};
  using In = const std::vector<Variable>&;
  return {
      {"add", [](In v) { return v[0] + v[1]; }, pair, pair_one, pair_none, {0, 4}},
      {"sub", [](In v) { return v[0] - v[1]; }, pair, pair_one, pair_none, {0, 4}},
      {"mul", [](In v) { return v[0] * v[1]; }, pair, pair_one, pair_none, {0, 4}},
      {"div", [](In v) { return v[0] / v[1]; }, pair, pair_one, pair_none, {0, 4}},
      {"neg", [](In v) { return -v[0]; }, one, one_one, one_none, {0, 4}},
      {"scale", [](In v) { return scale(v[0], 1.5); }, one, one_one, one_none, {0, 4}},
      {"shift", [](In v) { return shift(v[0], 1.5); }, one, one_one, one_none, {0, 4}},
      {"exp", [](In v) { return exp(v[0]); }, one, one_one, one_none, {0, 4}},
      {"log", [](In v) { return log(v[0]); }, one, one_one, one_none, {0, 4}, true},
      {"sqrt", [](In v) { return sqrt(v[0]); }, one, one_one, one_none, {0, 4}, true},
      {"abs", [](In v) { return abs(v[0]); }, one, one_one, one_none, {0, 4}},
      {"sign", [](In v) { return sign(v[0]); }, one, one_one, one_none, {0, 4}},
      {"pow", [](In v) { return pow(v[0], 2.5); }, one, one_one, one_none, {0, 4}, true},
      {"softplus", [](In v) { return softplus(v[0]); }, one, one_one, one_none, {0, 4}},
      {"sigmoid", [](In v) { return sigmoid(v[0]); }, one, one_one, one_none, {0, 4}},
      {"relu", [](In v) { return relu(v[0]); }, one, one_one, one_none, {0, 4}},
      {"sum", [](In v) { return sum(v[0], {1}); }, one, one_one, one_none, {0}},
      {"sum_all", [](In v) { return sum(v[0]); }, one, one_one, one_none, {}},
      {"mean", [](In v) { return mean(v[0], {1}, true); }, one, one_one, one_none, {0, 1}},
      {"max", [](In v) { return max(v[0], 1); }, one, one_one, one_none, {0}},
      {"sum_to", [](In v) { return sum_to(v[0], {v[0].size(-1)}); }, one, one_one, one_none, {4}},
      {"reshape",
       [](In v) {
         return reshape(v[0], {v[0].size(1), v[0].size(0)});
       },
       one,
       one_one,
       one_none,
       {4, 0}},
      {"permute",
       [](In v) {
         return permute(v[0], {1, 0});
       },
       one,
       one_one,
       one_none,
       {4, 0}},
      {"transpose", [](In v) { return transpose(v[0], 0, 1); }, one, one_one, one_none, {4, 0}},
      {"expand",
       [](In v) {
         return expand(v[0], {2, v[0].size(0), v[0].size(1)});
       },
       one,
       one_one,
       one_none,
       {2, 0, 4}},
      {"slice",
       [](In v) { return slice(v[0], 1, 0, v[0].size(1), 2); },
       one,
       one_one,
       one_none,
       {0, 2}},
      {"pad",
       [](In v) {
         return pad(v[0], {1, 0}, {0, 2}, 3.0);
       },
       one,
       one_one,
       one_none,
       {1, 6}},
      {"concat",
       [](In v) {
         return concat({v[0], v[1]}, 0);
       },
       {{3, 4}, {2, 4}},
       {{1, 1}, {1, 1}},
       {{0, 4}, {0, 4}},
       {0, 4}},
      {"gather", [](In v) { return gather(v[0], labels_for(v[0])); }, one, one_one, one_none, {0}},
      {"scatter_add",
       [](In v) {
         return scatter_add(v[0], labels_for(v[0]), {v[0].size(0), 4});
       },
       {{3}},
       {{1}},
       {{0}},
       {0, 4}},
      {"matmul",
       [](In v) { return matmul(v[0], v[1]); },
       {{2, 3, 4}, {2, 4, 5}},
       {{1, 1, 1}, {1, 1, 1}},
       {{2, 0, 4}, {2, 4, 5}},
       {2, 0, 5}},
      {"conv2d",
       [](In v) { return conv2d(v[0], v[1], kConv); },
       {{2, 4, 5, 3}, {4, 3, 3, 3}},
       {{1, 1, 1, 1}, {1, 1, 1, 1}},
       {{0, 4, 5, 3}, {4, 3, 3, 3}},
       {0, 2, 3, 4}},
      {"batch_norm_train",
       [](In v) { return batch_norm_train(v[0], v[1], v[2], 0.1).y; },
       norm,
       norm_one,
       norm_none,
       {0, 3}},
      {"batch_norm_eval",
       [](In v) {
         return batch_norm_eval(v[0], v[1], v[2], statistics_for(v[0], -0.5),
                                statistics_for(v[0], 0.5), 0.1);
       },
       norm,
       norm_one,
       norm_none,
       {0, 3}},
      {"batch_norm_eval_and_epilogue",
       [](In v) {
         return batch_norm_eval(v[0], v[1], v[2], statistics_for(v[0], -0.5),
                                statistics_for(v[0], 0.5), 0.1, {v[3], true});
       },
       {{6, 3}, {3}, {3}, {6, 3}},
       {{1, 1}, {1}, {1}, {1, 1}},
       {{0, 3}, {3}, {3}, {0, 3}},
       {0, 3}},
      {"max_pool2d",
       [](In v) { return max_pool2d(v[0], kPool); },
       image,
       image_one,
       image_none,
       {0, 5, 6, 3}},
      {"avg_pool2d",
       [](In v) { return avg_pool2d(v[0], kPool); },
       image,
       image_one,
       image_none,
       {0, 5, 6, 3}},
      {"global_avg_pool2d",
       [](In v) { return global_avg_pool2d(v[0]); },
       image,
       image_one,
       image_none,
       {0, 3}},
      {"log_softmax", [](In v) { return log_softmax(v[0]); }, one, one_one, one_none, {0, 4}},
      {"cross_entropy",
       [](In v) { return cross_entropy(v[0], labels_for(v[0]), Reduction::Sum); },
       one,
       one_one,
       one_none,
       {}},
      {"logistic_loss",
       [](In v) { return logistic_loss(v[0], signs_for(v[0]), Reduction::Sum); },
       {{3}},
       {{1}},
       {{0}},
       {}},
      {"exponential_loss",
       [](In v) { return exponential_loss(v[0], signs_for(v[0]), Reduction::Sum); },
       {{3}},
       {{1}},
       {{0}},
       {}},
      {"multiclass_exponential_loss",
       [](In v) { return multiclass_exponential_loss(v[0], labels_for(v[0]), Reduction::Sum); },
       one,
       one_one,
       one_none,
       {}},
      {"square_loss",
       [](In v) { return square_loss(v[0], targets_for(v[0]), Reduction::Sum); },
       one,
       one_one,
       one_none,
       {}},
  };
}

class Ops : public ::testing::TestWithParam<OpCase> {
 protected:
  // Distinct values with magnitudes from 0.2 to 1.2: no kink or tie within a difference's step.
  static Tensor values(const Shape& shape, std::uint64_t stream, bool positive) {
    const Tensor x = uniform(shape, stream);
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      double& value = x.data<double>()[i];
      value = positive ? std::abs(value) + 0.2 : value + std::copysign(0.2, value);
    }
    return x;
  }
  static std::vector<Tensor> inputs(const Shapes& shapes) {
    std::vector<Tensor> out;
    for (const Shape& shape : shapes)
      out.push_back(values(shape, 1 + out.size(), GetParam().positive));
    return out;
  }
  static std::vector<Variable> leaves(const Shapes& shapes) {
    std::vector<Variable> out;
    for (const Tensor& x : inputs(shapes)) out.push_back(leaf(x));
    return out;
  }
  static Dims reversed(int rank) {
    Dims order;
    for (int d = rank - 1; d >= 0; --d) order.push_back(d);
    return order;
  }
  template <class T>
  static void expect_same_bits() {
    std::vector<Variable> plain, strided;
    for (const Tensor& x : inputs(GetParam().usual)) {
      const Tensor typed = kernels::to_dtype(x, dtype_of<T>());
      plain.emplace_back(typed);
      strided.emplace_back(testing::strided<T>(typed));
    }
    const Tensor result = GetParam().f(plain).value();
    EXPECT_EQ(result.dtype(), dtype_of<T>());
    EXPECT_EQ(result.to_vector<T>(), GetParam().f(strided).value().template to_vector<T>());
  }
  static void expect_derivatives(const DifferentiableFunction& f, const Shapes& shapes) {
    const GradcheckResult first = gradcheck(f, leaves(shapes));
    EXPECT_TRUE(first) << first.message;
    const GradcheckResult second = gradgradcheck(f, leaves(shapes));
    EXPECT_TRUE(second) << second.message;
  }
};

INSTANTIATE_TEST_SUITE_P(All, Ops, ::testing::ValuesIn(op_cases()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(Ops, StridedInputsGiveTheSameBits) {
  expect_same_bits<float>();
  expect_same_bits<double>();
}

TEST_P(Ops, DerivativesOfStridedInputs) {
  Shapes stored;
  for (const Shape& shape : GetParam().usual) {
    Shape back;
    for (const std::int64_t d : reversed(shape.size())) back.push_back(shape[static_cast<int>(d)]);
    stored.push_back(back);
  }
  expect_derivatives(
      [](const std::vector<Variable>& transposed) {
        std::vector<Variable> views;
        for (const Variable& x : transposed) views.push_back(permute(x, reversed(x.rank())));
        return GetParam().f(views);
      },
      stored);
}

TEST_P(Ops, DerivativesOfSizeOneInputs) { expect_derivatives(GetParam().f, GetParam().single); }

TEST_P(Ops, EmptyInputsHaveEmptyGradients) {
  const std::vector<Variable> all = leaves(GetParam().empty);
  if (GetParam().name == "batch_norm_train") {  // nothing has no mean
    EXPECT_TRUE(contains(message_of([&] { GetParam().f(all); }), "[batch_norm_train]", "[0, 3]"));
    return;
  }
  const Variable y = GetParam().f(all);
  EXPECT_EQ(y.shape(), GetParam().empty_result);
  if (!y.requires_grad()) return;  // sign
  sum(y).backward();
  for (const Variable& x : all) {
    ASSERT_TRUE(x.grad().defined());
    EXPECT_EQ(x.grad().shape(), x.shape());
    for (const double value : x.grad().value().to_vector<double>()) EXPECT_EQ(value, 0.0);
  }
}

TEST_P(Ops, MixedDTypesAreRefused) {
  const Shapes& shapes = GetParam().usual;
  if (shapes.size() < 2) return;
  std::vector<Variable> mixed;
  for (const Tensor& x : inputs(shapes)) mixed.emplace_back(x);
  mixed.back() = Variable(kernels::to_dtype(mixed.back().value(), DType::Float32));
  EXPECT_TRUE(contains(message_of([&] { GetParam().f(mixed); }), "[", "float32", "float64"));
}

}  // namespace
}  // namespace rho
