// The IDX format of MNIST and Fashion-MNIST (LeCun, Cortes and Burges), plain or gzip.
#pragma once

#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// An IDX file of unsigned bytes: uint8, the shape that its header gives. Throws, naming the file,
/// where the header or the size is wrong.
Tensor read_idx(const std::string& path);

/// train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz], t10k-... in `directory`: images
/// [N, H, W, 1], ten classes. `name` is what the data set calls itself.
Split load_idx(const std::string& name, const std::string& directory);

}  // namespace rho::datasets
