// rho-approximate: its target, its search for the largest error, and the command as a user runs it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"
#include "tools/approximate/errors.h"
#include "tools/approximate/fit.h"
#include "tools/approximate/target.h"

namespace rho {
namespace {

using nlohmann::json;
using testing::Arguments;
using testing::contains;
using testing::message_of;
using testing::uniform;

// The function that target.cpp computes level by level, node by node.
double f(const std::array<double, 8>& x) {
  const auto h = [](double alpha, double beta, double gamma, double delta, double a, double b) {
    return std::tanh(alpha * a + beta * b + gamma * a * b + delta);
  };
  const double h11 = h(1.0, -1.2, -1.5, 0.2, x[0], x[1]);
  const double h12 = h(1.2, -1.0, 1.5, -0.2, x[2], x[3]);
  const double h13 = h(1.0, -1.2, 1.5, 0.2, x[4], x[5]);
  const double h14 = h(1.2, -1.0, -1.5, -0.2, x[6], x[7]);
  const double h21 = h(1.0, -1.2, 1.5, 0.2, h11, h12);
  const double h22 = h(1.2, -1.0, 1.5, -0.2, h13, h14);
  return h(1.0, -1.2, -1.5, 0.2, h21, h22);
}

TEST(ApproximateTarget, IsTheTreeOfItsNodes) {
  const Tensor x = uniform({50, 8}, 1);
  const auto values = x.to_vector<double>();
  std::vector<double> compositional, permuted;
  for (std::size_t n = 0; n < values.size(); n += 8) {
    const double* const v = &values[n];
    compositional.push_back(f({v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]}));
    permuted.push_back(f({v[0], v[4], v[2], v[6], v[1], v[5], v[3], v[7]}));
  }
  const auto target = [&](const std::string& name) {
    return approximate::target(name, Variable(x)).value();
  };
  testing::expect_near(target("compositional"), compositional, 1e-14);
  testing::expect_near(target("permuted"), permuted, 1e-14);
  for (const std::string& name : approximate::target_names())
    EXPECT_TRUE(
        gradcheck([&](const std::vector<Variable>& in) { return approximate::target(name, in[0]); },
                  {Variable(uniform({3, 8}, 2), true)}));
}

TEST(ApproximateTarget, Messages) {
  EXPECT_TRUE(contains(message_of([] {
                         approximate::target("smooth", Variable(uniform({2, 8})));
                       }),
                       "smooth", "compositional or permuted"));
  EXPECT_TRUE(contains(message_of([] {
                         approximate::target("permuted", Variable(uniform({2, 7})));
                       }),
                       "[N, 8]", "[2, 7]"));
}

// Each row climbs by itself: to the peak where it is in the cube, else to the nearest point of it.
TEST(ApproximateClimb, FindsPeaksInTheCubeAndOnItsFaces) {
  const Tensor start = uniform({6, 3}, 3);
  for (const double peak : {0.3, 2.0}) {
    const Tensor centre = Tensor::from(std::vector<double>{peak, -0.2, 0.1}, {1, 3});
    const auto height = [&](const Variable& x) {
      const Variable away = x - Variable(centre);
      return -sum(away * away, {1}, true);
    };
    const auto top = approximate::climb(height, start).to_vector<double>();
    for (std::size_t i = 0; i < top.size(); i += 3) {
      EXPECT_NEAR(top[i], std::min(peak, 1.0), 1e-4);
      EXPECT_NEAR(top[i + 1], -0.2, 1e-4);
      EXPECT_NEAR(top[i + 2], 0.1, 1e-4);
    }
  }
}

TEST(ApproximateClimb, NeverDescends) {
  const Tensor start = uniform({40, 8}, 4);
  const auto height = [](const Variable& x) {
    return abs(approximate::target("compositional", 3.0 * x));  // steep and winding
  };
  const auto before = height(Variable(start)).value().to_vector<double>();
  const auto after =
      height(Variable(approximate::climb(height, start))).value().to_vector<double>();
  for (std::size_t n = 0; n < before.size(); ++n) EXPECT_GE(after[n], before[n]);
}

TEST(ApproximateErrors, AreThoseOfTheirDefinitions) {
  const auto network = approximate::fit({.units = 28, .steps = 200, .batch = 32});
  const approximate::Errors errors = approximate::measure_errors(*network, "compositional", 2500);
  Rng rng(0, 100);
  const Variable x(approximate::random_points(2500, rng, DType::Float64));
  const auto p = (*network)(x).value().to_vector<double>();
  const auto y = approximate::target("compositional", x).value().to_vector<double>();
  double largest = 0.0, square = 0.0, mean = 0.0, variance = 0.0;
  for (const double value : y) mean += value / 2500.0;
  for (std::size_t n = 0; n < y.size(); ++n) {
    largest = std::max(largest, std::abs(y[n] - p[n]));
    square += (y[n] - p[n]) * (y[n] - p[n]) / 2500.0;
    variance += (y[n] - mean) * (y[n] - mean) / 2500.0;
  }
  EXPECT_NEAR(errors.sampled_sup, largest, 1e-12);
  EXPECT_NEAR(errors.rms, std::sqrt(square), 1e-12);
  EXPECT_NEAR(errors.relative_rms, std::sqrt(square / variance), 1e-12);
  EXPECT_GE(errors.sup, errors.sampled_sup);
}

class RhoApproximateTest : public ::testing::Test {
 protected:
  static testing::Finished approximate(Arguments arguments) {
    arguments.insert(arguments.begin(), testing::program("rho-approximate"));
    return testing::run(arguments);
  }
  json result(Arguments arguments) const {
    arguments.insert(arguments.end(), {"--test", "10000", "--json", file("out.json")});
    const testing::Finished finished = approximate(arguments);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return json::parse(testing::read_text(file("out.json")));
  }
  // Exactly one line on stderr, that begins with the program's name and says `expected`.
  static void expect_failure(const Arguments& arguments, int code, const std::string& expected) {
    const testing::Finished finished = approximate(arguments);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(finished.err.starts_with("rho-approximate: ")) << finished.err;
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_NE(finished.err.find(expected), std::string::npos) << finished.err;
  }
  std::string file(const std::string& name) const { return folder_.file(name); }

  testing::TemporaryFolder folder_;
};

TEST_F(RhoApproximateTest, PrintsItsTableAndWritesAFlatObject) {
  const testing::Finished finished = approximate({"--units", "14", "--steps", "20", "--test", "100",
                                                  "--seed", "3", "--json", file("out.json")});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  for (const char* part : {"compositional network", "14 units, 56 parameters", "sup error",
                           "rms error", "relative rms error"})
    EXPECT_NE(finished.out.find(part), std::string::npos) << finished.out << " lacks " << part;
  const json out = json::parse(testing::read_text(file("out.json")));
  for (const auto& [key, value] : out.items()) EXPECT_TRUE(value.is_primitive()) << key;
  EXPECT_EQ(out["network"], "compositional");
  EXPECT_EQ(out["target"], "compositional");
  EXPECT_EQ(out["units"], 14);
  EXPECT_EQ(out["parameters"], 56);
  EXPECT_EQ(out["seed"], 3);
  EXPECT_EQ(out["steps"], 20);
  EXPECT_EQ(out["test_points"], 100);
  EXPECT_GE(out["sup_error"], out["sampled_sup_error"]);
  EXPECT_GT(out["sampled_sup_error"], out["rms_error"]);
  EXPECT_GT(out["relative_rms_error"], 0.0);
}

// The claim, in a second: with as many units the tree is closer, but only to a function that is
// one.
TEST_F(RhoApproximateTest, TheTreeIsBetterAtFunctionsThatAreTrees) {
  const auto errors = [&](const char* network, const char* target) {
    return result({"--network", network, "--target", target, "--units", "224", "--steps", "1000",
                   "--batch", "128"});
  };
  const json tree = errors("compositional", "compositional");
  const json shallow = errors("shallow", "compositional");
  EXPECT_LT(2.0 * tree["sup_error"].get<double>(), shallow["sup_error"].get<double>());
  EXPECT_LT(2.0 * tree["rms_error"].get<double>(), shallow["rms_error"].get<double>());
  EXPECT_GT(errors("compositional", "permuted")["rms_error"],
            errors("shallow", "permuted")["rms_error"]);
}

TEST_F(RhoApproximateTest, TheSameOptionsGiveTheSameBits) {
  const Arguments command{"--network", "shallow", "--units", "30", "--steps", "100"};
  const json first = result(command);
  EXPECT_EQ(first, result(command));
  Arguments other = command;
  other.insert(other.end(), {"--threads", "3"});
  EXPECT_EQ(first, result(other));
  other.insert(other.end(), {"--seed", "7"});
  EXPECT_NE(first["sup_error"], result(other)["sup_error"]);
}

TEST_F(RhoApproximateTest, TrainsInDouble) {
  const Arguments command{"--units", "14", "--steps", "20"};
  Arguments in_double = command;
  in_double.insert(in_double.end(), {"--precision", "f64"});
  const double single = result(command)["rms_error"], found = result(in_double)["rms_error"];
  EXPECT_NE(found, single);
  EXPECT_NEAR(found, single, 1e-4);
}

TEST_F(RhoApproximateTest, HelpIsNoFailure) {
  const testing::Finished finished = approximate({"--help"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_NE(finished.out.find("Examples:"), std::string::npos);
}

TEST_F(RhoApproximateTest, WrongCommandLinesExitWithTwo) {
  expect_failure({"--network", "deep"}, 2, "--network");
  expect_failure({"--target", "smooth"}, 2, "--target");
  expect_failure({"--units", "0"}, 2, "--units");
  expect_failure({"--units", "15"}, 2, "multiple of 7");
  expect_failure({"--steps", "0"}, 2, "--steps");
  expect_failure({"--lr", "nan"}, 2, "--lr");
  expect_failure({"--optimizer", "langevin"}, 2, "--optimizer");
  expect_failure({"--schedule", "step"}, 2, "--schedule");
  expect_failure({"--test", "1"}, 2, "--test");
  expect_failure({"--seed", "-1"}, 2, "--seed");
  expect_failure({"--precision", "f16"}, 2, "--precision");
  expect_failure({"--precision", "tf32"}, 2, "is for CUDA devices");
  expect_failure({"--provider", "nvidia"}, 2, "is for CUDA devices");
}

TEST_F(RhoApproximateTest, OtherFailuresExitWithOne) {
  expect_failure({"--json", file("none/out.json")}, 1, "there is no folder");
  expect_failure({"--network", "shallow", "--optimizer", "sgd", "--lr", "1000", "--steps", "100"},
                 1, "not finite");
}

}  // namespace
}  // namespace rho
