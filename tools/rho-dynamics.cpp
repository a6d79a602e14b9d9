#include <cstdio>
#include <omp.h>
#include <CLI/CLI.hpp>
#include "tools/dynamics/experiments.h"
#include "tools/support/run.h"
using namespace rho::dynamics;
int main(int argc, char** argv) {
  omp_set_num_threads(1);
  return rho::tools::run_main([&] {
    const std::string what = argv[1];
    Report r;
    if (what == "1") r = trajectories({});
    if (what == "2") r = growth({});
    if (what == "3") r = directions({});
    if (what == "m") r = margins({});
    if (argc > 2) draw(r, argv[2]);
    std::fputs(to_text(r).c_str(), stdout);
    return 0;
  });
}
