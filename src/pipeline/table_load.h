#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "pipeline/row_query.h"
#include "pipeline/set_rules.h"

namespace weir::pipeline {

/// What becomes of the rows of one input that passed the query.
struct LoadCounts {
  uint64_t staged = 0;  ///< good rows that reached the load; 0 where nothing is staged
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t deduplicated = 0;
  uint64_t rejected = 0;  ///< by the rules about several rows
};

/// What a load is going to do.
struct LoadDecision {
  std::vector<LoadCounts> inputs;
  uint64_t replaced = 0;  ///< rows the table has now and mode replace deletes
};

/// Where a stretch of rows comes from, for tables with lineage. A row belongs to the stretch
/// `record >> bits`; its element is records_before + the low bits of the record + 1.
struct LineageStretch {
  static constexpr int bits = 24;
  int64_t stretch = 0;
  std::string run;
  int64_t records_before = 0;
};

/// Moves the good rows of a RowQuery into a DuckDB table, in three steps: stage (reads the input),
/// decide (reads the target: what will happen to each row), write (does it). A table with a key,
/// rules about several rows or lineage goes through a temporary stage; otherwise rows go straight
/// into the table, and only writing tells how many they are. The caller has the transaction and the
/// locks, around decide and write; nothing here commits. One thread at a time.
class TableLoad {
 public:
  struct Options {
    bool always_stage = false;             ///< so that decide counts every row
    RelationOf relation_of = target_name;  ///< what decide reads
  };

  /// Errors: invalid_project (a reference leads nowhere).
  static Result<std::unique_ptr<TableLoad>> make(duckdb::Connection& connection,
                                                 const Project& project, const Table& table,
                                                 LoadMode mode, RowQuery query,
                                                 const std::string& stage_name, Options options);

  bool staged() const { return staged_; }
  /// Whether others must not change the tables it decides about meanwhile.
  bool needs_locks() const { return staged_ || mode_ == LoadMode::replace; }
  /// Those tables: its own and the ones it references; sorted by name.
  const std::vector<TableName>& locked_tables() const { return locked_tables_; }

  /// Rules a row can break in decide.
  const std::vector<RowRule>& rules() const { return rules_.rules(); }

  /// Before the first load: makes the stage and plans the query.
  Result<void> prepare();
  /// Plans the query again: needed before each run when it reads tables of the database.
  Result<void> plan();

  /// Empties the stage and reads the input into it. Reads nothing when rows go straight.
  Result<void> stage(std::span<const duckdb::Parameter> parameters);

  /// `inputs`: how many the query reads. Writes nothing but temporary tables. Errors: busy when two
  /// inputs decide about each other's rows and so must be loaded one after the other.
  Result<LoadDecision> decide(size_t inputs, const SetRules::RejectRow& reject_row);

  /// Does what was decided, and checks that the database did just that. Returns how many rows were
  /// inserted, which nobody knows before when nothing is staged. `lineage` is for tables that have
  /// it.
  Result<uint64_t> write(const LoadDecision& decision,
                         std::span<const duckdb::Parameter> parameters,
                         std::span<const LineageStretch> lineage);

  /// After decide: SQL of a relation with the rows that are to be in the table (the table's
  /// columns, and weir_row).
  std::string accepted_rows() const { return rules_.remaining(); }

  size_t parameter_index(const std::string& name) const;  ///< of the query, from 1; 0 = none
  size_t parameter_count() const;

 private:
  TableLoad(duckdb::Connection& connection, const Table& table, LoadMode mode, RowQuery query,
            const std::string& stage_name, Options options, std::vector<Reference> references);

  Result<void> count_staged(LoadDecision& decision);
  Result<void> count_matches(LoadDecision& decision);
  Result<void> write_lineage(std::span<const LineageStretch> lineage);
  Result<void> remove_replaced(uint64_t expected);
  Result<void> update(uint64_t expected);
  Result<uint64_t> insert(uint64_t expected, bool some_match);
  std::string with_lineage(const std::string& rows) const;
  std::string written_columns(std::string_view prefix) const;
  std::string column_list(std::string_view prefix) const;
  std::string keys_equal() const;
  std::string values_differ() const;

  duckdb::Connection& connection_;
  const Table& table_;
  LoadMode mode_;
  RowQuery query_;
  Options options_;
  bool staged_ = false;
  std::vector<TableName> locked_tables_;
  std::string stage_;         // quoted
  std::string lineage_name_;  // not quoted
  std::string target_;        // quoted
  SetRules rules_;
  std::unique_ptr<duckdb::Statement> fill_;  // query → stage, or query → target
};

/// Before a load: creates the table when it is missing (pipeline/drift.h). Errors: sql when a load
/// into the table that is there would fail, naming the first difference.
Result<void> ensure_table(duckdb::Connection& connection, const Table& table);

}  // namespace weir::pipeline
