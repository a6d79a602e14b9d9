// Products by wgmma, called whatever their size, against products in double of rounded operands.
// What needs a device of compute capability 9.0 is skipped where there is none.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/copy.h"
#include "kernels/cuda/warpgroup/warpgroup_product.h"
#include "tensor/allocator.h"
#include "tests/support/rounded_products.h"
#include "tests/support/testing.h"

namespace rho::kernels::cuda {
namespace {

using testing::expect_sums;
using testing::kCuda;
using testing::magnitudes;
using testing::product_in_double;
using testing::product_shape;
using testing::rounded;
using testing::uniform;
using testing::unset;

class CudaWarpgroupProduct : public ::testing::TestWithParam<ProductPrecision> {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
    if (!has_warpgroup_product(kCuda)) GTEST_SKIP() << "no device of compute capability 9.0";
  }

  static Tensor product(const Tensor& a, const Tensor& b) {
    const ProductPrecisionScope scope(GetParam());
    Tensor out = unset(product_shape(a, b));
    warpgroup_product(a, b, out);
    return out;
  }
  static void expect_product(const Tensor& found, const Tensor& a, const Tensor& b) {
    expect_sums(found, product_in_double(rounded(a, GetParam()), rounded(b, GetParam())),
                product_in_double(magnitudes(a), magnitudes(b)), a.size(-1));
  }
};

INSTANTIATE_TEST_SUITE_P(Of, CudaWarpgroupProduct,
                         ::testing::Values(ProductPrecision::TensorFloat32,
                                           ProductPrecision::BFloat16),
                         [](const auto& of) { return std::string(name_of(of.param)); });

Tensor turned(const Tensor& x) { return clone(x.transpose(0, 1)).to(kCuda).transpose(0, 1); }

/// Every third column of a wider matrix.
Tensor spread(const Tensor& x) {
  Shape wide = x.shape();
  wide[1] *= 3;
  const Tensor view = unset(wide).slice(1, 0, wide[1], 3);
  copy(x.to(kCuda), view);
  return view;
}

/// From the second element on of a wider matrix: rows that no vector fits.
Tensor shifted(const Tensor& x) {
  Shape wide = x.shape();
  wide[1] += 5;
  const Tensor view = unset(wide).slice(1, 1, x.size(1) + 1);
  copy(x.to(kCuda), view);
  return view;
}

// One more and one less than a tile has of rows and columns; a slab is 32 or 64 deep, and four are
// on their way at once.
TEST_P(CudaWarpgroupProduct, IsThatOfRoundedOperands) {
  const std::int64_t sizes[][3] = {{1, 1, 1},      {127, 31, 255}, {128, 32, 256},
                                   {129, 33, 257}, {63, 63, 130},  {64, 64, 128},
                                   {65, 65, 8},    {2, 300, 513},  {300, 100, 516}};
  for (const auto& [rows, depth, columns] : sizes) {
    const Tensor a = uniform<float>({rows, depth}, 1), b = uniform<float>({depth, columns}, 2);
    for (const Tensor& left : {a.to(kCuda), turned(a)})
      for (const Tensor& right : {b.to(kCuda), turned(b)}) {
        SCOPED_TRACE(::testing::Message() << left.shape() << ' ' << left.strides() << " x "
                                          << right.shape() << ' ' << right.strides());
        expect_product(product(left, right), a, b);
      }
  }
}

TEST_P(CudaWarpgroupProduct, TakesAnyStrides) {
  const Tensor a = uniform<float>({68, 72}, 1), b = uniform<float>({72, 40}, 2);
  for (const auto& change : {spread, shifted}) {
    expect_product(product(change(a), change(b)), a, b);
    expect_product(product(change(clone(a.transpose(0, 1))).transpose(0, 1),
                           change(clone(b.transpose(0, 1))).transpose(0, 1)),
                   a, b);
  }
  const Tensor row = uniform<float>({1, 72}, 3), column = uniform<float>({72, 1}, 4);
  expect_product(product(row.to(kCuda).expand({68, 72}), column.to(kCuda).expand({72, 40})),
                 row.expand({68, 72}), column.expand({72, 40}));
}

TEST_P(CudaWarpgroupProduct, TakesLeadingExtentsOfOne) {
  const Tensor a = uniform<float>({1, 70, 40}, 1), b = uniform<float>({1, 40, 20}, 2);
  expect_product(product(a.to(kCuda), b.to(kCuda)), a, b);
}

// Times one: what is left is the operand.
TEST_P(CudaWarpgroupProduct, RoundsToNearestEven) {
  std::vector<float> values;
  for (const std::uint32_t dropped : {1U << 12U, 1U << 15U})
    for (std::uint32_t n = 0; n < 40; ++n) {
      const std::uint32_t tie = 0x3f800000U + (2 * n + 1) * dropped;
      for (const std::uint32_t bits : {tie - 1, tie, tie + 1}) {
        values.push_back(std::bit_cast<float>(bits));
        values.push_back(-std::bit_cast<float>(bits));
      }
    }
  values.insert(values.end(), {0.0F, 3.4e38F, -3.4e38F});
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor one = Tensor::from(std::vector<float>{1.0F}, {1, 1}, kCuda);
  std::vector<double> expected(values.begin(), values.end());
  for (double& value : expected) value = rounded(value, GetParam());
  for (const Shape& shape : {Shape{count, 1}, Shape{1, count}}) {
    const Tensor x = Tensor::from(values, shape, kCuda);
    const Tensor found = shape[1] == 1 ? product(x, one) : product(one, x);
    EXPECT_EQ(found.to(Device{}).to_vector<double>(), expected);
  }
}

TEST_P(CudaWarpgroupProduct, NaNAndInfinityStayWhereTheyBelong) {
  for (const std::uint32_t bits : {0x7fc00000U, 0xffffffffU, 0x7f800001U, 0x7f800000U}) {
    const auto special = std::bit_cast<float>(bits);
    std::vector<float> values = uniform<float>({131, 37}).to_vector<float>();
    values[130 * 37 + 36] = special;
    const auto found =
        product(Tensor::from(values, {131, 37}, kCuda), uniform<float>({37, 9}, 1).to(kCuda))
            .to(Device{})
            .to_vector<float>();
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(i / 9 == 130 ? std::isnan(found[i]) == std::isnan(special) &&
                                     std::isinf(found[i]) == std::isinf(special)
                               : std::isfinite(found[i]))
          << std::hex << bits << ": element " << i << " is " << found[i];
  }
}

TEST_P(CudaWarpgroupProduct, TheSameBitsTwice) {
  const Tensor a = uniform<float>({200, 500}, 1).to(kCuda),
               b = uniform<float>({500, 300}, 2).to(kCuda);
  EXPECT_EQ(product(a, b).to(Device{}).to_vector<float>(),
            product(a, b).to(Device{}).to_vector<float>());
}

// Of shapes alone: no memory is needed for them.
TEST_P(CudaWarpgroupProduct, IsTakenWhereItPays) {
  const auto takes = [](std::int64_t rows, std::int64_t depth, std::int64_t columns,
                        ProductPrecision precision) {
    const ProductPrecisionScope scope(precision);
    const Tensor one = Tensor::empty({1, 1}, DType::Float32, kCuda);
    return takes_warpgroup_product(one.expand({rows, depth}), one.expand({depth, columns}),
                                   one.expand({rows, columns}));
  };
  for (const std::int64_t n : {4096, 8192, 16384}) {
    EXPECT_TRUE(takes(n, n, n, GetParam())) << n;
    EXPECT_FALSE(takes(n, n, n, ProductPrecision::Float32)) << n;
  }
  EXPECT_TRUE(takes(10000, 5000, 7000, GetParam()));
  EXPECT_FALSE(takes(512, 512, 512, GetParam()));
  EXPECT_FALSE(takes(100000, 4096, 10, GetParam()));  // most of the tile would be padding
  EXPECT_FALSE(takes(1, 4096, 100000, GetParam()));
  EXPECT_FALSE(takes(4096, 8, 4096, GetParam()));  // the launches would cost more

  const ProductPrecisionScope scope(GetParam());
  const Tensor batch = Tensor::empty({1, 1, 1}, DType::Float32, kCuda).expand({2, 4096, 4096});
  EXPECT_FALSE(takes_warpgroup_product(batch, batch, batch));
  const Tensor wide = Tensor::empty({1, 1}, DType::Float64, kCuda).expand({4096, 4096});
  EXPECT_FALSE(takes_warpgroup_product(wide, wide, wide));
}

}  // namespace
}  // namespace rho::kernels::cuda
