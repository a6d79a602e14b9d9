// Standardization, subsets and label corruption.
#include "datasets/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "datasets/corrupt.h"
#include "datasets/subset.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;

// N one-feature examples i, label i mod classes.
Dataset numbered(std::int64_t count, std::int64_t classes) {
  std::vector<double> features;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    features.push_back(static_cast<double>(i));
    labels.push_back(i % classes);
  }
  return {"numbered", Tensor::from(features, {count, 1}), Tensor::from(labels, {count}), classes};
}

TEST(Standardization, IsPerChannelInUnitsOfOne) {
  const Dataset images{
      "images", Tensor::from(std::vector<std::uint8_t>{0, 7, 255, 7, 51, 7, 204, 7}, {1, 2, 2, 2}),
      Tensor::from(std::vector<std::int64_t>{0}, {1}), 1};
  const Standardization of_images = measure_standardization(images);
  EXPECT_EQ(of_images.divisor, 255.0);
  EXPECT_NEAR(of_images.mean[0], 0.5, 1e-15);
  EXPECT_NEAR(of_images.std[0], std::sqrt((0.25 + 0.25 + 0.09 + 0.09) / 4), 1e-15);
  EXPECT_NEAR(of_images.mean[1], 7.0 / 255, 1e-15);
  EXPECT_EQ(of_images.std[1], 1.0);  // a constant channel

  const Standardization of_numbers = measure_standardization(numbered(5, 2));
  EXPECT_EQ(of_numbers.divisor, 1.0);
  EXPECT_NEAR(of_numbers.mean[0], 2.0, 1e-15);
  EXPECT_NEAR(of_numbers.std[0], std::sqrt(2.0), 1e-15);
}

// The mean of a constant is rounded; dividing by what is left of it would blow a test value up.
TEST(Standardization, AConstantHasStandardDeviationOne) {
  const Tensor labels = Tensor::from(std::vector<std::int64_t>(150, 0), {150});
  const Tensor tenths = Tensor::from(std::vector<double>(150, 0.1), {150, 1});
  EXPECT_EQ(measure_standardization({"tenths", tenths, labels, 1}).std[0], 1.0);
  const Tensor grey = Tensor::from(std::vector<std::uint8_t>(150, 77), {150, 1, 1, 1});
  EXPECT_EQ(measure_standardization({"grey", grey, labels, 1}).std[0], 1.0);
}

TEST(Subset, FirstAndRandom) {
  const Dataset all = numbered(100, 10);
  const Dataset first = first_n(all, 3);
  EXPECT_EQ(first.examples.to_vector<int>(), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(first.classes, 10);
  EXPECT_TRUE(first.examples.shares_storage(all.examples));

  const Dataset random = random_n(all, 30, 4);
  const std::vector<int> chosen = random.examples.to_vector<int>();
  EXPECT_EQ(std::set<int>(chosen.begin(), chosen.end()).size(), 30U);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  const std::vector<int> labels = random.labels.to_vector<int>();
  for (std::size_t i = 0; i < chosen.size(); ++i) EXPECT_EQ(labels[i], chosen[i] % 10);
  EXPECT_EQ(random_n(all, 30, 4).examples.to_vector<int>(), chosen);
  EXPECT_NE(random_n(all, 30, 5).examples.to_vector<int>(), chosen);
  EXPECT_EQ(random_n(all, 100, 4).examples.to_vector<int>(), all.examples.to_vector<int>());
  for (const std::int64_t n : {0, 101}) {
    const std::string expected = std::to_string(n) + " examples of numbered, which has 100";
    EXPECT_TRUE(contains(message_of([&] { first_n(all, n); }), expected));
    EXPECT_TRUE(contains(message_of([&] { random_n(all, n, 0); }), expected));
  }
}

// Every subset is as likely as any other: each example is chosen equally often, within 5 sigma.
TEST(Subset, RandomIsUniform) {
  std::vector<int> count(20);
  constexpr int kTries = 4000;
  for (std::uint64_t seed = 0; seed < kTries; ++seed)
    for (const std::int64_t i : choose(20, 5, seed)) ++count[static_cast<std::size_t>(i)];
  for (const int n : count) EXPECT_NEAR(n, kTries / 4, 5 * std::sqrt(kTries * 0.25 * 0.75));
}

TEST(Corrupt, ModesByName) {
  EXPECT_EQ(parse_corruption_mode("uniform"), CorruptionMode::Uniform);
  EXPECT_EQ(parse_corruption_mode("uniform-others"), CorruptionMode::UniformOthers);
  EXPECT_EQ(parse_corruption_mode("permutation"), CorruptionMode::Permutation);
  EXPECT_TRUE(contains(message_of([] { parse_corruption_mode("random"); }), "\"random\""));
}

TEST(Corrupt, ChangesTheChosenLabelsOnly) {
  const Dataset all = numbered(1000, 10);
  const std::vector<int> before = all.labels.to_vector<int>();
  for (const CorruptionMode mode :
       {CorruptionMode::Uniform, CorruptionMode::UniformOthers, CorruptionMode::Permutation}) {
    const Corruption corrupted = corrupt_labels(all, 0.4, mode, 7);
    const std::vector<std::int64_t> chosen = corrupted.indices.to_vector<std::int64_t>();
    EXPECT_EQ(chosen.size(), 400U);
    EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    const std::set<std::int64_t> set(chosen.begin(), chosen.end());
    EXPECT_EQ(set.size(), chosen.size());
    const std::vector<int> after = corrupted.dataset.labels.to_vector<int>();
    int same = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(after[i] >= 0 && after[i] < 10);
      if (!set.contains(static_cast<std::int64_t>(i))) {
        EXPECT_EQ(after[i], before[i]);
      } else {
        same += after[i] == before[i];
      }
    }
    // Of 400 labels, 40 come out the same by chance (sigma 6), none in uniform-others.
    if (mode == CorruptionMode::UniformOthers)
      EXPECT_EQ(same, 0);
    else
      EXPECT_NEAR(same, 40, 30);
    if (mode == CorruptionMode::Permutation) {
      EXPECT_TRUE(std::is_permutation(after.begin(), after.end(), before.begin()));
    }
    EXPECT_EQ(all.labels.to_vector<int>(), before);  // the original is left alone
    EXPECT_EQ(corrupt_labels(all, 0.4, mode, 7).dataset.labels.to_vector<int>(), after);
    EXPECT_NE(corrupt_labels(all, 0.4, mode, 8).dataset.labels.to_vector<int>(), after);
  }
}

TEST(Corrupt, UniformOthersReachesEveryOtherClass) {
  Dataset zeros = numbered(3000, 3);
  zeros.labels = Tensor::from(std::vector<std::int64_t>(3000, 1), {3000});
  const std::vector<int> after =
      corrupt_labels(zeros, 1.0, CorruptionMode::UniformOthers, 3).dataset.labels.to_vector<int>();
  EXPECT_EQ(std::count(after.begin(), after.end(), 1), 0);
  EXPECT_NEAR(static_cast<double>(std::count(after.begin(), after.end(), 0)), 1500.0, 150.0);
}

TEST(Corrupt, EdgesAndErrors) {
  const Dataset all = numbered(10, 2);
  EXPECT_EQ(corrupt_labels(all, 0.0, CorruptionMode::Uniform, 1).indices.numel(), 0);
  EXPECT_EQ(corrupt_labels(all, 1.0, CorruptionMode::Permutation, 1).indices.numel(), 10);
  for (const double fraction : {-0.1, 1.1, std::nan("")})
    EXPECT_TRUE(
        contains(message_of([&] { corrupt_labels(all, fraction, CorruptionMode::Uniform, 1); }),
                 "fraction"));
  EXPECT_TRUE(contains(
      message_of([] { corrupt_labels(numbered(10, 1), 0.5, CorruptionMode::UniformOthers, 1); }),
      "there is no other label"));
}

}  // namespace
}  // namespace rho::datasets
