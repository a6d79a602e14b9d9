// One launch over many rows of different lengths, as all parameters of a network have: rows are cut
// into pieces of one size, and a block takes a piece. A Row is a function object that knows where
// its elements are; rows and pieces travel to the device together, in one copy.
#pragma once

#include <vector>

#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/reduction.cuh"
#include "tensor/shared.h"

namespace rho::kernels::cuda {

/// A row on its way: how many elements row(i) has.
template <class Row>
struct Sized {
  Row row;
  std::int64_t count;
};

template <class Row>
struct Piece {
  Row row;
  std::int64_t first, end;
  std::int64_t number;  // of the row
};

/// The pieces of all rows, in their order. Their size depends on nothing.
template <class Row>
std::vector<Piece<Row>> pieces_of(const std::vector<Sized<Row>>& rows) {
  constexpr std::int64_t kSize = 4096;
  std::vector<Piece<Row>> out;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::int64_t first = 0; first < rows[r].count; first += kSize)
      out.push_back({rows[r].row, first, std::min(first + kSize, rows[r].count),
                     static_cast<std::int64_t>(r)});
  return out;
}

template <class Row, class Setting>
__global__ void for_each_if_finite(const Piece<Row>* pieces, std::int64_t count,
                                   const Setting* from, std::int64_t settings, Setting* to,
                                   int* is_bad, std::int64_t* nonfinite) {
  // The host's memory is far away: read once.
  if (blockIdx.x == 0)
    for (std::int64_t i = threadIdx.x; i < settings; i += blockDim.x) to[i] = from[i];
  for (std::int64_t p = blockIdx.x; p < count; p += gridDim.x) {
    const Piece<Row>& piece = pieces[p];
    const Row row = piece.row;
    bool bad = false;
    for (std::int64_t i = piece.first + threadIdx.x; i < piece.end; i += blockDim.x) {
      const bool finite = row.is_finite(i);  // read before anything is asked
      bad = bad || !finite;
    }
    const int any = __syncthreads_or(bad ? 1 : 0);
    if (threadIdx.x == 0) is_bad[p] = any;
  }
  wait_for_grid();
  const std::int64_t first = first_of_block(is_bad, count);
  if (blockIdx.x == 0 && threadIdx.x == 0) *nonfinite = first < 0 ? -1 : pieces[first].number;
  if (first >= 0) return;
  for (std::int64_t p = blockIdx.x; p < count; p += gridDim.x) {
    const Piece<Row>& piece = pieces[p];
    const Row row = piece.row;
    const Setting setting = to[row.setting];
    read_ahead(
        piece.first + threadIdx.x, piece.end, blockDim.x,
        [&](std::int64_t i) { return row.read(i); },
        [&](std::int64_t i, const auto& read) { row(setting, i, read); });
  }
}

/// row(settings[row.setting], i, row.read(i)) for every element i of every row, where
/// row.is_finite(i) holds for all of them; else nothing is done, and `nonfinite` becomes the number
/// of the first row where it does not, else -1. One launch.
template <class Row, class Setting>
void for_each_in_finite_rows(std::string_view op, Device device,
                             const std::vector<Sized<Row>>& rows, const Shared<Setting>& settings,
                             const Shared<std::int64_t>& nonfinite) {
  const std::vector<Piece<Row>> pieces = pieces_of(rows);
  nonfinite.front() = -1;
  if (pieces.empty()) return;
  const auto count = static_cast<std::int64_t>(pieces.size());
  const auto set = static_cast<std::int64_t>(settings.values().size());
  const Buffer<Piece<Row>> there(pieces, device);
  const Buffer<Setting> copied(set, device);
  const Buffer<int> is_bad(count, device);
  launch_cooperative(op, device, for_each_if_finite<Row, Setting>, count, there.data(), count,
                     settings.data(), set, copied.data(), is_bad.data(), nonfinite.data());
}

template <class State, class Row>
__global__ void reduce_pieces(const Piece<Row>* pieces, State* out) {
  __shared__ State states[kThreads];
  const Piece<Row>& piece = pieces[blockIdx.x];
  const Row row = piece.row;
  State state = State::nothing();
  for (std::int64_t i = piece.first + threadIdx.x; i < piece.end; i += blockDim.x) row(i, state);
  meet(states, state, threadIdx.x, blockDim.x, 1);
  if (threadIdx.x == 0) out[blockIdx.x] = states[0];
}

/// Of each row: State::nothing(), row(i, state) for every element i, merged in an order that the
/// counts alone decide. Waits for the result, which is for the host.
template <class State, class Row>
std::vector<State> reduce_rows(std::string_view op, Device device,
                               const std::vector<Sized<Row>>& rows) {
  const std::vector<Piece<Row>> pieces = pieces_of(rows);
  const Buffer<State> there(static_cast<std::int64_t>(pieces.size()), device);
  if (!pieces.empty()) {
    const Buffer<Piece<Row>> uploaded(pieces, device);
    launch(op, device, reduce_pieces<State, Row>, static_cast<unsigned>(pieces.size()), kThreads,
           uploaded.data(), there.data());
  }
  const std::vector<State> found = there.download();
  std::vector<State> out;
  std::size_t next = 0;
  for (const Sized<Row>& row : rows) {
    State state = State::nothing();
    for (std::int64_t done = 0; done < row.count; done = pieces[next++].end)
      state.merge(found[next]);
    out.push_back(state);
  }
  return out;
}

}  // namespace rho::kernels::cuda
