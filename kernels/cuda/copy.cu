#include "kernels/copy.h"
#include "kernels/cuda/elementwise.cuh"

namespace rho::kernels {
namespace {

template <class To>
struct Convert {
  template <class From>
  __device__ To operator()(From value) const {
    return static_cast<To>(value);
  }
};

void copy_cuda(const Tensor& src, const Tensor& dst) {
  check(src.shape() == dst.shape(), "copy", "from shape ", src.shape(), " to ", dst.shape());
  dispatch_all(src.dtype(), "copy", [&]<class From>() {
    dispatch_all(dst.dtype(), "copy",
                 [&]<class To>() { cuda::map<To, From>("copy", src, dst, Convert<To>{}); });
  });
}

const Fill fill_copy{copy, DeviceType::CUDA, &copy_cuda};

}  // namespace
}  // namespace rho::kernels
