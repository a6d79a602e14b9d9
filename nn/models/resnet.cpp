#include "nn/models/resnet.h"

namespace rho::nn {
namespace {

std::shared_ptr<Sequential> stage(Builder& builder, std::int64_t blocks, std::int64_t channels,
                                  std::int64_t first_stride, Shape& shape) {
  auto out = std::make_shared<Sequential>();
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::int64_t stride = i == 0 ? first_stride : 1;
    const ModelSpec part{builder.spec().name, shape, builder.spec().classes};
    Builder main(part, builder.init(), builder.rng(), builder.dtype());
    main.conv("conv1", channels, 3, stride, 1, false);
    main.batch_norm("bn1");
    main.relu("relu1");
    main.conv("conv2", channels, 3, 1, 1, false);
    main.batch_norm("bn2");
    std::shared_ptr<Module> shortcut = std::make_shared<Identity>();
    if (stride != 1 || shape.back() != channels)
      shortcut = std::make_shared<PaddedShortcut>(stride, channels);
    out->add(std::to_string(i), std::make_shared<Residual>(main.net(), std::move(shortcut)));
    shape = main.shape();
  }
  return out;
}

}  // namespace

void build_resnet(Builder& builder, std::int64_t depth) {
  const std::int64_t blocks = (depth - 2) / 6;
  builder.conv("conv1", 16, 3, 1, 1, false);
  builder.batch_norm("bn1");
  builder.relu("relu1");
  for (int s = 1; s <= 3; ++s) {
    Shape shape = builder.shape();
    const auto layers = stage(builder, blocks, 8L << s, s == 1 ? 1 : 2, shape);
    builder.add("layer" + std::to_string(s), layers, shape);
  }
  builder.global_avg_pool("pool");
  builder.linear("linear", builder.spec().classes, true);
}

}  // namespace rho::nn
