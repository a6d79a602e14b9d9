// The binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009).
#pragma once

#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// data_batch_1.bin ... data_batch_5.bin and test_batch.bin, in `directory` or in its
/// cifar-10-batches-bin: images [N, 32, 32, 3], ten classes. Each file may be gzip (NAME.gz).
Split load_cifar10(const std::string& directory);

/// train.bin and test.bin, in `directory` or in its cifar-100-binary: images [N, 32, 32, 3], the
/// hundred fine classes.
Split load_cifar100(const std::string& directory);

}  // namespace rho::datasets
