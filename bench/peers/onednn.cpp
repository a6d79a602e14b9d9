#include "bench/peers/onednn.h"

#include <dnnl.hpp>
#include <memory>
#include <set>
#include <unordered_map>

namespace rho::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr auto kFloat = memory::data_type::f32;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// The three tensors of a convolution, each in a layout of its own.
struct Descriptions {
  memory::desc x, w, y;
};

/// oneDNN's order of extents is channels first, whatever the layout.
memory::dims channels_first(const Shape& shape) { return {shape[0], shape[3], shape[1], shape[2]}; }

/// Operands and result by the names of oneDNN's arguments.
struct Arguments {
  int a, b, out;
};

Arguments arguments(Direction direction) {
  switch (direction) {
    case Direction::Forward:
      return {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    case Direction::InputGradient:
      return {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC};
    case Direction::WeightGradient:
      return {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS};
  }
  return {};
}

/// Throws dnnl::error where oneDNN has no such convolution.
dnnl::primitive_desc describe(Direction direction, dnnl::algorithm algorithm,
                              const Descriptions& of, const kernels::Conv2dOptions& options) {
  const memory::dims strides{options.stride_h, options.stride_w};
  const memory::dims pads{options.pad_h, options.pad_w};
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, of.x, of.w, of.y, strides, pads, pads}, cpu());
  switch (direction) {
    case Direction::InputGradient:
      return dnnl::convolution_backward_data::primitive_desc(
          {algorithm, of.x, of.w, of.y, strides, pads, pads}, cpu(), forward);
    case Direction::WeightGradient:
      return dnnl::convolution_backward_weights::primitive_desc(
          {algorithm, of.x, of.w, of.y, strides, pads, pads}, cpu(), forward);
    case Direction::Forward:
      break;
  }
  return forward;
}

/// A primitive with operands and result in its own layouts.
class Primitive {
 public:
  Primitive(const dnnl::primitive_desc& description, const Arguments& names, const memory& a,
            const memory& b, memory::desc out)
      : primitive_(description), out_(names.out), our_out_(std::move(out)) {
    for (const int name : {names.a, names.b, names.out})
      arguments_.emplace(name, memory(description.query_md(dnnl::query::exec_arg_md, name), cpu()));
    reorder(a, arguments_.at(names.a));
    reorder(b, arguments_.at(names.b));
  }

  void run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }
  Tensor result(const Shape& shape) {
    const Tensor out = Tensor::empty(shape, DType::Float32);
    memory ours(our_out_, cpu(), out.raw());
    reorder(arguments_.at(out_), ours);
    return out;
  }

 private:
  void reorder(memory from, memory to) {
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  dnnl::stream stream_{cpu()};
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  int out_;
  memory::desc our_out_;
};

}  // namespace

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch);
}

std::vector<PeerConvolution> onednn_convolutions(Direction direction, const Tensor& a,
                                                 const Tensor& b,
                                                 const kernels::Conv2dOptions& options,
                                                 const Shape& out) {
  const bool gives_x = direction == Direction::InputGradient;
  const bool gives_w = direction == Direction::WeightGradient;
  const Shape& x = gives_x ? out : a.shape();
  const Shape& w = gives_w ? out : b.shape();
  const Shape& y = gives_x ? a.shape() : gives_w ? b.shape() : out;
  const auto in = [&](Tag activations, Tag weights) {
    return Descriptions{{channels_first(x), kFloat, activations},
                        {channels_first(w), kFloat, weights},
                        {channels_first(y), kFloat, activations}};
  };
  const Descriptions ours = in(Tag::nhwc, Tag::ohwi);
  const memory our_a(gives_x ? ours.y : ours.x, cpu(), a.raw());
  const memory our_b(gives_w ? ours.y : ours.w, cpu(), b.raw());
  const memory::desc& our_out = gives_x ? ours.x : gives_w ? ours.w : ours.y;

  const std::pair<const char*, Descriptions> layouts[] = {
      {"blocked", in(Tag::any, Tag::any)}, {"channels last", in(Tag::nhwc, Tag::any)}};
  const auto algorithms = {dnnl::algorithm::convolution_auto, dnnl::algorithm::convolution_direct,
                           dnnl::algorithm::convolution_winograd};

  std::vector<PeerConvolution> all;
  std::set<std::string> names;
  for (const auto& [layout, descriptions] : layouts)
    for (const dnnl::algorithm algorithm : algorithms) try {
        const dnnl::primitive_desc description =
            describe(direction, algorithm, descriptions, options);
        const std::string name = std::string(layout) + ", " + description.impl_info_str();
        if (!names.insert(name).second) continue;
        const auto convolution =
            std::make_shared<Primitive>(description, arguments(direction), our_a, our_b, our_out);
        all.push_back({name, name.find("wino") != std::string::npos,
                       [convolution] { convolution->run(); },
                       [convolution, out] { return convolution->result(out); }});
      } catch (const dnnl::error&) {
        // It has no such convolution.
      }
  return all;
}

}  // namespace rho::bench
