#include "datasets/csv.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;
using testing::TemporaryFolder;

Split load_tables(const TemporaryFolder& folder, const std::string& train,
                  const std::string& test) {
  folder.write("train.csv", train);
  folder.write("test.csv", test);
  return load("csv", folder.string());
}

TEST(Csv, NamedClassesAreSortedAsText) {
  const TemporaryFolder folder;
  const Split split =
      load_tables(folder,
                  "length,width,species\n1.5,-2,virginica\n3e2,0.25,\"iris, setosa\"\n"
                  "7,8,virginica\n",
                  "length,width,species\r\n4,5,virginica\r\n");
  EXPECT_EQ(split.train.examples.shape(), (Shape{3, 2}));
  EXPECT_EQ(split.train.examples.to_vector<double>(),
            (std::vector<double>{1.5, -2, 300, 0.25, 7, 8}));
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(split.train.classes, 2);
  EXPECT_EQ(split.test.examples.to_vector<double>(), (std::vector<double>{4, 5}));
  EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{1}));
}

TEST(Csv, NumberedClassesAreSortedAsNumbers) {
  const TemporaryFolder folder;
  const Split split = load_tables(folder, "x,label\n0,10\n0,9\n0,-1\n0,10", "x,label\n0,9\n");
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{2, 1, 0, 2}));
  EXPECT_EQ(split.test.labels.to_vector<int>(), (std::vector<int>{1}));
}

TEST(Csv, WrongTablesAreNamedWithTheirRow) {
  const TemporaryFolder folder;
  const std::string good = "x,y,label\n1,2,a\n";
  const auto refusal = [&](const std::string& train, const std::string& test) {
    return message_of([&] { load_tables(folder, train, test); });
  };
  const std::string train = folder.file("train.csv"), test = folder.file("test.csv");
  EXPECT_TRUE(contains(refusal("", good), train + " has 0 rows"));
  EXPECT_TRUE(contains(refusal("x,y,label\n", good), train + " has 1 rows"));
  EXPECT_TRUE(contains(refusal("x\n1\n", good), "has 1 column"));
  EXPECT_TRUE(contains(refusal(good + "1,2\n", good), train + ", row 3 has 2 cells, expected 3"));
  EXPECT_TRUE(contains(refusal(good + "1,two,a\n", good), "row 3, column 2 (y): \"two\""));
  EXPECT_TRUE(contains(refusal(good + "nan,2,a\n", good), "\"nan\" is not a finite number"));
  EXPECT_TRUE(contains(refusal(good + "1e999,2,a\n", good), "not a finite number"));
  EXPECT_TRUE(contains(refusal(good + ",2,a\n", good), "\"\" is not a finite number"));
  EXPECT_TRUE(contains(refusal(good + "1,\"2,a\n", good), train));
  EXPECT_TRUE(contains(refusal(good, "x,label\n1,a\n"), test + " has 1 features, expected 2"));
  EXPECT_TRUE(contains(refusal(good, "x,y,label\n1,2,b\n"), test + ", row 2: label \"b\""));
  std::filesystem::remove(test);
  EXPECT_TRUE(contains(message_of([&] { load("csv", folder.string()); }), test));
}

}  // namespace
}  // namespace rho::datasets
