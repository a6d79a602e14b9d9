// The tests on a CUDA device: with RHO_TEST_DEVICE=cuda tensors are made there, in memory that the
// host may read too, so that what is written for the CPU tests the other device as it stands.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kernels/cuda/runtime/launch.cuh"
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
  void release(void* pointer, int device_index) noexcept override {
    device_.release(pointer, device_index);
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
  void OnTestProgramStart(const ::testing::UnitTest& tests) override {
    if (device_count(DeviceType::CUDA) == 0) skip(tests);
    // Every kernel ends before the host reads what it wrote.
    setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
    register_memory(DeviceType::CUDA, *new ManagedMemory(allocator(DeviceType::CUDA).memory()));
    set_default_device({DeviceType::CUDA, 0});
  }

  /// Prints what GTEST_SKIP() in every test would.
  [[noreturn]] static void skip(const ::testing::UnitTest& tests) {
    std::puts("[==========]\nRHO_TEST_DEVICE: Skipped\nno CUDA device");
    for (int s = 0; s < tests.total_test_suite_count(); ++s) {
      const ::testing::TestSuite& suite = *tests.GetTestSuite(s);
      for (int t = 0; t < suite.total_test_count(); ++t)
        if (const ::testing::TestInfo& test = *suite.GetTestInfo(t); test.should_run())
          std::printf("[  SKIPPED ] %s.%s (0 ms)\n", suite.name(), test.name());
    }
    std::exit(0);
  }
};

[[maybe_unused]] const bool chosen = [] {
  const char* const device = std::getenv("RHO_TEST_DEVICE");
  if (device == nullptr) return false;
  if (std::string_view(device) != "cuda") {
    std::fprintf(stderr, "RHO_TEST_DEVICE: expected cuda, found %s\n", device);
    std::exit(2);
  }
  ::testing::UnitTest::GetInstance()->listeners().Append(new OnCuda);
  return true;
}();

}  // namespace
}  // namespace rho::testing
