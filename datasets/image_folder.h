// Images in folders, a folder a class, as torchvision's ImageFolder reads them.
#pragma once

#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// `directory`/train/CLASS/* and `directory`/test/CLASS/*, JPEG (.jpg, .jpeg) and PNG (.png); other
/// files are ignored. Classes are the folders of train in the order of their names, and examples
/// are in the order of their paths: uint8 [N, H, W, 3]. Throws, naming the file or folder, where
/// images differ in size, a class is empty, or test has a class that train lacks.
Split load_image_folder(const std::string& directory);

}  // namespace rho::datasets
