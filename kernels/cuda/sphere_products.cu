#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/sphere_normal.cuh"
#include "kernels/sphere_products.h"

namespace rho::kernels {
namespace {

/// One row of the vectors of a parameter; u and g may be null.
template <class T>
struct Vectors {
  const T *v, *u, *g;

  Vectors(const SphereVectors& of, std::int64_t first)
      : v(at(of.v, first)), u(at(of.u, first)), g(at(of.g, first)) {}
  static T* at(const Tensor& x, std::int64_t first) {
    return x.defined() ? x.data<T>() + first : nullptr;
  }
};

/// Every row of every parameter: make(t, r, first) of parameter t and row r, whose first element is
/// `first`, and how many elements it has. `rows` is [parameter][row].
template <class Row, class Rows, class Make>
std::vector<cuda::Sized<Row>> rows_of(const std::vector<SphereVectors>& of, const Rows& rows,
                                      const Make& make) {
  std::vector<cuda::Sized<Row>> out;
  for (std::size_t t = 0; t < of.size(); ++t) {
    const auto count = static_cast<std::int64_t>(rows[t].size());
    for (std::int64_t r = 0; r < count; ++r) {
      const std::int64_t columns = of[t].v.numel() / count;
      out.push_back({make(t, static_cast<std::size_t>(r), r * columns), columns});
    }
  }
  return out;
}

template <class T>
struct RaisePeak {
  Vectors<T> x;
  __device__ void operator()(std::int64_t i, cuda::Largest<double>& largest) const {
    largest.merge({std::abs(static_cast<double>(x.v[i])), i});
  }
};

template <class T>
struct AddProducts {
  Vectors<T> x;
  double p;
  std::int64_t peak;  // for p = infinity

  __device__ void operator()(std::int64_t i, cuda::Sums<cuda::kProducts>& sums) const {
    const double v = static_cast<double>(x.v[i]);
    cuda::add_products(sums.value, v, static_cast<double>(cuda::value_or_0(x.u, i)),
                       static_cast<double>(cuda::value_or_0(x.g, i)), cuda::normal(v, p, i, peak));
  }
};

void sphere_products_cuda(const std::vector<SphereVectors>& of, double p,
                          std::vector<std::vector<SphereProducts>>& rows) {
  constexpr auto op = "sphere_products";
  const Device device = of.front().v.device();
  dispatch_floating(of.front().v.dtype(), op, [&]<class T>() {
    for (std::vector<SphereProducts>& parameter : rows)
      std::fill(parameter.begin(), parameter.end(), SphereProducts{});
    if (std::isinf(p)) {
      const auto peaks = cuda::reduce_rows<cuda::Largest<double>>(
          op, device,
          rows_of<RaisePeak<T>>(of, rows, [&](std::size_t t, std::size_t, std::int64_t first) {
            return RaisePeak<T>{Vectors<T>(of[t], first)};
          }));
      std::size_t next = 0;
      for (std::vector<SphereProducts>& parameter : rows)
        for (SphereProducts& row : parameter) {
          row.peak = peaks[next].value;
          row.peak_index = peaks[next++].index;
        }
    }
    const auto sums = cuda::reduce_rows<cuda::Sums<cuda::kProducts>>(
        op, device,
        rows_of<AddProducts<T>>(of, rows, [&](std::size_t t, std::size_t r, std::int64_t first) {
          return AddProducts<T>{Vectors<T>(of[t], first), p, rows[t][r].peak_index};
        }));
    std::size_t next = 0;
    for (std::vector<SphereProducts>& parameter : rows)
      for (SphereProducts& row : parameter)
        add_products(row, cuda::products_of(sums[next++].value));
  });
}

const Fill fill_sphere_products{sphere_products, DeviceType::CUDA, &sphere_products_cuda};

}  // namespace
}  // namespace rho::kernels
