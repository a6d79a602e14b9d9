// Decoding one JPEG or PNG file.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace rho::datasets {

/// The image in `path` as uint8 [H, W, 3], red, green, blue, as Pillow's convert("RGB") has it:
/// grey becomes three equal channels, alpha is dropped, 16 bits lose the lower 8. The content, not
/// the name, tells the format. Throws, naming the file, when it is neither format, truncated or
/// corrupt.
Tensor decode_image(const std::string& path);

}  // namespace rho::datasets
