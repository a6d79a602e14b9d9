// Runs handed to the ranks of an MPI program.
#pragma once

#include <cstddef>
#include <optional>

namespace rho::sweep {

/// Rank 0 gives out the numbers 0 ... count - 1, each once, to whoever asks, itself included; it
/// works too, and answers between. No rank waits with its processor busy.
class Ranks {
 public:
  /// Starts MPI. Throws where this program was built without it.
  Ranks(int* argc, char*** argv, std::size_t count);
  /// Waits for all ranks, and ends MPI.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  bool first() const { return rank_ == 0; }
  /// The next number; nothing when there is none left.
  std::optional<std::size_t> next();
  /// Answers who has asked; call it now and then.
  void serve();
  /// Returns when every rank has come here.
  void meet();

 private:
  std::size_t take();

  std::size_t count_, given_ = 0;
  int rank_ = 0;
};

}  // namespace rho::sweep
