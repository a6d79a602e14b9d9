// Shared libraries that are opened when something asks for them: programs start without them.
#pragma once

#include <string>
#include <string_view>

namespace rho::kernels {

/// A function of a Library. It becomes a pointer to a function of any type: that it is the
/// function's own, the caller takes from a header.
class LibraryFunction {
 public:
  explicit LibraryFunction(void* address) : address_(address) {}

  template <class Signature>
  operator Signature*() const {
    return reinterpret_cast<Signature*>(address_);
  }

 private:
  void* address_;
};

/// A shared library; it stays open as long as the program runs.
class Library {
 public:
  /// Opens `file`, "libcublas.so.13", where the dynamic linker finds it. Throws, with what the
  /// linker says, where it does not; errors name `user`, what the library is for.
  Library(std::string_view user, std::string file);

  /// Throws where the library has no such function.
  LibraryFunction operator[](const char* function) const;

 private:
  std::string_view user_;
  std::string file_;
  void* handle_;
};

}  // namespace rho::kernels
