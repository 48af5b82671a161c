#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/project.h"
#include "pipeline/duckdb_load.h"
#include "pipeline/server_dialect.h"
#include "pipeline/server_refusals.h"
#include "pipeline/server_scratch.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A load into a table of a server. Rows are computed, staged and judged in a DuckDB beside it (the
/// workshop), by the very code that judges loads into DuckDB: what of the server's rows they are
/// judged against is copied there first, by key, so that every receipt is the same.
///
/// Rows that the server refuses for a reason of its own are rejected as well
/// (pipeline/server_refusals.h).
///
/// Where only the key and references could be in the way, and the server guards the key, rows go
/// straight into the table while they are read, and are judged only when one is refused: then
/// write() fails, and turn_careful() says that the load is to be done again. The load after that
/// one is careful at once, until one finds nothing to be careful about.
///
/// A careful merge of one input leaves it to the server which of its rows are new, changed and
/// unchanged, where the server decides that as weir would (pipeline/server_upsert.h): nothing is
/// copied to the workshop, and the counts are known when the rows are written. Its rows go to the
/// server unseen first, as they are read; when two of them have one key, or the server refuses one,
/// they are staged and judged.
class ServerLoad final : public TableLoad {
 public:
  /// `workshop` and `server` must outlive it. Errors: invalid_project (a reference leads nowhere).
  static Result<std::unique_ptr<ServerLoad>> make(duckdb::Connection& workshop,
                                                  server::Connection& server, Engine engine,
                                                  const Project& project, const Table& table,
                                                  LoadMode mode, RowQuery query,
                                                  const std::string& stage_name,
                                                  TableLoadOptions options = {});

  bool staged() const override { return careful_; }
  bool needs_locks() const override { return inner_->needs_locks(); }
  const std::vector<TableName>& locked_tables() const override { return inner_->locked_tables(); }
  const std::vector<RowRule>& rules() const override { return rules_; }
  Result<void> prepare() override;
  Result<void> plan() override { return inner_->plan(); }
  Result<void> stage(size_t inputs, std::span<const duckdb::Parameter> parameters) override;
  Result<LoadDecision> decide(size_t inputs, const SetRules::RejectRow& reject_row) override;
  Result<uint64_t> write(LoadDecision& decision, std::span<const duckdb::Parameter> parameters,
                         std::span<const LineageStretch> lineage,
                         const WriteRejects& rejects) override;
  std::string accepted_rows() const override { return inner_->accepted_rows(); }
  size_t parameter_index(const std::string& name) const override {
    return inner_->parameter_index(name);
  }
  size_t parameter_count() const override { return inner_->parameter_count(); }

  /// One thread reads faster than a server writes, and rows that several read lie crosswise: keys
  /// that ascend in the file cost a server's index a third less when they ascend as they come.
  bool reads_in_order() const override { return !careful_ || upserts_unseen_; }
  bool turn_careful() override;
  std::string way() const override { return way_; }
  void table_made() override { made_ = true; }

 private:
  /// Columns of another table that references name, and the workshop's table with those values of
  /// theirs that the server has.
  struct Parent {
    const Table* table = nullptr;
    std::string mirror;  // quoted
    struct Asked {
      const Column* column = nullptr;  // of this table
      std::string parent_column;
      std::string scratch;  // the server's table with the values that are asked for
    };
    std::vector<Asked> columns;
  };

  ServerLoad(duckdb::Connection& workshop, server::Connection& server, Engine engine,
             const Table& table, LoadMode mode, std::string stage_name)
      : workshop_(workshop),
        server_(server),
        engine_(engine),
        dialect_(ServerDialect::of(engine, server)),
        table_(table),
        mode_(mode),
        stage_name_(std::move(stage_name)) {}

  static std::string names_of(const std::vector<Column>& columns, std::string_view prefix);
  std::vector<Column> key_columns() const;
  std::string relation_of(const Table& table) const;
  Result<void> lock_tables();
  Result<bool> target_has_rows();
  Result<bool> server_decides(size_t inputs);
  Result<bool> goes_unseen(size_t inputs);
  Result<uint64_t> count_replaced();
  bool is_missing(const Table& table) const { return options_.missing.contains(table.name); }
  std::string select_on_server(const std::vector<Column>& columns, const Table& like) const;
  Result<void> make_all_scratch();
  Result<void> mirror_target();
  Result<void> mirror_parent(const Parent& parent);
  Result<bool> mirror_whole_parents();
  Result<uint64_t> mirror_column(const Parent& parent, const std::string& column,
                                 const std::string& select);
  Result<uint64_t> copy_back(const std::string& select, const std::string& mirror,
                             const std::vector<size_t>& places, const Table& like);
  Result<SentRows> fill_target(const std::string& select,
                               std::span<const duckdb::Parameter> parameters,
                               const std::vector<Column>& columns);
  Result<void> send_to_scratch(const std::string& select, const std::string& scratch,
                               const std::vector<Column>& columns, const Table& like);
  Result<bool> send_wanted(const std::string& select, const std::string& scratch,
                           const std::vector<Column>& columns, const Table& like);
  Result<void> give_up_unique_values(const std::string& changed, const std::vector<Column>& keys);
  Result<uint64_t> update(const std::string& changed, const std::vector<Column>& columns);
  Result<void> empty_target(uint64_t expected);
  std::string references_hold() const;
  Result<std::string> select_straight();
  Result<uint64_t> write_straight(std::span<const duckdb::Parameter> parameters);
  Result<uint64_t> upsert_unseen(LoadDecision& decision,
                                 std::span<const duckdb::Parameter> parameters);
  Result<bool> updates_share_keys();
  Result<uint64_t> write_judged(LoadDecision& decision, const WriteRejects& rejects);
  Result<bool> breaks_judged_rule(const server::Refusal& refusal);
  Result<RowsRefusal> put_decided(const LoadDecision& decision);
  Result<RowsRefusal> upsert(LoadDecision& decision);
  Result<SentRows> send_updates(const std::string& select,
                                std::span<const duckdb::Parameter> parameters,
                                const std::vector<Column>& columns);
  Result<RowsRefusal> put(const RowsToWrite& rows);
  Result<RowsRefusal> put_unchecked(const RowsToWrite& rows);
  Result<RowsRefusal> check_deferred();
  Result<RowsRefusal> judged(Error error) const;
  std::string on_server(const Table& table) const;
  std::string storable(const std::vector<Column>& columns) const;
  std::string equal_columns(const std::vector<Column>& columns, std::string_view left,
                            std::string_view right) const;

  duckdb::Connection& workshop_;
  server::Connection& server_;
  const Engine engine_;
  const std::unique_ptr<const ServerDialect> dialect_;
  const Table& table_;
  const LoadMode mode_;
  const std::string stage_name_;
  std::unique_ptr<DuckdbLoad> inner_;
  std::vector<RowRule> rules_;  // the inner load's, then those that the server named in this load
  std::string mirror_;          // quoted: the workshop's copy of what the target has
  std::vector<Parent> parents_;
  TableLoadOptions options_;
  bool whole_target_ = false;  // rules ask about more than its keys
  bool guarded_key_ = false;   // by the server; nothing else decides about rows together
  bool may_go_straight_ = false;
  bool careful_ = true;   // staged and judged, for this load
  bool upserts_ = false;  // what is new and what is changed the server decides, for this load
  bool upserts_unseen_ = false;  // …, and its rows are not staged before
  bool unseen_refused_ = false;  // this load was tried so, and is to be staged
  bool last_repeated_ = false;   // rows of the last staged load had keys of each other
  bool refused_ = false;         // a row of this load, which is to be judged anew
  bool judged_anew_ = false;     // because others wrote between the decision and the rows
  bool last_met_ = false;        // the last careful load did not insert all of its rows
  bool made_ = false;            // the table is weir's, and nothing was committed to it yet
  std::string way_;              // Receipt::way
};

}  // namespace weir::pipeline
