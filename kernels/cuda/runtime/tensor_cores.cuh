// Where products in tf32 and bf16 can run.
#pragma once

#include "kernels/cuda/runtime/check.cuh"
#include "kernels/cuda/runtime/stream.cuh"
#include "kernels/precision.h"

namespace rho::kernels::cuda {

/// Throws, naming what was found, where the device has no such instructions.
inline void expect_tensor_cores(std::string_view op, Device device) {
  int major = 0, minor = 0;
  check_status(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index), op);
  check_status(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device.index), op);
  check(major >= 8, op, "precision ", name_of(product_precision()),
        " is for devices of compute capability 8.0 or later, ", device, " has ", major, '.', minor);
}

/// The same, and where `kernel` was compiled without them: PTX for older devices runs on all later
/// ones.
template <class... Parameters>
void expect_tensor_cores(std::string_view op, Device device, void (*kernel)(Parameters...)) {
  expect_tensor_cores(op, device);
  stream_of(device);  // the attributes are those on the current device
  cudaFuncAttributes of{};
  check_status(cudaFuncGetAttributes(&of, kernel), op);
  check(of.ptxVersion >= 80, op, "precision ", name_of(product_precision()),
        " needs code for compute capability 8.0 or later, what was built for ", device, " is for ",
        of.ptxVersion / 10, '.', of.ptxVersion % 10);
}

}  // namespace rho::kernels::cuda
