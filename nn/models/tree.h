// The networks of Issues section 1: a hierarchy of local functions, and a shallow network.
#pragma once

#include "nn/models/builder.h"

namespace rho::nn {

/// S_{units, D}: one hidden layer, x -> sum_k a_k (<w_k, x> + b_k)_+ for each class.
void build_shallow(Builder& builder, std::int64_t units);

/// D_{units, 2} (Issues fig. 1 b): a binary tree on D = 2^k inputs. Each of its D - 1 nodes is a
/// shallow network of units / (D - 1) units on the outputs of two nodes, or on two neighbouring
/// inputs; the root has an output for each class. Throws where D is not a power of two or D - 1
/// does not divide the units.
void build_compositional(Builder& builder, std::int64_t units);

}  // namespace rho::nn
