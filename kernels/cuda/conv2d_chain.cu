#include "kernels/conv2d_chain.h"

namespace rho::kernels {
namespace {

const Fill fill_batch_norm_grad{conv2d_batch_norm_grad, DeviceType::CUDA,
                                &conv2d_then_batch_norm_grad};
const Fill fill_bias_relu_grad{conv2d_bias_relu_grad, DeviceType::CUDA,
                               &conv2d_then_bias_relu_grad};

}  // namespace
}  // namespace rho::kernels
