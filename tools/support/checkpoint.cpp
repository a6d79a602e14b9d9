#include "tools/support/checkpoint.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "nn/atomic_file.h"
#include "nn/safetensors.h"
#include "tensor/text.h"

namespace rho::tools {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLast = "last.safetensors";
constexpr const char* kSnapshot = "snapshot.safetensors";
constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kAudit = "audit.jsonl";

const std::string& entry(const nn::TensorFile& file, const std::string& path, const char* key) {
  const auto found = file.metadata.find(key);
  check(found != file.metadata.end(), "resume", path, " has no metadata \"", key, '"');
  return found->second;
}

std::int64_t parse_epoch(const std::string& text, const std::string& path) {
  const std::int64_t epoch = parse_number<std::int64_t>(text).value_or(0);
  check(epoch >= 1, "resume", path, " has the epoch \"", text, "\", expected a number >= 1");
  return epoch;
}

}  // namespace

RunDirectory::RunDirectory(std::string path, double snapshot_loss)
    : path_(std::move(path)), snapshot_loss_(snapshot_loss), nearest_(snapshot_loss) {
  std::error_code error;
  fs::create_directories(path_, error);
  check(!error, "out", "cannot make ", path_, ": ", error.message());
  check(lock_.try_acquire(path_), "out", path_, " is in use by another process");
  nn::AtomicFile probe(file("write-probe"));
  probe.write("x", 1);
}

std::string RunDirectory::file(const std::string& name) const {
  return (fs::path(path_) / name).string();
}

bool RunDirectory::holds_run() const {
  return fs::exists(file(kLast)) || fs::exists(file(kMetrics));
}

void RunDirectory::save(const Checkpoint& checkpoint, const EpochRecord& record,
                        const std::string& audit) {
  const std::string state = "state-" + std::to_string(checkpoint.epoch) + ".safetensors";
  const std::string epoch = std::to_string(checkpoint.epoch);
  nn::write_safetensors(file(state), {{{"epoch", epoch}}, checkpoint.optimizer});
  if (!audit.empty()) append_lines(file(kAudit), audit);
  append_lines(file(kMetrics), to_json(record).dump() + "\n");
  nn::TensorFile last{checkpoint.metadata, checkpoint.model};
  last.metadata["epoch"] = epoch;
  last.metadata["state"] = state;
  nn::write_safetensors(file(kLast), last);
  nearest_.offer(checkpoint.epoch, record.train_loss);
  save_snapshot(checkpoint);
  remove_states_except(state);
}

void RunDirectory::save_snapshot(const Checkpoint& checkpoint) const {
  if (snapshot_loss_ == 0 || nearest_.epoch() != checkpoint.epoch) return;
  nn::TensorFile snapshot{checkpoint.metadata, checkpoint.model};
  snapshot.metadata["epoch"] = std::to_string(checkpoint.epoch);
  snapshot.metadata.erase("state");  // which goes with the next epoch
  nn::write_safetensors(file(kSnapshot), snapshot);
}

std::optional<Checkpoint> RunDirectory::load() {
  const std::string path = file(kLast);
  if (!fs::exists(path)) {
    remove_states_except("");
    drop_records_after(0);
    return std::nullopt;
  }
  nn::TensorFile last = nn::read_safetensors(path);
  Checkpoint checkpoint;
  checkpoint.epoch = parse_epoch(entry(last, path, "epoch"), path);
  const std::string state = entry(last, path, "state");
  check(fs::path(state).filename() == state, "resume", path, " names the state file \"", state,
        "\", which is not in its folder");
  nn::TensorFile saved = nn::read_safetensors(file(state));
  check(entry(saved, file(state), "epoch") == last.metadata["epoch"], "resume", file(state),
        " is of another epoch than ", path);
  checkpoint.optimizer = std::move(saved.tensors);
  checkpoint.model = std::move(last.tensors);
  checkpoint.metadata = std::move(last.metadata);
  remove_states_except(state);
  drop_records_after(checkpoint.epoch);
  nearest_ = NearestEpoch(snapshot_loss_);
  for (const nlohmann::json& record : records())
    nearest_.offer(record.at("epoch"), record.at("train_loss"));
  save_snapshot(checkpoint);
  return checkpoint;
}

std::vector<nlohmann::json> RunDirectory::records() const { return read_records(file(kMetrics)); }

void RunDirectory::drop_records_after(std::int64_t epoch) const {
  for (const char* const name : {kMetrics, kAudit}) tools::drop_records_after(file(name), epoch);
}

void RunDirectory::remove_states_except(const std::string& name) const {
  for (const fs::directory_entry& found : fs::directory_iterator(path_)) {
    const std::string other = found.path().filename().string();
    const bool state = other.starts_with("state-") &&
                       (other.ends_with(".safetensors") || other.ends_with(".safetensors.tmp"));
    if (state && other != name) fs::remove(found.path());
  }
}

}  // namespace rho::tools
