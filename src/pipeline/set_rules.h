#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "pipeline/row_identity.h"
#include "pipeline/row_query.h"

namespace weir::pipeline {

/// "schema"."table" of a dictionary table in DuckDB.
std::string target_name(const Table& table);

/// Gives the SQL of the relation that holds a table's rows now: its name, or an empty stand-in.
using RelationOf = std::function<std::string(const Table&)>;

/// A relation with the table's columns and no row.
std::string empty_relation(const Table& table);

/// A `references` rule with both of its ends.
struct Reference {
  const Column* column = nullptr;
  const Rule* rule = nullptr;
  const Table* parent = nullptr;
  std::string parent_column;
};

/// Errors: invalid_project when the other end is not there.
Result<std::vector<Reference>> find_references(const Project& project, const Table& table);

/// One broken rule about several rows, of one row.
struct SetReject {
  duckdb::RowId row;
  size_t rule = 0;  ///< an index into SetRules::rules(), or TableLoad's
  std::string value;
  std::string produced;  ///< the row as it would have loaded, as JSON; empty when it is its record
  std::string message = {};  ///< empty: the rule's
};

/// Rows a load's set-wise rules take out, of one input.
struct SetCounts {
  uint64_t rejected = 0;
  uint64_t deduplicated = 0;
};

/// Decides which rows of a stage load when rows are judged together: `references`, then the key by
/// mode, then `unique` and references into the same table until nothing changes. Works with joins
/// and aggregations, which spill; reads the target and writes only temporary tables. What is
/// decided depends on input order alone. One thread at a time.
class SetRules {
 public:
  using RejectRow = std::function<void(const SetReject&)>;

  /// `stage` names a temporary table with the table's columns and weir_row, the rows of `query`.
  SetRules(duckdb::Connection& connection, const Table& table, LoadMode mode,
           std::vector<Reference> references, RelationOf relation_of, const std::string& stage,
           const RowQuery& query);

  /// Whether there is anything to decide about rows together.
  bool any() const { return !rules_.empty(); }
  /// Rules a row can break here.
  const std::vector<RowRule>& rules() const { return rules_; }

  Result<void> prepare();  ///< once, before the first load
  Result<void> clear();    ///< before each load

  /// Judges the rows of the stage. Returns one element per input, or fails with `busy` when inputs
  /// that share the stage decide about each other's rows, and so must be loaded one after the
  /// other.
  Result<std::vector<SetCounts>> judge(size_t inputs, const RejectRow& reject_row);

  /// SQL of a relation: the stage's rows that are still in.
  std::string remaining() const { return rows_before(last_round); }

 private:
  static constexpr int last_round = 1 << 30;

  std::string rows_before(int round) const;
  std::string staying_target(int round) const;
  std::string key_list(std::string_view prefix) const;
  std::string same_key(std::string_view left, std::string_view right) const;
  std::string key_text() const;

  Result<uint64_t> take_out(const std::string& select);
  Result<bool> finds(const std::string& select);
  Result<void> judge_references();
  Result<void> judge_key(size_t inputs);
  Result<uint64_t> judge_unique(const Column& column, size_t rule);
  Result<uint64_t> judge_self_reference(const Reference& reference, size_t rule);
  bool names_key(const Reference& reference) const;
  Result<uint64_t> take_out_descendants(const Reference& reference, size_t rule);
  Result<void> check_apart();
  Result<void> tell(const RejectRow& reject_row);
  Result<std::vector<SetCounts>> counts(size_t inputs);

  duckdb::Connection& connection_;
  const Table& table_;
  LoadMode mode_;
  std::vector<Reference> references_;  // into other tables
  std::vector<Reference> self_;        // into this one
  std::vector<const Column*> unique_;
  std::vector<RowRule> rules_;
  RelationOf relation_of_;
  std::string stage_;     // quoted
  std::string verdicts_;  // quoted: rows that are out, with rule (-1: deduplicated) and round
  std::string repeats_;   // quoted: values that come more than once, and the row that keeps them
  std::string links_[2];  // quoted: rows and their ancestors, now and a step before
  RowIdentity identity_;
  bool produced_;  // rows are made of records
  int round_ = 0;
  bool out_ = false;          // some row is
  bool shared_keys_ = false;  // between inputs
};

}  // namespace weir::pipeline
