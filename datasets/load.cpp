#include <functional>
#include <map>

#include "datasets/cifar.h"
#include "datasets/csv.h"
#include "datasets/dataset.h"
#include "datasets/idx.h"
#include "datasets/image_folder.h"

namespace rho::datasets {
namespace {

struct Reader {
  std::function<Split(const std::string& directory)> read;
  std::string default_directory;
};

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> table{
      {"fashion-mnist",
       {[](const std::string& directory) { return load_idx("fashion-mnist", directory); },
        "/usr/share/datasets/fashion-mnist"}},  // Debian's package dataset-fashion-mnist
      {"mnist", {[](const std::string& directory) { return load_idx("mnist", directory); }, ""}},
      {"cifar10", {load_cifar10, ""}},
      {"cifar100", {load_cifar100, ""}},
      {"csv", {load_csv, ""}},
      {"folder", {load_image_folder, ""}},
  };
  return table;
}

}  // namespace

Split load(const std::string& name, const std::string& directory) {
  const auto found = readers().find(name);
  if (found == readers().end()) {
    std::string names;
    for (const auto& [known, reader] : readers()) names += (names.empty() ? "" : ", ") + known;
    fail("data", "\"", name, "\" is none of ", names);
  }
  const Reader& reader = found->second;
  const std::string place = directory.empty() ? reader.default_directory : directory;
  check(!place.empty(), "data", name, " has no default place; expected ", name, ":DIR");
  return reader.read(place);
}

}  // namespace rho::datasets
