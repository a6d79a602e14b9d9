#include "tools/sweep/ranks.h"

#include "tensor/error.h"

#ifdef RHO_MPI

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <thread>

namespace rho::sweep {
namespace {

constexpr int kAsk = 1, kAnswer = 2;
constexpr std::uint64_t kNoneLeft = UINT64_MAX;

// MPI's own waits keep a processor busy, which a training could use.
template <class Meanwhile>
void wait_for(MPI_Request& request, Meanwhile&& meanwhile) {
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    meanwhile();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Ranks::Ranks(int* argc, char*** argv, std::size_t count) : count_(count) {
  MPI_Init(argc, argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
}

Ranks::~Ranks() { MPI_Finalize(); }

std::size_t Ranks::take() { return given_ < count_ ? given_++ : kNoneLeft; }

std::optional<std::size_t> Ranks::next() {
  std::uint64_t number = 0;
  if (first()) {
    number = take();
  } else {
    MPI_Request answer;
    MPI_Irecv(&number, 1, MPI_UINT64_T, 0, kAnswer, MPI_COMM_WORLD, &answer);
    MPI_Send(nullptr, 0, MPI_BYTE, 0, kAsk, MPI_COMM_WORLD);
    wait_for(answer, [] {});
  }
  return number == kNoneLeft ? std::nullopt : std::optional<std::size_t>(number);
}

void Ranks::serve() {
  if (!first()) return;
  for (int asked = 1; asked != 0;) {
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kAsk, MPI_COMM_WORLD, &asked, &status);
    if (asked == 0) return;
    MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, kAsk, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    const std::uint64_t number = take();
    MPI_Send(&number, 1, MPI_UINT64_T, status.MPI_SOURCE, kAnswer, MPI_COMM_WORLD);
  }
}

void Ranks::meet() {
  MPI_Request all;
  MPI_Ibarrier(MPI_COMM_WORLD, &all);
  wait_for(all, [this] { serve(); });
}

}  // namespace rho::sweep

#else

namespace rho::sweep {

Ranks::Ranks(int*, char***, std::size_t count) : count_(count) {
  fail("mpi", "this rho-sweep was built without MPI: install libopenmpi-dev and build again");
}
Ranks::~Ranks() = default;
std::size_t Ranks::take() { return given_++; }
std::optional<std::size_t> Ranks::next() { return std::nullopt; }
void Ranks::serve() {}
void Ranks::meet() {}

}  // namespace rho::sweep

#endif
