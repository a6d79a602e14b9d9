// Division by a multiplication, against the processor's.
#include <gtest/gtest.h>

#include "kernels/cuda/divider.cuh"

namespace rho::kernels::cuda {
namespace {

TEST(Divider, IsDivision) {
  for (const int divisor :
       {1, 2, 3, 5, 7, 16, 27, 64, 75, 1000, 65535, 65536, 1 << 30, INT32_MAX}) {
    const Divider divide(divisor);
    std::int64_t wrong = 0;
    const auto check = [&](std::int64_t n) {
      if (n < 0 || n > INT32_MAX) return;
      const auto [quotient, remainder] = divide(static_cast<int>(n));
      if (quotient != n / divisor || remainder != n % divisor) ++wrong;
    };
    for (std::int64_t n = 0; n < 3000; ++n) check(n), check(INT32_MAX - n);
    // Around multiples, where a quotient changes.
    for (std::int64_t q = 1; q < INT32_MAX / divisor; q += 1 + q / 16)
      for (std::int64_t offset = -1; offset <= 1; ++offset) check(q * divisor + offset);
    EXPECT_EQ(wrong, 0) << divisor;
  }
}

TEST(Divider, TakesAnIndexApart) {
  const Divider by_middle(5), by_last(7);
  for (int index = 0; index < 3 * 5 * 7; ++index) {
    const auto [first, middle, last] = digits(index, by_middle, by_last);
    EXPECT_EQ((first * 5 + middle) * 7 + last, index);
    EXPECT_TRUE(middle < 5 && last < 7);
  }
}

}  // namespace
}  // namespace rho::kernels::cuda
