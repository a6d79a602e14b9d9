#include "tools/dynamics/system.h"

#include <algorithm>

#include "autograd/ops.h"
#include "kernels/copy.h"
#include "nn/layers/linear.h"
#include "nn/layers/relu.h"

namespace rho::dynamics {

Vector System::norms(const Vector& w) const {
  Vector out;
  std::size_t begin = 0;
  for (const std::size_t size : layers()) {
    out.push_back(norm(std::span(w).subspan(begin, size)));
    begin += size;
  }
  return out;
}

double System::rho(const Vector& w) const {
  double product = 1.0;
  for (const double layer : norms(w)) product *= layer;
  return product;
}

double System::normalized_margin(const Vector& w) { return std::ranges::min(margins(w)) / rho(w); }

LinearSystem::LinearSystem(Examples examples, Loss loss)
    : examples_(std::move(examples)), loss_(loss) {}

Vector LinearSystem::margins(const Vector& w) {
  Vector out;
  for (std::size_t n = 0; n < examples_.count(); ++n)
    out.push_back(examples_.y[n] * dot(w, examples_.example(n)));
  return out;
}

Vector LinearSystem::gradient(const Vector& w) {
  Vector out(examples_.inputs, 0.0);
  const Vector margin = margins(w);
  for (std::size_t n = 0; n < examples_.count(); ++n) {
    // -dl/dm; both forms keep their relative accuracy at large margins.
    const double e = std::exp(-margin[n]);
    const double pull = loss_ == Loss::Exponential ? e : 1.0 / (1.0 + 1.0 / e);
    const std::span<const double> x = examples_.example(n);
    for (std::size_t i = 0; i < x.size(); ++i) out[i] -= pull * examples_.y[n] * x[i];
  }
  return out;
}

NetworkSystem::NetworkSystem(const Examples& examples, Loss loss,
                             const std::vector<std::int64_t>& widths, bool relu)
    : loss_(loss) {
  const auto count = static_cast<std::int64_t>(examples.count());
  const auto inputs = static_cast<std::int64_t>(examples.inputs);
  check(widths.size() >= 2 && widths.front() == inputs && widths.back() == 1, "NetworkSystem",
        "expected widths from ", inputs, " inputs to 1 output");
  x_ = Variable(Tensor::from(examples.x, {count, inputs}));
  y_ = Tensor::from(examples.y, {count});
  Rng rng(0);  // the weights come with every call
  for (std::size_t k = 1; k < widths.size(); ++k) {
    const std::string number = std::to_string(k);
    if (relu && k > 1) model_.add("relu" + number, std::make_shared<nn::ReLU>());
    const auto layer =
        model_.add("fc" + number, std::make_shared<nn::Linear>(widths[k - 1], widths[k], false,
                                                               nn::Init{}, rng, DType::Float64));
    weights_.push_back(layer->weight());
  }
}

std::vector<std::size_t> NetworkSystem::layers() const {
  std::vector<std::size_t> out;
  for (const Variable& weight : weights_) out.push_back(static_cast<std::size_t>(weight.numel()));
  return out;
}

Variable NetworkSystem::outputs() { return reshape(model_(x_), y_.shape()); }

Vector NetworkSystem::margins(const Vector& w) {
  const NoGrad no_grad;
  set_weights(w);
  return (outputs() * Variable(y_)).value().to_vector<double>();
}

Vector NetworkSystem::gradient(const Vector& w) {
  set_weights(w);
  backward();
  Vector out;
  for (const Variable& weight : weights_) {
    const Vector layer = weight.grad().value().to_vector<double>();
    out.insert(out.end(), layer.begin(), layer.end());
  }
  return out;
}

std::vector<optim::Group> NetworkSystem::start(const Vector& w) {
  set_weights(w);
  std::vector<optim::Group> out;
  for (std::size_t k = 0; k < weights_.size(); ++k)
    out.push_back({"fc" + std::to_string(k + 1), {weights_[k]}, true});
  return out;
}

void NetworkSystem::backward() {
  model_.zero_grad();
  const Variable f = outputs();
  (loss_ == Loss::Exponential ? exponential_loss(f, y_, Reduction::Sum)
                              : logistic_loss(f, y_, Reduction::Sum))
      .backward();
}

Vector NetworkSystem::weights() const {
  Vector out;
  for (const Variable& weight : weights_) {
    const Vector layer = weight.value().to_vector<double>();
    out.insert(out.end(), layer.begin(), layer.end());
  }
  return out;
}

void NetworkSystem::set_weights(const Vector& w) {
  std::size_t begin = 0;
  for (Variable& weight : weights_) {
    const auto size = static_cast<std::size_t>(weight.numel());
    weight.set_value(Tensor::from(std::span(w).subspan(begin, size), weight.shape()));
    begin += size;
  }
}

}  // namespace rho::dynamics
