// The part of CUDA that Rho's kernels use, for a machine without a GPU: kernels compile as C++ and
// run on the host, one block after another, or, where a launch says that its blocks wait for each
// other, side by side in threads of the host; the threads of a block as fibers that switch where
// they wait. It is slow, and checks what a compiler cannot: results, bounds (with the
// address sanitizer), barriers that not every thread reaches, host code that touches device memory,
// and what nobody waits for: a stream does its work only when somebody does. What depends on the
// hardware - timing, races, how tensor cores round their sums - it does not show.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

// NOLINTBEGIN: names and macros are CUDA's.
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __shared__ static thread_local

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned to_x = 1, unsigned to_y = 1, unsigned to_z = 1)
      : x(to_x), y(to_y), z(to_z) {}
};
inline thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidDevice = 101,
  cudaErrorNotReady = 600,
  cudaErrorCooperativeLaunchTooLarge = 720,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
};
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDriverEntryPointQueryResult {
  cudaDriverEntryPointSuccess = 0,
  cudaDriverEntryPointSymbolNotFound = 1,
};
inline constexpr unsigned long long cudaEnableDefault = 0;
enum cudaMemcpyKind { cudaMemcpyDefault = 4 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
using cudaStream_t = struct CUstream_st*;
using cudaEvent_t = struct CUevent_st*;
using cudaGraph_t = struct CUgraph_st*;
using cudaGraphExec_t = struct CUgraphExec_st*;
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;
inline constexpr unsigned cudaHostAllocPortable = 1, cudaHostAllocMapped = 2;

struct cudaFuncAttributes {
  int ptxVersion = 0;
};

enum cudaLaunchAttributeID { cudaLaunchAttributeCooperative = 2 };
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id = cudaLaunchAttributeCooperative;
  struct {
    int cooperative = 0;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};

cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaMalloc(void** pointer, std::size_t bytes);
cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes);
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned flags);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeHost(void* pointer);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
/// Knows cuTensorMapEncodeTiled.
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned version,
                                             unsigned long long flags,
                                             cudaDriverEntryPointQueryResult* result);

namespace rho::cuda_emulator {

/// Runs body(), which is `kernel`, as every thread of every block, when the stream comes to it.
cudaError_t run(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body);
/// Allows `kernel` so much dynamic shared memory, instead of 48 KiB.
cudaError_t set_most_shared_memory(const void* kernel, int bytes);

/// Until every living thread of the block, of the warp, or of a cooperative grid waits too.
void wait_for_block();
void wait_for_warp();
void wait_for_grid();

/// How many blocks of any kernel a multiprocessor runs side by side.
inline constexpr int kBlocksPerMultiprocessor = 1;

/// What a lane of this warp shows the others.
using Shown = std::array<std::uint32_t, 6>;
Shown& shown_by(unsigned lane);
unsigned lane();

/// ldmatrix.sync.aligned.m8n8.x4.shared.b16; all lanes take part.
void load_matrices(const std::uint32_t* line, std::uint32_t (&words)[4]);

/// mma.sync.aligned of m16n8k8.row.col.f32.tf32.tf32.f32, and of
/// m16n8k16.row.col.f32.bf16.bf16.f32; all lanes take part. Each sums up in double and rounds to
/// float once; what a device does there, PTX leaves open.
void mma_m16n8k8_tf32(float (&sums)[4], const std::uint32_t (&left)[4],
                      const std::uint32_t (&right)[2]);
void mma_m16n8k16_bf16(float (&sums)[4], const std::uint32_t (&left)[4],
                       const std::uint32_t (&right)[2]);

/// What devices say of themselves from now on; at first 9.0.
void set_compute_capability(int major, int minor);
/// What kernels were compiled for, from now on: 10 times the compute capability; at first 90.
void set_ptx_version(int version);
int ptx_version();

}  // namespace rho::cuda_emulator

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  return rho::cuda_emulator::run(
      *config, reinterpret_cast<const void*>(kernel),
      [kernel, ... kept = std::decay_t<Arguments>(arguments)] { kernel(kept...); });
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute, int value) {
  return rho::cuda_emulator::set_most_shared_memory(reinterpret_cast<const void*>(kernel), value);
}

template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*)(Parameters...)) {
  attributes->ptxVersion = rho::cuda_emulator::ptx_version();
  return cudaSuccess;
}

template <class... Parameters>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*)(Parameters...), int,
                                                          std::size_t) {
  *blocks = rho::cuda_emulator::kBlocksPerMultiprocessor;
  return cudaSuccess;
}

inline void __syncthreads() { rho::cuda_emulator::wait_for_block(); }
inline int __syncthreads_or(int holds) {
  static thread_local int any;  // of a block, which one thread of the host runs
  any = 0;
  __syncthreads();
  if (holds != 0) any = 1;
  __syncthreads();
  const int answer = any;
  __syncthreads();
  return answer;
}
inline void __threadfence() {}

/// All lanes take part.
template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned mask) {
  static_assert(sizeof(T) <= sizeof(rho::cuda_emulator::Shown));
  const unsigned lane = rho::cuda_emulator::lane();
  __builtin_memcpy(&rho::cuda_emulator::shown_by(lane), &value, sizeof(T));
  rho::cuda_emulator::wait_for_warp();
  __builtin_memcpy(&value, &rho::cuda_emulator::shown_by(lane ^ mask), sizeof(T));
  rho::cuda_emulator::wait_for_warp();
  return value;
}

// One thread runs at a time, so these are atomic as they stand.
template <class T>
T atomicAdd(T* at, T value) {
  return std::exchange(*at, *at + value);
}
template <class T>
T atomicExch(T* at, T value) {
  return std::exchange(*at, value);
}
template <class T>
T atomicCAS_system(T* at, T expected, T value) {
  const T found = *at;
  if (found == expected) *at = value;
  return found;
}
// NOLINTEND
