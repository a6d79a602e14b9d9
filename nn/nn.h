// Every layer.
#pragma once

#include "nn/layers/batch_norm2d.h"
#include "nn/layers/conv2d.h"
#include "nn/layers/fixed_signs.h"
#include "nn/layers/flatten.h"
#include "nn/layers/grouped_linear.h"
#include "nn/layers/identity.h"
#include "nn/layers/linear.h"
#include "nn/layers/pool.h"
#include "nn/layers/relu.h"
#include "nn/layers/residual.h"
#include "nn/layers/sequential.h"
#include "nn/layers/weight_norm.h"
