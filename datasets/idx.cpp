#include "datasets/idx.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "datasets/bytes.h"

namespace rho::datasets {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr std::uint8_t kUnsignedByte = 0x08;

Dataset load_part(const std::string& name, const std::string& directory, const std::string& part) {
  const std::string image_path = find_plain_or_gzip(directory, part + "-images-idx3-ubyte");
  const std::string label_path = find_plain_or_gzip(directory, part + "-labels-idx1-ubyte");
  const Tensor images = read_idx(image_path);
  const Tensor labels = read_idx(label_path);
  check(images.rank() == 3, "idx", image_path, " has shape ", images.shape(),
        ", expected [images, rows, columns]");
  check(labels.rank() == 1 && labels.size(0) == images.size(0), "idx", label_path, " has shape ",
        labels.shape(), ", expected [", images.size(0), "] as ", image_path, " has");
  const std::vector<std::int64_t> values = labels.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i)
    check(values[i] < kClasses, "idx", label_path, " has label ", values[i], " at ", i,
          ", expected 0 to ", kClasses - 1);
  return {name, images.unsqueeze(-1), Tensor::from(values, labels.shape()), kClasses};
}

}  // namespace

Tensor read_idx(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  check(bytes.size() >= 4, "idx", path, " has ", bytes.size(), " bytes, too few for a header");
  const int rank = bytes[3];
  check(bytes[0] == 0 && bytes[1] == 0 && bytes[2] == kUnsignedByte && rank >= 1 && rank <= 4,
        "idx", path, " does not begin like an IDX file of unsigned bytes (0, 0, 8, rank)");
  const std::size_t header = 4 + 4 * static_cast<std::size_t>(rank);
  check(bytes.size() >= header, "idx", path, " ends within its header");
  Shape shape;
  std::size_t count = 1;
  for (std::size_t at = 4; at < header; at += 4) {
    const std::uint32_t extent = std::uint32_t{bytes[at]} << 24 |
                                 std::uint32_t{bytes[at + 1]} << 16 |
                                 std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
    shape.push_back(extent);
    // Saturates: a header of nonsense must not wrap around to the right size.
    if (__builtin_mul_overflow(count, std::size_t{extent}, &count)) count = ~std::size_t{0};
  }
  check(bytes.size() - header == count, "idx", path, " has ", bytes.size() - header,
        " bytes of data, expected ", count, " for shape ", shape);
  return Tensor::from(std::span(bytes).subspan(header), shape);
}

Split load_idx(const std::string& name, const std::string& directory) {
  return {load_part(name + "/train", directory, "train"),
          load_part(name + "/test", directory, "t10k")};
}

}  // namespace rho::datasets
