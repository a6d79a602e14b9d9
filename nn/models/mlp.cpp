#include "nn/models/mlp.h"

namespace rho::nn {

void build_mlp(Builder& builder, std::int64_t width, std::int64_t layers, bool fixed) {
  for (std::int64_t k = 1; k <= layers; ++k) {
    const std::string number = std::to_string(k);
    builder.linear("fc" + number, width, k == 1);
    builder.relu("relu" + number);
  }
  const std::int64_t classes = builder.spec().classes;
  if (fixed)
    builder.add("signs",
                std::make_shared<FixedSigns>(width, classes, builder.rng(), builder.dtype()),
                {classes});
  else
    builder.linear(layers == 0 ? "fc" : "fc" + std::to_string(layers + 1), classes, false);
}

}  // namespace rho::nn
