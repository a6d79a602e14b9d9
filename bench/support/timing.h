// Timing of functions that are compared: in turns, so that whatever else the machine does meets all
// of them alike.
#pragma once

#include <functional>
#include <vector>

namespace rho::bench {

/// Seconds of one of `calls` calls.
using Clock = std::function<double(const std::function<void()>& function, int calls)>;

/// A function that keeps its own time: seconds of one of `calls` calls.
using Timed = std::function<double(int calls)>;

/// The time of the host, for what is done when it returns: the median of the calls, since a call
/// that a virtual machine loses its core in takes ten times as long.
double host_clock(const std::function<void()>& function, int calls);

struct TurnOptions {
  int rounds = 5;
  /// Seconds that a function's calls of one round take together: threads that wake up after a rest
  /// share a core for some milliseconds, until the system spreads them.
  double block = 0.2;
  /// Seconds of rest between two blocks: the idle threads of OpenMP spin for some milliseconds
  /// after their last work, OpenBLAS's for a tenth of a second, and would take a core from the next
  /// function.
  double pause = 0.12;
  Clock clock = host_clock;
};

double median(std::vector<double> values);

/// Seconds of one call, by function and round.
class Turns {
 public:
  using Functions = std::vector<std::function<void()>>;

  /// A round is a block of calls of each function.
  Turns(const std::vector<Timed>& functions, const TurnOptions& options);
  /// The same, timed by options.clock.
  Turns(const Functions& functions, const TurnOptions& options);

  /// The median over the rounds.
  double seconds(std::size_t function) const { return median(seconds_[function]); }
  double fastest(std::size_t function) const;
  /// How many times as long as `other` the function takes: the median over the rounds, in each of
  /// which both met the same machine.
  double ratio(std::size_t function, std::size_t other) const;

 private:
  std::vector<std::vector<double>> seconds_;
};

}  // namespace rho::bench
