// The folder of a run: what a training that may be killed at any moment leaves there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nn/state.h"
#include "optim/optimizer.h"
#include "tools/support/folder_lock.h"
#include "tools/support/metrics.h"
#include "tools/support/nearest_epoch.h"

namespace rho::tools {

inline constexpr const char* kRhoVersion = "0.1.0";

struct Checkpoint {
  std::int64_t epoch = 0;                       ///< epochs done
  std::map<std::string, std::string> metadata;  ///< of last.safetensors
  nn::NamedTensors model;
  optim::State optimizer;
};

/// Files of a run. One process at a time holds it.
///
/// An epoch is saved in six steps, each complete on the disk before the next: state-EPOCH (the
/// optimizer), its lines in audit.jsonl, if any, the line in metrics.jsonl, last.safetensors (the
/// network; its metadata name the state), snapshot.safetensors, where this epoch is the nearest to
/// the loss that the run keeps a snapshot of, and the removal of older states. last.safetensors
/// alone says where a run stands: whatever is newer than it was left by a crash, and load() drops
/// it. A snapshot is never newer; one that a crash prevented is the network of last.safetensors, of
/// which load() makes it.
class RunDirectory {
 public:
  /// Makes the folder where missing; throws when it cannot be written or another process holds it.
  /// The snapshot is the network after the epoch whose training loss is nearest to `snapshot_loss`,
  /// the earliest of equals; 0: there is none.
  explicit RunDirectory(std::string path, double snapshot_loss = 0);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;
  /// True when there is something that a new run would destroy.
  bool holds_run() const;

  /// `audit` is made of whole lines, or empty.
  void save(const Checkpoint& checkpoint, const EpochRecord& record, const std::string& audit);
  /// The last checkpoint, if there is one; in any case removes what is newer.
  std::optional<Checkpoint> load();
  /// The lines of metrics.jsonl.
  std::vector<nlohmann::json> records() const;

 private:
  void save_snapshot(const Checkpoint& checkpoint) const;  // where it is the nearest
  void drop_records_after(std::int64_t epoch) const;
  void remove_states_except(const std::string& name) const;

  std::string path_;
  double snapshot_loss_;
  NearestEpoch nearest_;
  FolderLock lock_;
};

}  // namespace rho::tools
