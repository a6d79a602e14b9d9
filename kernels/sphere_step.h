// Contract of a step on norm spheres, of all parameters at once: it takes the inner products of
// every row (kernels/sphere_products.h), finds from them alone where each row goes, and moves, or,
// where one row can not, leaves everything as it was.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/directions.h"
#include "kernels/sgd.h"
#include "tensor/shared.h"

namespace rho::kernels {

/// rho' = keep rho + start rho_0 + shift + along <V, G>, with rho_0 where training began.
struct ScaleRule {
  double keep = 1.0, start = 0.0, shift = 0.0, along = 0.0;
};

/// What a step asks for, alike for all rows.
struct SphereStep {
  int direction = 0;  ///< the rule's number in Directions
  double p = 2.0;     ///< order of the norm, >= 1 or infinity
  SgdStep descent{};  ///< all of it for parameters on no sphere; no weight decay for the others
  ScaleRule scale;    ///< how rho moves
  bool retracts{};    ///< V ends at V' / ||V'||_p
};

/// What the host knows of a row; rho = 0: it has no direction, and stays.
struct SphereRow {
  double rho = 0.0, initial_rho = 0.0;
};

enum class SphereFault {
  None,
  Gradient,  ///< it is not finite
  Length,    ///< V' would be of length `found`
  Rho,       ///< it would become `found`
};

/// What came of a row.
struct SphereResult {
  SphereFault fault = SphereFault::None;
  double found = 0.0;
  double rho = 0.0;     ///< the next one
  double length = 1.0;  ///< by which V' was divided
  double force = 0.0;   ///< see Turn
  bool shortened = false, held = false;
};

/// Tensors whose rows r together are one row each. V and its velocity u move in place; u is empty
/// where there is no momentum.
struct SphereGroup {
  std::vector<Tensor> v, u, g;
  std::vector<Tensor> w;  ///< rho' V', with V' as it was rounded
  std::size_t rows = 1;
  std::size_t first = 0;  ///< number of its first row, in SphereRow and SphereResult

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    for (const std::vector<Tensor>* const list : {&v, &u, &g, &w})
      for (const Tensor& x : *list) visit(x);
  }
};

/// One step. The parameters of `free` are on no sphere and go where sgd would take them; their
/// results follow those of `rows`. Where any has a fault, nothing but the results has changed. The
/// host can read them after results.wait(). Sums are in double, in an order that shapes alone
/// decide.
inline constinit Slot<void(const std::vector<SphereGroup>& groups,
                           const std::vector<SgdVectors>& free, const Shared<SphereStep>& step,
                           const Shared<SphereRow>& rows, const Shared<SphereResult>& results)>
    sphere_step{"sphere_step"};

/// A longer V' is a fault: it would overflow float32 when it is squared.
inline constexpr double kLongest = 1e18;

/// Where a row goes.
struct SphereMove {
  Combination point;     ///< V'
  Combination velocity;  ///< u'
  double weight = 1.0;   ///< of W = weight V'
};

struct SpherePlan {
  SphereMove move;
  SphereResult result;
};

/// ||V||_p of a row, from its products with the normal of that p.
constexpr double length(const SphereProducts& of, double p) {
  if (std::isinf(p)) return of.peak;
  if (p == 1.0) return of.vn;
  return p == 2.0 ? std::sqrt(of.vv) : std::pow(of.vn, 1.0 / p);
}

/// The steps that retract measure ||V'||_p where it ends: for p = 2 alone the products say it.
constexpr bool measures(const SphereStep& step) { return step.retracts && step.p != 2.0; }

/// Where the step takes a row with a finite gradient, by its products:
///   u'   = S_p (momentum u + pull G)
///   g    = -lr (momentum u + pull G), or with nesterov -lr (momentum u' + pull G)
///   V'   = the rule's turn along g
/// A row whose step would leave no V (V + g = 0) stays, which is counted as held.
constexpr SpherePlan plan_row(const SphereStep& step, const SphereRow& row,
                              const SphereProducts& of) {
  // What is left of V is rounding, relative to V and the step: its length is the root of a
  // difference of products.
  constexpr double kNothing = 1e-7;
  SpherePlan out;
  out.move = {along_point(1.0), {}, row.rho};
  out.result.rho = row.rho;
  out.result.held = true;
  if (row.rho == 0.0) return out;
  Directions::visit(step.direction, [&](auto rule) {
    constexpr bool kIsFree = decltype(rule)::back == Return::Free;
    const double before = std::sqrt(of.vv);
    if (kIsFree) out.move.weight = row.rho / before;
    const Combination gradient = along_gradient(rule.pull(row.rho, before));
    const Combination pulled = along_velocity(step.descent.momentum) + gradient;
    const Combination velocity = project(of, pulled);
    const Combination ahead =
        step.descent.nesterov ? step.descent.momentum * velocity + gradient : pulled;
    const Combination g = -step.descent.lr * ahead;
    const Turn turn = rule.turn(of, g);
    const double left = std::sqrt(std::max(0.0, inner(of, turn.point, turn.point)));
    if (!(left < kLongest)) {
      out.result.fault = SphereFault::Length;
      out.result.found = left;
      return;
    }
    if (!(left > kNothing * (before + std::sqrt(inner(of, g, g))))) return;
    out.result.held = false;
    out.result.force = turn.force;
    out.result.shortened = turn.shortened;
    const auto& [keep, start, shift, along] = step.scale;
    const double next = keep * row.rho + start * row.initial_rho + shift +
                        along * (kIsFree ? of.vg / before : of.vg);
    out.result.rho = next;
    if (!(next > 0.0 && std::isfinite(next))) {
      out.result.fault = SphereFault::Rho;
      out.result.found = next;
      return;
    }
    out.move = {turn.point, velocity, kIsFree ? next / left : next};
    if (!step.retracts || step.p != 2.0) return;
    out.move.point = (1.0 / left) * turn.point;
    out.result.length = left;
  });
  return out;
}

}  // namespace rho::kernels
