#pragma once

#include "config/rule.h"
#include "config/values.h"

namespace weir::config {

/// `user_id: decimal(20,0) | required`, or the same as a map.
struct ColumnEntry {
  Located<DataType> type;
  std::vector<RuleEntry> rules;  ///< of both forms

  // What the map form fills; `rules` is made from it.
  Located<bool> required, key, unique;
  std::optional<Located<std::string>> references, matches;
  std::optional<std::vector<Located<Operand>>> in;
  std::optional<Located<Operand>> default_, equal, unequal, less, at_most, greater, at_least;
  std::optional<SqlText> check;
};
Value<ColumnEntry> column_value();

}  // namespace weir::config
