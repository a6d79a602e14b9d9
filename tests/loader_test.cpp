#include "datasets/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "datasets/augment.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::epsilon;
using testing::message_of;

// Images [N, 6, 7, 2] of pseudo-random bytes; label i of image i.
Dataset images(std::int64_t count) {
  Rng rng(5);
  const Tensor pixels = Tensor::empty({count, 6, 7, 2}, DType::UInt8);
  std::generate_n(pixels.data<std::uint8_t>(), pixels.numel(),
                  [&] { return static_cast<std::uint8_t>(1 + rng.below(255)); });
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(i);
  return {"images", pixels, Tensor::from(labels, {count}), count};
}

const Standardization kBy{255.0, {0.25, 0.5}, {0.5, 0.125}};

LoaderOptions options(std::int64_t batch, bool shuffle = false, bool augment = false,
                      DType dtype = DType::Float64) {
  LoaderOptions out;
  out.batch = batch;
  out.shuffle = shuffle;
  out.augment = augment;
  out.dtype = dtype;
  out.seed = 11;
  return out;
}

std::vector<Batch> epoch_of(Loader& loader, std::int64_t epoch) {
  loader.start(epoch);
  std::vector<Batch> batches;
  while (const std::optional<Batch> batch = loader.next()) batches.push_back(*batch);
  return batches;
}

std::vector<int> labels_of(const std::vector<Batch>& batches) {
  std::vector<int> all;
  for (const Batch& batch : batches)
    for (const int label : batch.labels.to_vector<int>()) all.push_back(label);
  return all;
}

template <class T>
void expect_standardized(DType dtype) {
  const Dataset data = images(5);
  Loader loader(data, kBy, options(2, false, false, dtype));
  EXPECT_EQ(loader.batches(), 3);
  const std::vector<Batch> batches = epoch_of(loader, 0);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].inputs.shape(), (Shape{2, 6, 7, 2}));
  EXPECT_EQ(batches[2].inputs.shape(), (Shape{1, 6, 7, 2}));
  EXPECT_EQ(batches[2].inputs.dtype(), dtype);
  EXPECT_EQ(labels_of(batches), (std::vector<int>{0, 1, 2, 3, 4}));
  std::vector<double> expected;
  for (const double value : data.examples.slice(0, 2, 4).to_vector<double>()) {
    const std::size_t c = expected.size() % 2;
    expected.push_back((value / 255.0 - kBy.mean[c]) / kBy.std[c]);
  }
  testing::expect_near(batches[1].inputs, expected, 2 * epsilon<T>());
}

TEST(Loader, StandardizesInReadingOrder) {
  expect_standardized<float>(DType::Float32);
  expect_standardized<double>(DType::Float64);
}

TEST(Loader, StandardizesFeatures) {
  const Dataset table{"table", Tensor::from(std::vector<double>{1, 10, 2, 20, 3, 30}, {3, 2}),
                      Tensor::from(std::vector<std::int64_t>{0, 1, 0}, {3}), 2};
  Loader loader(table, {1.0, {1, 20}, {2, 10}}, options(10));
  const std::vector<Batch> batches = epoch_of(loader, 0);
  ASSERT_EQ(batches.size(), 1U);
  testing::expect_near(batches[0].inputs, {0, -1, 0.5, 0, 1, 1}, epsilon<double>());
}

TEST(Loader, ShufflesByEpochAndCanReplay) {
  const Dataset data = images(101);
  Loader loader(data, kBy, options(10, true, true));
  const std::vector<Batch> first = epoch_of(loader, 0);
  const std::vector<Batch> second = epoch_of(loader, 1);
  std::vector<int> order = labels_of(first);
  EXPECT_NE(order, labels_of(second));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));

  Loader another(data, kBy, options(10, true, true));
  another.start(0);  // and is not finished
  another.next();
  const std::vector<Batch> replayed = epoch_of(another, 1);
  ASSERT_EQ(replayed.size(), second.size());
  for (std::size_t i = 0; i < second.size(); ++i) {
    EXPECT_EQ(replayed[i].labels.to_vector<int>(), second[i].labels.to_vector<int>());
    EXPECT_TRUE(replayed[i].inputs.to_vector<double>() == second[i].inputs.to_vector<double>());
  }
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 101; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);

  LoaderOptions other = options(10, true);
  other.seed = 12;
  Loader seeded(data, kBy, other);
  EXPECT_NE(labels_of(epoch_of(seeded, 0)), labels_of(first));
}

// Each augmented image is one of the 9 x 9 crops of the padded image, flipped or not.
TEST(Loader, AugmentationCropsAndFlips) {
  const Dataset data = images(1);
  const std::vector<int> pixels = data.examples.to_vector<int>();
  const auto raw = [&](std::int64_t y, std::int64_t x, std::int64_t c) {
    const bool inside = y >= 0 && y < 6 && x >= 0 && x < 7;
    return inside ? pixels[static_cast<std::size_t>((y * 7 + x) * 2 + c)] : 0;
  };
  Loader loader(data, {1.0, {0, 0}, {1, 1}}, options(1, false, true));
  std::set<std::vector<int>> seen;
  bool flipped = false, plain = false;
  for (std::int64_t epoch = 0; epoch < 60; ++epoch) {
    const std::vector<int> found = epoch_of(loader, epoch).at(0).inputs.to_vector<int>();
    seen.insert(found);
    int matches = 0;
    for (const bool flip : {false, true})
      for (std::int64_t dy = -4; dy <= 4; ++dy)
        for (std::int64_t dx = -4; dx <= 4; ++dx) {
          std::vector<int> expected;
          for (std::int64_t y = 0; y < 6; ++y)
            for (std::int64_t x = 0; x < 7; ++x)
              for (std::int64_t c = 0; c < 2; ++c)
                expected.push_back(raw(y + dy, (flip ? 6 - x : x) + dx, c));
          if (found != expected) continue;
          ++matches;
          (flip ? flipped : plain) = true;
        }
    EXPECT_GE(matches, 1) << "epoch " << epoch;
  }
  EXPECT_GT(seen.size(), 30U);
  EXPECT_TRUE(flipped && plain);
}

TEST(Loader, DropsWhatWasPrefetched) {
  const Dataset data = images(50);
  Loader loader(data, kBy, options(1));
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    loader.start(epoch);
    EXPECT_EQ(loader.next()->labels.to_vector<int>(), (std::vector<int>{0}));
  }
  EXPECT_EQ(epoch_of(loader, 3).size(), 50U);
  EXPECT_FALSE(loader.next().has_value());  // and stays at the end
}

TEST(Loader, PreparesBatchesAhead) {
  const Dataset data = images(64);
  const CachingAllocator& memory = allocator(DeviceType::CPU);
  Loader loader(data, kBy, options(8));
  const std::size_t before = memory.statistics().bytes_in_use;
  const std::size_t batch = 8 * 6 * 7 * 2 * sizeof(double);
  loader.start(0);
  // The worker fills its queue although nobody asks, and then waits.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (memory.statistics().bytes_in_use < before + 4 * batch &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GE(memory.statistics().bytes_in_use, before + 4 * batch);
  EXPECT_LT(memory.statistics().bytes_in_use, before + 7 * batch);
}

TEST(Loader, RefusesWhatItCannotServe) {
  const Dataset data = images(4);
  const Dataset table{"table", Tensor::from(std::vector<double>{1, 2}, {1, 2}),
                      Tensor::from(std::vector<std::int64_t>{0}, {1}), 1};
  const auto refusal = [](const Dataset& dataset, const Standardization& by,
                          const LoaderOptions& with) {
    return message_of([&] { Loader(dataset, by, with); });
  };
  EXPECT_TRUE(contains(refusal(table, {1.0, {0, 0}, {1, 1}}, options(1, false, true)),
                       "augmentation (pad, crop, flip) needs images, and table holds float64"));
  EXPECT_TRUE(contains(refusal(data, {1.0, {0}, {1}}, options(1)), "expected 2 as images"));
  EXPECT_TRUE(contains(refusal(data, {1.0, {0, 0}, {1, 0}}, options(1)), "expected > 0"));
  EXPECT_TRUE(contains(refusal(data, kBy, options(0)), "batch is 0"));
  EXPECT_TRUE(
      contains(refusal({"nothing", {}, {}, 0}, kBy, options(1)), "nothing has no examples"));
}

}  // namespace
}  // namespace rho::datasets
