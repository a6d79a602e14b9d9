#include "nn/models/convnet.h"

namespace rho::nn {

void build_convnet3(Builder& builder, std::int64_t channels) {
  builder.conv("conv1", channels, 5, 1, 0, true);
  builder.relu("relu1");
  builder.conv("conv2", channels, 5, 1, 0, false);
  builder.relu("relu2");
  builder.linear("fc", builder.spec().classes, false);
}

void build_convnet3_strided(Builder& builder) {
  builder.conv("conv1", 64, 5, 2, 2, false);
  builder.relu("relu1");
  builder.conv("conv2", 64, 5, 2, 2, false);
  builder.relu("relu2");
  builder.linear("fc", builder.spec().classes, false);
}

void build_convnet5(Builder& builder, const std::array<std::int64_t, 4>& channels,
                    bool batch_norm) {
  for (int k = 1; k <= 4; ++k) {
    const std::string number = std::to_string(k);
    const std::int64_t width = channels[static_cast<std::size_t>(k - 1)];
    if (k < 4)
      builder.conv("conv" + number, width, 3, 2, 1, !batch_norm);
    else
      builder.conv("conv" + number, width, 4, 1, 0, !batch_norm);
    if (batch_norm) builder.batch_norm("bn" + number);
    builder.relu("relu" + number);
  }
  builder.linear("fc", builder.spec().classes, true);
}

}  // namespace rho::nn
