// rho-plot on a made-up sweep: the files, the fits, figures of one's own, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/process.h"
#include "tests/support/sweep_folder.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using testing::Arguments;
using testing::contains;
using testing::Json;
using testing::read_text;

class RhoPlotTest : public ::testing::Test {
 protected:
  testing::Finished plot(const Arguments& options) const {
    Arguments all{testing::program("rho-plot")};
    all.insert(all.end(), options.begin(), options.end());
    return testing::run(all);
  }
  testing::Finished plot_own(Arguments options) const {
    options.insert(options.begin(), folder_.string());
    options.insert(options.end(), {"--out", folder_.file("own.svg")});
    return plot(options);
  }
  std::string svg(const std::string& name) const { return read_text(folder_.file(name)); }
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::string& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(contains(finished.err, "rho-plot: ", expected));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(RhoPlotTest, DrawsEveryFigureOfTheRecipe) {
  testing::write_sweep(folder_);
  const testing::Finished finished = plot({folder_.string()});
  ASSERT_EQ(finished.code, 0) << finished.err;
  for (const char* file : {"losses.svg", "losses.png", "errors.svg", "errors.png"}) {
    EXPECT_TRUE(contains(finished.out, file));
    EXPECT_GT(fs::file_size(folder_.path() / "figures" / file), 1000U) << file;
  }
  EXPECT_TRUE(contains(finished.out, "losses: normalized", "least squares", "slope 1"));
  EXPECT_TRUE(contains(svg("figures/losses.svg"), "Losses", "normalized", "as trained", "0.01",
                       "natural", "random", "y = x + 0.002", "RMSE", "95 %: slope",
                       "training cross-entropy [nats]"));
  EXPECT_TRUE(contains(svg("figures/errors.svg"), "error [%]", "training error", "test error",
                       "epoch", "train: mean 0.02", "standard deviation"));
}

TEST_F(RhoPlotTest, FitsAreSaved) {
  testing::write_sweep(folder_);
  ASSERT_EQ(plot({folder_.string(), "--figure", "losses", "--format", "svg"}).code, 0);
  EXPECT_FALSE(fs::exists(folder_.file("figures/losses.png")));
  EXPECT_FALSE(fs::exists(folder_.file("figures/errors.svg")));
  const Json fits = Json::parse(svg("figures/fits.json"));
  ASSERT_EQ(fits.size(), 3U);
  EXPECT_EQ(fits[1]["panel"], "normalized");
  EXPECT_EQ(fits[1]["least_squares"]["points"], 6);
  EXPECT_NEAR(fits[1]["slope_one"]["intercept"].get<double>(), 0.002, 1e-12);
  EXPECT_NEAR(fits[1]["slope_one"]["rmse"].get<double>(), 1e-4, 1e-12);
  EXPECT_NEAR(fits[1]["least_squares"]["slope"].get<double>(), 1.0, 0.01);
  const Json interval = fits[1]["least_squares"]["slope_95"];
  EXPECT_LE(interval[0].get<double>(), fits[1]["least_squares"]["slope"].get<double>());
  EXPECT_GE(interval[1].get<double>(), fits[1]["least_squares"]["slope"].get<double>());
}

TEST_F(RhoPlotTest, FiguresOfOnesOwn) {
  testing::write_sweep(folder_);
  const Arguments scatter{"--x",     "train_loss",  "--y",   "test_error", "--label", "labels",
                          "--where", "run=0,2,4,5", "--fit", "--title",    "Mine"};
  const testing::Finished finished = plot_own(scatter);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(contains(finished.out, "own.svg", "least squares", " 4 "));
  EXPECT_TRUE(contains(svg("own.svg"), "Mine", "test error [%]", "natural", "random"));

  ASSERT_EQ(plot_own({"--kind", "curve", "--x", "labels", "--y", "test_error"}).code, 0);
  EXPECT_TRUE(contains(svg("own.svg"), "natural", "random"));
  ASSERT_EQ(plot_own({"--kind", "epochs", "--y", "train_loss", "--log-y"}).code, 0);
  EXPECT_TRUE(contains(svg("own.svg"), "epoch"));
  ASSERT_EQ(plot_own({"--kind", "histogram", "--x", "outputs.normalized_winning_output"}).code, 0);
  EXPECT_TRUE(contains(svg("own.svg"), "test: mean 0.02"));
}

TEST_F(RhoPlotTest, DrawsWhatASweepInProgressHas) {
  testing::write_sweep(folder_, 2, 1);
  const testing::Finished finished = plot({folder_.string(), "--format", "svg"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(contains(finished.out, "3 of 6 runs are not finished", "1 runs failed", "losses.svg",
                       "no fit: ", "at least 3"));
  testing::write_sweep(folder_, 0);
  const testing::Finished none = plot({folder_.string(), "--format", "svg"});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_TRUE(contains(none.out, "6 of 6", "losses is not drawn yet", "errors is not drawn yet"));
}

TEST_F(RhoPlotTest, PicturesOfTheProgramAreCopied) {
  Json recipe = testing::sweep_recipe();
  recipe["figure"] = {{{"name", "own"}, {"title", "Own"}, {"kind", "picture"}}};
  testing::write_sweep(folder_, 6, 0, recipe);
  expect_failure(plot({folder_.string()}), 1, "no run has a picture");
  folder_.write("runs/002/picture.png", "picture 2");
  ASSERT_EQ(plot({folder_.string()}).code, 0);
  EXPECT_EQ(svg("figures/own.png"), "picture 2");
}

TEST_F(RhoPlotTest, WhatIsWrongIsNamed) {
  expect_failure(plot({}), 2, "DIR");
  expect_failure(plot({folder_.string()}), 1, "no sweep.json");
  testing::write_sweep(folder_);
  expect_failure(plot({folder_.string(), "--figure", "absent"}), 1, "no figure \"absent\"");
  expect_failure(plot({folder_.string(), "--format", "pdf"}), 2, "--format");
  expect_failure(plot({folder_.string(), "--x", "a", "--y", "b"}), 2, "--out");
  expect_failure(plot_own({"--x", "train_loss"}), 2, "--y");
  expect_failure(plot_own({"--x", "train_loss", "--y", "absent"}), 1, "no column \"absent\"");
  expect_failure(plot_own({"--x", "train_loss", "--y", "name"}), 1, "is not a number");
  expect_failure(plot_own({"--x", "train_loss", "--y", "test_loss", "--where", "labels"}), 2,
                 "COLUMN=VALUE");
  expect_failure(plot_own({"--x", "train_loss", "--y", "test_loss", "--where", "labels=x"}), 1,
                 "no run that is done");
  expect_failure(plot_own({"--x", "train_loss", "--y",
                           "train_normalized_cross_entropy_minus_log_"
                           "classes",
                           "--log-y"}),
                 1, "no run has a point");
  expect_failure(plot_own({"--kind", "epochs", "--y", "absent"}), 1, "has no absent");
  expect_failure(plot_own({"--kind", "histogram", "--x", "absent"}), 1, "no column \"absent\"");
  fs::remove(folder_.path() / "results.csv");
  expect_failure(plot({folder_.string()}), 1, "no results.csv yet");
}

TEST_F(RhoPlotTest, WithoutGnuplotItSaysSo) {
  testing::write_sweep(folder_);
  const testing::Finished finished = testing::run(
      {"/usr/bin/env", "PATH=/nowhere", testing::program("rho-plot"), folder_.string()});
  expect_failure(finished, 1, "gnuplot can not be run");
}

TEST_F(RhoPlotTest, HelpHasExamples) {
  const testing::Finished finished = plot({"--help"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_TRUE(contains(finished.out, "DIR", "--figure", "--where", "--fit", "Examples:"));
}

}  // namespace
}  // namespace rho
