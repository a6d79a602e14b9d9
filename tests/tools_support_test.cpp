// The small parts that the tools share.
#include <gtest/gtest.h>

#include <limits>

#include "nn/model.h"
#include "tensor/random.h"
#include "tools/support/data.h"
#include "tools/support/groups.h"

namespace rho::tools {
namespace {

TEST(DataSpecTest, NameAndDirectory) {
  EXPECT_EQ(parse_data("mnist").name, "mnist");
  EXPECT_EQ(parse_data("mnist").directory, "");
  EXPECT_EQ(parse_data("csv:/a:b/c").name, "csv");
  EXPECT_EQ(parse_data("csv:/a:b/c").directory, "/a:b/c");
  EXPECT_THROW(parse_data(""), Error);
  EXPECT_THROW(parse_data(":dir"), Error);
}

TEST(DataTextTest, ShapesAndNumbersReadBack) {
  EXPECT_EQ(shape_to_text({28, 28, 1}), "28,28,1");
  EXPECT_EQ(shape_from_text("28,28,1", "x"), (Shape{28, 28, 1}));
  for (const char* bad : {"", "28,", "28,x", "0,1", "-1", "1 2"})
    EXPECT_THROW(shape_from_text(bad, "x"), Error) << bad;
  const std::vector<double> values{0.1, -1e-300, 1.0 / 3, std::numeric_limits<double>::max()};
  EXPECT_EQ(numbers_from_text(numbers_to_text(values), "x"), values);
}

TEST(DataTextTest, InputShapeDropsTheExamples) {
  datasets::Dataset images{"x", Tensor::empty({5, 4, 3, 2}, DType::UInt8), {}, 1};
  EXPECT_EQ(input_shape(images), (Shape{4, 3, 2}));
  EXPECT_THROW(input_shape({}), Error);
}

std::vector<optim::Group> groups_of(const std::string& name, const Shape& input) {
  Rng rng(1);
  return parameter_groups(*nn::make_model({name, input, 10}, {}, rng));
}

TEST(GroupsTest, TheFirstBiasBelongsToItsWeight) {
  const std::vector<optim::Group> groups = groups_of("mlp-16-2", {5});
  ASSERT_GE(groups.size(), 3U);
  EXPECT_TRUE(groups[0].constrained);
  ASSERT_EQ(groups[0].tensors.size(), 2U);
  EXPECT_EQ(groups[0].tensors[0].rank(), 2);
  EXPECT_EQ(groups[0].tensors[1].rank(), 1);
  for (std::size_t i = 1; i < groups.size(); ++i) {
    ASSERT_EQ(groups[i].tensors.size(), 1U);
    EXPECT_EQ(groups[i].constrained, groups[i].tensors[0].rank() >= 2) << groups[i].name;
  }
}

TEST(GroupsTest, WeightNormIsUnconstrained) {
  std::vector<std::string> names;
  for (const optim::Group& group : groups_of("mlp-16-1-wn", {5})) {
    EXPECT_EQ(group.tensors.size(), 1U) << group.name;
    EXPECT_FALSE(group.constrained) << group.name;
    names.push_back(group.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"fc1.weight_g", "fc1.weight_v", "fc1.bias",
                                             "fc2.weight_g", "fc2.weight_v"}));
}

TEST(GroupsTest, EveryParameterIsInOneGroup) {
  for (const char* name : {"resnet20", "resnet20-wn"}) {
    Rng rng(1);
    const auto model = nn::make_model({name, {8, 8, 3}, 10}, {}, rng);
    std::int64_t count = 0;
    for (const optim::Group& group : parameter_groups(*model))
      for (const Variable& tensor : group.tensors) count += tensor.numel();
    EXPECT_EQ(count, model->parameter_count());
  }
}

}  // namespace
}  // namespace rho::tools
