// The slot of an operation: backends fill it at load time, callers call it like a function.
// There is no backend class; an operation that a device lacks is an empty slot and one clear error.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "tensor/profile.h"
#include "tensor/tensor.h"

namespace rho::kernels {

template <class Signature>
class Slot;

template <class... Args>
class Slot<void(Args...)> {
 public:
  using Function = void (*)(Args...);

  constexpr explicit Slot(std::string_view name) : name_(name) {}

  void fill(DeviceType type, Function function) {
    functions_[static_cast<std::size_t>(type)] = function;
  }
  std::string_view name() const { return name_; }

  /// Runs on the device of the first tensor; every other tensor must be on the same one.
  void operator()(Args... args) const {
    const Tensor* first = nullptr;
    (visit(first, args), ...);
    check(first != nullptr, name_, "expects at least one defined tensor");
    const DeviceType type = first->device().type;
    const Function function = functions_[static_cast<std::size_t>(type)];
    check(function != nullptr, name_, "has no kernel for device ", type);
    const ProfileScope scope(SpanKind::Kernel, name_, [&](Span& span) { (note(span, args), ...); });
    function(args...);
  }

 private:
  void visit(const Tensor*& first, const Tensor& tensor) const {
    if (!tensor.defined()) return;
    if (first == nullptr) first = &tensor;
    check(tensor.device() == first->device(), name_, "tensors on ", first->device(), " and ",
          tensor.device());
  }
  template <class Other>
  void visit(const Tensor*&, const Other&) const {}

  static void note(Span& span, const Tensor& tensor) {
    if (tensor.defined()) span.shapes.push_back(tensor.shape());
  }
  template <class Other>
  static void note(Span&, const Other&) {}

  std::string_view name_;
  std::array<Function, kDeviceTypes> functions_{};
};

/// `const Fill cpu_exp{exp_slot, DeviceType::CPU, &exp_cpu};` at namespace scope of a backend file.
struct Fill {
  template <class Signature, class Function>
  Fill(Slot<Signature>& slot, DeviceType type, Function function) {
    slot.fill(type, function);
  }
};

}  // namespace rho::kernels
