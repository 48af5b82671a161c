#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "text/json.h"

namespace weir::pipeline {

/// An expression over aggregates, taken apart: `sum(CAST(a AS INTEGER)) / count(*)` is the value
/// `(weir_g1 / weir_g2)` over the aggregates weir_g1 = `sum(weir_a3)` and weir_g2 = `count_star()`,
/// over the argument weir_a3 = `CAST(a AS INTEGER)` of each row.
struct SplitExpression {
  using Named = std::vector<std::pair<std::string, std::string>>;
  std::string value;
  Named aggregates;
  Named arguments;  ///< those that can fail: no bare columns, no constants
};

/// Takes expressions apart by the tree DuckDB's parser makes of them. Aggregates whose result
/// depends on the order of their rows get the input's order, so that it does not depend on threads.
class AggregateSplitter {
 public:
  /// `serial` numbers the names.
  static Result<AggregateSplitter> make(duckdb::Connection& connection, int& serial);

  /// `expression` may hold run variables in the user's spelling; the parts hold their stand-ins.
  /// Errors: sql, when the tree cannot be read; the expression must be used as a whole then.
  Result<SplitExpression> split(const std::string& expression);

 private:
  AggregateSplitter(duckdb::Connection& connection, int& serial)
      : connection_(&connection), serial_(&serial) {}

  void take_aggregates(text::Json& node, SplitExpression& out);
  text::Json take_aggregate(const text::Json& node, SplitExpression& out);
  void take_argument(text::Json& node, SplitExpression& out);
  std::string text_of(const text::Json& node);

  duckdb::Connection* connection_;
  int* serial_;
  std::set<std::string> names_;  // of aggregates
  text::Json statement_;         // what an expression is put back into, to become text again
  std::optional<Error> error_;
};

}  // namespace weir::pipeline
