#include "kernels/provider.h"

#include <map>

namespace rho::kernels {
namespace {

thread_local ProductProvider wanted_provider = ProductProvider::Rho;

using Versions = std::map<std::string_view, std::string (*)()>;
Versions& product_libraries() {
  static Versions all;
  return all;
}

}  // namespace

std::string_view name_of(ProductProvider provider) {
  return provider == ProductProvider::Nvidia ? "nvidia" : "rho";
}

ProductProvider product_provider() { return wanted_provider; }

void set_product_provider(ProductProvider provider) { wanted_provider = provider; }

void expect_own_products(std::string_view op, const Tensor& out) {
  check(product_provider() == ProductProvider::Rho, op, "provider ", name_of(product_provider()),
        " is for CUDA devices, the tensors are on ", out.device());
}

void register_product_library(std::string_view name, std::string (*version)()) {
  product_libraries()[name] = version;
}

std::string product_library_version(std::string_view name) {
  const auto found = product_libraries().find(name);
  if (found == product_libraries().end()) return {};
  try {
    return found->second();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace rho::kernels
