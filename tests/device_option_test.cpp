// --device: what it takes, and what it says where there is no such device.
#include <gtest/gtest.h>

#include "tensor/allocator.h"
#include "tests/support/testing.h"
#include "tools/support/device.h"

namespace rho::tools {
namespace {

using testing::contains;
using testing::message_of;

TEST(DeviceOption, IsANameWithAnIndexOrNot) {
  EXPECT_EQ(parse_device("cpu"), Device{});
  EXPECT_EQ(parse_device("cuda"), (Device{DeviceType::CUDA, 0}));
  EXPECT_EQ(parse_device("cuda:3"), (Device{DeviceType::CUDA, 3}));
  for (const char* const text :
       {"", "gpu", "CUDA", "cpu:0", "cuda:", "cuda:-1", "cuda:1x", "cuda1", "cuda:99999999999"})
    EXPECT_TRUE(contains(message_of([&] { parse_device(text); }), "[device]", text, "cuda:N"))
        << text;
}

TEST(DeviceOption, SaysWhatIsMissing) {
  EXPECT_EQ(find_device("cpu"), Device{});
  EXPECT_EQ(find_device("auto").type,
            device_count(DeviceType::CUDA) > 0 ? DeviceType::CUDA : DeviceType::CPU);
  const std::string message = message_of([] { find_device("cuda:99"); });
  if (!has_backend(DeviceType::CUDA))
    EXPECT_TRUE(contains(message, "[device] cuda:99", "built without CUDA"));
  else if (device_count(DeviceType::CUDA) == 0)
    EXPECT_TRUE(contains(message, "[device] cuda:99", "no CUDA device"));
  else
    EXPECT_TRUE(contains(message, "[device] cuda:99", "the last is cuda:"));
}

}  // namespace
}  // namespace rho::tools
