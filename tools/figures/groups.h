// Runs that share a colour.
#pragma once

#include <string>
#include <vector>

#include "tools/figures/content.h"

namespace rho::figures {

struct Group {
  std::string name;  ///< for the key; empty where there is one group only
  std::string y;     ///< the column that is drawn
  std::vector<std::size_t> rows;
  std::string colour;
  int shape = 0;
};

/// The runs that the panel asks for and that are done. Throws where there are none.
std::vector<std::size_t> rows_of(const Sweep& sweep, const Panel& panel);

/// The different texts of a column: numbers ascending, others in the order of the rows.
std::vector<std::string> levels_of(const sweep::Table& table, const std::vector<std::size_t>& rows,
                                   const std::string& column);

/// True where every one of the texts is a number.
bool are_numbers(const std::vector<std::string>& texts);

/// A group for every value of the panel's series and each of its y.
std::vector<Group> make_groups(const Sweep& sweep, const Panel& panel,
                               const std::vector<std::size_t>& rows);

/// The colour of one of `count`: of Okabe and Ito's. Where those without black are too few, it lies
/// on a way from dark blue to yellow for values in an order, and colours repeat for others.
std::string colour_of(std::size_t index, std::size_t count, bool ordered);

/// What to write on an axis: the panel's own label, or what its columns have in common; their unit
/// is added where the label has none.
std::string axis_label(const std::string& own, const std::vector<std::string>& columns);

}  // namespace rho::figures
