// metrics.jsonl, one JSON object a line, one line an epoch; audit.jsonl, one line a step.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/rescale.h"
#include "optim/audit.h"

namespace rho::tools {

/// What is recorded after an epoch. Losses and errors are exact averages over a whole split, in
/// evaluation mode; the train split is the one in use (its subset, its corrupted labels).
struct EpochRecord {
  std::int64_t epoch = 0;  ///< epochs done, counted from 1
  double lr = 0;
  double train_loss = 0;  ///< cross-entropy, whatever is minimized
  double train_error = 0;
  double test_loss = 0;
  double test_error = 0;
  double objective = 0;  ///< the minimized loss on the train split
  double log_rho = 0;    ///< log of the product of norms (docs/theory.md)
  double train_normalized_cross_entropy = 0;
  double test_normalized_cross_entropy = 0;
  /// ... minus ln C, without the cancellation
  double train_normalized_cross_entropy_minus_log_classes = 0;
  double test_normalized_cross_entropy_minus_log_classes = 0;
  double min_margin = 0;  ///< on the train split
  double min_normalized_margin = 0;
  double median_normalized_margin = 0;
  /// of the normalized network; to first order its cross-entropy is ln C minus this
  double train_mean_centred_margin = 0;
  double test_mean_centred_margin = 0;
  std::vector<nn::LayerNorm> layers;  ///< norms, batch norm folded
  std::int64_t skipped_steps = 0;     ///< so far, for gradients that were not finite
  double img_per_s = 0;               ///< while training
  double seconds = 0;                 ///< the whole epoch, with its evaluation
};

nlohmann::ordered_json to_json(const EpochRecord& record);

/// The constraints after one step, counted from 1 over the whole run; a line of audit.jsonl.
nlohmann::ordered_json to_json(std::int64_t epoch, std::int64_t step,
                               const std::vector<optim::GroupAudit>& groups);

/// Appends whole lines and flushes them to the disk; a failure leaves the file as it was.
void append_lines(const std::string& path, const std::string& lines);

/// The objects in the lines, one that a crash cut short left out; none without a file.
std::vector<nlohmann::json> read_records(const std::string& path);

/// Drops the lines of epochs after `last_epoch`, and one that a crash cut short.
void drop_records_after(const std::string& path, std::int64_t last_epoch);

}  // namespace rho::tools
