#include "datasets/image.h"

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jpeglib.h>
#include <png.h>

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

Tensor decode_png(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const bool begun = png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0;
  check(begun, "image", path, ": ", std::string(image.message));
  image.format = PNG_FORMAT_RGB;
  Tensor out = Tensor::empty({image.height, image.width, 3}, DType::UInt8);
  const png_color black{};
  const bool done =
      png_image_finish_read(&image, &black, out.data<std::uint8_t>(), 0, nullptr) != 0;
  const std::string message = image.message;
  png_image_free(&image);
  check(done && !PNG_IMAGE_FAILED(image), "image", path, ": ", message);
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
