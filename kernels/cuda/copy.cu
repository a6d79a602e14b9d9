#include "kernels/copy.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/transfer.h"

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

void transfer_cuda(const void* src, Device from, void* dst, Device to, std::size_t bytes) {
  const Device device = from.type == DeviceType::CUDA ? from : to;
  cuda::check_status(cudaSetDevice(device.index), "transfer");
  // cudaMemcpyDefault finds both sides by their addresses; a pageable copy ends before it returns.
  cuda::check_status(cudaMemcpy(dst, src, bytes, cudaMemcpyDefault), "transfer");
}

const Fill fill_copy{copy, DeviceType::CUDA, &copy_cuda};
const bool transfer_filled = (transfer_function(DeviceType::CUDA) = &transfer_cuda) != nullptr;

}  // namespace
}  // namespace rho::kernels
