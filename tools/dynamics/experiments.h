// The published experiments on the dynamics: each integrates its flows, fits what the theory
// predicts a rate for, and draws one picture (docs/results/dynamics shows them).
#pragma once

#include <cstdint>

#include "tools/dynamics/report.h"
#include "tools/dynamics/system.h"

namespace rho::dynamics {

/// TheoryIII Fig. 1: a linear network of two parameters, two examples. Gradient flow and its
/// (rho, V) form coincide, weight normalization goes another way; descent follows each flow up to
/// the first order of its learning rate.
struct TrajectoriesOptions {
  Loss loss = Loss::Exponential;
  double t_end = 1e3;
};
Report trajectories(const TrajectoriesOptions& options);

/// TheoryIII Fig. 2, eq. 64-68: 1, 2, ... `layers` layers of one weight each, all equal to 1 at the
/// start, one example x = 1. The product rho grows faster than log t, a layer slower.
struct GrowthOptions {
  Loss loss = Loss::Exponential;
  double t_end = 1e12;
  int layers = 4;
};
Report growth(const GrowthOptions& options);

/// TheoryIII Fig. 3 and section 12: how fast the direction of a linear network on IRIS converges,
/// by gradient flow and by weight normalization; one example (number `example`, from 1), as it is
/// and scaled to unit norm, and all 100.
struct DirectionsOptions {
  Loss loss = Loss::Exponential;
  double t_end = 1e12;
  int example = 1;
  bool bias = false;  ///< a fifth input that is 1, for the 100 examples
};
Report directions(const DirectionsOptions& options);

/// TheoryIII theorem 5: the directions that flows with a growing rho find, against the hard-margin
/// support vector machine, on two clouds of `examples` points in the plane and on IRIS.
struct MarginsOptions {
  Loss loss = Loss::Exponential;
  double t_end = 1e12;
  int examples = 40;
  std::int64_t seed = 6;
  bool bias = false;  ///< a further input of IRIS that is 1
};
Report margins(const MarginsOptions& options);

/// A network of `layers` layers of `width` units with rectifiers between them, on two clouds of
/// `examples` points: differences of squared norms stay (TheoryIII eq. 63), the normalized margin
/// grows (lemma 8), 1 / L grows as for one example (eq. 64), descent follows the flow.
struct ReluOptions {
  Loss loss = Loss::Exponential;
  double t_end = 1e100;
  int layers = 3, width = 6, examples = 8;
  std::int64_t seed = 2;
};
Report relu(const ReluOptions& options);

/// Issues Fig. 2: SGD and SGDL on a potential of two variables with a degenerate and an isolated
/// minimum of equal depth, `chains` independent runs from `seed`.
struct MinimaOptions {
  double temperature = 0.25, lr = 0.01, t_end = 400.0;
  int chains = 400;
  std::int64_t seed = 1;
};
Report minima(const MinimaOptions& options);

}  // namespace rho::dynamics
