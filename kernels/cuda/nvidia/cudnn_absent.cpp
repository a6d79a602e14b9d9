// Compiled without cuDNN's headers.
#include "kernels/cuda/nvidia/products.h"

namespace rho::kernels::nvidia {
namespace {

[[noreturn]] void fail_without(std::string_view op) {
  fail(op, "provider nvidia: the program was built without cuDNN's header, cudnn.h");
}

}  // namespace

void conv2d_forward(const Tensor&, const Tensor&, const Conv2dOptions&, const Conv2dEpilogue&,
                    const Tensor&) {
  fail_without("conv2d");
}
void conv2d_input_grad(const Tensor&, const Tensor&, const Conv2dOptions&, const Tensor&) {
  fail_without("conv2d_input_grad");
}
void conv2d_weight_grad(const Tensor&, const Tensor&, const Conv2dOptions&, const Tensor&) {
  fail_without("conv2d_weight_grad");
}

}  // namespace rho::kernels::nvidia
