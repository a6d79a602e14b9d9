#include "autograd/ops/epilogue.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/relu.h"

namespace rho {

Variable apply(const Epilogue& epilogue, const Variable& y) {
  Variable out = y;
  if (const Variable& residual = epilogue.residual; residual.defined()) {
    check(residual.shape() == y.shape(), "epilogue", "expects a residual ", y.shape(), ", found ",
          residual.shape());
    out = out + residual;
  }
  return epilogue.relu ? relu(out) : out;
}

}  // namespace rho
