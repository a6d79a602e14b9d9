#include "tools/support/provider.h"

#include "tensor/error.h"

namespace rho::tools {

kernels::ProductProvider parse_provider(const std::string& text, Device device) {
  if (text == "rho") return kernels::ProductProvider::Rho;
  check(text == "nvidia", "provider", '"', text, "\" is none of rho, nvidia");
  check(device.type == DeviceType::CUDA, "provider", text, " is for CUDA devices, the device is ",
        device);
  return kernels::ProductProvider::Nvidia;
}

}  // namespace rho::tools
