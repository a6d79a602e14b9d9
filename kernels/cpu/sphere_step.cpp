#include "kernels/sphere_step.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/column_sums.h"

namespace rho::kernels {
namespace {

/// With p = 2 the normal is the point.
struct Itself {
  double operator()(double v, std::int64_t) const { return v; }
};

/// Calls body(n_of) with what makes n_i of (V_i, i); with p = infinity, peak is where n is not 0.
template <class Body>
void with_normal(double p, std::int64_t peak, const Body& body) {
  const auto sign = [](double v) { return static_cast<double>((v > 0.0) - (v < 0.0)); };
  if (p == 2.0)
    body(Itself{});
  else if (p == 1.0)
    body([=](double v, std::int64_t) { return sign(v); });
  else if (std::isinf(p))
    body([=](double v, std::int64_t i) { return i == peak ? sign(v) : 0.0; });
  else
    body([=](double v, std::int64_t) { return sign(v) * std::pow(std::abs(v), p - 1.0); });
}

template <class T>
struct Rows {
  const T *v, *u, *g;  // u and g may be null
};

template <class T>
Rows<T> rows_of(const SphereVectors& of) {
  return {of.v.data<T>(), of.u.data_or_null<T>(), of.g.data_or_null<T>()};
}

/// The products of elements [first, last), which lie in one row that starts at `row`. To ask for u
/// and g here, or to take x by reference, would keep the loop from vectors.
template <bool kHasU, bool kHasG, class T, class Normal>
SphereProducts products(Rows<T> x, std::int64_t row, std::int64_t first, std::int64_t last,
                        Normal normal) {
  constexpr bool kItself = std::is_same_v<Normal, Itself>;
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
SphereProducts products(const Rows<T>& x, std::int64_t row, std::int64_t first, std::int64_t last,
                        const Normal& normal) {
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

/// body(row, first, last) on pieces of every row, cut by the shape alone. Small rows go to a thread
/// in groups.
template <class Body>
void for_each_piece(std::int64_t rows, std::int64_t columns, const Body& body) {
  const std::int64_t pieces = (columns + cpu::kSumChunk - 1) / cpu::kSumChunk;
  cpu::parallel_ranges(rows * pieces, columns > 0 ? cpu::kSumChunk / columns : rows,
                       [&](std::int64_t piece, std::int64_t end) {
                         for (; piece < end; ++piece) {
                           const std::int64_t first = piece % pieces * cpu::kSumChunk;
                           body(piece / pieces, first, std::min(first + cpu::kSumChunk, columns));
                         }
                       });
}

void products_of(const SphereVectors& of, double p, std::vector<SphereProducts>& rows) {
  dispatch_floating(of.v.dtype(), "sphere_products", [&]<class T>() {
    const Rows<T> x = rows_of<T>(of);
    const auto count = static_cast<std::int64_t>(rows.size());
    const std::int64_t columns = of.v.numel() / count;
    const std::int64_t chunks = (columns + cpu::kSumChunk - 1) / cpu::kSumChunk;
    std::vector<SphereProducts> partial(static_cast<std::size_t>(count * chunks));
    std::fill(rows.begin(), rows.end(), SphereProducts{});
    if (std::isinf(p))
      cpu::parallel_for(count, [&](std::int64_t r) {
        find_peak(x.v + r * columns, columns, rows[static_cast<std::size_t>(r)]);
      });
    for_each_piece(count, columns, [&](std::int64_t r, std::int64_t first, std::int64_t last) {
      const std::int64_t piece = r * chunks + first / cpu::kSumChunk, row = r * columns;
      with_normal(p, rows[static_cast<std::size_t>(r)].peak_index, [&](const auto& normal) {
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

template <class T, class Normal>
void move_elements(const Rows<T>& x, std::int64_t row, std::int64_t first, std::int64_t last,
                   const SphereMove& move, const Normal& normal, T* to_v, T* to_u, T* to_w) {
  const auto& [to, turn, weight, peak] = move;
  for (std::int64_t i = first; i < last; ++i) {
    const auto v = static_cast<double>(x.v[i]);
    const double u = x.u != nullptr ? static_cast<double>(x.u[i]) : 0.0;
    const double g = x.g != nullptr ? static_cast<double>(x.g[i]) : 0.0;
    const double n = normal(v, i - row);
    const T point = static_cast<T>(to.v * v + to.u * u + to.g * g + to.n * n);
    to_v[i] = point;
    if (to_u != nullptr)
      to_u[i] = static_cast<T>(turn.v * v + turn.u * u + turn.g * g + turn.n * n);
    if (to_w != nullptr) to_w[i] = static_cast<T>(weight * static_cast<double>(point));
  }
}

void move(const SphereVectors& of, double p, const std::vector<SphereMove>& rows,
          const SphereOutputs& to) {
  dispatch_floating(of.v.dtype(), "sphere_move", [&]<class T>() {
    const Rows<T> x = rows_of<T>(of);
    T* const to_v = to.v.data<T>();
    T *const to_u = to.u.data_or_null<T>(), *const to_w = to.w.data_or_null<T>();
    const auto count = static_cast<std::int64_t>(rows.size());
    const std::int64_t columns = of.v.numel() / count;
    for_each_piece(count, columns, [&](std::int64_t r, std::int64_t first, std::int64_t last) {
      const SphereMove& move = rows[static_cast<std::size_t>(r)];
      const std::int64_t row = r * columns;
      with_normal(p, move.peak, [&](const auto& normal) {
        move_elements(x, row, row + first, row + last, move, normal, to_v, to_u, to_w);
      });
    });
  });
}

void sphere_move_cpu(const std::vector<SphereVectors>& of, double p,
                     const std::vector<std::vector<SphereMove>>& rows,
                     const std::vector<SphereOutputs>& to) {
  for (std::size_t t = 0; t < of.size(); ++t) move(of[t], p, rows[t], to[t]);
}

const Fill fill_sphere_products{sphere_products, DeviceType::CPU, &sphere_products_cpu};
const Fill fill_sphere_move{sphere_move, DeviceType::CPU, &sphere_move_cpu};

}  // namespace
}  // namespace rho::kernels
