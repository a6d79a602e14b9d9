// Lines and rank correlation against numbers worked out elsewhere.
#include "tools/sweep/statistics.h"

#include "tests/support/testing.h"

namespace rho {
namespace {

using sweep::Line;
using sweep::Sample;
using testing::contains;
using testing::message_of;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Anscombe's first set (The American Statistician 27, 1973).
Sample anscombe() {
  return {{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5},
          {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68}};
}

TEST(StatisticsTest, LeastSquaresOfAnscombesData) {
  const Line line = sweep::least_squares(anscombe());
  EXPECT_EQ(line.points, 11U);
  EXPECT_NEAR(line.slope, 0.5000909, 5e-8);
  EXPECT_NEAR(line.intercept, 3.0000909, 5e-8);
  EXPECT_NEAR(line.r2, 0.6665425, 5e-8);
  EXPECT_NEAR(line.rmse, std::sqrt(13.7626900 / 11.0), 1e-7);
}

TEST(StatisticsTest, SlopeHeldAtOne) {
  const Line line = sweep::slope_one({{0, 1, 2}, {1, 2, 6}});
  EXPECT_EQ(line.slope, 1.0);
  EXPECT_NEAR(line.intercept, 2.0, 1e-15);  // mean of 1, 1, 4
  EXPECT_NEAR(line.rmse, std::sqrt(6.0 / 3.0), 1e-15);
  EXPECT_NEAR(line.r2, 1.0 - 6.0 / 14.0, 1e-15);
  EXPECT_EQ(line.slope_interval.low, 1.0);
  EXPECT_EQ(line.slope_interval.high, 1.0);
}

TEST(StatisticsTest, AnExactLineIsFoundWithoutDoubt) {
  const Line line = sweep::least_squares({{1, 2, 3, 5}, {-1, -3, -5, -9}});
  EXPECT_NEAR(line.slope, -2.0, 1e-14);
  EXPECT_NEAR(line.intercept, 1.0, 1e-14);
  EXPECT_NEAR(line.r2, 1.0, 1e-14);
  EXPECT_NEAR(line.rmse, 0.0, 1e-14);
  EXPECT_NEAR(line.slope_interval.low, -2.0, 1e-13);
  EXPECT_NEAR(line.slope_interval.high, -2.0, 1e-13);
  EXPECT_NEAR(line.intercept_interval.high, 1.0, 1e-13);
}

TEST(StatisticsTest, OriginsMoveOnlyTheIntercept) {
  const Line plain = sweep::least_squares({{1e-9, 2e-9, 4e-9}, {2e-9, 3e-9, 7e-9}});
  const Line moved = sweep::least_squares({{1e-9, 2e-9, 4e-9}, {2e-9, 3e-9, 7e-9}, 2.0, 3.0});
  EXPECT_EQ(moved.slope, plain.slope);
  EXPECT_EQ(moved.r2, plain.r2);
  EXPECT_EQ(moved.rmse, plain.rmse);
  EXPECT_NEAR(moved.intercept, 3.0 - 2.0 * plain.slope, 1e-8);
  EXPECT_NEAR(sweep::slope_one({{1, 2, 3}, {1, 2, 3}, 2.0, 3.0}).intercept, 1.0, 1e-15);
}

// y = 2 x + 1 with normal noise, again and again: 95 % of the intervals should hold the truth;
// percentile intervals of 30 points hold it a little less often.
TEST(StatisticsTest, IntervalsHoldTheTruth) {
  constexpr int kTrials = 100;
  int slopes = 0, intercepts = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Rng rng(5, static_cast<std::uint64_t>(trial));
    Sample sample;
    for (int i = 0; i < 30; ++i) {
      sample.x.push_back(rng.normal());
      sample.y.push_back(2.0 * sample.x.back() + 1.0 + 0.5 * rng.normal());
    }
    const Line line = sweep::least_squares(sample);
    slopes += line.slope_interval.low <= 2.0 && 2.0 <= line.slope_interval.high ? 1 : 0;
    intercepts += line.intercept_interval.low <= 1.0 && 1.0 <= line.intercept_interval.high ? 1 : 0;
  }
  EXPECT_GE(slopes, 85);
  EXPECT_LT(slopes, kTrials);
  EXPECT_GE(intercepts, 85);
  EXPECT_LT(intercepts, kTrials);
}

TEST(StatisticsTest, TheSameSampleGivesTheSameInterval) {
  const Line a = sweep::least_squares(anscombe()), b = sweep::least_squares(anscombe());
  EXPECT_EQ(a.slope_interval.low, b.slope_interval.low);
  EXPECT_EQ(a.slope_interval.high, b.slope_interval.high);
  EXPECT_LT(a.slope_interval.low, a.slope);
  EXPECT_GT(a.slope_interval.high, a.slope);
}

TEST(StatisticsTest, SpearmanSharesTheRanksOfTies) {
  EXPECT_NEAR(sweep::spearman({{1, 2, 3, 4}, {1, 8, 27, 64}}), 1.0, 1e-15);
  EXPECT_NEAR(sweep::spearman({{1, 2, 3, 4}, {4, 3, 2, 1}}), -1.0, 1e-15);
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: Pearson's correlation of those.
  EXPECT_NEAR(sweep::spearman({{1, 5, 5, 9}, {0, 1, 2, 3}}), 4.5 / std::sqrt(4.5 * 5.0), 1e-15);
}

TEST(StatisticsTest, WhatHasNoLineIsRefused) {
  EXPECT_TRUE(contains(message_of([] {
                         sweep::least_squares({{1, 2}, {1, 2}});
                       }),
                       "least_squares", "2 x and 2 y", "at least 3"));
  EXPECT_TRUE(contains(message_of([] { sweep::slope_one({{1, 2, 3}, {1, 2}}); }), "slope_one"));
  EXPECT_TRUE(contains(message_of([] {
                         sweep::least_squares({{2, 2, 2}, {1, 2, 3}});
                       }),
                       "x are equal"));
  EXPECT_TRUE(contains(message_of([] {
                         sweep::least_squares({{1, 2, 3}, {1, kNan, 3}});
                       }),
                       "not finite"));
  EXPECT_TRUE(contains(message_of([] { sweep::spearman({{1, 2, 3}, {1, 1, 1}}); }), "y are equal"));
  EXPECT_TRUE(std::isnan(sweep::least_squares({{1, 2, 3}, {4, 4, 4}}).r2));
}

}  // namespace
}  // namespace rho
