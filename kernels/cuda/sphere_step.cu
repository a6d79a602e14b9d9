#include "kernels/cuda/reduction.cuh"
#include "kernels/sphere_step.h"

namespace rho::kernels {
namespace {

__device__ double sign(double v) { return v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0; }

/// n_i of V_i, the i-th element of its row; peak: where n is not 0 for p = infinity.
__device__ double normal(double v, double p, std::int64_t i, std::int64_t peak) {
  if (p == 2.0) return v;
  if (p == 1.0) return sign(v);
  if (std::isinf(p)) return i == peak ? sign(v) : 0.0;
  return sign(v) * std::pow(std::abs(v), p - 1.0);
}

/// The vectors of one step, `columns` elements a row; u and g may be null.
template <class T>
struct Vectors {
  const T *v, *u, *g;
  std::int64_t columns;
  double p;

  Vectors(const Tensor& from_v, const Tensor& from_u, const Tensor& from_g, std::int64_t rows,
          double order)
      : v(from_v.data<T>()),
        u(from_u.defined() ? from_u.data<T>() : nullptr),
        g(from_g.defined() ? from_g.data<T>() : nullptr),
        columns(from_v.numel() / rows),
        p(order) {}
  __device__ double at(const T* of, std::int64_t i) const {
    return of == nullptr ? 0.0 : static_cast<double>(of[i]);
  }
};

template <class T>
struct RaisePeak {
  Vectors<T> x;
  __device__ void operator()(std::int64_t row, std::int64_t i, std::int64_t,
                             cuda::Largest<double>& largest) const {
    largest.merge({std::abs(static_cast<double>(x.v[row * x.columns + i])), i});
  }
};

using Peaks = cuda::Largest<double>;

struct StorePeak {
  Peaks* peaks;
  __device__ void operator()(std::int64_t row, std::int64_t, const Peaks& largest) const {
    peaks[row] = largest;
  }
};

using Products = cuda::Sums<10>;

template <class T>
struct AddProducts {
  Vectors<T> x;
  const Peaks* peaks;  // for p = infinity

  __device__ void operator()(std::int64_t row, std::int64_t i, std::int64_t, Products& sums) const {
    const std::int64_t at = row * x.columns + i;
    const std::int64_t peak = std::isinf(x.p) ? peaks[row].index : -1;
    const double v = static_cast<double>(x.v[at]);
    const double all[4] = {v, x.at(x.u, at), x.at(x.g, at), normal(v, x.p, i, peak)};
    int next = 0;  // vv vu vg vn, uu ug un, gg gn, nn
    for (int a = 0; a < 4; ++a)
      for (int b = a; b < 4; ++b) sums.value[next++] += all[a] * all[b];
  }
};

struct StoreProducts {
  Products* rows;
  __device__ void operator()(std::int64_t row, std::int64_t, const Products& sums) const {
    rows[row] = sums;
  }
};

void sphere_products_cuda(const Tensor& v, const Tensor& u, const Tensor& g, double p,
                          std::vector<SphereProducts>& rows) {
  constexpr auto op = "sphere_products";
  dispatch_floating(v.dtype(), op, [&]<class T>() {
    const auto count = static_cast<std::int64_t>(rows.size());
    const Device device = v.device();
    const Vectors<T> x(v, u, g, count, p);
    const bool is_peaked = std::isinf(p);
    const cuda::Buffer<Peaks> peaks(is_peaked ? count : 0, device);
    const cuda::Buffer<Products> products(count, device);
    if (is_peaked)
      cuda::reduce<Peaks>(op, device, count, x.columns, 1, RaisePeak<T>{x},
                          StorePeak{peaks.data()});
    cuda::reduce<Products>(op, device, count, x.columns, 1, AddProducts<T>{x, peaks.data()},
                           StoreProducts{products.data()});
    const std::vector<Products> found = products.download();
    const std::vector<Peaks> largest = peaks.download();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto& [vv, vu, vg, vn, uu, ug, un, gg, gn, nn] = found[r].value;
      rows[r] = {vv, vu, vg, vn, uu, ug, un, gg, gn, nn};
      if (!is_peaked) continue;
      rows[r].peak = largest[r].value;
      rows[r].peak_index = largest[r].index;
    }
  });
}

template <class T>
struct Move {
  Vectors<T> x;
  const SphereMove* rows;
  T *to_v, *to_u, *to_w;  // to_u and to_w may be null

  __device__ void operator()(std::int64_t at) const {
    const std::int64_t row = at / x.columns;
    const SphereMove& move = rows[row];
    const double v = static_cast<double>(x.v[at]), u = x.at(x.u, at), g = x.at(x.g, at);
    const double n = normal(v, x.p, at - row * x.columns, move.peak);
    const auto mix = [&](const Combination& of) {
      return of.v * v + of.u * u + of.g * g + of.n * n;
    };
    const T point = static_cast<T>(mix(move.point));
    to_v[at] = point;
    if (to_u != nullptr) to_u[at] = static_cast<T>(mix(move.velocity));
    if (to_w != nullptr) to_w[at] = static_cast<T>(move.weight * static_cast<double>(point));
  }
};

void sphere_move_cuda(const Tensor& v, const Tensor& u, const Tensor& g, double p,
                      const std::vector<SphereMove>& rows, const Tensor& out_v, const Tensor& out_u,
                      const Tensor& out_w) {
  constexpr auto op = "sphere_move";
  dispatch_floating(v.dtype(), op, [&]<class T>() {
    const cuda::Buffer<SphereMove> moves(rows, v.device());
    cuda::for_each(
        op, v.device(), v.numel(),
        Move<T>{Vectors<T>(v, u, g, static_cast<std::int64_t>(rows.size()), p), moves.data(),
                out_v.data<T>(), out_u.defined() ? out_u.data<T>() : nullptr,
                out_w.defined() ? out_w.data<T>() : nullptr});
  });
}

const Fill fill_sphere_products{sphere_products, DeviceType::CUDA, &sphere_products_cuda};
const Fill fill_sphere_move{sphere_move, DeviceType::CUDA, &sphere_move_cuda};

}  // namespace
}  // namespace rho::kernels
