#include "kernels/sphere_step.h"

#include <optional>
#include <utility>

#include "kernels/cpu/descend.h"
#include "kernels/cpu/note_nonfinite.h"
#include "kernels/cpu/sphere_rows.h"
#include "kernels/group_products.h"

namespace rho::kernels {
namespace {

using Plans = std::vector<SpherePlan>;  // of the rows of a group

/// Whether all gradients are finite, asked of their squares first, which may overflow.
bool is_finite(const SphereGroup& group, const GroupProducts& of) {
  bool all = true;
  for (const SphereProducts& row : of.rows) all = all && std::isfinite(row.gg);
  return all || !first_nonfinite(group.g);
}

/// Of each group, and into `results`; nothing where one of them has a fault.
std::optional<std::vector<Plans>> plan(const std::vector<SphereGroup>& groups,
                                       const std::vector<GroupProducts>& of,
                                       const std::vector<SgdVectors>& free, const SphereStep& step,
                                       std::span<const SphereRow> rows,
                                       std::span<SphereResult> results) {
  std::vector<Plans> out;
  bool any_fault = false;
  std::size_t next = 0;
  const auto note = [&](const SphereResult& result) {
    any_fault = any_fault || result.fault != SphereFault::None;
    results[next++] = result;
  };
  for (std::size_t k = 0; k < groups.size(); ++k) {
    Plans& plans = out.emplace_back();
    const bool has_gradient = is_finite(groups[k], of[k]);
    next = groups[k].first;
    for (const SphereProducts& row : of[k].rows) {
      plans.push_back(plan_row(step, rows[next], row));
      if (!has_gradient) plans.back().result.fault = SphereFault::Gradient;
      note(plans.back().result);
    }
  }
  next = rows.size();
  const auto nonfinite = cpu::first_nonfinite_gradient(free);
  for (std::size_t i = 0; i < free.size(); ++i)
    note({.fault = nonfinite == i ? SphereFault::Gradient : SphereFault::None});
  if (any_fault) return std::nullopt;
  return out;
}

template <class T, class Normal>
void move_elements(const cpu::Rows<T>& x, std::int64_t row, std::int64_t first, std::int64_t last,
                   const SphereMove& move, const Normal& normal, T* to_v, T* to_u, T* to_w) {
  const auto& [to, turn, weight] = move;
  for (std::int64_t i = first; i < last; ++i) {
    const auto v = static_cast<double>(x.v[i]);
    const double u = x.u != nullptr ? static_cast<double>(x.u[i]) : 0.0;
    const double g = x.g != nullptr ? static_cast<double>(x.g[i]) : 0.0;
    const double n = normal(v, i - row);
    const T point = static_cast<T>(to.v * v + to.u * u + to.g * g + to.n * n);
    to_v[i] = point;
    if (to_u != nullptr)
      to_u[i] = static_cast<T>(turn.v * v + turn.u * u + turn.g * g + turn.n * n);
    if (to_w != nullptr) to_w[i] = static_cast<T>(weight * static_cast<double>(point));
  }
}

/// Each row of x by its plan; peak(r): where n is not 0, for p = infinity.
template <class T, class Peak>
void move_rows(const cpu::Rows<T>& x, std::int64_t columns, double p, const Plans& plans,
               const Peak& peak, T* to_v, T* to_u, T* to_w) {
  cpu::for_each_piece(static_cast<std::int64_t>(plans.size()), columns,
                      [&](std::int64_t r, std::int64_t first, std::int64_t last) {
                        const auto at = static_cast<std::size_t>(r);
                        const std::int64_t row = r * columns;
                        cpu::with_normal(p, peak(at), [&](const auto& normal) {
                          move_elements(x, row, row + first, row + last, plans[at].move, normal,
                                        to_v, to_u, to_w);
                        });
                      });
}

/// body(T{}, t, columns) for every tensor of the group.
template <class Body>
void for_each_tensor(const SphereGroup& group, const Body& body) {
  for (std::size_t t = 0; t < group.v.size(); ++t)
    dispatch_floating(group.v[t].dtype(), "sphere_step", [&]<class T>() {
      body(T{}, t, group.v[t].numel() / static_cast<std::int64_t>(group.rows));
    });
}

void move(const SphereGroup& group, const GroupProducts& of, const SphereStep& step,
          const Plans& plans) {
  for_each_tensor(group, [&]<class T>(T, std::size_t t, std::int64_t columns) {
    T* const u = group.u.empty() ? nullptr : group.u[t].data<T>();
    const auto peak = [&](std::size_t r) {
      return of.peak_tensor[r] == t ? of.rows[r].peak_index : -1;
    };
    move_rows<T>({group.v[t].data<T>(), u, group.g[t].data<T>()}, columns, step.p, plans, peak,
                 group.v[t].data<T>(), u, measures(step) ? nullptr : group.w[t].data<T>());
  });
}

/// From where the moves have led, back to the spheres.
void retract(const std::vector<SphereGroup>& groups, double p, std::vector<Plans>& plans,
             std::span<SphereResult> results) {
  std::vector<GroupVectors> ends;
  ends.reserve(groups.size());
  for (const SphereGroup& group : groups) ends.push_back({group.v, {}, {}, group.rows});
  const std::vector<GroupProducts> of = group_products(ends, p);
  for (std::size_t k = 0; k < groups.size(); ++k) {
    for (std::size_t r = 0; r < groups[k].rows; ++r) {
      const double found = length(of[k].rows[r], p);
      SphereResult& result = results[groups[k].first + r];
      result.length = found > 0.0 ? found : 1.0;
      plans[k][r].move = {along_point(1.0 / result.length), {}, result.rho};
    }
    for_each_tensor(groups[k], [&]<class T>(T, std::size_t t, std::int64_t columns) {
      T* const v = groups[k].v[t].data<T>();
      // The normal has no part in it: that of p = 2 costs nothing.
      move_rows<T>(
          {v, nullptr, nullptr}, columns, 2.0, plans[k], [](std::size_t) { return -1; }, v, nullptr,
          groups[k].w[t].data<T>());
    });
  }
}

void sphere_step_cpu(const std::vector<SphereGroup>& groups, const std::vector<SgdVectors>& free,
                     const Shared<SphereStep>& shared, const Shared<SphereRow>& rows,
                     const Shared<SphereResult>& results) {
  const SphereStep& step = shared.front();
  std::vector<GroupVectors> vectors;
  vectors.reserve(groups.size());
  for (const SphereGroup& group : groups)
    vectors.push_back({group.v, group.u, group.g, group.rows});
  const std::vector<GroupProducts> of = group_products(vectors, step.p);
  auto plans = plan(groups, of, free, step, rows.values(), results.values());
  if (!plans) return;
  for (std::size_t k = 0; k < groups.size(); ++k) move(groups[k], of[k], step, (*plans)[k]);
  for (const SgdVectors& parameter : free) cpu::descend(parameter, step.descent);
  if (measures(step)) retract(groups, step.p, *plans, results.values());
}

const Fill fill_sphere_step{sphere_step, DeviceType::CPU, &sphere_step_cpu};

}  // namespace
}  // namespace rho::kernels
