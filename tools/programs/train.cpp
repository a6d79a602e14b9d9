// The program rho-train: see its --help.
#include "tools/programs/programs.h"
#include "tools/support/options.h"
#include "tools/support/run.h"
#include "tools/support/trainer.h"

namespace rho::tools {

int train_program(int argc, char** argv) {
  return run_main(argc, argv, parse_train_options, [](const TrainOptions& options) {
    train(options);
    return 0;
  });
}

}  // namespace rho::tools
