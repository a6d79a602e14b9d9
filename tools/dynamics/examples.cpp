#include "tools/dynamics/examples.h"

#include "tensor/random.h"

namespace rho::dynamics {

Examples two_clouds(std::int64_t count, std::int64_t seed) {
  const double centre[] = {1.5, 1.0}, length = norm(centre);
  Rng rng(static_cast<std::uint64_t>(seed));
  Examples out{2, {}, {}};
  while (static_cast<std::int64_t>(out.count()) < count) {
    const double y = out.count() % 2 == 0 ? 1.0 : -1.0;
    const double x[] = {y * centre[0] + 0.5 * rng.normal(), y * centre[1] + 0.5 * rng.normal()};
    if (y * dot(centre, x) < 0.3 * length) continue;
    out.x.insert(out.x.end(), {x[0], x[1]});
    out.y.push_back(y);
  }
  return out;
}

}  // namespace rho::dynamics
