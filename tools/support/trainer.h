// The training run behind rho-train.
#pragma once

#include "tools/support/options.h"

namespace rho::tools {

/// Trains, and saves after every epoch. The order of the data and the augmentation depend on (seed,
/// epoch) alone, so a run that was killed and resumed ends with the same bits as one that was not.
/// A run that has its epochs, or met a rule of --stop, is left alone: not even its data are read.
/// Throws when the run cannot start, or diverges (a loss or gradient that is not finite); the last
/// checkpoint stays.
void train(const TrainOptions& options);

}  // namespace rho::tools
