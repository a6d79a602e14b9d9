#include "autograd/ops/softmax.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "kernels/copy.h"
#include "kernels/softmax.h"

namespace rho {

Variable log_softmax(const Variable& x) {
  check(x.rank() >= 1 && (x.size(-1) >= 1 || x.numel() == 0), "log_softmax",
        "expects [..., C] with C >= 1, found ", x.shape());
  const Tensor out = Tensor::empty(x.shape(), x.dtype(), x.value().device());
  if (x.numel() > 0) {
    const Shape rows{x.numel() / x.size(-1), x.size(-1)};
    kernels::log_softmax(kernels::contiguous(x.value()).view(rows), out.view(rows));
  }
  // The rule uses softmax(x) as exp of the saved output, a constant here; its own derivative is the
  // composite's.
  return record_fused(
      "log_softmax", out, {x},
      [y = Variable(out)](const Variable& g) {
        return std::vector{g - exp(y) * sum(g, {-1}, true)};
      },
      [](std::span<const Variable> in) {
        // Any constant may be subtracted before the exponential; the largest keeps it finite.
        const Variable shifted = in[0] - max(in[0].detach(), -1, true);
        return shifted - log(sum(exp(shifted), {-1}, true));
      });
}

}  // namespace rho
