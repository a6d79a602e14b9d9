// A ResNet-20 that PyTorch trained: the numbers PyTorch gives, and exact normalization.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tests/support/temporary_folder.h"
#include "tools/measure/cross_entropy.h"
#include "tools/measure/normalization.h"

namespace rho {
namespace {

namespace fs = std::filesystem;

const nn::ModelSpec kSpec{"resnet20", {32, 32, 3}, 10};

// Beside a checkout, where somebody put it there: the checkpoint, and CIFAR-10 (JPEG) with the
// script that unpacks it.
const fs::path kShared = "../shared/data";
const fs::path kCheckpoint = kShared / "checkpoints/resnet20.safetensors";
const fs::path kUnpack = kShared / "make_cifar10.py";

std::shared_ptr<nn::Module> load_model(DType dtype) {
  Rng rng(0);
  auto model = nn::make_model(kSpec, {}, rng, dtype);
  nn::import_state(*model, nn::read_safetensors(kCheckpoint).tensors, kCheckpoint);
  return model;
}

const datasets::Standardization kStandardization{
    255.0, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

// f and f~ on every example.
struct Twins {
  measure::Outputs f, f_tilde;
  double log_rho;
};
Twins evaluate_twins(const datasets::Dataset& dataset, DType dtype) {
  const auto model = load_model(dtype);
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
  if (!fs::exists(kCheckpoint)) GTEST_SKIP() << "there is no " << kCheckpoint;
  Rng rng(1);
  std::vector<std::uint8_t> pixels(16 * 32 * 32 * 3);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(rng.below(256));
  const datasets::Dataset dataset{"random", Tensor::from(pixels, {16, 32, 32, 3}),
                                  Tensor::from(std::vector<std::int64_t>(16, 0), {16}), 10};
  for (const DType dtype : {DType::Float32, DType::Float64})
    expect_exact(evaluate_twins(dataset, dtype), dtype);
}

// CIFAR-10 (JPEG): the images were compressed again after the network was trained.
TEST(ResNet20, GivesPyTorchsNumbersOnCifar10Jpeg) {
  if (!fs::exists(kCheckpoint)) GTEST_SKIP() << "there is no " << kCheckpoint;
  if (!fs::exists(kUnpack)) GTEST_SKIP() << "there is no " << kUnpack;
  const testing::TemporaryFolder folder;
  ASSERT_EQ(std::system((RHO_PYTHON " " + kUnpack.string() + ' ' + folder.string()).c_str()), 0);
  const datasets::Dataset dataset = datasets::load("cifar10", folder.string()).test;
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    const Twins twins = evaluate_twins(dataset, dtype);
    EXPECT_NEAR(measure::cross_entropy(twins.f), 0.87880, 5e-6);
    EXPECT_NEAR(measure::error(twins.f), 0.1897, 1e-12);
    expect_exact(twins, dtype);
  }
}

}  // namespace
}  // namespace rho
