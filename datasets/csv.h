// Tables: a row an example, the label in the last column.
#pragma once

#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// train.csv and test.csv in `directory` (each may be gzip, NAME.gz): one header line, then
/// features, finite numbers, and in the last column the label. Labels are names: the distinct ones
/// of train.csv, in the order of numbers if all are numbers and of text otherwise, are classes 0,
/// 1, ... Throws, naming file and row, where a row or a number is wrong or test.csv has a label
/// that train.csv lacks.
Split load_csv(const std::string& directory);

}  // namespace rho::datasets
