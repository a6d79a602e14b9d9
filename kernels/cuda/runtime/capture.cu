#include <vector>

#include "kernels/cuda/runtime/capture.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/runtime/of_thread.cuh"
#include "tensor/graph.h"

namespace rho::kernels::cuda {
namespace {

constexpr auto kOp = "cuda graph";

// What this thread is capturing.
struct Current {
  std::vector<Tensor>* kept = nullptr;
};

class CudaGraph final : public Graph {
 public:
  CudaGraph(Device device, const std::function<void()>& body)
      : device_(device), order_(next_order()) {
    allocator(DeviceType::CUDA).reserve(order_);
    try {
      record(body);
    } catch (...) {
      give_back();
      throw;
    }
  }
  ~CudaGraph() override {
    if (cudaSetDevice(device_.index) != cudaSuccess || cudaGraphExecDestroy(graph_) != cudaSuccess)
      static_cast<void>(cudaGetLastError());  // at exit the driver may be gone already
    give_back();
  }

  void replay() override {
    check_status(cudaGraphLaunch(graph_, stream_of(device_).handle), kOp);
    if (is_blocking()) synchronize(device_, kOp);
  }

 private:
  // Ends the capture, whatever happens while it is on.
  class Recording {
   public:
    Recording(Stream& stream, std::uint64_t order, std::vector<Tensor>& kept) : stream_(stream) {
      // Other threads, and this one for the allocator, may call what would otherwise be unsafe.
      check_status(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeRelaxed), kOp);
      stream.captured = order;
      of_thread<Current>().kept = &kept;
    }
    ~Recording() {
      if (is_on_) static_cast<void>(stop());
      if (graph_ != nullptr) static_cast<void>(cudaGraphDestroy(graph_));
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    /// What was captured; this owns it.
    cudaGraph_t finish() {
      check_status(stop(), kOp);
      return graph_;
    }

   private:
    cudaError_t stop() {
      is_on_ = false;
      of_thread<Current>().kept = nullptr;
      stream_.captured = 0;
      const cudaError_t status = cudaStreamEndCapture(stream_.handle, &graph_);
      if (status != cudaSuccess) static_cast<void>(cudaGetLastError());
      return status;
    }

    Stream& stream_;
    cudaGraph_t graph_ = nullptr;
    bool is_on_ = true;
  };

  void record(const std::function<void()>& body) {
    Stream& stream = stream_of(device_);
    check(stream.captured == 0, kOp, "a capture within a capture");
    Recording recording(stream, order_, kept_);
    body();
    check_status(cudaGraphInstantiate(&graph_, recording.finish(), 0), kOp);
  }

  void give_back() noexcept { allocator(DeviceType::CUDA).end_reserve(order_); }

  Device device_;
  std::uint64_t order_;
  std::vector<Tensor> kept_;
  cudaGraphExec_t graph_ = nullptr;
};

[[maybe_unused]] const bool registered = [] {
  register_capture(DeviceType::CUDA,
                   {[](Device device, const std::function<void()>& body) -> std::unique_ptr<Graph> {
                      return std::make_unique<CudaGraph>(device, body);
                    },
                    [] { return !is_blocking(); }});
  return true;
}();

}  // namespace

void keep_while_captured(const Tensor& tensor, Device device) {
  if (stream_of(device).captured != 0) of_thread<Current>().kept->push_back(tensor);
}

}  // namespace rho::kernels::cuda
