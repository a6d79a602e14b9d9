// The binary formats of CIFAR-10 and CIFAR-100, from files made here.
#include "datasets/cifar.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;
using testing::TemporaryFolder;

// Pixel p of channel c of image i, unlike its neighbours in every direction.
int pixel(int i, int c, int p) { return (31 * i + 7 * c + p) % 256; }

std::string record(const std::string& labels, int i) {
  std::string bytes = labels;
  for (int c = 0; c < 3; ++c)
    for (int p = 0; p < 1024; ++p) bytes += static_cast<char>(pixel(i, c, p));
  return bytes;
}

void write_cifar10(const TemporaryFolder& folder, const std::string& prefix = "") {
  for (int batch = 1; batch <= 5; ++batch) {
    const int i = 2 * (batch - 1);
    folder.write(prefix + "data_batch_" + std::to_string(batch) + ".bin",
                 record(std::string(1, static_cast<char>(i % 10)), i) +
                     record(std::string(1, static_cast<char>(i % 10 + 1)), i + 1));
  }
  folder.write(prefix + "test_batch.bin", record("\x03", 50));
}

void expect_images(const Dataset& dataset, int first) {
  const std::vector<int> found = dataset.examples.to_vector<int>();
  std::vector<int> expected;
  for (int i = 0; i < dataset.size(); ++i)
    for (int p = 0; p < 1024; ++p)
      for (int c = 0; c < 3; ++c) expected.push_back(pixel(first + i, c, p));
  EXPECT_TRUE(found == expected);
}

TEST(Cifar, Cifar10IsChannelsLast) {
  for (const std::string prefix : {"", "cifar-10-batches-bin/"}) {
    const TemporaryFolder folder;
    write_cifar10(folder, prefix);
    const Split split = load("cifar10", folder.string());
    EXPECT_EQ(split.train.examples.shape(), (Shape{10, 32, 32, 3}));
    EXPECT_EQ(split.train.labels.to_vector<int>(),
              (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(split.train.classes, 10);
    expect_images(split.train, 0);
    EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{3}));
    expect_images(split.test, 50);
  }
}

TEST(Cifar, Cifar100HasTheFineClasses) {
  const TemporaryFolder folder;
  folder.write("train.bin", record("\x13\x63", 0) + record(std::string("\x01\0", 2), 1));
  folder.write("test.bin", record("\x02\x2a", 9));
  const Split split = load("cifar100", folder.string());
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{99, 0}));
  EXPECT_EQ(split.train.classes, 100);
  expect_images(split.train, 0);
  EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{42}));
  expect_images(split.test, 9);
}

TEST(Cifar, DamagedFilesAreNamed) {
  const TemporaryFolder folder;
  write_cifar10(folder);
  const std::string whole = testing::read_text(folder.file("data_batch_3.bin"));
  const auto refusal = [&](const std::string& content) {
    folder.write("data_batch_3.bin", content);
    return message_of([&] { load("cifar10", folder.string()); });
  };
  for (const std::string& damaged : {whole.substr(0, 5000), std::string(), whole + "x"}) {
    const std::string message = refusal(damaged);
    EXPECT_TRUE(contains(message, folder.file("data_batch_3.bin")));
    EXPECT_TRUE(contains(message, "expected a multiple of 3073"));
  }
  EXPECT_TRUE(contains(refusal(record("\x03", 0) + record("\x0a", 0)),
                       "label 10 in record 1, expected 0 to 9"));
  std::filesystem::remove(folder.path() / "data_batch_3.bin");
  EXPECT_TRUE(contains(message_of([&] { load("cifar10", folder.string()); }), "data_batch_3.bin"));
}

}  // namespace
}  // namespace rho::datasets
