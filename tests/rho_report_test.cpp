// rho-report on a made-up sweep: a page that stands alone, and the exit codes of --check.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/process.h"
#include "tests/support/sweep_folder.h"
#include "tests/support/testing.h"
#include "tools/report/html.h"

namespace rho {
namespace {

using testing::Arguments;
using testing::contains;
using testing::Json;

class RhoReportTest : public ::testing::Test {
 protected:
  testing::Finished report(const Arguments& options) const {
    Arguments all{testing::program("rho-report")};
    all.insert(all.end(), options.begin(), options.end());
    return testing::run(all);
  }
  std::string page() const { return testing::read_text(folder_.file("report.html")); }
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::string& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(contains(finished.err, "rho-report: ", expected));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  }

  testing::TemporaryFolder folder_;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST_F(RhoReportTest, ThePageHasEverything) {
  testing::write_sweep(folder_);
  const testing::Finished finished = report({folder_.string()});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(contains(finished.out, "reproduced: slope of the normalized losses [slope ",
                       "published 1.0075", "not asserted: all fit", "report.html"));
  EXPECT_TRUE(contains(
      page(), "<!DOCTYPE html>", "Puzzles, Fig. 2", "Scaled down: Everything",
      "rho-sweep tools/recipes/made-up.toml --scale tiny", "1.0075", "at least 0.9, at most 1.1",
      "✓ reproduced", "not asserted at this scale (not within its bounds)", "2 of the 2 claims",
      "6 runs are done", "losses: normalized", "least squares", "init-std=0.01 labels=natural",
      "model = mlp-8-1", "0.1+abc", "prefers-color-scheme"));
}

TEST_F(RhoReportTest, ThePageStandsAloneAndIsWellFormed) {
  testing::write_sweep(folder_, 4, 2);
  ASSERT_EQ(report({folder_.string()}).code, 0);
  const std::string html = page();
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<link"), std::string::npos);
  EXPECT_EQ(count(html, "src=\""), 2U);
  EXPECT_EQ(count(html, "src=\"data:image/svg+xml;base64,"), 2U);
  for (const char* tag :
       {"html", "head", "body", "main", "section", "figure", "div", "table", "tr"})
    EXPECT_EQ(count(html, std::string("<") + tag + ">") + count(html, std::string("<") + tag + " "),
              count(html, std::string("</") + tag + ">"))
        << tag;
  EXPECT_TRUE(contains(
      html, "Six &lt;made-up&gt; runs &amp; a line", "random labels: &lt;chance&gt; &amp; above",
      "rho-train: &lt;out of memory&gt;", "Failed runs", "4 runs are done, 2 failed"));
  EXPECT_EQ(html.find("<made-up>"), std::string::npos);
}

TEST_F(RhoReportTest, CheckIsTheExitCode) {
  testing::write_sweep(folder_);
  const testing::Finished passed = report({folder_.string(), "--check"});
  EXPECT_EQ(passed.code, 0) << passed.err;
  EXPECT_EQ(std::count(passed.out.begin(), passed.out.end(), '\n'), 3);  // a line a claim
  EXPECT_FALSE(std::filesystem::exists(folder_.file("report.html")));

  Json recipe = testing::sweep_recipe();
  recipe["claim"][0]["at_least"] = 1.05;
  testing::write_sweep(folder_, 6, 0, recipe);
  const testing::Finished failed = report({folder_.string(), "--check"});
  EXPECT_EQ(failed.code, 1);
  EXPECT_TRUE(contains(failed.out, "not reproduced: slope of the normalized losses"));
  EXPECT_EQ(failed.err, "");
  EXPECT_EQ(report({folder_.string()}).code, 0);  // only told

  recipe["claim"][0]["y"] = "absent";
  testing::write_sweep(folder_, 6, 0, recipe);
  const testing::Finished impossible = report({folder_.string(), "--check"});
  EXPECT_EQ(impossible.code, 1);
  EXPECT_TRUE(contains(impossible.out, "no column \"absent\""));
}

TEST_F(RhoReportTest, ASweepInProgressDoesNotPass) {
  testing::write_sweep(folder_, 4, 1);
  const testing::Finished finished =
      report({folder_.string(), "--check", "--out", folder_.file("report.html")});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(contains(finished.out, "unfinished: 1 runs are left to do"));
  EXPECT_TRUE(contains(page(), "4 runs are done, 1 failed, 1 are not finished", "Failed runs"));
  testing::write_sweep(folder_, 0);
  ASSERT_EQ(report({folder_.string()}).code, 0);
  EXPECT_TRUE(contains(page(), "Not drawn: ", "no run that is done"));
}

TEST_F(RhoReportTest, WhatIsWrongIsNamed) {
  expect_failure(report({}), 2, "DIR");
  expect_failure(report({folder_.string()}), 1, "no sweep.json");
  testing::write_sweep(folder_);
  expect_failure(report({folder_.string(), "--out", folder_.file("absent/x.html")}), 1,
                 "there is no folder");
  folder_.write("sweep.json", "[]");
  expect_failure(report({folder_.string()}), 1, "sweep.json");
}

TEST_F(RhoReportTest, HelpHasExamples) {
  const testing::Finished finished = report({"--help"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_TRUE(contains(finished.out, "DIR", "--out", "--check", "Examples:"));
}

TEST(HtmlTest, TextsAreEscapedAndBytesEncoded) {
  EXPECT_EQ(report::escape("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  // RFC 4648, section 10.
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, encoded] : vectors) EXPECT_EQ(report::base64(bytes), encoded);
  EXPECT_EQ(report::base64("\xff\xfe"), "//4=");
  report::Html html;
  html.open("p", {{"class", "a\"b"}}).text("1 < 2").close();
  EXPECT_EQ(html.str(), "<p class=\"a&quot;b\">\n1 &lt; 2</p>\n");
  html.open("p");
  EXPECT_TRUE(contains(testing::message_of([&] { html.str(); }), "p is not closed"));
}

}  // namespace
}  // namespace rho
