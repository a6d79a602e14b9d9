#include "datasets/image.h"

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <vector>

#include "datasets/bytes.h"

namespace rho::datasets {
namespace {

// libjpeg reports errors by calling error_exit, which must not return.
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

void leave(j_common_ptr info) {
  auto* const errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message.data());
  std::longjmp(errors->jump, 1);
}

// A warning is damaged data (a truncated file, say), which libjpeg would paint over.
void leave_on_warning(j_common_ptr info, int level) {
  if (level < 0) leave(info);
}

// No object with a destructor lives in this frame: longjmp skips destructors.
bool decode_jpeg_rows(const std::vector<std::uint8_t>& bytes, JpegErrors& errors, Tensor& out) {
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.emit_message = leave_on_warning;
  if (setjmp(errors.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  out = Tensor::empty({info.output_height, info.output_width, 3}, DType::UInt8);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row =
        out.data<std::uint8_t>() + std::size_t{info.output_scanline} * info.output_width * 3;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

Tensor decode_jpeg(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  JpegErrors errors{};
  Tensor out;
  check(decode_jpeg_rows(bytes, errors, out), "image", path, ": ", errors.message.data());
  return out;
}

// libpng calls these; the error function must not return.
struct PngSource {
  const std::uint8_t* next;
  std::size_t left;
  std::jmp_buf jump;
  std::array<char, 200> message;
};

void leave_png(png_structp png, png_const_charp message) {
  auto* const source = static_cast<PngSource*>(png_get_error_ptr(png));
  std::snprintf(source->message.data(), source->message.size(), "%s", message);
  std::longjmp(source->jump, 1);
}

void ignore_png_warning(png_structp, png_const_charp) {}

void read_png(png_structp png, png_bytep target, std::size_t count) {
  auto* const source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file ends early");
  std::copy_n(source->next, count, target);
  source->next += count;
  source->left -= count;
}

// No object with a destructor lives in this frame either. The samples are taken as they are: no
// gamma, 16 bits to their high 8, alpha dropped, as Pillow's convert("RGB") does.
bool decode_png_rows(PngSource& source, Tensor& out) {
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, leave_png, ignore_png_warning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr || setjmp(source.jump) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &source, read_png);
  png_read_png(png, info,
               PNG_TRANSFORM_STRIP_16 | PNG_TRANSFORM_STRIP_ALPHA | PNG_TRANSFORM_PACKING |
                   PNG_TRANSFORM_EXPAND | PNG_TRANSFORM_GRAY_TO_RGB,
               nullptr);
  const std::int64_t height = png_get_image_height(png, info);
  const std::int64_t width = png_get_image_width(png, info);
  out = Tensor::empty({height, width, 3}, DType::UInt8);
  png_bytepp rows = png_get_rows(png, info);
  for (std::int64_t y = 0; y < height; ++y)
    std::copy_n(rows[y], width * 3, out.data<std::uint8_t>() + y * width * 3);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

Tensor decode_png(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  PngSource source{bytes.data(), bytes.size(), {}, {}};
  Tensor out;
  check(decode_png_rows(source, out), "image", path, ": ", source.message.data());
  return out;
}

}  // namespace

Tensor decode_image(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  if (bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8) return decode_jpeg(bytes, path);
  if (bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0) return decode_png(bytes, path);
  fail("image", path, " is neither JPEG nor PNG");
}

}  // namespace rho::datasets
