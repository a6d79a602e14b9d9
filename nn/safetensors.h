// The safetensors file format: named tensors and string metadata behind a JSON header.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace rho::nn {

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;
};

/// Writes `path` in one step: the new file is complete on the disk before it replaces an old one,
/// which a failure (a full disk, say) leaves as it was. Tensors of any strides; the names must
/// differ. Throws, naming the path.
/// Layout: length of the header (uint64, little-endian), header (JSON, padded with spaces to a
/// multiple of 8), elements of the tensors in row-major order, 8-byte types first so that every
/// tensor is aligned.
void write_safetensors(const std::string& path, const TensorFile& file);

/// Reads `path`, tensors in the header's order, into host memory. F32, F64, I64 and U8 keep their
/// type; F16 and BF16 become float32, I32 becomes int64, all exactly. Throws one error that names
/// the path where the file is cut short, the header is not valid, a tensor's bytes do not match its
/// shape and type, or the tensors do not fill the data without gaps and overlaps.
TensorFile read_safetensors(const std::string& path);

}  // namespace rho::nn
