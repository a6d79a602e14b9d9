// IDX files, plain and gzip, made here byte for byte; and Debian's Fashion-MNIST, where installed.
#include "datasets/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <numeric>

#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;
using testing::TemporaryFolder;

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(static_cast<unsigned char>(value >> shift));
  return bytes;
}

std::string idx(const std::vector<std::uint32_t>& shape, const std::string& data) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) bytes += big_endian(extent);
  return bytes + data;
}

void write_gzip(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())),
            static_cast<int>(content.size()));
  gzclose(file);
}

const std::string kPixels("\x00\x01\x02\x03\x04\xff\x80\x07\x08\x09\x0a\x0b", 12);

void write_set(const TemporaryFolder& folder) {
  folder.write("train-images-idx3-ubyte", idx({2, 2, 3}, kPixels));
  folder.write("train-labels-idx1-ubyte", idx({2}, "\x09\x01"));
  write_gzip(folder.file("t10k-images-idx3-ubyte.gz"), idx({1, 2, 3}, kPixels.substr(6)));
  write_gzip(folder.file("t10k-labels-idx1-ubyte.gz"), idx({1}, "\x05"));
}

TEST(Idx, ReadsPlainAndGzip) {
  const TemporaryFolder folder;
  write_set(folder);
  const Split split = load("mnist", folder.string());
  EXPECT_EQ(split.train.name, "mnist/train");
  EXPECT_EQ(split.train.examples.shape(), (Shape{2, 2, 3, 1}));
  EXPECT_EQ(split.train.examples.to_vector<int>(),
            (std::vector<int>{0, 1, 2, 3, 4, 255, 128, 7, 8, 9, 10, 11}));
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{9, 1}));
  EXPECT_EQ(split.train.classes, 10);
  EXPECT_EQ(split.test.examples.to_vector<int>(), (std::vector<int>{128, 7, 8, 9, 10, 11}));
  EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{5}));
}

TEST(Idx, DamagedFilesAreNamed) {
  const TemporaryFolder folder;
  write_set(folder);
  const auto expect_refused = [&](const std::string& name, const std::string& content,
                                  const std::string& expected) {
    const std::string path = folder.write(name, content);
    const std::string message = message_of([&] { load("mnist", folder.string()); });
    EXPECT_TRUE(contains(message, path));
    EXPECT_TRUE(contains(message, expected));
    write_set(folder);
  };
  const std::string images = "train-images-idx3-ubyte", labels = "train-labels-idx1-ubyte";
  expect_refused(images, "", "too few");
  expect_refused(images, "PK\x03\x04 and more", "does not begin like an IDX file");
  expect_refused(images, idx({2, 2, 3}, "").substr(0, 9), "ends within its header");
  expect_refused(images, idx({2, 2, 3}, kPixels.substr(1)), "11 bytes of data, expected 12");
  expect_refused(images, idx({2, 2, 3}, kPixels + "x"), "13 bytes of data, expected 12");
  expect_refused(images, idx({1U << 31, 1U << 31, 1U << 31, 16}, kPixels), "expected");
  expect_refused(images, idx({12}, kPixels), "expected [images, rows, columns]");
  expect_refused(labels, idx({1}, "\x01"), "expected [2]");
  expect_refused(labels, idx({2}, "\x01\x0a"), "label 10 at 1, expected 0 to 9");
}

TEST(Idx, DamagedGzipIsNamed) {
  const TemporaryFolder folder;
  write_set(folder);
  const std::string path = folder.file("t10k-images-idx3-ubyte.gz");
  const std::string whole = testing::read_text(path);
  folder.write("t10k-images-idx3-ubyte.gz", whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(contains(message_of([&] { load("mnist", folder.string()); }), path));
  std::string flipped = whole;
  flipped[whole.size() - 6] = static_cast<char>(flipped[whole.size() - 6] ^ 0x55);  // the checksum
  folder.write("t10k-images-idx3-ubyte.gz", flipped);
  EXPECT_TRUE(contains(message_of([&] { load("mnist", folder.string()); }), path));
}

TEST(Idx, MissingFilesAreNamed) {
  const TemporaryFolder folder;
  const std::string message = message_of([&] { load("mnist", folder.string()); });
  EXPECT_TRUE(contains(message, folder.file("train-images-idx3-ubyte")));
  EXPECT_TRUE(contains(message, ".gz"));
  EXPECT_TRUE(contains(message_of([] { load("mnist", ""); }), "mnist:DIR"));
  EXPECT_TRUE(contains(message_of([] { load("minst", ""); }), "fashion-mnist"));
}

TEST(Idx, FashionMnistOfDebian) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const Split split = load("fashion-mnist", "");
  EXPECT_EQ(split.train.examples.shape(), (Shape{60000, 28, 28, 1}));
  EXPECT_EQ(split.test.examples.shape(), (Shape{10000, 28, 28, 1}));
  std::vector<int> count(10);
  for (const int label : split.test.labels.to_vector<int>())
    ++count[static_cast<std::size_t>(label)];
  EXPECT_EQ(count, std::vector<int>(10, 1000));
  // The mean pixel, as the field quotes it: 0.2860, with standard deviation 0.3530.
  const Standardization measured = measure_standardization(split.train);
  EXPECT_NEAR(measured.mean[0], 0.2860, 5e-5);
  EXPECT_NEAR(measured.std[0], 0.3530, 5e-5);
}

}  // namespace
}  // namespace rho::datasets
