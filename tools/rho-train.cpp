// Trains a network: see rho-train --help.
#include "tools/programs/programs.h"

int main(int argc, char** argv) { return rho::tools::train_program(argc, argv); }
