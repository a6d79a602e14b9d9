#include "kernels/library.h"

#include <dlfcn.h>

#include <utility>

#include "tensor/error.h"

namespace rho::kernels {

Library::Library(std::string_view user, std::string file)
    : user_(user), file_(std::move(file)), handle_(dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  check(handle_ != nullptr, user_, file_, " can not be opened: ", dlerror());
}

LibraryFunction Library::operator[](const char* function) const {
  void* const address = dlsym(handle_, function);
  check(address != nullptr, user_, file_, " has no ", function,
        ": it is older than the headers that the program was compiled with");
  return LibraryFunction(address);
}

}  // namespace rho::kernels
