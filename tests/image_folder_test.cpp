// JPEG and PNG files in class folders; the files are made with libjpeg and libpng.
#include "datasets/image_folder.h"

#include <gtest/gtest.h>

#include <cstdio>
// jpeglib.h needs cstdio.
#include <jpeglib.h>
#include <png.h>

#include <cstdlib>

#include "datasets/image.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;
using testing::TemporaryFolder;
using Bytes = std::vector<std::uint8_t>;

// A smooth image, so that JPEG keeps it nearly as it is.
Bytes ramp(int height, int width, int channels) {
  Bytes pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels.push_back(static_cast<std::uint8_t>(20 + 5 * y + 3 * x + 40 * c));
  return pixels;
}

std::string png(int height, int width, unsigned format, const Bytes& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<unsigned>(width);
  image.height = static_cast<unsigned>(height);
  image.format = format;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string out(size, '\0');
  EXPECT_NE(png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr), 0);
  return out;
}

std::string jpeg(int height, int width, int channels, const Bytes& pixels) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<unsigned>(width);
  info.image_height = static_cast<unsigned>(height);
  info.input_components = channels;
  info.in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < height; ++y) {
    Bytes line(pixels.begin() + y * width * channels, pixels.begin() + (y + 1) * width * channels);
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return out;
}

void write_images(const TemporaryFolder& folder) {
  folder.write("train/cat/2.png", png(4, 5, PNG_FORMAT_RGB, ramp(4, 5, 3)));
  folder.write("train/cat/10.png", png(4, 5, PNG_FORMAT_GRAY, ramp(4, 5, 1)));
  folder.write("train/ant/a.JPG", jpeg(4, 5, 3, ramp(4, 5, 3)));
  folder.write("train/ant/notes.txt", "not an image");
  folder.write("test/cat/x.jpeg", jpeg(4, 5, 1, ramp(4, 5, 1)));
}

TEST(ImageFolder, ClassesAndExamplesAreInTheOrderOfTheirNames) {
  const TemporaryFolder folder;
  write_images(folder);
  const Split split = load("folder", folder.string());
  EXPECT_EQ(split.train.examples.shape(), (Shape{3, 4, 5, 3}));
  EXPECT_EQ(split.train.classes, 2);
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{1}));
  const auto example = [](const Dataset& dataset, int i) {
    return dataset.examples.select(0, i).to_vector<std::uint8_t>();
  };
  EXPECT_EQ(example(split.train, 2), ramp(4, 5, 3));
  Bytes grey;
  for (const std::uint8_t value : ramp(4, 5, 1)) grey.insert(grey.end(), 3, value);
  EXPECT_EQ(example(split.train, 1), grey);
  // JPEG at quality 95 changes a smooth image by a few levels.
  const auto expect_close = [](const Bytes& found, const Bytes& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 6) << i;
  };
  expect_close(example(split.train, 0), ramp(4, 5, 3));
  expect_close(example(split.test, 0), grey);
}

// One grey pixel; `gamma` 0 writes no such chunk.
std::string grey_png(int depth, const Bytes& sample, double gamma) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::string out;
  const auto append = [](png_structp writer, png_bytep bytes, std::size_t count) {
    static_cast<std::string*>(png_get_io_ptr(writer))
        ->append(reinterpret_cast<char*>(bytes), count);
  };
  png_set_write_fn(png, &out, append, [](png_structp) {});
  png_set_IHDR(png, info, 1, 1, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (gamma > 0) png_set_gAMA(png, info, gamma);
  png_write_info(png, info);
  png_write_row(png, sample.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

TEST(ImageFolder, SamplesAreTakenAsTheyAre) {
  const TemporaryFolder folder;
  const auto decoded = [&](const std::string& content) {
    return decode_image(folder.write("a.png", content)).to_vector<int>();
  };
  EXPECT_EQ(decoded(grey_png(8, {100}, 1.0)), (std::vector<int>{100, 100, 100}));
  EXPECT_EQ(decoded(grey_png(16, {100, 100}, 0.0)), (std::vector<int>{100, 100, 100}));
  EXPECT_EQ(decoded(png(1, 2, PNG_FORMAT_RGBA, {10, 20, 30, 255, 200, 100, 50, 128})),
            (std::vector<int>{10, 20, 30, 200, 100, 50}));
}

TEST(ImageFolder, DamagedImagesAreNamed) {
  const TemporaryFolder folder;
  const Bytes pixels = ramp(40, 50, 3);
  for (const std::string& whole : {png(40, 50, PNG_FORMAT_RGB, pixels), jpeg(40, 50, 3, pixels)}) {
    EXPECT_EQ(decode_image(folder.write("whole", whole)).shape(), (Shape{40, 50, 3}));
    for (const std::size_t size : {whole.size() - 30, whole.size() / 2, std::size_t{20}}) {
      const std::string path = folder.write("cut", whole.substr(0, size));
      EXPECT_TRUE(contains(message_of([&] { decode_image(path); }), path)) << size;
    }
  }
  const std::string text = folder.write("text.png", "hello");
  EXPECT_TRUE(contains(message_of([&] { decode_image(text); }), text + " is neither JPEG nor PNG"));
  const std::string empty = folder.write("empty.png", "");
  EXPECT_TRUE(contains(message_of([&] { decode_image(empty); }), empty));
}

TEST(ImageFolder, WrongFoldersAreNamed) {
  const auto refusal = [](const TemporaryFolder& folder) {
    return message_of([&] { load("folder", folder.string()); });
  };
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(refusal(folder), folder.file("train") + " is not a folder"));
  folder.write("train/readme.txt", "no classes");
  EXPECT_TRUE(contains(refusal(folder), "has no folder of a class"));
  folder.write("train/ant/readme.txt", "no images");
  EXPECT_TRUE(contains(refusal(folder), folder.file("train/ant") + " has no .jpg"));

  const TemporaryFolder sizes;
  write_images(sizes);
  const std::string odd = sizes.write("train/cat/3.png", png(5, 4, PNG_FORMAT_RGB, ramp(5, 4, 3)));
  EXPECT_TRUE(contains(refusal(sizes), odd + " is 4 x 5 pixels, expected 5 x 4"));

  const TemporaryFolder classes;
  write_images(classes);
  classes.write("test/dog/a.png", png(4, 5, PNG_FORMAT_RGB, ramp(4, 5, 3)));
  EXPECT_TRUE(contains(refusal(classes), classes.file("test/dog") + " is a class"));
}

}  // namespace
}  // namespace rho::datasets
