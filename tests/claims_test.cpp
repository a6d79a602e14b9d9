// Claims on a small table of results.
#include "tools/sweep/claims.h"

#include "tests/support/testing.h"
#include "tools/sweep/selection.h"

namespace rho {
namespace {

using sweep::Claim;
using sweep::Table;
using sweep::Verdict;
using sweep::Where;
using testing::contains;

Table results() {
  return {{"run", "status", "labels", "n", "x", "y"},
          {{"0", "done", "natural", "10", "0", "1"},
           {"1", "done", "natural", "20", "1", "2"},
           {"2", "done", "natural", "40", "2", "6"},
           {"3", "done", "random", "1e1", "0", "4"},
           {"4", "done", "random", "20.0", "1", "6"},
           {"5", "done", "random", "20", "3", "10"},
           {"6", "failed", "natural", "10", "", ""},
           {"7", "unfinished", "natural", "20", "", ""}}};
}

Where labels(const std::string& value) { return {{{"labels", {value}}}}; }

Claim claim(const std::string& statistic, const Where& where = {}) {
  Claim out;
  out.text = "as published";
  out.statistic = statistic;
  out.x = "x";
  out.y = "y";
  out.where = where;
  return out;
}

TEST(ClaimsTest, StatisticsOfTheRowsThatAreDone) {
  const Where natural = labels("natural");  // (0, 1), (1, 2), (2, 6)
  const std::vector<std::pair<const char*, double>> expected{{"slope", 2.5},
                                                             {"intercept", 0.5},
                                                             {"r2", 1.0 - 1.5 / 14.0},
                                                             {"rmse", std::sqrt(0.5)},
                                                             {"offset", 2.0},
                                                             {"spearman", 1.0},
                                                             {"min", 1.0},
                                                             {"max", 6.0},
                                                             {"mean", 3.0},
                                                             {"std", std::sqrt(7.0)},
                                                             {"range", 5.0}};
  for (const auto& [statistic, value] : expected) {
    const Verdict verdict = sweep::judge(claim(statistic, natural), results());
    EXPECT_NEAR(verdict.value, value, 1e-14) << statistic << ' ' << verdict.problem;
    EXPECT_TRUE(verdict.holds) << statistic;
  }
}

TEST(ClaimsTest, RatioIsTheLargestOverX) {
  Claim one = claim("ratio");
  one.x = "n";
  one.numerator = labels("random");
  one.denominator = labels("natural");
  EXPECT_NEAR(sweep::judge(one, results()).value, 4.0,
              1e-15);  // 4 / 1 at 10; (6 + 10) / 2 / 2 at 20
  one.where = {{{"n", {"20"}}}};
  EXPECT_NEAR(sweep::judge(one, results()).value, 4.0, 1e-15);
  one.where = {{{"n", {"40"}}}};
  EXPECT_TRUE(contains(sweep::judge(one, results()).problem, "no n has rows of both"));
}

TEST(ClaimsTest, BoundsDecide) {
  Claim one = claim("slope", labels("natural"));
  one.at_least = 2.5;
  one.at_most = 2.5;
  EXPECT_TRUE(sweep::judge(one, results()).holds);
  EXPECT_EQ(sweep::outcome(one, sweep::judge(one, results())), "reproduced");
  one.at_most = 2.4;
  EXPECT_FALSE(sweep::judge(one, results()).holds);
  one.published = "0.9";
  EXPECT_EQ(sweep::to_text(one, sweep::judge(one, results())),
            "not reproduced: as published [slope 2.5; at least 2.5, at most 2.4; published 0.9]");
  one.asserted = false;
  EXPECT_EQ(sweep::outcome(one, sweep::judge(one, results())), "not asserted");
}

TEST(ClaimsTest, WhatCanNotBeJudgedDoesNotHold) {
  const auto problem = [](const Claim& one, const Table& table) {
    const Verdict verdict = sweep::judge(one, table);
    EXPECT_FALSE(verdict.holds);
    EXPECT_TRUE(std::isnan(verdict.value));
    EXPECT_EQ(sweep::outcome(one, verdict), "not reproduced");
    return sweep::to_text(one, verdict);
  };
  EXPECT_TRUE(contains(problem(claim("mean", labels("none")), results()), "no run that is done"));
  EXPECT_TRUE(
      contains(problem(claim("slope", {{{"n", {"20"}}, {"labels", {"random"}}}}), results()),
               "2 x and 2 y"));
  Claim one = claim("mean");
  one.y = "z";
  EXPECT_TRUE(contains(problem(one, results()), "no column \"z\"", "labels"));
  Table table = results();
  table.rows[1][5] = "";
  EXPECT_TRUE(contains(problem(claim("slope"), table), "run 1 has no y"));
  table.rows[1][5] = "high";
  EXPECT_TRUE(contains(problem(claim("max"), table), "\"high\" is not a number"));
}

TEST(ClaimsTest, RowsMatchByTextOrByNumber) {
  EXPECT_TRUE(sweep::same_value("0.10", "1e-1"));
  EXPECT_TRUE(sweep::same_value("natural", "natural"));
  EXPECT_FALSE(sweep::same_value("natural", "random"));
  EXPECT_FALSE(sweep::same_value("1", "one"));
  EXPECT_EQ(sweep::select(results(), {{{"n", {"10", "40"}}}}), (std::vector<std::size_t>{0, 2, 3}));
  EXPECT_EQ(sweep::value(results(), 1, "-y"), -2.0);
}

// Losses near ln C are fitted by their differences from it: these are lost in the losses
// themselves.
TEST(ClaimsTest, NormalizedLossesKeepTheirDigits) {
  const Table table{{"status", "x", "x_minus_log_classes", "y", "y_minus_log_classes"},
                    {{"done", "2.302585093", "-1e-18", "2.302585093", "-2e-18"},
                     {"done", "2.302585093", "-2e-18", "2.302585093", "-2.5e-18"},
                     {"done", "2.302585093", "-5e-18", "2.302585093", "-4e-18"}}};
  EXPECT_NEAR(sweep::judge(claim("slope"), table).value, 0.5, 1e-12);
  EXPECT_NEAR(sweep::judge(claim("intercept"), table).value, 0.5 * 2.302585093, 1e-9);
}

}  // namespace
}  // namespace rho
