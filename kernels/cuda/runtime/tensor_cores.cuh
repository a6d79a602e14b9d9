// Which devices multiply in tf32 and bf16.
#pragma once

#include "kernels/cuda/runtime/check.cuh"
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

}  // namespace rho::kernels::cuda
