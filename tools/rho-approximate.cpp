// Fits a shallow or a compositional network to a function: see rho-approximate --help.
#include "tools/programs/programs.h"

int main(int argc, char** argv) { return rho::tools::approximate_program(argc, argv); }
