// Measures a trained network: see rho-measure --help.
#include "tools/programs/programs.h"

int main(int argc, char** argv) { return rho::tools::measure_program(argc, argv); }
