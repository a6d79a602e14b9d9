#include "tools/support/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "nn/atomic_file.h"
#include "tensor/error.h"

namespace rho::tools {
namespace {

// visit(line, record) for the lines that are whole.
template <class Visit>
void for_each_record(const std::string& path, Visit&& visit) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, false);
    if (record.is_object() && record.contains("epoch") && record["epoch"].is_number_integer())
      visit(line, record);
  }
}

}  // namespace

nlohmann::ordered_json to_json(const EpochRecord& r) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::object();
  for (const nn::LayerNorm& layer : r.layers) layers[layer.name] = layer.norm;
  return {{"epoch", r.epoch},
          {"lr", r.lr},
          {"train_loss", r.train_loss},
          {"train_error", r.train_error},
          {"test_loss", r.test_loss},
          {"test_error", r.test_error},
          {"objective", r.objective},
          {"log_rho", r.log_rho},
          {"train_normalized_cross_entropy", r.train_normalized_cross_entropy},
          {"test_normalized_cross_entropy", r.test_normalized_cross_entropy},
          {"train_normalized_cross_entropy_minus_log_classes",
           r.train_normalized_cross_entropy_minus_log_classes},
          {"test_normalized_cross_entropy_minus_log_classes",
           r.test_normalized_cross_entropy_minus_log_classes},
          {"min_margin", r.min_margin},
          {"min_normalized_margin", r.min_normalized_margin},
          {"median_normalized_margin", r.median_normalized_margin},
          {"train_mean_centred_margin", r.train_mean_centred_margin},
          {"test_mean_centred_margin", r.test_mean_centred_margin},
          {"layer_norms", std::move(layers)},
          {"skipped_steps", r.skipped_steps},
          {"img_per_s", r.img_per_s},
          {"seconds", r.seconds}};
}

nlohmann::ordered_json to_json(std::int64_t epoch, std::int64_t step,
                               const std::vector<optim::GroupAudit>& groups) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const optim::GroupAudit& group : groups)
    layers.push_back({{"name", group.group},
                      {"rho", group.rho},
                      {"norm_deviation", group.norm_deviation},
                      {"tangency", group.tangency},
                      {"multiplier", group.multiplier},
                      {"shortened", group.shortened},
                      {"held", group.held}});
  return {{"epoch", epoch}, {"step", step}, {"layers", std::move(layers)}};
}

void append_lines(const std::string& path, const std::string& lines) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  check(file >= 0, "metrics", path, ": ", std::strerror(errno));
  const off_t before = ::lseek(file, 0, SEEK_END);
  errno = ENOSPC;  // what a write that stops halfway means
  const bool ok = ::write(file, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()) &&
                  ::fsync(file) == 0;
  const int error = errno;
  // A part of a line would hide the next one. If even this fails, resuming drops the part.
  if (!ok && ::ftruncate(file, before) != 0) errno = error;
  ::close(file);
  check(ok, "metrics", path, ": ", std::strerror(error));
}

std::vector<nlohmann::json> read_records(const std::string& path) {
  std::vector<nlohmann::json> records;
  for_each_record(
      path, [&](const std::string&, const nlohmann::json& record) { records.push_back(record); });
  return records;
}

void drop_records_after(const std::string& path, std::int64_t last_epoch) {
  if (!std::filesystem::exists(path)) return;
  std::string kept;
  for_each_record(path, [&](const std::string& line, const nlohmann::json& record) {
    if (record["epoch"].get<std::int64_t>() <= last_epoch) kept += line + "\n";
  });
  nn::write_text(path, kept);
}

}  // namespace rho::tools
