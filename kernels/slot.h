// The slot of an operation: backends fill it at load time, callers call it like a function.
// There is no backend class; an operation that a device lacks is an empty slot and one clear error.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tensor/profile.h"
#include "tensor/tensor.h"

namespace rho::kernels {

/// An argument that holds tensors: a list of them, a struct with a method for_each_tensor(visit),
/// or a list of such.
template <class T>
inline constexpr bool kHoldsTensors = requires(const T& x) {
  x.for_each_tensor([](const Tensor&) {});
};
template <class T>
inline constexpr bool kHoldsTensors<std::vector<T>> = std::is_same_v<T, Tensor> || kHoldsTensors<T>;

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
  static void note(Span& span, const Tensor& tensor) {
    if (tensor.defined()) span.shapes.push_back(tensor.shape());
  }
  // Whatever else is handed over is looked through for tensors.
  template <class Other>
  void visit(const Tensor*& first, const Other& other) const {
    look_through(other, [&](const auto& inner) { visit(first, inner); });
  }
  template <class Other>
  static void note(Span& span, const Other& other) {
    look_through(other, [&](const auto& inner) { note(span, inner); });
  }
  template <class Other, class Visit>
  static void look_through(const Other& other, const Visit& inside) {
    if constexpr (!kHoldsTensors<Other>)
      return;
    else if constexpr (requires { other.for_each_tensor(inside); })
      other.for_each_tensor(inside);
    else
      for (const auto& one : other) inside(one);
  }

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
