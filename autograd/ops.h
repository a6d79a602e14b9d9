// Every differentiable operation.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/epilogue.h"
#include "autograd/ops/index.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
