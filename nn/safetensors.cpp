#include "nn/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "kernels/copy.h"
#include "nn/atomic_file.h"

namespace rho::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// Keeps the order of the tensors.
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kAlignment = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // as the reference implementation
constexpr const char* kMetadata = "__metadata__";

// How an element is stored in a file, and what it becomes in memory.
struct Stored {
  std::string_view name;
  std::uint64_t bytes;
  DType dtype;
};
constexpr std::array<Stored, 7> kStored{{{"F32", 4, DType::Float32},
                                         {"F64", 8, DType::Float64},
                                         {"I64", 8, DType::Int64},
                                         {"U8", 1, DType::UInt8},
                                         {"F16", 2, DType::Float32},
                                         {"BF16", 2, DType::Float32},
                                         {"I32", 4, DType::Int64}}};

const Stored& stored_as(DType dtype) {
  return *std::find_if(kStored.begin(), kStored.end(),
                       [&](const Stored& stored) { return stored.dtype == dtype; });
}

// One tensor of a header, checked.
struct Entry {
  std::string name;
  const Stored* stored;
  Shape shape;
  std::uint64_t begin;
  std::uint64_t end;
};

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;  // subnormal
  return sign != 0 ? -magnitude : magnitude;
}

float bfloat_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <class From, class Convert, class To>
void convert(std::span<const char> bytes, Convert&& to, To* out) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(From)) {
    From value;
    std::memcpy(&value, bytes.data() + at, sizeof(From));
    *out++ = to(value);
  }
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    expect(in_.good() && std::filesystem::is_regular_file(path), "cannot be opened");
    size_ = std::filesystem::file_size(path);
  }

  TensorFile read() {
    expect(size_ >= 8, "is cut short: ", size_, " bytes do not hold the header's length");
    std::uint64_t header_size = 0;
    read_bytes(&header_size, 8);
    expect(header_size <= kMaxHeader, "is not a safetensors file: a header of ", header_size,
           " bytes");
    expect(header_size <= size_ - 8, "is cut short: a header of ", header_size,
           " bytes in a file of ", size_);
    std::string text(header_size, '\0');
    read_bytes(text.data(), header_size);
    // The error messages print values, which recurses: a valid header is never this deep.
    const auto shallow = [this](int depth, Json::parse_event_t, Json&) {
      expect(depth <= 8, "has a header that is nested too deeply");
      return true;
    };
    const Json header = Json::parse(text, shallow, false);
    expect(!header.is_discarded() && header.is_object(), "has a header that is not a JSON object");

    TensorFile file;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadata) {
        file.metadata = read_metadata(value);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    check_cover(entries, size_ - 8 - header_size);
    for (const Entry& entry : entries)
      file.tensors.emplace_back(entry.name, read_tensor(entry, 8 + header_size));
    return file;
  }

 private:
  template <class... Parts>
  void expect(bool ok, const Parts&... parts) const {
    check(ok, "safetensors", path_, ' ', parts...);
  }

  void read_bytes(void* out, std::uint64_t count) {
    in_.read(static_cast<char*>(out), static_cast<std::streamsize>(count));
    expect(in_.good(), "cannot be read");
  }

  std::map<std::string, std::string> read_metadata(const Json& value) const {
    expect(value.is_object(), "has metadata that is not a JSON object");
    std::map<std::string, std::string> metadata;
    for (const auto& [key, text] : value.items()) {
      expect(text.is_string(), "has metadata \"", key, "\" that is not a string");
      metadata[key] = text.get<std::string>();
    }
    return metadata;
  }

  Entry read_entry(const std::string& name, const Json& value) const {
    expect(value.is_object() && value.size() == 3 && value.contains("dtype") &&
               value.contains("shape") && value.contains("data_offsets"),
           "describes tensor \"", name, "\" by other things than dtype, shape and data_offsets");
    const Json& dtype = value["dtype"];
    const auto stored = std::find_if(kStored.begin(), kStored.end(),
                                     [&](const Stored& known) { return dtype == known.name; });
    expect(stored != kStored.end(), "stores tensor \"", name, "\" as ", dtype.dump(),
           ", expected F32, F64, I64, U8, F16, BF16 or I32");

    Entry entry{name, &*stored, {}, 0, 0};
    const Json& shape = value["shape"];
    expect(shape.is_array() && shape.size() <= Dims::kMax, "gives tensor \"", name, "\" the shape ",
           shape.dump(), ", expected at most ", Dims::kMax, " dimensions");
    // Strides are computed even where an extent is 0, so the others alone must not overflow.
    std::int64_t span = static_cast<std::int64_t>(stored->bytes);
    for (const Json& extent : shape) {
      const bool fits = extent.is_number_unsigned() && extent.get<std::uint64_t>() <= INT64_MAX;
      expect(fits && !__builtin_mul_overflow(
                         span, std::max<std::int64_t>(extent.get<std::int64_t>(), 1), &span),
             "gives tensor \"", name, "\" the impossible shape ", shape.dump());
      entry.shape.push_back(extent.get<std::int64_t>());
    }
    const std::uint64_t bytes = static_cast<std::uint64_t>(numel(entry.shape)) * stored->bytes;

    const Json& offsets = value["data_offsets"];
    expect(offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
               offsets[1].is_number_unsigned() && offsets[0] <= offsets[1],
           "gives tensor \"", name, "\" the impossible offsets ", offsets.dump());
    entry.begin = offsets[0].get<std::uint64_t>();
    entry.end = offsets[1].get<std::uint64_t>();
    expect(entry.end - entry.begin == bytes, "holds ", entry.end - entry.begin,
           " bytes for tensor \"", name, "\", expected ", bytes, " from its shape ", entry.shape,
           " of ", stored->name);
    return entry;
  }

  void check_cover(std::vector<Entry> entries, std::uint64_t data_size) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t covered = 0;
    for (const Entry& entry : entries) {
      expect(entry.begin == covered, "has tensor \"", entry.name, "\" at offset ", entry.begin,
             ", expected ", covered, ": a gap or an overlap");
      covered = entry.end;
    }
    expect(covered == data_size,
           covered > data_size ? "is cut short: " : "is too long: ", data_size,
           " bytes of data, expected ", covered);
  }

  Tensor read_tensor(const Entry& entry, std::uint64_t data_begin) {
    Tensor tensor = Tensor::empty(entry.shape, entry.stored->dtype);
    if (entry.begin == entry.end) return tensor;
    in_.seekg(static_cast<std::streamoff>(data_begin + entry.begin));
    if (size_of(entry.stored->dtype) == entry.stored->bytes) {
      read_bytes(tensor.raw(), entry.end - entry.begin);
      return tensor;
    }
    std::vector<char> bytes(entry.end - entry.begin);
    read_bytes(bytes.data(), bytes.size());
    if (entry.stored->name == "F16") {
      convert<std::uint16_t>(bytes, half_to_float, tensor.data<float>());
    } else if (entry.stored->name == "BF16") {
      convert<std::uint16_t>(bytes, bfloat_to_float, tensor.data<float>());
    } else {
      convert<std::int32_t>(
          bytes, [](std::int32_t x) { return std::int64_t{x}; }, tensor.data<std::int64_t>());
    }
    return tensor;
  }

  std::string path_;
  std::ifstream in_;
  std::uint64_t size_ = 0;
};

}  // namespace

void write_safetensors(const std::string& path, const TensorFile& file) {
  // The header keeps the caller's order; the data puts wide types first, so that all are aligned.
  std::vector<const std::pair<std::string, Tensor>*> by_width;
  for (const auto& named : file.tensors) by_width.push_back(&named);
  std::stable_sort(by_width.begin(), by_width.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });
  std::map<std::string, std::array<std::uint64_t, 2>> offsets;
  std::uint64_t end = 0;
  for (const auto* named : by_width) {
    const auto& [name, tensor] = *named;
    check(tensor.defined(), "safetensors", path, ": tensor \"", name, "\" is undefined");
    const std::uint64_t begin = end;
    end += static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    check(name != kMetadata && offsets.emplace(name, std::array{begin, end}).second, "safetensors",
          path, ": two tensors are called \"", name, '"');
  }

  Json header = Json::object();
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  for (const auto& [name, tensor] : file.tensors) {
    header[name] = {
        {"dtype", stored_as(tensor.dtype()).name},
        {"shape", std::vector<std::int64_t>(tensor.shape().begin(), tensor.shape().end())},
        {"data_offsets", offsets.at(name)}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail("safetensors", path, ": a name or metadata is not valid UTF-8");
  }
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');

  AtomicFile out(path);
  const std::uint64_t header_size = text.size();
  out.write(&header_size, sizeof header_size);
  out.write(text.data(), text.size());
  for (const auto* named : by_width) {
    const Tensor tensor = kernels::contiguous(named->second.to(Device{}));
    if (tensor.numel() > 0)
      out.write(tensor.raw(), static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype()));
  }
  out.commit();
}

TensorFile read_safetensors(const std::string& path) { return Reader(path).read(); }

}  // namespace rho::nn
