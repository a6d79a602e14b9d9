// Reductions over the middle dimension of [A, R, B] whose result depends on the shape alone: R is
// cut into slices, a block takes one slice of some columns, its threads each a part of that, and
// the parts meet in a fixed order. So do the slices, in the block that comes last.
#pragma once

#include <algorithm>

#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/runtime/arrival.cuh"
#include "kernels/cuda/runtime/buffer.cuh"

namespace rho::kernels::cuda {

/// K sums in double: what a reduction carries along.
template <int K>
struct Sums {
  double value[K];

  __host__ __device__ static Sums nothing() {
    Sums out;
    for (double& value : out.value) value = 0.0;
    return out;
  }
  __host__ __device__ void merge(const Sums& other) {
    for (int k = 0; k < K; ++k) value[k] += other.value[k];
  }
};

/// The largest value and its first position. A NaN is larger than every number.
template <class T>
struct Largest {
  T value;
  std::int64_t index;  // -1: none yet

  __host__ __device__ static Largest nothing() { return {T{0}, -1}; }
  __host__ __device__ void merge(const Largest& other) {
    if (other.index < 0) return;
    const bool is_nan = std::isnan(other.value), has_nan = std::isnan(value);
    const bool ties = is_nan ? has_nan : other.value == value;
    const bool wins = is_nan ? !has_nan : !has_nan && other.value > value;
    if (index < 0 || wins || (ties && other.index < index)) *this = other;
  }
};

/// The states of `threads` threads, `step` apart, meet pairwise in the first of them.
template <class State>
__device__ void meet(State* states, const State& own, unsigned thread, unsigned threads,
                     unsigned step) {
  states[thread] = own;
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread / step < half) states[thread].merge(states[thread + half * step]);
  }
}

/// Merges states[i * stride] for i = first, first + step, ... below count, in this order; their
/// reads are under way eight at a time.
template <class State>
__device__ void merge_every(State& state, const State* states, std::int64_t stride,
                            std::int64_t first, std::int64_t count, std::int64_t step) {
  constexpr int kAtOnce = 8;
  std::int64_t i = first;
  for (; i + (kAtOnce - 1) * step < count; i += kAtOnce * step) {
    State read[kAtOnce];
#pragma unroll
    for (int n = 0; n < kAtOnce; ++n) read[n] = states[(i + n * step) * stride];
#pragma unroll
    for (int n = 0; n < kAtOnce; ++n) state.merge(read[n]);
  }
  for (; i < count; i += step) state.merge(states[i * stride]);
}

/// How [A, R, B] is cut.
struct Slicing {
  std::int64_t outer, rows, columns;
  std::int64_t groups;  ///< of `width` neighbouring columns
  std::int64_t slices = 1, per_slice;
  unsigned threads = kThreads;  ///< of a block

  Slicing(std::int64_t a, std::int64_t r, std::int64_t b, int width)
      : outer(a), rows(r), columns(b), groups((b + width - 1) / width), per_slice(r) {
    // A few blocks for every multiprocessor of a large device, and rows enough for every thread.
    constexpr std::int64_t kBlocks = 1024, kRowsPerThread = 8;
    static_assert(kBlocks <= kArrivals);
    constexpr unsigned kLeast = 32;
    const std::int64_t full = kRowsPerThread * kThreads / width;
    const std::int64_t wanted =
        std::min((rows + full - 1) / full, kBlocks / std::max<std::int64_t>(outer * groups, 1));
    if (wanted > 1) {
      per_slice = (rows + wanted - 1) / wanted;
      slices = (rows + per_slice - 1) / per_slice;
    }
    while (threads > kLeast && threads / 2 * kRowsPerThread >= per_slice * width) threads /= 2;
  }
  std::int64_t blocks() const { return outer * groups * slices; }
};

/// One slice of kWidth columns: row lanes add up their rows, then meet pairwise. Where the slice is
/// all there is, the result goes to finish(a, b, state); else into `partial` [A, slices, B], and
/// the last block of these columns does with the slices what all did with rows.
template <int kWidth, class State, class Term, class Finish>
__global__ void reduce_slices(Slicing of, Term term, Finish finish, State* partial,
                              unsigned* arrived) {
  __shared__ State states[kThreads];
  const int lanes = static_cast<int>(blockDim.x) / kWidth;
  const int thread = static_cast<int>(threadIdx.x), lane = thread / kWidth;
  const std::int64_t block = blockIdx.x, slice = block / of.groups % of.slices,
                     group = block % of.groups, a = block / (of.groups * of.slices),
                     b = group * kWidth + thread % kWidth;
  const bool has_column = b < of.columns, leads = lane == 0 && has_column;
  State state = State::nothing();
  if (has_column) {
    const auto column = term.column(a, b);  // what its rows share is found once
    const std::int64_t end = std::min((slice + 1) * of.per_slice, of.rows);
    for (std::int64_t r = slice * of.per_slice + lane; r < end; r += lanes) column(r, state);
  }
  meet(states, state, threadIdx.x, static_cast<unsigned>(lanes), unsigned{kWidth});
  if (of.slices > 1) {
    State* const slices = partial + a * of.slices * of.columns + b;
    if (leads) slices[slice * of.columns] = states[thread];
    if (!is_last(arrived[a * of.groups + group], static_cast<unsigned>(of.slices))) return;
    state = State::nothing();
    if (has_column) merge_every(state, slices, of.columns, lane, of.slices, lanes);
    meet(states, state, threadIdx.x, static_cast<unsigned>(lanes), unsigned{kWidth});
  }
  if (leads) finish(a, b, states[thread]);
}

template <int kWidth, class State, class Term, class Finish>
void reduce_columns(std::string_view op, Device device, std::int64_t outer, std::int64_t rows,
                    std::int64_t columns, const Term& term, const Finish& finish) {
  const Slicing of(outer, rows, columns, kWidth);
  const Buffer<State> partial(of.slices > 1 ? outer * of.slices * columns : 0, device);
  launch(op, device, reduce_slices<kWidth, State, Term, Finish>, static_cast<unsigned>(of.blocks()),
         of.threads, of, term, finish, partial.data(), arrivals(device));
}

/// For every a < outer and b < columns: State::nothing(), term.column(a, b)(r, state) for every
/// r < rows, merged, and then finish(a, b, state).
template <class State, class Term, class Finish>
void reduce(std::string_view op, Device device, std::int64_t outer, std::int64_t rows,
            std::int64_t columns, const Term& term, const Finish& finish) {
  if (outer * columns == 0) return;
  if (columns == 1)
    reduce_columns<1, State>(op, device, outer, rows, columns, term, finish);
  else if (columns <= 8)
    reduce_columns<8, State>(op, device, outer, rows, columns, term, finish);
  else if (columns <= 16)
    reduce_columns<16, State>(op, device, outer, rows, columns, term, finish);
  else
    reduce_columns<32, State>(op, device, outer, rows, columns, term, finish);
}

}  // namespace rho::kernels::cuda
