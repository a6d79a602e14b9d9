#include "kernels/library.h"

#include <dlfcn.h>

#include "tensor/error.h"

namespace rho::kernels {

Library::Library(const std::string& file)
    : file_(file), handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  check(handle_ != nullptr, "library", file, " can not be opened: ", dlerror());
}

LibraryFunction Library::operator[](const char* function) const {
  void* const address = dlsym(handle_, function);
  check(address != nullptr, "library", file_, " has no ", function,
        ": it is older than the headers that the program was compiled with");
  return LibraryFunction(address);
}

}  // namespace rho::kernels
