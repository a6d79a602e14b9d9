// The tests on a CUDA device: with RHO_TEST_DEVICE=cuda tensors are made there, in memory that the
// host may read too, so that what is written for the CPU tests the other device as it stands. With
// RHO_TEST_PROVIDER=nvidia beside it, products are those of cuBLAS and cuDNN.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/provider.h"
#include "tensor/allocator.h"

namespace rho::testing {
namespace {

/// What the backend's own memory does, but for allocate.
class ManagedMemory final : public Memory {
 public:
  explicit ManagedMemory(Memory& device) : device_(device) {}
  int device_count() const noexcept override { return device_.device_count(); }
  void* allocate(std::size_t bytes, int device_index) override {
    kernels::cuda::check_status(cudaSetDevice(device_index), "managed memory");
    void* pointer = nullptr;
    kernels::cuda::check_status(cudaMallocManaged(&pointer, bytes), "managed memory");
    return pointer;
  }
  void release(void* pointer, std::size_t bytes, int device_index) noexcept override {
    device_.release(pointer, bytes, device_index);
  }
  void copy(const void* from, void* to, std::size_t bytes, int device_index) override {
    device_.copy(from, to, bytes, device_index);
  }
  std::uint64_t order(int device_index) const override { return device_.order(device_index); }
  std::unique_ptr<Mark> free_after(const Block& block) noexcept override {
    return device_.free_after(block);
  }

 private:
  Memory& device_;
};

/// Before the first test, and after the backend is loaded.
class OnCuda final : public ::testing::EmptyTestEventListener {
 public:
  explicit OnCuda(kernels::ProductProvider provider) : provider_(provider) {}

 private:
  void OnTestProgramStart(const ::testing::UnitTest& tests) override {
    if (device_count(DeviceType::CUDA) == 0) skip(tests, "no CUDA device");
    if (provider_ == kernels::ProductProvider::Nvidia)
      for (const char* const library : {"cublas", "cudnn"})
        if (kernels::product_library_version(library).empty()) skip(tests, library);
    kernels::set_product_provider(provider_);
    // Every kernel ends before the host reads what it wrote.
    setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
    register_memory(DeviceType::CUDA, *new ManagedMemory(allocator(DeviceType::CUDA).memory()));
    set_default_device({DeviceType::CUDA, 0});
  }

  /// Prints what GTEST_SKIP() in every test would.
  [[noreturn]] static void skip(const ::testing::UnitTest& tests, const char* missing) {
    std::printf("[==========]\nRHO_TEST_DEVICE: Skipped\n%s\n", missing);
    for (int s = 0; s < tests.total_test_suite_count(); ++s) {
      const ::testing::TestSuite& suite = *tests.GetTestSuite(s);
      for (int t = 0; t < suite.total_test_count(); ++t)
        if (const ::testing::TestInfo& test = *suite.GetTestInfo(t); test.should_run())
          std::printf("[  SKIPPED ] %s.%s (0 ms)\n", suite.name(), test.name());
    }
    std::exit(0);
  }

  kernels::ProductProvider provider_;
};

/// Whether the environment variable has its only value; without one it is not set.
bool is_asked_for(const char* variable, const char* expected) {
  const char* const found = std::getenv(variable);
  if (found == nullptr) return false;
  if (std::string_view(found) == expected) return true;
  std::fprintf(stderr, "%s: expected %s, found %s\n", variable, expected, found);
  std::exit(2);
}

[[maybe_unused]] const bool chosen = [] {
  if (!is_asked_for("RHO_TEST_DEVICE", "cuda")) return false;
  const bool is_nvidia = is_asked_for("RHO_TEST_PROVIDER", "nvidia");
  ::testing::UnitTest::GetInstance()->listeners().Append(
      new OnCuda(is_nvidia ? kernels::ProductProvider::Nvidia : kernels::ProductProvider::Rho));
  return true;
}();

}  // namespace
}  // namespace rho::testing
