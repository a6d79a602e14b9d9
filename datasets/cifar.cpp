#include "datasets/cifar.h"

#include <filesystem>
#include <vector>

#include "datasets/bytes.h"

namespace rho::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSide = 32, kChannels = 3, kPlane = kSide * kSide;

struct Format {
  std::string archive_folder;  ///< what the official archive unpacks to
  std::size_t label_bytes;     ///< before the pixels; the last one is the class
  std::int64_t classes;
};
const Format kCifar10{"cifar-10-batches-bin", 1, 10};
const Format kCifar100{"cifar-100-binary", 2, 100};

Dataset read_files(const std::string& name, const std::string& directory, const Format& format,
                   const std::vector<std::string>& files) {
  const std::size_t record = format.label_bytes + kChannels * kPlane;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
  for (const std::string& file : files) {
    const std::string path = find_plain_or_gzip(directory, file);
    const std::vector<std::uint8_t> bytes = read_bytes(path);
    check(!bytes.empty() && bytes.size() % record == 0, "cifar", path, " has ", bytes.size(),
          " bytes, expected a multiple of ", record, " (", format.label_bytes,
          " of labels and 3 x 32 x 32 of pixels)");
    for (std::size_t at = 0; at < bytes.size(); at += record) {
      const std::uint8_t label = bytes[at + format.label_bytes - 1];
      check(label < format.classes, "cifar", path, " has label ", int{label}, " in record ",
            at / record, ", expected 0 to ", format.classes - 1);
      labels.push_back(label);
      const std::uint8_t* const planes = bytes.data() + at + format.label_bytes;
      for (std::int64_t p = 0; p < kPlane; ++p)
        for (std::int64_t c = 0; c < kChannels; ++c) pixels.push_back(planes[c * kPlane + p]);
    }
  }
  const auto count = static_cast<std::int64_t>(labels.size());
  return {name, Tensor::from(pixels, {count, kSide, kSide, kChannels}),
          Tensor::from(labels, {count}), format.classes};
}

std::string folder_of(const std::string& directory, const Format& format) {
  const fs::path nested = fs::path(directory) / format.archive_folder;
  return fs::is_directory(nested) ? nested.string() : directory;
}

}  // namespace

Split load_cifar10(const std::string& directory) {
  const std::string folder = folder_of(directory, kCifar10);
  return {read_files("cifar10/train", folder, kCifar10,
                     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                      "data_batch_4.bin", "data_batch_5.bin"}),
          read_files("cifar10/test", folder, kCifar10, {"test_batch.bin"})};
}

Split load_cifar100(const std::string& directory) {
  const std::string folder = folder_of(directory, kCifar100);
  return {read_files("cifar100/train", folder, kCifar100, {"train.bin"}),
          read_files("cifar100/test", folder, kCifar100, {"test.bin"})};
}

}  // namespace rho::datasets
