#include "tools/support/run_data.h"

#include <utility>

#include "datasets/corrupt.h"
#include "datasets/pixels.h"
#include "datasets/subset.h"
#include "tools/support/data.h"
#include "tools/support/seeds.h"

namespace rho::tools {
namespace {

void take_subset(datasets::Dataset& dataset, std::int64_t count, const TrainOptions& options,
                 Stream stream) {
  if (count == 0) return;
  dataset = options.subset_mode == "first"
                ? datasets::first_n(dataset, count)
                : datasets::random_n(dataset, count, seed_of(options, stream));
}

// The indices; undefined where nothing is to be corrupted.
Tensor corrupt(datasets::Dataset& dataset, double fraction, const TrainOptions& options,
               Stream stream) {
  if (fraction == 0) return {};
  datasets::Corruption corruption = datasets::corrupt_labels(
      dataset, fraction, datasets::parse_corruption_mode(options.corrupt_mode),
      seed_of(options, stream));
  dataset = std::move(corruption.dataset);
  return corruption.indices;
}

}  // namespace

RunData load_data(const TrainOptions& options) {
  RunData data{load(parse_data(options.data)), {}, {}};
  auto& [train, test] = data.split;
  take_subset(train, options.subset, options, Stream::Subset);
  take_subset(test, options.subset_test, options, Stream::SubsetTest);
  data.split = datasets::change_pixels(data.split, datasets::parse_pixel_mode(options.pixels),
                                       seed_of(options, Stream::Pixels));
  data.corrupted_train = corrupt(train, options.corrupt, options, Stream::CorruptTrain);
  data.corrupted_test = corrupt(test, options.corrupt_test, options, Stream::CorruptTest);
  return data;
}

}  // namespace rho::tools
