#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
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
  uint64_t rejected = 0;  ///< by the rules about several rows, or by the database itself
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

/// Gives the SQL of the relation that a table's rows would be in, of the one they are in now.
using RelationOver = std::function<std::string(const Table&, const std::string& relation)>;

/// Where a write tells of rows that only the database refuses.
struct WriteRejects {
  std::optional<uint64_t> room;  ///< with more of them the load fails anyway; none: no limit
  SetRules::RejectRow reject_row;
  const std::atomic<bool>& cancel;  ///< ends a search for such rows
};

/// How a load into a table is made.
struct TableLoadOptions {
  bool always_stage = false;  ///< so that decide counts every row
  bool writes = true;         ///< false: it ends with decide
  /// Whether the caller looks at what decide counted only behind write: a plan does not.
  bool counts_on_write = false;
  RelationOver over = {};            ///< for a plan: what decide reads instead
  std::set<TableName> missing = {};  ///< tables that are not there: they count as empty
};

/// Moves the good rows of a RowQuery into a table, in three steps: stage (reads the input), decide
/// (reads the target: what will happen to each row), write (does it). A table with a key, rules
/// about several rows or lineage goes through a stage; otherwise rows go straight into the table,
/// and only writing tells how many they are. The caller has the transaction and the locks, around
/// decide and write; nothing here commits. One thread at a time.
class TableLoad {
 public:
  virtual ~TableLoad() = default;

  virtual bool staged() const = 0;
  /// Whether others must not change the tables it decides about meanwhile.
  virtual bool needs_locks() const = 0;
  /// Those tables: its own and the ones it references; sorted by name.
  virtual const std::vector<TableName>& locked_tables() const = 0;

  /// Rules a row can break in decide.
  virtual const std::vector<RowRule>& rules() const = 0;

  /// Before the first load: makes the stage and plans the query.
  virtual Result<void> prepare() = 0;
  /// Plans the query again: needed before each run when it reads tables of the database.
  virtual Result<void> plan() = 0;

  /// Empties the stage and reads the input into it. Reads nothing when rows go straight. `inputs`:
  /// how many the query reads.
  virtual Result<void> stage(size_t inputs, std::span<const duckdb::Parameter> parameters) = 0;

  /// `inputs`: as many. Writes nothing but temporary tables. Errors: busy when two
  /// inputs decide about each other's rows and so must be loaded one after the other.
  virtual Result<LoadDecision> decide(size_t inputs, const SetRules::RejectRow& reject_row) = 0;

  /// Does what was decided, and checks that the database did just that. Returns how many rows were
  /// inserted, which nobody knows before when nothing is staged. `lineage` is for tables that have
  /// it. Rows that only the database refuses (a server's constraint or trigger) go to `rejects` and
  /// are counted in `decision` as rejected; with more of them than there is room for, rows may be
  /// left unwritten.
  virtual Result<uint64_t> write(LoadDecision& decision,
                                 std::span<const duckdb::Parameter> parameters,
                                 std::span<const LineageStretch> lineage,
                                 const WriteRejects& rejects) = 0;

  /// Since the last stage(): whether write() reads the input, and wants its rows in their order.
  virtual bool reads_in_order() const { return false; }

  /// Since the last stage(): Receipt::way.
  virtual std::string way() const { return {}; }

  /// After a write that failed: whether the same load may go well when it is done again, with every
  /// row judged before it is written.
  virtual bool turn_careful() { return false; }

  /// The table was missing, and was made a moment ago.
  virtual void table_made() {}

  /// After decide: SQL of a relation with the rows that are to be in the table (the table's
  /// columns, and weir_row).
  virtual std::string accepted_rows() const = 0;

  /// Of the query, from 1; 0 = none.
  virtual size_t parameter_index(const std::string& name) const = 0;
  virtual size_t parameter_count() const = 0;
};

}  // namespace weir::pipeline
