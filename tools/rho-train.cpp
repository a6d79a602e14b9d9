// Trains a network: see rho-train --help.
#include "tools/support/options.h"
#include "tools/support/run.h"
#include "tools/support/trainer.h"

int main(int argc, char** argv) {
  using namespace rho::tools;
  return run_main(argc, argv, parse_train_options, [](const TrainOptions& options) {
    train(options);
    return 0;
  });
}
