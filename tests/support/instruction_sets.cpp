// The kernels on the instruction sets of older machines: RHO_TEST_ISA=avx2 or scalar hides what is
// newer, before the first kernel asks what there is.
#include <hwy/targets.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

[[maybe_unused]] const bool hidden = [] {
  const char* const isa = std::getenv("RHO_TEST_ISA");
  if (isa == nullptr) return false;
  const bool is_avx2 = std::string_view(isa) == "avx2";
  if (!is_avx2 && std::string_view(isa) != "scalar") {
    std::fprintf(stderr, "RHO_TEST_ISA: expected avx2 or scalar, found %s\n", isa);
    std::exit(2);
  }
  // A better target is a lower bit.
  hwy::DisableTargets((is_avx2 ? HWY_AVX2 : HWY_SCALAR) - 1);
  return true;
}();

}  // namespace
