#include "tools/sweep/recipe.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "tools/support/json_file.h"
#include "tools/sweep/fields.h"
#include "tools/sweep/toml.h"

namespace rho::sweep {
namespace {

constexpr const char* kScales[] = {"tiny", "small", "full"};
constexpr const char* kStatistics[] = {"slope", "intercept", "r2",   "rmse", "offset", "spearman",
                                       "min",   "max",       "mean", "std",  "range",  "ratio"};

bool is_scalar(const Json& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

// A table of scalars, without the keys that are not options.
Options options_of(Json table, const std::string& where, const std::set<std::string>& others = {}) {
  check(table.is_object(), "recipe", where, " is not a table");
  for (const std::string& key : others) table.erase(key);
  for (const auto& [name, value] : table.items())
    check(is_scalar(value), "recipe", where, ": \"", name, "\" is ", value.dump(),
          ", expected a number, a text, or true or false");
  return table;
}

// Tables go into tables; everything else takes the place of what was there.
void merge(Json& base, const Json& changes) {
  for (const auto& [key, value] : changes.items())
    if (value.is_object() && base.contains(key) && base[key].is_object())
      merge(base[key], value);
    else
      base[key] = value;
}

// The table of that name in a list of tables.
Json& named(Json& list, const std::string& name, const std::string& where) {
  for (Json& one : list)
    if (one.is_object() && one.value("name", "") == name) return one;
  fail("recipe", where, " changes \"", name, "\", which there is not");
}

// Puts what the scale changes into the recipe: options of [run], of phases and of single runs by
// their names, values of axes.
void apply_scale(Json& root, const std::string& scale, const std::string& where) {
  Fields changes(root["scale"][scale], where);
  root["scaled"] = changes.optional<std::string>("note", "");
  root["run"].update(changes.table("run"));
  for (const char* list : {"phase", "extra"}) {
    const Json tables = changes.table(list);
    for (const auto& [name, options] : tables.items())
      named(root[list], name, where + "." + list).update(options);
  }
  const Json axes = changes.table("axis");
  for (const auto& [name, values] : axes.items())
    named(root["axis"], name, where + ".axis")["values"] = values;
  changes.expect_no_more();
}

std::vector<Phase> read_phases(Fields& root) {
  std::vector<Phase> out;
  for (Fields& phase : root.tables("phase")) {
    const auto name = phase.required<std::string>("name");
    out.push_back({name, options_of(phase.all(), phase.where(), {"name"})});
  }
  return out;
}

Level read_level(const Json& value, const std::string& option, const std::string& where) {
  if (!value.is_object()) {
    check(is_scalar(value), "recipe", where, " has a value that is neither a scalar nor a table");
    return {option_text(value), {{option, value}}};
  }
  Fields level(value, where);
  return {level.required<std::string>("label"), options_of(value, where, {"label"})};
}

std::vector<Axis> read_axes(Fields& root) {
  std::vector<Axis> out;
  for (Fields& axis : root.tables("axis")) {
    const auto name = axis.required<std::string>("name");
    Axis one{name, axis.optional<std::string>("option", name), {}};
    for (const Json& value : axis.required<std::vector<Json>>("values"))
      one.levels.push_back(read_level(value, one.option, axis.where()));
    check(!one.levels.empty(), "recipe", axis.where(), " has no values");
    axis.expect_no_more();
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<Extra> read_extras(Fields& root) {
  std::vector<Extra> out;
  for (Fields& extra : root.tables("extra")) {
    const auto name = extra.required<std::string>("name");
    out.push_back({name, extra.optional("group", name),
                   options_of(extra.all(), extra.where(), {"name", "group"})});
  }
  return out;
}

std::vector<Measure> read_measures(Fields& root) {
  std::vector<Measure> out;
  for (Fields& measure : root.tables("measure"))
    out.push_back({measure.required<std::string>("name"),
                   options_of(measure.all(), measure.where(), {"name", "examples"}),
                   measure.optional("examples", false)});
  return out;
}

Where read_where(Fields& fields, const std::string& key) {
  Where out;
  const Json columns = fields.table(key);
  for (const auto& [column, found] : columns.items()) {
    Where::Condition condition{column, {}};
    const std::vector<Json> values =
        found.is_array() ? found.get<std::vector<Json>>() : std::vector<Json>{found};
    for (const Json& value : values) {
      check(is_scalar(value), "recipe", fields.where(), ": \"", key, "\" of ", column,
            " is not a value or a list of values");
      condition.values.push_back(option_text(value));
    }
    out.conditions.push_back(std::move(condition));
  }
  return out;
}

std::vector<std::string> one_or_several(Fields& fields, const std::string& key) {
  const auto value = fields.optional<Json>(key, Json::array());
  if (value.is_string()) return {value.get<std::string>()};
  return fields.optional<std::vector<std::string>>(key, {});
}

Panel read_panel(Fields fields) {
  Panel out;
  out.kind = parse_panel_kind(fields.required<std::string>("kind"), fields.where());
  out.title = fields.optional<std::string>("title", "");
  out.x = fields.optional<std::string>("x", "");
  out.y = one_or_several(fields, "y");
  out.y_titles = one_or_several(fields, "y_titles");
  out.x_label = fields.optional<std::string>("x_label", "");
  out.y_label = fields.optional<std::string>("y_label", "");
  out.label = fields.optional<std::string>("label", "");
  out.series = fields.optional<std::string>("series", "");
  out.where = read_where(fields, "where");
  out.log_x = fields.optional("log_x", false);
  out.log_y = fields.optional("log_y", false);
  out.fit = fields.optional("fit", false);
  out.diagonal = fields.optional("diagonal", false);
  fields.expect_no_more();
  const bool histogram = out.kind == Panel::Kind::Histogram;
  check(histogram || !out.y.empty(), "recipe", fields.where(), " has no \"y\"");
  check(out.kind == Panel::Kind::Epochs || !out.x.empty(), "recipe", fields.where(),
        " has no \"x\"");
  check(out.y_titles.empty() || out.y_titles.size() == out.y.size(), "recipe", fields.where(),
        " has ", out.y_titles.size(), " \"y_titles\", expected ", out.y.size());
  return out;
}

// The figure of Puzzles: test against training loss as they are, normalized, and the control that
// theory.md asks for: to first order the normalized loss is ln C less the mean centred margin.
std::vector<Panel> losses(Fields& fields) {
  Panel raw;
  raw.label = fields.optional<std::string>("label", "");
  raw.series = fields.optional<std::string>("series", "");
  raw.where = read_where(fields, "where");
  raw.diagonal = raw.fit = true;
  const auto measure = fields.optional<std::string>("measure", "");

  Panel normalized = raw, control = raw;
  raw.title = "as trained";
  raw.x = "train_loss";
  raw.y = {"test_loss"};
  normalized.title = "normalized";
  control.title = "control: mean centred margin, normalized";
  if (measure.empty()) {
    normalized.x = "train_normalized_cross_entropy";
    normalized.y = {"test_normalized_cross_entropy"};
    control.x = "train_mean_centred_margin";
    control.y = {"test_mean_centred_margin"};
  } else {
    normalized.x = measure + ".train.normalized_cross_entropy";
    normalized.y = {measure + ".test.normalized_cross_entropy"};
    control.x = measure + ".train.normalized_mean_centred_margin";
    control.y = {measure + ".test.normalized_mean_centred_margin"};
  }
  return {raw, normalized, control};
}

std::vector<Figure> read_figures(Fields& root) {
  std::vector<Figure> out;
  for (Fields& fields : root.tables("figure")) {
    Figure figure{
        fields.required<std::string>("name"), fields.required<std::string>("title"), {}, false};
    const auto kind = fields.optional<std::string>("kind", "panels");
    if (kind == "losses") {
      figure.panels = losses(fields);
    } else if (kind == "picture") {
      figure.picture = true;
    } else {
      check(kind == "panels", "recipe", fields.where(), ": \"", kind,
            "\" is none of panels, losses, picture");
      for (Fields& panel : fields.tables("panel")) figure.panels.push_back(read_panel(panel));
      check(!figure.panels.empty(), "recipe", fields.where(), " has no panel");
    }
    fields.expect_no_more();
    out.push_back(std::move(figure));
  }
  return out;
}

Claim read_claim(Fields& fields, const std::string& scale) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  Claim out;
  out.text = fields.required<std::string>("text");
  out.published = fields.optional<std::string>("published", "");
  out.statistic = fields.required<std::string>("statistic");
  check(std::find(std::begin(kStatistics), std::end(kStatistics), out.statistic) !=
            std::end(kStatistics),
        "recipe", fields.where(), ": there is no statistic \"", out.statistic, '"');
  out.x = fields.optional<std::string>("x", "");
  out.y = fields.required<std::string>("y");
  out.where = read_where(fields, "where");
  out.numerator = read_where(fields, "numerator");
  out.denominator = read_where(fields, "denominator");
  out.at_least = fields.optional("at_least", -kInfinite);
  out.at_most = fields.optional("at_most", kInfinite);
  const auto scales =
      fields.optional<std::vector<std::string>>("asserted", {"tiny", "small", "full"});
  out.asserted = std::find(scales.begin(), scales.end(), scale) != scales.end();
  fields.expect_no_more();
  return out;
}

}  // namespace

std::string option_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Panel::Kind parse_panel_kind(const std::string& text, const std::string& where) {
  if (text == "scatter") return Panel::Kind::Scatter;
  if (text == "curve") return Panel::Kind::Curve;
  if (text == "epochs") return Panel::Kind::Epochs;
  if (text == "histogram") return Panel::Kind::Histogram;
  fail("recipe", where, ": \"", text, "\" is none of scatter, curve, epochs, histogram");
}

Json read_recipe_file(const std::string& path) {
  if (path.ends_with(".json")) return tools::read_json(path, "recipe");
  Json file = read_toml(path);
  if (!file.contains("extends")) return file;
  check(file["extends"].is_string(), "recipe", path, ": \"extends\" is not the name of a file");
  const std::filesystem::path base = file["extends"].get<std::string>();
  file.erase("extends");
  Json out = read_recipe_file((std::filesystem::path(path).parent_path() / base).string());
  merge(out, file);
  return out;
}

Recipe read_recipe(const std::string& path, const std::string& scale) {
  check(std::find(std::begin(kScales), std::end(kScales), scale) != std::end(kScales), "recipe",
        "there is no scale \"", scale, "\", expected tiny, small, or full");
  Json file = read_recipe_file(path);
  check(file.contains("scale") && file["scale"].is_object() && file["scale"].contains(scale),
        "recipe", path, " has no [scale.", scale, "]");
  if (!file.contains("run")) file["run"] = Json::object();
  apply_scale(file, scale, path + ": scale." + scale);

  Fields root(std::move(file), path);
  Recipe out;
  out.path = path;
  out.scale = scale;
  out.id = root.required<std::string>("id");
  out.title = root.required<std::string>("title");
  out.source = root.required<std::string>("source");
  out.summary = root.optional<std::string>("summary", "");
  out.scaled = root.required<std::string>("scaled");
  out.program = root.optional<std::string>("program", "rho-train");
  out.arguments = root.optional<std::vector<std::string>>("arguments", {});
  out.options = options_of(root.table("run"), path + ": run");
  out.phases = read_phases(root);
  if (out.phases.empty() && out.program == "rho-train")
    out.phases.push_back({"train", Options::object()});
  out.axes = read_axes(root);
  out.extras = read_extras(root);
  out.measures = read_measures(root);
  out.figures = read_figures(root);
  for (Fields& claim : root.tables("claim")) out.claims.push_back(read_claim(claim, scale));
  root.table("scale");
  root.expect_no_more();
  check(out.program == "rho-train" || (out.phases.empty() && out.measures.empty()), "recipe", path,
        ": phases and measures belong to rho-train, the program is ", out.program);
  return out;
}

}  // namespace rho::sweep
