// A ResNet-20 that PyTorch trained: the numbers PyTorch gives, and exact normalization.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tools/measure/cross_entropy.h"
#include "tools/measure/normalization.h"

namespace rho {
namespace {

namespace fs = std::filesystem;

const nn::ModelSpec kSpec{"resnet20", {32, 32, 3}, 10};

// The checkpoint in $RHO_SHARED_DATA, or in shared/data of a folder above; empty where there is
// none.
std::string find_checkpoint() {
  const fs::path name = "checkpoints/resnet20.safetensors";
  if (const char* shared = std::getenv("RHO_SHARED_DATA"); shared != nullptr)
    return fs::exists(shared / name) ? shared / name : fs::path();
  for (fs::path at = fs::current_path();; at = at.parent_path()) {
    if (fs::exists(at / "shared/data" / name)) return at / "shared/data" / name;
    if (at == at.root_path()) return {};
  }
}

std::shared_ptr<nn::Module> load_model(const std::string& checkpoint, DType dtype) {
  Rng rng(0);
  auto model = nn::make_model(kSpec, {}, rng, dtype);
  nn::import_state(*model, nn::read_safetensors(checkpoint).tensors, checkpoint);
  return model;
}

const datasets::Standardization kStandardization{
    255.0, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

// f and f~ on every example.
struct Twins {
  measure::Outputs f, f_tilde;
  double log_rho;
};
Twins evaluate_twins(const std::string& checkpoint, const datasets::Dataset& dataset, DType dtype) {
  const auto model = load_model(checkpoint, dtype);
  const measure::Normalization twin = measure::normalize(kSpec, *model, 2.0, dtype);
  datasets::LoaderOptions order;
  order.dtype = dtype;
  datasets::Loader loader(dataset, kStandardization, order);
  return {measure::evaluate(*model, loader), measure::evaluate(*twin.normalized, loader),
          twin.log_rho};
}

void expect_exact(const Twins& twins, DType dtype) {
  EXPECT_LT(measure::max_relative_deviation(twins.f, twins.f_tilde, twins.log_rho),
            dtype == DType::Float32 ? 1e-5 : 1e-10);
  EXPECT_EQ(measure::classes_changed(twins.f, twins.f_tilde), 0);
}

TEST(ResNet20, IsNormalizedExactly) {
  const std::string checkpoint = find_checkpoint();
  if (checkpoint.empty()) GTEST_SKIP() << "no checkpoint shared/data/checkpoints/resnet20";
  Rng rng(1);
  std::vector<std::uint8_t> pixels(16 * 32 * 32 * 3);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(rng.below(256));
  const datasets::Dataset dataset{"random", Tensor::from(pixels, {16, 32, 32, 3}),
                                  Tensor::from(std::vector<std::int64_t>(16, 0), {16}), 10};
  for (const DType dtype : {DType::Float32, DType::Float64})
    expect_exact(evaluate_twins(checkpoint, dataset, dtype), dtype);
}

// CIFAR-10 (JPEG): the images were compressed again after the network was trained.
TEST(ResNet20, GivesPyTorchsNumbersOnCifar10Jpeg) {
  const char* const directory = std::getenv("RHO_CIFAR10");
  if (directory == nullptr) GTEST_SKIP() << "RHO_CIFAR10 does not name a folder with CIFAR-10";
  const std::string checkpoint = find_checkpoint();
  if (checkpoint.empty()) GTEST_SKIP() << "no checkpoint shared/data/checkpoints/resnet20";
  const datasets::Dataset dataset = datasets::load("cifar10", directory).test;
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    const Twins twins = evaluate_twins(checkpoint, dataset, dtype);
    EXPECT_NEAR(measure::cross_entropy(twins.f), 0.87880, 5e-6);
    EXPECT_NEAR(measure::error(twins.f), 0.1897, 1e-12);
    expect_exact(twins, dtype);
  }
}

}  // namespace
}  // namespace rho
