#include "kernels/cuda/nvidia/cudnn_functions.cuh"

#include "kernels/library.h"

namespace rho::kernels::nvidia {

const CudnnFunctions& cudnn() {
  static const CudnnFunctions functions = [] {
    const Library library("provider nvidia", "libcudnn.so." + std::to_string(CUDNN_MAJOR));
    return CudnnFunctions{library["cudnnGetVersion"],
                          library["cudnnGetErrorString"],
                          library["cudnnCreate"],
                          library["cudnnSetStream"],
                          library["cudnnCreateTensorDescriptor"],
                          library["cudnnSetTensor4dDescriptor"],
                          library["cudnnDestroyTensorDescriptor"],
                          library["cudnnCreateFilterDescriptor"],
                          library["cudnnSetFilter4dDescriptor"],
                          library["cudnnDestroyFilterDescriptor"],
                          library["cudnnCreateConvolutionDescriptor"],
                          library["cudnnSetConvolution2dDescriptor"],
                          library["cudnnSetConvolutionGroupCount"],
                          library["cudnnSetConvolutionMathType"],
                          library["cudnnDestroyConvolutionDescriptor"],
                          library["cudnnGetConvolutionForwardAlgorithm_v7"],
                          library["cudnnGetConvolutionBackwardDataAlgorithm_v7"],
                          library["cudnnGetConvolutionBackwardFilterAlgorithm_v7"],
                          library["cudnnConvolutionForward"],
                          library["cudnnConvolutionBackwardData"],
                          library["cudnnConvolutionBackwardFilter"]};
  }();
  return functions;
}

}  // namespace rho::kernels::nvidia
