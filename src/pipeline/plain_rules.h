#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "model/project.h"
#include "server/column_view.h"

namespace weir::pipeline {

/// What a table's dictionary asks of each single row, judged over columns in memory instead of by a
/// statement of DuckDB's (row_contract.cc). It only says yes where that statement would keep the
/// row: whoever hears no has the statement judge.
///
/// Judged are: `required`, the key's columns, a varchar's length, and comparisons and `in` whose
/// values are literals of a kind that compares here as it does there. A table that asks for more of
/// a row (`check`, `matches`, an expression), or keeps what a load would have to add (lineage), is
/// not judged here at all. What is asked of several rows (key, `unique`, `references`) is nobody's
/// business here.
class PlainRules {
 public:
  /// None: rows of this table have to be judged by the statement.
  static std::optional<PlainRules> of(const Table& table, Engine engine);

  /// Whether each of the rows [begin, end) keeps all rules. `columns`: the table's, in its order.
  bool hold(std::span<const server::ColumnView> columns, size_t begin, size_t end) const;

 private:
  /// Whether all values that are there keep a rule.
  using Check = std::function<bool(const server::ColumnView& column, size_t begin, size_t end)>;
  /// Of each column.
  std::vector<std::vector<Check>> checks_;
};

}  // namespace weir::pipeline
