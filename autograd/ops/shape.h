// Operations that move elements without computing.
#pragma once

#include "autograd/variable.h"

namespace rho {

Variable reshape(const Variable& x, const Shape& shape);  ///< row-major; one extent may be -1
Variable permute(const Variable& x, const Dims& order);
Variable transpose(const Variable& x, std::int64_t a, std::int64_t b);
Variable expand(const Variable& x, const Shape& shape);
Variable slice(const Variable& x, std::int64_t dim, std::int64_t begin, std::int64_t end,
               std::int64_t step = 1);
/// `before[d]` and `after[d]` constants of `value` around dimension d.
Variable pad(const Variable& x, const Dims& before, const Dims& after, double value = 0.0);
Variable concat(const std::vector<Variable>& parts, std::int64_t dim);

}  // namespace rho
