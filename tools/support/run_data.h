// The data of a run: its data set with the changes that its options ask for.
#pragma once

#include "datasets/dataset.h"
#include "tools/support/options.h"

namespace rho::tools {

struct RunData {
  datasets::Split split;
  Tensor corrupted_train;  ///< int64 [K], indices within split.train; undefined where nothing is
  Tensor corrupted_test;
};

/// Loads the data set, takes the subsets, changes the pixels, corrupts the labels. A function of
/// the options alone, so that whoever measures a run later sees the examples that it was trained
/// on.
RunData load_data(const TrainOptions& options);

}  // namespace rho::tools
