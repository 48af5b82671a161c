#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "model/pipeline.h"
#include "model/table.h"
#include "pipeline/conversion.h"
#include "pipeline/default_value.h"
#include "pipeline/row_query.h"

namespace weir::pipeline {

/// Grows the statement level by level. Helper columns begin with weir_; flags of earlier levels are
/// carried along so that the one WHERE at the end can judge all of them in step order.
class RowCompiler {
 public:
  RowCompiler(duckdb::Database& database, duckdb::Connection& connection, std::string source,
              int64_t slot, int first_rule, bool count_rows, std::vector<SqlProblem>* problems)
      : database_(database),
        connection_(connection),
        level_(std::move(source)),
        slot_(slot),
        first_rule_(first_rule),
        count_rows_(count_rows),
        problems_(problems) {}

  Result<void> begin();

  Result<void> select(const SelectStep& step);
  Result<void> where(const WhereStep& step);
  /// A table's column for which a default may stand in, and the scan's flag that says when.
  using DefaultFlags = std::map<std::string, std::string>;
  Result<void> contract(const Table& table, const DefaultFlags& flags);
  RowQuery finish(const Table& table) &&;

 private:
  /// How one column of the table is made, and what is wrong with its value.
  struct Made {
    std::string sql;
    std::string helpers;  // ", … AS weir_…" beside it
    std::string cases;    // " WHEN … THEN …"
  };
  Result<Conversion> conversion(const Column& column, Result<Conversion> made);
  Result<Made> make_column(const Table& table, size_t index, const DefaultFlags& flags);
  Result<void> make_given(const Column& column, size_t index, Made& made);
  Result<void> make_default(const Column& column, size_t index, const std::string& flag,
                            Made& made);
  Result<void> add_defaults(const Table& table);
  void judge(const std::string& cases);
  void judge_predicates(const std::vector<std::pair<std::string, std::string>>& predicates);
  const duckdb::ResultColumn* find(const std::string& name) const;
  std::string wrapped(const std::string& expression);
  std::optional<Error> refusal(const std::string& written, const std::string& expression,
                               bool predicate);
  Result<bool> binds(const SqlText& text, const std::string& expression, bool predicate);
  int add_rule(std::string field, std::string rule, std::string message);
  std::string reject(int rule, const std::string& value) const;
  std::string value_of(const std::string& expression) const;
  void carry(std::string column) { carried_ += ", " + column; }

  duckdb::Database& database_;
  duckdb::Connection& connection_;
  std::string level_;  // SQL of the relation so far
  std::vector<duckdb::ResultColumn> columns_;
  std::string carried_;                                // ", flag, flag…"
  std::vector<std::optional<DefaultValue>> defaults_;  // by column of the table
  std::string verdicts_;                               // "WHEN … THEN …" of the steps, in order
  std::string contract_;                               // "(CASE …) & (CASE …)"
  std::vector<RowRule> rules_;
  int64_t slot_;
  int first_rule_;
  bool count_rows_;
  std::vector<SqlProblem>* problems_;
  int serial_ = 0;
};

}  // namespace weir::pipeline
