// A step on norm spheres in one launch: blocks take pieces of rows, the same in every pass, and
// wait for each other between passes.
#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/sphere_normal.cuh"
#include "kernels/cuda/vector.cuh"
#include "kernels/sphere_step.h"

namespace rho::kernels {
namespace {

constexpr auto kOp = "sphere_step";
/// Elements of a piece: some for every thread, and pieces for a large device. An estimate.
constexpr std::int64_t kPieceSize = 4096;

/// Neighbouring elements of one tensor in one row, or of a parameter on no sphere.
template <class T>
struct Piece {
  T *v, *u;  // u may be null; of a parameter on no sphere v is x
  const T* g;
  T* out;                   // W, or the next x
  std::int64_t place = 0;   // of its first element in the row, which may have several tensors
  std::int64_t count = 0;   // of its elements
  std::int64_t number = 0;  // of its result
  std::int64_t first = 0, end = 0;  // the pieces of its row
  bool is_free = false;
};

using Peak = cuda::Largest<double>;
// The products, and 0 where every element of the gradient is finite.
using Products = cuda::Sums<cuda::kProducts + 1>;
constexpr int kNonfinite = cuda::kProducts;
using Power = cuda::Sums<1>;

/// Where a row goes.
struct Planned {
  SphereMove move;
  Peak peak;  // p = infinity: at which place in the row n is not 0
  double rho, length;
};

/// Between the passes.
struct Found {
  Peak* peaks;         // of each piece
  Products* products;  // of each piece
  Power* powers;       // of each piece
  int* is_bad;         // of each piece: whether its row has a fault, at the row's first one
  Planned* planned;    // of each result
  SphereStep* step;
  SphereRow* rows;
};

/// body(i) for every element of a piece.
template <class T, class Body>
__device__ void for_each_element(const Piece<T>& piece, const Body& body) {
  for (std::int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) body(i);
}

/// The largest |V_i|.
template <class T>
__device__ Peak peak_of(const Piece<T>& piece) {
  Peak own = Peak::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    own.merge({std::abs(static_cast<double>(piece.v[i])), piece.place + i});
  });
  return cuda::merged_in_block(own);
}

template <class T>
__device__ Products products_of(const Piece<T>& piece, double p, std::int64_t peak) {
  Products own = Products::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    const double g = static_cast<double>(piece.g[i]);
    own.value[kNonfinite] += g - g;
    if (piece.is_free) return;
    const double v = static_cast<double>(piece.v[i]);
    cuda::add_products(own.value, v, static_cast<double>(cuda::value_or_0<T>(piece.u, i)), g,
                       cuda::normal(v, p, piece.place + i, peak));
  });
  return cuda::merged_in_block(own);
}

/// sum_i |V_i|^p.
template <class T>
__device__ Power power_of(const Piece<T>& piece, double p) {
  Power own = Power::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    const double v = static_cast<double>(piece.v[i]);
    own.value[0] += v * cuda::normal(v, p, i, -1);
  });
  return cuda::merged_in_block(own);
}

template <class T>
struct Element {
  T v, u, g;
};

template <class T>
__device__ void move(const Piece<T>& piece, double p, const SphereStep& step, const Planned& to) {
  const SphereMove row = to.move;
  const std::int64_t peak = to.peak.index;
  const bool ends = !measures(step), has_u = piece.u != nullptr;
  cuda::read_ahead(
      threadIdx.x, piece.count, blockDim.x,
      [&](std::int64_t i) {
        return Element<T>{piece.v[i], cuda::value_or_0<T>(piece.u, i), piece.g[i]};
      },
      [&](std::int64_t i, Element<T> of) {
        if (piece.is_free) {
          if (has_u) {
            piece.out[i] = sgd_element(step.descent, of.v, of.g, &of.u);
            piece.u[i] = of.u;
          } else {
            piece.out[i] = sgd_element<T>(step.descent, of.v, of.g, nullptr);
          }
          return;
        }
        const double v = static_cast<double>(of.v), u = static_cast<double>(of.u),
                     g = static_cast<double>(of.g), n = cuda::normal(v, p, piece.place + i, peak);
        const auto mix = [&](const Combination& by) {
          return by.v * v + by.u * u + by.g * g + by.n * n;
        };
        const T point = static_cast<T>(mix(row.point));
        piece.v[i] = point;
        if (has_u) piece.u[i] = static_cast<T>(mix(row.velocity));
        if (ends) piece.out[i] = static_cast<T>(row.weight * static_cast<double>(point));
      });
}

/// V / length, and its weight.
template <class T>
__device__ void retract(const Piece<T>& piece, const Planned& to) {
  const double scale = 1.0 / to.length, rho = to.rho;
  cuda::read_ahead(
      threadIdx.x, piece.count, blockDim.x, [&](std::int64_t i) { return piece.v[i]; },
      [&](std::int64_t i, T v) {
        const T point = static_cast<T>(scale * static_cast<double>(v));
        piece.v[i] = point;
        piece.out[i] = static_cast<T>(rho * static_cast<double>(point));
      });
}

/// `from`, `rows` and `results` are the host's memory, which is far away.
template <class T>
__global__ void __launch_bounds__(cuda::kThreads, 2)
    sphere_step_kernel(const Piece<T>* pieces, std::int64_t count, double p, const SphereStep* from,
                       const SphereRow* rows, std::int64_t row_count, SphereResult* results,
                       Found found) {
  // A block takes a piece; a warp takes a row, that of a piece where one begins.
  const auto for_each_piece = [&](const auto& body) {
    for (std::int64_t i = blockIdx.x; i < count; i += gridDim.x) {
      const Piece<T> piece = pieces[i];
      body(i, piece);
    }
  };
  const auto for_each_row = [&](const auto& body) {
    constexpr std::int64_t kWarps = cuda::kThreads / 32;
    for (std::int64_t i = blockIdx.x * kWarps + threadIdx.x / 32; i < count;
         i += gridDim.x * kWarps)
      if (pieces[i].first == i) body(i, pieces[i]);
  };
  const bool leads = threadIdx.x == 0, leads_warp = threadIdx.x % 32 == 0;
  const bool has_peak = std::isinf(p);
  if (blockIdx.x == 0) {
    if (leads) *found.step = *from;
    for (std::int64_t r = threadIdx.x; r < row_count; r += blockDim.x) found.rows[r] = rows[r];
  }
  if (has_peak) {
    for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
      const Peak peak = peak_of(piece);
      if (leads) found.peaks[i] = peak;
    });
    cuda::wait_for_grid();
    for_each_row([&](std::int64_t, const Piece<T>& piece) {
      const Peak peak = cuda::merged_in_warp(found.peaks, piece.first, piece.end);
      if (leads_warp) found.planned[piece.number].peak = peak;
    });
    cuda::wait_for_grid();
  }
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    const Products products =
        products_of(piece, p, has_peak ? found.planned[piece.number].peak.index : -1);
    if (leads) found.products[i] = products;
    if (leads && i != piece.first) found.is_bad[i] = 0;
  });
  cuda::wait_for_grid();
  const SphereStep step = *found.step;
  for_each_row([&](std::int64_t i, const Piece<T>& piece) {
    const Products products = cuda::merged_in_warp(found.products, piece.first, piece.end);
    if (!leads_warp) return;
    Planned& planned = found.planned[piece.number];
    if (!has_peak) planned.peak = Peak::nothing();
    SpherePlan plan;
    if (!piece.is_free)
      plan = plan_row(step, found.rows[piece.number], cuda::products_of(products.value));
    if (products.value[kNonfinite] != 0.0) plan.result.fault = SphereFault::Gradient;
    planned.move = plan.move;
    planned.rho = plan.result.rho;
    results[piece.number] = plan.result;
    found.is_bad[i] = plan.result.fault != SphereFault::None ? 1 : 0;
  });
  cuda::wait_for_grid();
  if (cuda::first_of_block(found.is_bad, count) >= 0) return;
  for_each_piece([&](std::int64_t, const Piece<T>& piece) {
    move(piece, p, step, found.planned[piece.number]);
  });
  if (!measures(step)) return;
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    if (piece.is_free) return;
    if (has_peak) {
      const Peak peak = peak_of(piece);
      if (leads) found.peaks[i] = peak;
    } else {
      const Power power = power_of(piece, p);
      if (leads) found.powers[i] = power;
    }
  });
  cuda::wait_for_grid();
  for_each_row([&](std::int64_t, const Piece<T>& piece) {
    if (piece.is_free) return;
    SphereProducts of;
    if (has_peak)
      of.peak = cuda::merged_in_warp(found.peaks, piece.first, piece.end).value;
    else
      of.vn = cuda::merged_in_warp(found.powers, piece.first, piece.end).value[0];
    if (!leads_warp) return;
    const double measured = length(of, p);
    const double divided_by = measured > 0.0 ? measured : 1.0;
    found.planned[piece.number].length = divided_by;
    results[piece.number].length = divided_by;
  });
  cuda::wait_for_grid();
  for_each_piece([&](std::int64_t, const Piece<T>& piece) {
    if (!piece.is_free) retract(piece, found.planned[piece.number]);
  });
}

/// The pieces of all rows and of what is on no sphere.
template <class T>
class Pieces {
 public:
  void add(const SphereGroup& group) {
    const auto rows = static_cast<std::int64_t>(group.rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      std::int64_t place = 0;
      for (std::size_t t = 0; t < group.v.size(); ++t) {
        const std::int64_t columns = group.v[t].numel() / rows, at = r * columns;
        cut(columns, place,
            {group.v[t].data<T>() + at, group.u.empty() ? nullptr : group.u[t].data<T>() + at,
             group.g[t].data<T>() + at, group.w[t].data<T>() + at});
        place += columns;
      }
      end_row(static_cast<std::int64_t>(group.first) + r);
    }
  }
  /// `number`: of its result.
  void add(const SgdVectors& of, std::int64_t number) {
    cut(of.x.numel(), 0,
        {of.x.data<T>(), of.velocity.data_or_null<T>(), of.grad.data<T>(), of.out.data<T>()});
    for (std::size_t i = row_; i < all_.size(); ++i) all_[i].is_free = true;
    end_row(number);
  }

  const std::vector<Piece<T>>& all() const { return all_; }

 private:
  /// The elements from `piece`'s on, the first of which is at `place` in the row.
  void cut(std::int64_t count, std::int64_t place, Piece<T> piece) {
    const auto advance = [&](auto*& at) {
      if (at != nullptr) at += kPieceSize;
    };
    for (std::int64_t first = 0; first < count; first += kPieceSize) {
      piece.place = place + first;
      piece.count = std::min(kPieceSize, count - first);
      all_.push_back(piece);
      advance(piece.v), advance(piece.u), advance(piece.g), advance(piece.out);
    }
  }
  void end_row(std::int64_t number) {
    for (std::size_t i = row_; i < all_.size(); ++i) {
      all_[i].number = number;
      all_[i].first = static_cast<std::int64_t>(row_);
      all_[i].end = static_cast<std::int64_t>(all_.size());
    }
    row_ = all_.size();
  }

  std::vector<Piece<T>> all_;
  std::size_t row_ = 0;  // where the row begins
};

void sphere_step_cuda(const std::vector<SphereGroup>& groups, const std::vector<SgdVectors>& free,
                      const Shared<SphereStep>& step, const Shared<SphereRow>& rows,
                      const Shared<SphereResult>& results) {
  const Tensor& one = groups.empty() ? free.front().x : groups.front().v.front();
  const Device device = one.device();
  dispatch_floating(one.dtype(), kOp, [&]<class T>() {
    Pieces<T> pieces;
    for (const SphereGroup& group : groups) pieces.add(group);
    auto number = static_cast<std::int64_t>(rows.values().size());
    for (const SgdVectors& parameter : free) pieces.add(parameter, number++);
    const auto count = static_cast<std::int64_t>(pieces.all().size());
    if (count == 0) return;
    const cuda::Buffer<Piece<T>> there(pieces.all(), device);
    const cuda::Buffer<Peak> peaks(count, device);
    const cuda::Buffer<Products> products(count, device);
    const cuda::Buffer<int> is_bad(count, device);
    const cuda::Buffer<Planned> planned(static_cast<std::int64_t>(results.values().size()), device);
    const cuda::Buffer<Power> powers(count, device);
    const cuda::Buffer<SphereStep> step_there(1, device);
    const auto row_count = static_cast<std::int64_t>(rows.values().size());
    const cuda::Buffer<SphereRow> rows_there(row_count, device);
    cuda::launch_cooperative(kOp, device, sphere_step_kernel<T>, count, there.data(), count,
                             step.front().p, step.data(), rows.data(), row_count, results.data(),
                             Found{peaks.data(), products.data(), powers.data(), is_bad.data(),
                                   planned.data(), step_there.data(), rows_there.data()});
  });
}

const Fill fill_sphere_step{sphere_step, DeviceType::CUDA, &sphere_step_cuda};

}  // namespace
}  // namespace rho::kernels
