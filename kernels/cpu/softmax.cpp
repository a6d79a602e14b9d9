#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 2048;  // exponentials for a thread to take at once

/// The largest value of a row, and log sum exp of the row minus it.
template <class T>
struct RowScale {
  T largest;
  double log_sum;

  RowScale(const T* x, std::int64_t columns) {
    const std::int64_t at = std::max_element(x, x + columns) - x;
    largest = x[at];
    // The largest term is 1; log1p keeps the digits of the others where they are small.
    double rest = 0.0;
    for (std::int64_t c = 0; c < columns; ++c)
      if (c != at) rest += std::exp(static_cast<double>(x[c] - largest));
    log_sum = std::log1p(rest);
  }
  double log_probability(T x) const { return static_cast<double>(x - largest) - log_sum; }
};

void expect_labels(std::string_view op, const Tensor& x, const Tensor& labels) {
  expect_rows(op, x);
  const auto* const label = labels.data<std::int64_t>();
  for (std::int64_t r = 0; r < x.size(0); ++r) check_label(op, label[r], r, x.size(1));
}

/// body(r, row of x) for every row, threaded.
template <class T, class Body>
void for_each_row(const Tensor& x, const Body& body) {
  const std::int64_t rows = x.size(0), columns = x.size(1);
  const T* const data = x.data<T>();
  cpu::parallel_ranges(rows, kGrain / std::max<std::int64_t>(columns, 1),
                       [&](std::int64_t r, std::int64_t end) {
                         for (; r < end; ++r) body(r, data + r * columns);
                       });
}

void log_softmax_cpu(const Tensor& x, const Tensor& out) {
  expect_rows("log_softmax", x);
  const std::int64_t columns = x.size(1);
  dispatch_floating(x.dtype(), "log_softmax", [&]<class T>() {
    T* const to = out.data<T>();
    for_each_row<T>(x, [&](std::int64_t r, const T* row) {
      const RowScale<T> scale(row, columns);
      for (std::int64_t c = 0; c < columns; ++c)
        to[r * columns + c] = static_cast<T>(scale.log_probability(row[c]));
    });
  });
}

void cross_entropy_cpu(const Tensor& x, const Tensor& labels, const Tensor& losses) {
  expect_labels("cross_entropy", x, labels);
  const std::int64_t columns = x.size(1);
  const auto* const label = labels.data<std::int64_t>();
  dispatch_floating(x.dtype(), "cross_entropy", [&]<class T>() {
    T* const to = losses.data<T>();
    for_each_row<T>(x, [&](std::int64_t r, const T* row) {
      to[r] = static_cast<T>(-RowScale<T>(row, columns).log_probability(row[label[r]]));
    });
  });
}

void cross_entropy_grad_cpu(const Tensor& x, const Tensor& labels, const Tensor& out) {
  expect_labels("cross_entropy_grad", x, labels);
  const std::int64_t columns = x.size(1);
  const auto* const label = labels.data<std::int64_t>();
  dispatch_floating(x.dtype(), "cross_entropy_grad", [&]<class T>() {
    T* const to = out.data<T>();
    for_each_row<T>(x, [&](std::int64_t r, const T* row) {
      const RowScale<T> scale(row, columns);
      for (std::int64_t c = 0; c < columns; ++c) {
        const double log_p = scale.log_probability(row[c]);
        // expm1 keeps the digits of p - 1 where p is close to 1.
        to[r * columns + c] = static_cast<T>(c == label[r] ? std::expm1(log_p) : std::exp(log_p));
      }
    });
  });
}

const Fill fill_log_softmax{log_softmax, DeviceType::CPU, &log_softmax_cpu};
const Fill fill_cross_entropy{cross_entropy, DeviceType::CPU, &cross_entropy_cpu};
const Fill fill_cross_entropy_grad{cross_entropy_grad, DeviceType::CPU, &cross_entropy_grad_cpu};

}  // namespace
}  // namespace rho::kernels
