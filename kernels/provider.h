// Whose kernels products are: see ProductProvider.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace rho::kernels {

/// Who multiplies matrices and convolves. Nobody takes another's place: what the provider can not
/// do is an Error.
enum class ProductProvider : std::uint8_t {
  Rho,     ///< kernels of this project
  Nvidia,  ///< cuBLAS and cuDNN, on CUDA devices
};

/// "rho", "nvidia".
std::string_view name_of(ProductProvider provider);

/// That of matmul and the three convolutions which this thread calls. Every thread begins with Rho.
/// Results depend on it: a captured step (nn::GradientStep) is captured anew when it changes.
ProductProvider product_provider();

/// Sets it, for calls from this thread alone.
void set_product_provider(ProductProvider provider);

/// Sets it for as long as this lives.
class ProductProviderScope {
 public:
  explicit ProductProviderScope(ProductProvider provider) : before_(product_provider()) {
    set_product_provider(provider);
  }
  ProductProviderScope(const ProductProviderScope&) = delete;
  ProductProviderScope& operator=(const ProductProviderScope&) = delete;
  ~ProductProviderScope() { set_product_provider(before_); }

 private:
  ProductProvider before_;
};

/// Throws where this thread asks for another provider than Rho; for devices that have no other.
void expect_own_products(std::string_view op, const Tensor& out);

/// Names a library of a provider, for product_library_version; called at load time. `version` may
/// throw where there is no such library.
void register_product_library(std::string_view name, std::string (*version)());

/// The version of "cublas" or "cudnn", "13.1"; empty where the program was built without it, or
/// finds none. Opens the library.
std::string product_library_version(std::string_view name);

}  // namespace rho::kernels
