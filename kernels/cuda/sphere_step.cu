// A step on norm spheres in one launch: blocks take pieces of rows, the same in every pass, and
// wait for each other between passes.
#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/sphere_normal.cuh"
#include "kernels/sphere_step.h"

namespace rho::kernels {
namespace {

constexpr auto kOp = "sphere_step";
/// Elements of a piece: some for every thread, and pieces for a large device. An estimate.
constexpr std::int64_t kPieceSize = 4096;

/// Neighbouring elements of one tensor in one row, or of a parameter on no sphere.
template <class T>
struct Piece {
  const T *v, *g;
  T *u, *to_v, *w;          // u may be null; there is no w on no sphere
  std::int64_t place = 0;   // of its first element in the row, which may have several tensors
  std::int64_t count = 0;   // of its elements
  std::int64_t number = 0;  // of its result
  std::int64_t first = 0, end = 0;  // the pieces of its row
  bool is_free = false;
};

/// Where a row goes.
struct Planned {
  SphereMove move;
  std::int64_t peak;  // p = infinity: where n is not 0, as a place in the row
  double rho;
};

// The ten products, and 0 where every element of the gradient is finite.
using Products = cuda::Sums<11>;
using Peak = cuda::Largest<double>;

/// Between the passes.
struct Found {
  Peak* peaks;         // of each piece
  Products* products;  // of each piece
  int* is_bad;         // of each piece: whether its row has a fault, at the row's first one
  Planned* planned;    // of each result
  SphereStep* step;
};

/// What the pieces of a row have found, merged, for every thread of the block.
template <class T, class State>
__device__ State of_row(const Piece<T>& piece, const State* found) {
  State own = State::nothing();
  for (std::int64_t i = piece.first + threadIdx.x; i < piece.end; i += blockDim.x)
    own.merge(found[i]);
  return cuda::merged_in_block(own);
}

/// body(i) for every element of a piece.
template <class T, class Body>
__device__ void for_each_element(const Piece<T>& piece, const Body& body) {
  for (std::int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) body(i);
}

template <class T>
__device__ double value_or_0(const T* of, std::int64_t i) {
  return of != nullptr ? static_cast<double>(of[i]) : 0.0;
}

/// The largest |x_i|, x being V or V'.
template <class T>
__device__ Peak peak_of(const Piece<T>& piece, const T* x) {
  Peak own = Peak::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    own.merge({std::abs(static_cast<double>(x[i])), piece.place + i});
  });
  return cuda::merged_in_block(own);
}

template <class T>
__device__ Products products_of(const Piece<T>& piece, double p, std::int64_t peak) {
  Products own = Products::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    const double g = static_cast<double>(piece.g[i]);
    own.value[10] += g - g;
    if (piece.is_free) return;
    const double v = static_cast<double>(piece.v[i]);
    const double all[4] = {v, value_or_0(piece.u, i), g, cuda::normal(v, p, piece.place + i, peak)};
    int next = 0;  // vv vu vg vn, uu ug un, gg gn, nn
    for (int a = 0; a < 4; ++a)
      for (int b = a; b < 4; ++b) own.value[next++] += all[a] * all[b];
  });
  return cuda::merged_in_block(own);
}

/// sum_i |V'_i|^p, where <V, n> is in the products.
template <class T>
__device__ Products powers_of(const Piece<T>& piece, double p) {
  Products own = Products::nothing();
  for_each_element(piece, [&](std::int64_t i) {
    const double v = static_cast<double>(piece.to_v[i]);
    own.value[3] += v * cuda::normal(v, p, i, -1);
  });
  return cuda::merged_in_block(own);
}

__device__ SphereProducts in_words(const Products& sums, const Peak& peak) {
  const auto& [vv, vu, vg, vn, uu, ug, un, gg, gn, nn, fault] = sums.value;
  return {vv, vu, vg, vn, uu, ug, un, gg, gn, nn, peak.value, peak.index};
}

template <class T>
__device__ void move(const Piece<T>& piece, const SphereStep& step, const Planned& to) {
  if (piece.is_free) {
    const SgdStep descent = step.descent;
    for_each_element(piece, [&](std::int64_t i) {
      piece.to_v[i] =
          sgd_element(descent, piece.v[i], piece.g[i], piece.u != nullptr ? piece.u + i : nullptr);
    });
    return;
  }
  const double p = step.p;
  const bool ends = !measures(step);
  const Planned row = to;
  for_each_element(piece, [&](std::int64_t i) {
    const double v = static_cast<double>(piece.v[i]), u = value_or_0(piece.u, i),
                 g = static_cast<double>(piece.g[i]),
                 n = cuda::normal(v, p, piece.place + i, row.peak);
    const auto mix = [&](const Combination& of) {
      return of.v * v + of.u * u + of.g * g + of.n * n;
    };
    const T point = static_cast<T>(mix(row.move.point));
    piece.to_v[i] = point;
    if (piece.u != nullptr) piece.u[i] = static_cast<T>(mix(row.move.velocity));
    if (ends) piece.w[i] = static_cast<T>(row.move.weight * static_cast<double>(point));
  });
}

/// V' / length, and its weight.
template <class T>
__device__ void retract(const Piece<T>& piece, double length, double rho) {
  const double scale = 1.0 / length;
  for_each_element(piece, [&](std::int64_t i) {
    const T point = static_cast<T>(scale * static_cast<double>(piece.to_v[i]));
    piece.to_v[i] = point;
    piece.w[i] = static_cast<T>(rho * static_cast<double>(point));
  });
}

/// `from`, `rows` and `results` are the host's memory, which is far away: each is touched once.
template <class T>
__global__ void __launch_bounds__(cuda::kThreads, 2)
    sphere_step_kernel(const Piece<T>* pieces, std::int64_t count, double p, const SphereStep* from,
                       const SphereRow* rows, SphereResult* results, Found found) {
  const auto for_each_piece = [&](const auto& body) {
    for (std::int64_t i = blockIdx.x; i < count; i += gridDim.x) body(i, pieces[i]);
  };
  const bool leads = threadIdx.x == 0, has_peak = std::isinf(p);
  if (blockIdx.x == 0 && leads) *found.step = *from;
  if (has_peak) {
    for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
      const Peak peak = peak_of(piece, piece.v);
      if (leads) found.peaks[i] = peak;
    });
    cuda::wait_for_grid();
  }
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    const std::int64_t peak = has_peak ? of_row(piece, found.peaks).index : -1;
    const Products products = products_of(piece, p, peak);
    if (leads) found.products[i] = products;
  });
  cuda::wait_for_grid();
  const SphereStep step = *found.step;
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    SpherePlan plan;
    if (i == piece.first) {
      const Products products = of_row(piece, found.products);
      const Peak peak = has_peak ? of_row(piece, found.peaks) : Peak::nothing();
      if (!leads) return;
      if (!piece.is_free) plan = plan_row(step, rows[piece.number], in_words(products, peak));
      if (products.value[10] != 0.0) plan.result.fault = SphereFault::Gradient;
      found.planned[piece.number] = {plan.move, peak.index, plan.result.rho};
      results[piece.number] = plan.result;
    }
    if (leads) found.is_bad[i] = plan.result.fault != SphereFault::None ? 1 : 0;
  });
  cuda::wait_for_grid();
  if (cuda::first_of_block(found.is_bad, count) >= 0) return;
  for_each_piece(
      [&](std::int64_t, const Piece<T>& piece) { move(piece, step, found.planned[piece.number]); });
  if (!measures(step)) return;
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    if (has_peak) {
      const Peak peak = peak_of(piece, piece.to_v);
      if (leads) found.peaks[i] = peak;
    } else {
      const Products powers = powers_of(piece, p);
      if (leads) found.products[i] = powers;
    }
  });
  cuda::wait_for_grid();
  for_each_piece([&](std::int64_t i, const Piece<T>& piece) {
    if (piece.is_free) return;
    const Products powers = has_peak ? Products::nothing() : of_row(piece, found.products);
    const Peak peak = has_peak ? of_row(piece, found.peaks) : Peak::nothing();
    double measured = length(in_words(powers, peak), p);
    if (!(measured > 0.0)) measured = 1.0;
    retract(piece, measured, found.planned[piece.number].rho);
    if (leads && i == piece.first) results[piece.number].length = measured;
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
            {group.v[t].data<T>() + at, group.g[t].data<T>() + at,
             group.u.empty() ? nullptr : group.u[t].data<T>() + at, group.to_v[t].data<T>() + at,
             group.w[t].data<T>() + at});
        place += columns;
      }
      end_row(static_cast<std::int64_t>(group.first) + r);
    }
  }
  /// `number`: of its result.
  void add(const SgdVectors& of, std::int64_t number) {
    cut(of.x.numel(), 0,
        {of.x.data<T>(), of.grad.data<T>(), of.velocity.data_or_null<T>(), of.out.data<T>(),
         nullptr});
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
      advance(piece.v), advance(piece.g), advance(piece.u);
      advance(piece.to_v), advance(piece.w);
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
    const cuda::Buffer<SphereStep> copied(1, device);
    cuda::launch_cooperative(
        kOp, device, sphere_step_kernel<T>, count, there.data(), count, step.front().p, step.data(),
        rows.data(), results.data(),
        Found{peaks.data(), products.data(), is_bad.data(), planned.data(), copied.data()});
  });
}

const Fill fill_sphere_step{sphere_step, DeviceType::CUDA, &sphere_step_cuda};

}  // namespace
}  // namespace rho::kernels
