// The file format: what is written reads back, damaged files are refused, old files survive.
#include "nn/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "nn/atomic_file.h"
#include "tensor/error.h"
#include "tests/support/temporary_folder.h"

namespace rho::nn {
namespace {

namespace fs = std::filesystem;

class SafetensorsTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name = "file.safetensors") const {
    return (directory_ / name).string();
  }
  // A file made by hand; the length of the header can be a lie.
  std::string make(const std::string& header, const std::string& data,
                   std::int64_t length = -1) const {
    const std::uint64_t size = length < 0 ? header.size() : static_cast<std::uint64_t>(length);
    std::ofstream out(path(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&size), 8);
    out << header << data;
    return path();
  }
  // Reading must fail with one message that names the file and says `expected`.
  void expect_refused(const std::string& file, const std::string& expected) const {
    try {
      read_safetensors(file);
      ADD_FAILURE() << "accepted; expected: " << expected;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(file), std::string::npos) << message;
      EXPECT_NE(message.find(expected), std::string::npos) << message;
    }
  }

  testing::TemporaryFolder temporary_;
  const fs::path directory_ = temporary_.path();
};

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST_F(SafetensorsTest, EveryDtypeAndStridesRoundTrip) {
  const Tensor matrix = Tensor::from<float>({1, 2, 3, 4, 5, -0.0F}, {2, 3});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const TensorFile written{
      {{"model", "mlp"}, {"text", "with \"quotes\" and \xc3\xa9"}},
      {{"bytes", Tensor::from<std::uint8_t>({1, 2, 255}, {3})},
       {"transposed", matrix.transpose(0, 1)},
       {"column", matrix.slice(1, 1, 3)},
       {"broadcast", matrix.slice(0, 0, 1).expand({4, 3})},
       {"f64",
        Tensor::from<double>({1e-300, nan, -std::numeric_limits<double>::infinity()}, {1, 3})},
       {"i64", Tensor::from<std::int64_t>({INT64_MIN, INT64_MAX}, {2})},
       {"scalar", Tensor::from<double>({3.5}, {})},
       {"empty", Tensor::empty({0, 5}, DType::Float32)}}};
  write_safetensors(path(), written);
  const TensorFile read = read_safetensors(path());

  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    const auto& [name, tensor] = read.tensors[i];
    const Tensor& expected = written.tensors[i].second;
    EXPECT_EQ(name, written.tensors[i].first);
    EXPECT_EQ(tensor.shape(), expected.shape()) << name;
    EXPECT_EQ(tensor.dtype(), expected.dtype()) << name;
    if (tensor.dtype() == DType::Int64) {
      EXPECT_EQ(tensor.to_vector<std::int64_t>(), expected.to_vector<std::int64_t>());
    } else {
      EXPECT_EQ(bytes_of(tensor.to_vector<double>()), bytes_of(expected.to_vector<double>()))
          << name;
    }
  }
  // The data begin at a multiple of 8, and no temporary file stays.
  std::uint64_t header = 0;
  std::memcpy(&header, testing::read_text(path()).data(), 8);
  EXPECT_EQ(header % 8, 0U);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
}

TEST_F(SafetensorsTest, NoTensorsAndNoMetadata) {
  write_safetensors(path(), {});
  const TensorFile read = read_safetensors(path());
  EXPECT_TRUE(read.metadata.empty());
  EXPECT_TRUE(read.tensors.empty());
}

TEST_F(SafetensorsTest, NarrowTypesAreWidened) {
  // float16: 1, -2, 65504, the least subnormal, the least normal, -0, infinity, nan
  const std::vector<std::uint16_t> half{0x3c00, 0xc000, 0x7bff, 0x0001,
                                        0x0400, 0x8000, 0x7c00, 0x7e00};
  // bfloat16: 1, -3.140625, the largest, infinity
  const std::vector<std::uint16_t> bfloat{0x3f80, 0xc049, 0x7f7f, 0x7f80};
  const std::vector<std::int32_t> ints{INT32_MIN, -1, INT32_MAX};
  make("{\"h\":" + entry("F16", "[8]", "[0,16]") + ",\"b\":" + entry("BF16", "[2,2]", "[16,24]") +
           ",\"i\":" + entry("I32", "[3]", "[24,36]") + "}",
       bytes_of(half) + bytes_of(bfloat) + bytes_of(ints));
  const TensorFile file = read_safetensors(path());
  ASSERT_EQ(file.tensors.size(), 3U);
  const auto h = file.tensors[0].second.to_vector<float>();
  EXPECT_EQ(file.tensors[0].second.dtype(), DType::Float32);
  EXPECT_EQ(h[0], 1.0F);
  EXPECT_EQ(h[1], -2.0F);
  EXPECT_EQ(h[2], 65504.0F);
  EXPECT_EQ(h[3], 0x1p-24F);
  EXPECT_EQ(h[4], 0x1p-14F);
  EXPECT_TRUE(h[5] == 0.0F && std::signbit(h[5]));
  EXPECT_EQ(h[6], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(h[7]));
  const auto b = file.tensors[1].second.to_vector<float>();
  EXPECT_EQ(b[0], 1.0F);
  EXPECT_EQ(b[1], -3.140625F);
  EXPECT_EQ(b[2], 0x1.fep127F);
  EXPECT_EQ(b[3], std::numeric_limits<float>::infinity());
  EXPECT_EQ(file.tensors[2].second.dtype(), DType::Int64);
  EXPECT_EQ(file.tensors[2].second.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{INT32_MIN, -1, INT32_MAX}));
}

TEST_F(SafetensorsTest, DamagedFilesAreRefused) {
  const std::string eight(8, 'x');
  const auto one = [](const std::string& value) { return "{\"t\":" + value + "}"; };

  expect_refused(path("absent"), "cannot be opened");
  expect_refused(directory_.string(), "cannot be opened");
  std::ofstream(path()) << "abc";
  expect_refused(path(), "cut short");
  expect_refused(make("{}", "", 3), "cut short");
  expect_refused(make("{}", "", std::int64_t{1} << 62), "a header of");
  expect_refused(make("{\"t\":", ""), "not a JSON object");
  expect_refused(make("[1]", ""), "not a JSON object");
  expect_refused(make("", ""), "not a JSON object");
  expect_refused(make(std::string(100000, '['), ""), "nested too deeply");
  expect_refused(make(R"({"__metadata__":3})", ""), "metadata");
  expect_refused(make(R"({"__metadata__":{"a":3}})", ""), "not a string");
  expect_refused(make(one("3"), ""), "dtype, shape and data_offsets");
  expect_refused(make(one(R"({"dtype":"F32","shape":[2]})"), eight),
                 "dtype, shape and data_offsets");
  expect_refused(make(one(entry("F8_E4M3", "[8]", "[0,8]")), eight), "F8_E4M3");
  expect_refused(make(one(R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})"), eight), "stores");
  expect_refused(make(one(entry("F32", "2", "[0,8]")), eight), "shape");
  expect_refused(make(one(entry("F32", "[-2]", "[0,8]")), eight), "impossible shape");
  expect_refused(make(one(entry("F32", "[2.0]", "[0,8]")), eight), "impossible shape");
  expect_refused(make(one(entry("F32", "[4611686018427387904,4]", "[0,0]")), ""),
                 "impossible shape");
  expect_refused(make(one(entry("F32", "[0,4611686018427387904,4]", "[0,0]")), ""),
                 "impossible shape");
  expect_refused(make(one(entry("U8", "[1,1,1,1,1,1,1,1,8]", "[0,8]")), eight), "8 dimensions");
  expect_refused(make(one(entry("F32", "[2]", "[8,0]")), eight), "impossible offsets");
  expect_refused(make(one(entry("F32", "[2]", "[0]")), eight), "impossible offsets");
  expect_refused(make(one(entry("F32", "[2]", "[-8,0]")), eight), "impossible offsets");
  expect_refused(make(one(entry("F32", "[3]", "[0,8]")), eight), "expected 12");
  expect_refused(make(one(entry("F32", "[2]", "[0,8]")), "1234"), "cut short");
  expect_refused(make(one(entry("F32", "[2]", "[0,8]")), eight + "1"), "too long");
  expect_refused(make(one(entry("F32", "[1]", "[4,8]")), eight), "gap or an overlap");
  expect_refused(
      make("{\"a\":" + entry("U8", "[6]", "[0,6]") + ",\"b\":" + entry("U8", "[4]", "[4,8]") + "}",
           eight),
      "gap or an overlap");
}

TEST_F(SafetensorsTest, EveryCutIsNoticed) {
  write_safetensors(path(), {{{"a", "b"}}, {{"t", Tensor::from<float>({1, 2, 3}, {3})}}});
  const std::string whole = testing::read_text(path());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path("cut"), std::ios::binary) << whole.substr(0, size);
    EXPECT_THROW(read_safetensors(path("cut")), Error) << size;
  }
}

TEST_F(SafetensorsTest, FailedWritesNameThePathAndKeepTheOldFile) {
  const TensorFile file{{}, {{"t", Tensor::from<float>({1, 2, 3}, {3})}}};
  const auto expect_failed = [&](const std::string& to, const std::string& expected) {
    try {
      write_safetensors(to, file);
      ADD_FAILURE() << "wrote " << to;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(to), std::string::npos) << message;
      EXPECT_NE(message.find(expected), std::string::npos) << message;
    }
  };
  expect_failed(path("absent/file"), "No such file");

  write_safetensors(path(), {{{"old", "yes"}}, {}});
  const std::string old = testing::read_text(path());
  // The temporary file is a full disk.
  fs::create_symlink("/dev/full", path() + ".tmp");
  expect_failed(path(), "No space left");
  EXPECT_EQ(testing::read_text(path()), old);
  EXPECT_FALSE(fs::exists(fs::symlink_status(path() + ".tmp")));

  // A folder is in the way.
  fs::create_directories(path("folder") + "/inner");
  expect_failed(path("folder"), "not a regular file");
  EXPECT_FALSE(fs::exists(path("folder") + ".tmp"));

  write_safetensors(path(), file);
  EXPECT_EQ(read_safetensors(path()).tensors.size(), 1U);
}

TEST_F(SafetensorsTest, BadNamesAreRefused) {
  const Tensor t = Tensor::from<float>({1}, {1});
  EXPECT_THROW(write_safetensors(path(), {{}, {{"a", t}, {"a", t}}}), Error);
  EXPECT_THROW(write_safetensors(path(), {{}, {{"__metadata__", t}}}), Error);
  EXPECT_THROW(write_safetensors(path(), {{}, {{"\xff", t}}}), Error);
  EXPECT_THROW(write_safetensors(path(), {{}, {{"a", Tensor()}}}), Error);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(SafetensorsTest, LinksAreFollowedAndDevicesRefused) {
  write_text(path("target"), "old");
  fs::create_symlink("target", path("link"));
  write_text(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(testing::read_text(path("target")), "new");
  EXPECT_THROW(write_text("/dev/null", "text"), Error);
  EXPECT_TRUE(fs::exists("/dev/null") && !fs::is_regular_file("/dev/null"));
}

TEST_F(SafetensorsTest, PythonReadsIt) {
  if (std::system(RHO_PYTHON " -c 'import numpy, safetensors.numpy' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3 has no safetensors package";
  const Tensor matrix = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  write_safetensors(path(), {{{"key", "value"}},
                             {{"bytes", Tensor::from<std::uint8_t>({7}, {1})},
                              {"t", matrix.transpose(0, 1)},
                              {"d", Tensor::from<double>({0.1}, {})},
                              {"i", Tensor::from<std::int64_t>({-5, 6}, {2})}}});
  std::ofstream(path("check.py")) << R"(
import sys, numpy
from safetensors import safe_open
with safe_open(sys.argv[1], 'numpy') as f:
    assert f.metadata() == {'key': 'value'}
    t = {name: f.get_tensor(name) for name in f.keys()}
assert sorted(t) == ['bytes', 'd', 'i', 't']
assert t['t'].dtype == numpy.float32 and t['t'].tolist() == [[1, 4], [2, 5], [3, 6]]
assert t['d'].shape == () and t['d'] == 0.1 and t['i'].tolist() == [-5, 6]
assert t['bytes'].dtype == numpy.uint8 and t['bytes'].tolist() == [7]
)";
  EXPECT_EQ(std::system((RHO_PYTHON " " + path("check.py") + " " + path()).c_str()), 0);
}

}  // namespace
}  // namespace rho::nn
