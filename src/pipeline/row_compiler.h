#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "model/pipeline.h"
#include "model/table.h"
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
  Result<void> contract(const Table& table);
  RowQuery finish(const Table& table) &&;

 private:
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
  std::string carried_;   // ", flag, flag…"
  std::string verdicts_;  // "WHEN … THEN …" of the steps, in order
  std::string contract_;  // "(CASE …) & (CASE …)"
  std::vector<RowRule> rules_;
  int64_t slot_;
  int first_rule_;
  bool count_rows_;
  std::vector<SqlProblem>* problems_;
  int serial_ = 0;
};

}  // namespace weir::pipeline
