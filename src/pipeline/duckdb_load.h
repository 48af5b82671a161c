#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/table_load.h"

namespace weir::pipeline {

/// A load into a table of the DuckDB file that the rows are computed in: the stage is a temporary
/// table beside it.
class DuckdbLoad final : public TableLoad {
 public:
  /// `relation_of`: where decide finds the tables' rows; empty: in the tables. Errors:
  /// invalid_project (a reference leads nowhere).
  static Result<std::unique_ptr<TableLoad>> make(duckdb::Connection& connection,
                                                 const Project& project, const Table& table,
                                                 LoadMode mode, RowQuery query,
                                                 const std::string& stage_name,
                                                 TableLoadOptions options,
                                                 RelationOf relation_of = {});

  bool staged() const override { return staged_; }
  bool needs_locks() const override { return staged_ || mode_ == LoadMode::replace; }
  const std::vector<TableName>& locked_tables() const override { return locked_tables_; }
  const std::vector<RowRule>& rules() const override { return rules_.rules(); }
  Result<void> prepare() override;
  Result<void> plan() override;
  Result<void> stage(size_t inputs, std::span<const duckdb::Parameter> parameters) override;
  Result<LoadDecision> decide(size_t inputs, const SetRules::RejectRow& reject_row) override;
  /// After decide, when what the table holds has become another: counts again which of the rows
  /// that are in it are new, changed and unchanged.
  Result<void> count_again(LoadDecision& decision);
  /// Refuses no row that was decided.
  Result<uint64_t> write(LoadDecision& decision, std::span<const duckdb::Parameter> parameters,
                         std::span<const LineageStretch> lineage,
                         const WriteRejects& rejects) override;
  std::string accepted_rows() const override { return rules_.remaining(); }
  size_t parameter_index(const std::string& name) const override;
  size_t parameter_count() const override;

  /// For a target elsewhere, after decide: SELECTs of the rows that are new in it and of those that
  /// differ from what it has, in the order of written_columns(). `some_match`: of the rows decided
  /// some are in the target.
  std::string new_rows(bool some_match) const;
  std::string changed_rows() const;
  /// Both of them, with weir_row and, in weir_changes, whether the row is there and differs.
  std::string rows_to_write(bool some_match) const;
  /// The table's columns, then lineage's.
  std::vector<Column> written_columns() const;
  /// Before new_rows and changed_rows are asked for, where the table has lineage.
  Result<void> write_lineage(std::span<const LineageStretch> lineage);
  const std::string& stage_name() const { return stage_; }  ///< quoted
  /// The query that fills the stage, also for rows that go straight.
  const RowQuery& query() const { return query_; }

 private:
  DuckdbLoad(duckdb::Connection& connection, const Table& table, LoadMode mode, RowQuery query,
             const std::string& stage_name, const TableLoadOptions& options, RelationOf relation_of,
             std::vector<Reference> references);

  Result<void> count_staged(LoadDecision& decision);
  Result<void> count_matches(LoadDecision& decision);
  Result<void> remove_replaced(uint64_t expected);
  Result<void> update(uint64_t expected);
  Result<uint64_t> insert(uint64_t expected, bool some_match);
  std::string with_lineage(const std::string& rows) const;
  std::string remaining_rows(bool some_match, const std::string& target,
                             const std::string& columns) const;
  std::string differing_rows(const std::string& columns) const;
  std::string written_columns(std::string_view prefix) const;
  std::string column_list(std::string_view prefix) const;
  std::string keys_equal() const;
  std::string values_differ() const;

  duckdb::Connection& connection_;
  const Table& table_;
  LoadMode mode_;
  RowQuery query_;
  RelationOf relation_of_;
  bool staged_ = false;
  std::vector<TableName> locked_tables_;
  std::string stage_;         // quoted
  std::string lineage_name_;  // not quoted
  std::string target_;        // quoted
  SetRules rules_;
  std::unique_ptr<duckdb::Statement> fill_;  // query → stage, or query → target
};

}  // namespace weir::pipeline
