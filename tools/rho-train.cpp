// Trains a network: see rho-train --help.
#include "tools/support/options.h"
#include "tools/support/run.h"
#include "tools/support/trainer.h"

int main(int argc, char** argv) {
  return rho::tools::run_main([&] {
    const auto options = rho::tools::parse_train_options(argc, argv);
    if (options) rho::tools::train(*options);
    return 0;
  });
}
