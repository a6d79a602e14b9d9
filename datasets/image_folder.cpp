#include "datasets/image_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

#include "datasets/image.h"

namespace rho::datasets {
namespace fs = std::filesystem;
namespace {

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// The order of a directory is the file system's; ours must be the same everywhere.
template <class Keep>
std::vector<fs::path> sorted_entries(const fs::path& folder, const Keep& keep) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (keep(entry)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<fs::path> class_folders(const fs::path& folder) {
  check(fs::is_directory(folder), "folder", folder.string(),
        " is not a folder; expected train/CLASS/ and test/CLASS/ with images");
  std::vector<fs::path> classes =
      sorted_entries(folder, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  check(!classes.empty(), "folder", folder.string(), " has no folder of a class");
  return classes;
}

struct Labelled {
  fs::path path;
  std::int64_t label;
};

std::vector<Labelled> list_images(const fs::path& folder, const std::vector<std::string>& names) {
  std::vector<Labelled> images;
  for (const fs::path& class_folder : class_folders(folder)) {
    const auto found = std::find(names.begin(), names.end(), class_folder.filename().string());
    check(found != names.end(), "folder", class_folder.string(),
          " is a class that the training folder lacks");
    const std::vector<fs::path> files =
        sorted_entries(class_folder, [](const fs::directory_entry& entry) {
          return entry.is_regular_file() && is_image(entry.path());
        });
    check(!files.empty(), "folder", class_folder.string(), " has no .jpg, .jpeg or .png file");
    for (const fs::path& file : files) images.push_back({file, found - names.begin()});
  }
  return images;
}

Dataset read_images(const std::string& name, const std::vector<Labelled>& images,
                    std::int64_t classes, const Shape& expected) {
  Dataset out{name, {}, {}, classes};
  const auto count = static_cast<std::int64_t>(images.size());
  std::vector<std::int64_t> labels;
  std::uint8_t* target = nullptr;
  for (const Labelled& image : images) {
    const Tensor pixels = decode_image(image.path.string());
    const Shape& shape = pixels.shape();
    if (labels.empty()) {
      out.examples = Tensor::empty({count, shape[0], shape[1], shape[2]}, DType::UInt8);
      target = out.examples.data<std::uint8_t>();
    }
    const Shape first = expected.empty() ? out.examples.select(0, 0).shape() : expected;
    check(shape == first, "folder", image.path.string(), " is ", shape[1], " x ", shape[0],
          " pixels, expected ", first[1], " x ", first[0], " as the first image is");
    target = std::copy_n(pixels.data<std::uint8_t>(), pixels.numel(), target);
    labels.push_back(image.label);
  }
  out.labels = Tensor::from(labels, {count});
  return out;
}

}  // namespace

Split load_image_folder(const std::string& directory) {
  const fs::path train_folder = fs::path(directory) / "train";
  std::vector<std::string> names;
  for (const fs::path& folder : class_folders(train_folder))
    names.push_back(folder.filename().string());
  const auto classes = static_cast<std::int64_t>(names.size());
  Split split;
  split.train = read_images("folder/train", list_images(train_folder, names), classes, {});
  split.test = read_images("folder/test", list_images(fs::path(directory) / "test", names), classes,
                           split.train.examples.select(0, 0).shape());
  return split;
}

}  // namespace rho::datasets
