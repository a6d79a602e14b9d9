#include "tools/report/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tensor/error.h"
#include "tensor/text.h"
#include "tools/report/html.h"
#include "tools/report/style.h"
#include "tools/sweep/plan.h"

namespace rho::report {
namespace {

using sweep::Claim;
using sweep::Recipe;
using sweep::Sweep;
using sweep::Table;
using sweep::Verdict;
using Names = std::vector<std::string>;

// Columns that most readers look for; the recipe's own come beside them.
constexpr const char* kMainColumns[] = {"run",
                                        "name",
                                        "status",
                                        "epoch",
                                        "train_loss",
                                        "train_error",
                                        "test_loss",
                                        "test_error",
                                        "log_rho",
                                        "train_normalized_cross_entropy_minus_log_classes",
                                        "test_normalized_cross_entropy_minus_log_classes"};
constexpr std::size_t kMostOthers = 12;  // columns of a program that has none of these

std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.6g", value);
  return buffer.data();
}

// "[low, high]".
std::string range(const sweep::Interval& interval) {
  return std::string("[") + number(interval.low) + ", " + number(interval.high) + "]";
}

// A number with no more digits than are read; other texts as they are.
std::string shorten(const std::string& cell) {
  const auto value = parse_number<double>(cell);
  return value ? number(*value) : cell;
}

bool is_number(const std::string& cell) { return parse_number<double>(cell).has_value(); }

std::string joined(const Names& names, const std::string& between = ", ") {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : between) + name;
  return out;
}

// The different texts of a column.
Names distinct(const Table& table, const std::string& column) {
  Names out;
  if (!table.has(column)) return out;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& text = table.text(row, column);
    if (!text.empty() && std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
  }
  return out;
}

// A table that scrolls by itself where the page is narrow.
void open_table(Html& html, const std::string& caption, const Names& columns) {
  html.open("div",
            {{"class", "scroll"}, {"role", "region"}, {"aria-label", caption}, {"tabindex", "0"}});
  html.open("table").element("caption", caption);
  html.open("thead").open("tr");
  for (const std::string& column : columns) html.element("th", column, {{"scope", "col"}});
  html.close().close().open("tbody");
}

void close_table(Html& html) { html.close().close().close(); }

void cell(Html& html, const std::string& text) {
  html.element("td", shorten(text),
               is_number(text) ? Attributes{{"class", "number"}} : Attributes{});
}

void write_head(Html& html, const Recipe& recipe) {
  html.raw("<!DOCTYPE html>\n").open("html", {{"lang", "en"}}).open("head");
  html.single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.element("title", recipe.id + ": " + recipe.title);
  html.open("style").raw(kStyle).close().close();
}

// "12 runs are done, 1 failed, 3 are not finished."
std::string state_of(const Sweep& sweep) {
  std::string out = std::to_string(sweep.rows("done").size()) + " runs are done";
  if (const std::size_t failed = sweep.rows("failed").size(); failed != 0)
    out += ", " + std::to_string(failed) + " failed";
  if (sweep.unfinished() != 0)
    out += ", " + std::to_string(sweep.unfinished()) + " are not finished";
  return out + ".";
}

std::string score(const Sweep& sweep, const std::vector<Verdict>& verdicts) {
  std::size_t asserted = 0, reproduced = 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (!sweep.recipe.claims[i].asserted) continue;
    ++asserted;
    if (verdicts[i].holds) ++reproduced;
  }
  if (asserted == 0) return "No claim is asserted at this scale.";
  return std::to_string(reproduced) + " of the " + std::to_string(asserted) +
         " claims that are asserted at this scale are reproduced.";
}

void write_opening(Html& html, const Sweep& sweep, const std::vector<Verdict>& verdicts) {
  const Recipe& recipe = sweep.recipe;
  html.open("header").element("h1", recipe.title);
  html.element("p", recipe.id + " · " + recipe.source + " · scale " + recipe.scale,
               {{"class", "quiet"}});
  if (!recipe.summary.empty()) html.element("p", recipe.summary);
  if (!recipe.scaled.empty()) html.element("p", "Scaled down: " + recipe.scaled);
  html.element("p", score(sweep, verdicts) + " " + state_of(sweep));
  html.element("pre", "rho-sweep tools/recipes/" + recipe.id + ".toml --scale " + recipe.scale +
                          " --out DIR\nrho-report DIR");
  html.close();
}

void write_claim(Html& html, const Claim& claim, const Verdict& verdict) {
  html.open("tr").element("th", claim.text, {{"scope", "row"}, {"class", "wide"}});
  html.element("td", claim.statistic)
      .element("td", claim.published.empty() ? "–" : claim.published);
  if (verdict.problem.empty())
    html.element("td", number(verdict.value), {{"class", "number"}});
  else
    html.element("td", verdict.problem);
  html.element("td", sweep::bounds(claim));
  if (claim.asserted)
    html.element("td", (verdict.holds ? "✓ " : "✗ ") + sweep::outcome(claim, verdict),
                 {{"class", verdict.holds ? "good" : "bad"}});
  else
    html.element("td", std::string("not asserted at this scale (") +
                           (verdict.holds ? "within" : "not within") + " its bounds)");
  html.close();
}

void write_claims(Html& html, const Sweep& sweep, const std::vector<Verdict>& verdicts) {
  if (verdicts.empty()) return;
  html.open("section").element("h2", "Claims");
  open_table(html, "What is published, and what these runs give",
             {"claim", "statistic", "published", "here", "bounds", "verdict"});
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    write_claim(html, sweep.recipe.claims[i], verdicts[i]);
  close_table(html);
  html.close();
}

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good(), "report", path, " can not be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

// As data: nothing in the picture can clash with the page or with another picture.
std::string data_address(const std::string& path) {
  const char* type = path.ends_with(".svg") ? "image/svg+xml" : "image/png";
  return std::string("data:") + type + ";base64," + base64(read_bytes(path));
}

void write_figures(Html& html, const std::vector<figures::Drawn>& figures) {
  if (figures.empty()) return;
  html.open("section").element("h2", "Figures");
  for (const figures::Drawn& figure : figures) {
    html.open("figure");
    for (const std::string& file : figure.files)
      html.open("div", {{"class", "scroll"}})
          .single("img", {{"alt", figure.title}, {"src", data_address(file)}})
          .close();
    html.open("figcaption").text(figure.title);
    for (const std::string& note : figure.notes) html.element("p", note);
    if (!figure.problem.empty()) html.element("p", "Not drawn: " + figure.problem);
    html.close().close();
  }
  html.close();
}

void write_line(Html& html, const std::string& name, const std::string& kind,
                const sweep::Line& line) {
  html.open("tr").element("th", name, {{"scope", "row"}, {"class", "wide"}}).element("td", kind);
  const std::string slope = number(line.slope) + " " + range(line.slope_interval);
  const std::string intercept = number(line.intercept) + " " + range(line.intercept_interval);
  for (const std::string& text :
       {std::to_string(line.points), slope, intercept, number(line.r2), number(line.rmse)})
    html.element("td", text, {{"class", "number"}});
  html.close();
}

void write_fits(Html& html, const std::vector<figures::Drawn>& figures) {
  const bool any = std::any_of(figures.begin(), figures.end(),
                               [](const figures::Drawn& figure) { return !figure.fits.empty(); });
  if (!any) return;
  html.open("section").element("h2", "Lines");
  open_table(html, "Straight lines through the points, in the units of the axes",
             {"figure", "line", "points", "slope [95 %]", "intercept [95 %]", "R²", "RMSE"});
  for (const figures::Drawn& figure : figures)
    for (const figures::Fit& fit : figure.fits) {
      const std::string name = fit.figure + (fit.panel.empty() ? "" : ": " + fit.panel);
      write_line(html, name, "least squares", fit.best);
      write_line(html, name, "slope 1", fit.slope_one);
    }
  close_table(html);
  html.close();
}

void add_column(const Table& table, const std::string& name, Names& out) {
  if (table.has(name) && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
}

Names columns_of(const Sweep& sweep) {
  const Table& table = sweep.results;
  Names out;
  for (const char* name : kMainColumns) add_column(table, name, out);
  for (const sweep::Axis& axis : sweep.recipe.axes) add_column(table, axis.name, out);
  for (const Claim& claim : sweep.recipe.claims) {
    add_column(table, claim.x, out);
    add_column(table, claim.y, out);
  }
  if (table.has("train_loss")) return out;
  for (const std::string& column : table.columns)
    if (out.size() < kMostOthers && column != "error") add_column(table, column, out);
  return out;
}

void write_results(Html& html, const Sweep& sweep) {
  const Names columns = columns_of(sweep);
  html.open("section").element("h2", "Results");
  open_table(html, "A row a run; results.csv has every column", columns);
  for (std::size_t row = 0; row < sweep.results.rows.size(); ++row) {
    html.open("tr");
    for (const std::string& column : columns) cell(html, sweep.results.text(row, column));
    html.close();
  }
  close_table(html);
  html.close();
}

void write_failed(Html& html, const Sweep& sweep) {
  const std::vector<std::size_t> failed = sweep.rows("failed");
  if (failed.empty()) return;
  html.open("section").element("h2", "Failed runs");
  open_table(html, "What they ended with", {"run", "name", "error"});
  for (const std::size_t row : failed) {
    html.open("tr");
    for (const char* column : {"run", "name", "error"}) cell(html, sweep.results.text(row, column));
    html.close();
  }
  close_table(html);
  html.close();
}

Names to_names(const sweep::Options& options) {
  Names out;
  for (const auto& [name, value] : options.items())
    out.push_back(name + " = " + sweep::option_text(value));
  return out;
}

void write_setting(Html& html, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  html.open("tr").element("th", name, {{"scope", "row"}}).element("td", value).close();
}

Names versions_of(const Sweep& sweep) {
  Names out = distinct(sweep.results, "version");
  const std::string begun = sweep.about.value("version", "");
  if (!begun.empty() && std::find(out.begin(), out.end(), begun) == out.end()) out.push_back(begun);
  return out;
}

void write_configuration(Html& html, const Sweep& sweep) {
  const Recipe& recipe = sweep.recipe;
  html.open("section").element("h2", "Configuration");
  open_table(html, "What was run; recipe.json has the whole recipe", {"setting", "value"});
  write_setting(html, "program", recipe.program + " " + joined(recipe.arguments, " "));
  write_setting(html, "options of every run", joined(to_names(recipe.options)));
  for (const sweep::Phase& phase : recipe.phases)
    write_setting(html, "phase " + phase.name, joined(to_names(phase.options)));
  for (const sweep::Axis& axis : recipe.axes) {
    Names labels;
    for (const sweep::Level& level : axis.levels) labels.push_back(level.label);
    write_setting(html, "values of " + axis.name, joined(labels));
  }
  for (const sweep::Extra& extra : recipe.extras)
    write_setting(html, "single run " + extra.name, joined(to_names(extra.options)));
  for (const sweep::Measure& measure : recipe.measures)
    write_setting(html, "measure " + measure.name, joined(to_names(measure.options)));
  write_setting(html, "data", joined(distinct(sweep.results, "data")));
  write_setting(html, "seeds", joined(distinct(sweep.results, "seed")));
  write_setting(html, "versions", joined(versions_of(sweep)));
  close_table(html);
  html.close();
}

}  // namespace

std::vector<Verdict> judge_all(const Sweep& sweep) {
  std::vector<Verdict> out;
  for (const Claim& claim : sweep.recipe.claims) out.push_back(sweep::judge(claim, sweep.results));
  return out;
}

bool passes(const Sweep& sweep, const std::vector<Verdict>& verdicts) {
  bool out = sweep.unfinished() == 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    out = out && (verdicts[i].holds || !sweep.recipe.claims[i].asserted);
  return out;
}

std::string to_text(const Sweep& sweep, const std::vector<Verdict>& verdicts) {
  std::string out;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    out += sweep::to_text(sweep.recipe.claims[i], verdicts[i]) + '\n';
  if (sweep.unfinished() != 0)
    out += "unfinished: " + std::to_string(sweep.unfinished()) + " runs are left to do\n";
  return out;
}

std::string to_html(const Sweep& sweep, const std::vector<Verdict>& verdicts,
                    const std::vector<figures::Drawn>& figures) {
  Html html;
  write_head(html, sweep.recipe);
  html.open("body");
  write_opening(html, sweep, verdicts);
  html.open("main");
  write_claims(html, sweep, verdicts);
  write_figures(html, figures);
  write_fits(html, figures);
  write_results(html, sweep);
  write_failed(html, sweep);
  write_configuration(html, sweep);
  html.close().close().close();
  return html.str();
}

}  // namespace rho::report
