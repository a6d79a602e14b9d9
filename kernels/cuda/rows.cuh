// One launch over many rows of different lengths, as all parameters of a network have: rows are cut
// into pieces of one size, and a block takes a piece. A Row is a function object that knows where
// its elements are; rows and pieces travel to the device together, in one copy.
#pragma once

#include <vector>

#include "kernels/cuda/reduction.cuh"

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
};

/// The pieces of all rows, in their order. Their size depends on nothing.
template <class Row>
std::vector<Piece<Row>> pieces_of(const std::vector<Sized<Row>>& rows) {
  constexpr std::int64_t kSize = 16384;
  std::vector<Piece<Row>> out;
  for (const auto& [row, count] : rows)
    for (std::int64_t first = 0; first < count; first += kSize)
      out.push_back({row, first, std::min(first + kSize, count)});
  return out;
}

template <class Row>
__global__ void for_each_kernel_of_rows(const Piece<Row>* pieces) {
  const Piece<Row>& piece = pieces[blockIdx.x];
  const Row row = piece.row;
  for (std::int64_t i = piece.first + threadIdx.x; i < piece.end; i += blockDim.x) row(i);
}

/// row(i) for every element i of every row.
template <class Row>
void for_each_in_rows(std::string_view op, Device device, const std::vector<Sized<Row>>& rows) {
  const std::vector<Piece<Row>> pieces = pieces_of(rows);
  if (pieces.empty()) return;
  const Buffer<Piece<Row>> there(pieces, device);
  launch(op, device, for_each_kernel_of_rows<Row>, static_cast<unsigned>(pieces.size()), kThreads,
         there.data());
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
