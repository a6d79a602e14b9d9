// CUDA graphs (tensor/graph.h).
#include "kernels/cuda/runtime/launch.cuh"
#include "tensor/graph.h"

namespace rho::kernels::cuda {
namespace {

constexpr auto kOp = "cuda graph";

class CudaGraph final : public Graph {
 public:
  CudaGraph(Device device, const std::function<void()>& body)
      : device_(device), captured_{next_order(), {}} {
    allocator(DeviceType::CUDA).reserve(captured_.order);
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
    Recording(Stream& stream, Captured& captured) : stream_(stream) {
      const std::scoped_lock lock(stream.capturing);
      // Other threads, and this one for the allocator, may call what would otherwise be unsafe.
      check_status(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeRelaxed), kOp);
      stream.captured = &captured;
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
      const std::scoped_lock lock(stream_.capturing);
      stream_.captured = nullptr;
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
    check(stream.captured == nullptr, kOp, "a capture within a capture");
    Recording recording(stream, captured_);
    body();
    check_status(cudaGraphInstantiate(&graph_, recording.finish(), 0), kOp);
  }

  void give_back() noexcept { allocator(DeviceType::CUDA).end_reserve(captured_.order); }

  Device device_;
  Captured captured_;
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
}  // namespace rho::kernels::cuda
