// Element types, and the bridge from a run-time dtype to a compile-time type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>
#include <type_traits>

#include "tensor/error.h"

namespace rho {

enum class DType : std::uint8_t { Float32, Float64, Int64, UInt8 };

/// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return 4;
    case DType::Float64:
      return 8;
    case DType::Int64:
      return 8;
    case DType::UInt8:
      return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return "float32";
    case DType::Float64:
      return "float64";
    case DType::Int64:
      return "int64";
    case DType::UInt8:
      return "uint8";
  }
  return "unknown";
}

inline std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

constexpr bool is_floating(DType dtype) {
  return dtype == DType::Float32 || dtype == DType::Float64;
}

/// The dtype of a C++ element type; only the four above have one.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::Float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::Float64;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::Int64;
  else {
    static_assert(std::is_same_v<T, std::uint8_t>, "not an element type");
    return DType::UInt8;
  }
}

/// Calls `body.template operator()<T>()` with T the element type of a floating dtype.
/// Throws, naming `op`, for the integer dtypes.
template <class Body>
decltype(auto) dispatch_floating(DType dtype, std::string_view op, Body&& body) {
  switch (dtype) {
    case DType::Float32:
      return body.template operator()<float>();
    case DType::Float64:
      return body.template operator()<double>();
    default:
      fail(op, "expects float32 or float64, found ", dtype);
  }
}

/// As dispatch_floating, for all four dtypes.
template <class Body>
decltype(auto) dispatch_all(DType dtype, std::string_view op, Body&& body) {
  switch (dtype) {
    case DType::Int64:
      return body.template operator()<std::int64_t>();
    case DType::UInt8:
      return body.template operator()<std::uint8_t>();
    default:
      return dispatch_floating(dtype, op, std::forward<Body>(body));
  }
}

}  // namespace rho
