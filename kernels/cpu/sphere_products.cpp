#include "kernels/sphere_products.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/sphere_rows.h"

namespace rho::kernels {
namespace {

/// The products of elements [first, last), which lie in one row that starts at `row`. To ask for u
/// and g here, or to take x by reference, would keep the loop from vectors.
template <bool kHasU, bool kHasG, class T, class Normal>
SphereProducts products(cpu::Rows<T> x, std::int64_t row, std::int64_t first, std::int64_t last,
                        Normal normal) {
  constexpr bool kItself = std::is_same_v<Normal, cpu::Itself>;
  double vv = 0.0, vu = 0.0, vg = 0.0, vn = 0.0, uu = 0.0, ug = 0.0, un = 0.0, gg = 0.0, gn = 0.0,
         nn = 0.0;
#pragma omp simd reduction(+ : vv, vu, vg, vn, uu, ug, un, gg, gn, nn)
  for (std::int64_t i = first; i < last; ++i) {
    const auto v = static_cast<double>(x.v[i]);
    const double u = kHasU ? static_cast<double>(x.u[i]) : 0.0;
    const double g = kHasG ? static_cast<double>(x.g[i]) : 0.0;
    vv += v * v;
    vu += v * u;
    vg += v * g;
    uu += u * u;
    ug += u * g;
    gg += g * g;
    if constexpr (!kItself) {
      const double n = normal(v, i - row);
      vn += v * n;
      un += u * n;
      gn += g * n;
      nn += n * n;
    }
  }
  if constexpr (kItself) return {vv, vu, vg, vv, uu, ug, vu, gg, vg, vv};
  return {vv, vu, vg, vn, uu, ug, un, gg, gn, nn};
}

template <class T, class Normal>
SphereProducts products(const cpu::Rows<T>& x, std::int64_t row, std::int64_t first,
                        std::int64_t last, const Normal& normal) {
  if (x.u != nullptr && x.g != nullptr) return products<true, true>(x, row, first, last, normal);
  if (x.u != nullptr) return products<true, false>(x, row, first, last, normal);
  if (x.g != nullptr) return products<false, true>(x, row, first, last, normal);
  return products<false, false>(x, row, first, last, normal);
}

template <class T>
void find_peak(const T* row, std::int64_t columns, SphereProducts& out) {
  for (std::int64_t i = 0; i < columns; ++i) {
    const double size = std::abs(static_cast<double>(row[i]));
    // The negated comparison lets a NaN in.
    if (out.peak_index < 0 || (!std::isnan(out.peak) && !(size <= out.peak))) {
      out.peak = size;
      out.peak_index = i;
    }
  }
}

void products_of(const SphereVectors& of, double p, std::vector<SphereProducts>& rows) {
  dispatch_floating(of.v.dtype(), "sphere_products", [&]<class T>() {
    const cpu::Rows<T> x{of.v.data<T>(), of.u.data_or_null<T>(), of.g.data_or_null<T>()};
    const auto count = static_cast<std::int64_t>(rows.size());
    const std::int64_t columns = of.v.numel() / count;
    const std::int64_t chunks = (columns + cpu::kSumChunk - 1) / cpu::kSumChunk;
    std::vector<SphereProducts> partial(static_cast<std::size_t>(count * chunks));
    std::fill(rows.begin(), rows.end(), SphereProducts{});
    if (std::isinf(p))
      cpu::parallel_for(count, [&](std::int64_t r) {
        find_peak(x.v + r * columns, columns, rows[static_cast<std::size_t>(r)]);
      });
    cpu::for_each_piece(count, columns, [&](std::int64_t r, std::int64_t first, std::int64_t last) {
      const std::int64_t piece = r * chunks + first / cpu::kSumChunk, row = r * columns;
      cpu::with_normal(p, rows[static_cast<std::size_t>(r)].peak_index, [&](const auto& normal) {
        partial[static_cast<std::size_t>(piece)] =
            products(x, row, row + first, row + last, normal);
      });
    });
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
        add_products(rows[static_cast<std::size_t>(r)],
                     partial[static_cast<std::size_t>(r * chunks + chunk)]);
  });
}

void sphere_products_cpu(const std::vector<SphereVectors>& of, double p,
                         std::vector<std::vector<SphereProducts>>& rows) {
  for (std::size_t t = 0; t < of.size(); ++t) products_of(of[t], p, rows[t]);
}

const Fill fill_sphere_products{sphere_products, DeviceType::CPU, &sphere_products_cpu};

}  // namespace
}  // namespace rho::kernels
