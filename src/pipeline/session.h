#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "model/project.h"
#include "pipeline/fetched_query.h"
#include "pipeline/ledger.h"
#include "pipeline/load_transaction.h"
#include "pipeline/row_folds.h"
#include "pipeline/row_query.h"
#include "pipeline/table_catalog.h"
#include "pipeline/table_load.h"
#include "pipeline/table_locks.h"
#include "server/connection.h"

namespace weir::pipeline {

/// What is to become of a session's loads.
enum class LoadPurpose {
  load,  ///< each is committed: rows, ledger and rejects
  /// All of it is done, in one transaction of the session that is rolled back. Where making what is
  /// missing would be a commit (MySQL), the session examines instead.
  rehearse,
  examine,  ///< they are decided against a snapshot, and nothing but temporary tables is written
};

struct SessionOptions {
  LoadPurpose purpose = LoadPurpose::load;
  /// For making tables that are missing. Null: who opens the session holds its tables' locks.
  TableLocks* table_locks = nullptr;
  TableLoadOptions load = {};
  /// Where a sql step may run that is not in the target's database. Null: nowhere else.
  Databases* databases = nullptr;
  /// Of the server that the table is on; null: it is in the DuckDB that rows are computed in.
  std::unique_ptr<server::Connection> server = {};
};

/// A pipeline compiled onto one connection: everything a worker needs to load inputs one after the
/// other. One thread at a time; kept for the next run.
class Session {
 public:
  /// Errors: not_yet, sql (the target drifted, an expression does not bind), unavailable.
  static Result<std::unique_ptr<Session>> open(const Project& project, const Pipeline& pipeline,
                                               duckdb::Database& database,
                                               SessionOptions options = {});

  /// Its own table and those it references: made where they are missing, and it does not examine.
  /// Done when it is opened; to be done again before it is used again, for tables are altered and
  /// dropped meanwhile.
  /// Errors: sql when a load would fail (pipeline/drift.h).
  Result<void> ready_tables(const Project& project, TableLocks* locks);

  /// Whether a query that is fetched gives other columns by now, so that another session is needed.
  /// Errors: those of QueryOrigin.
  Result<bool> source_has_changed() {
    return fetched_ != nullptr ? fetched_->has_changed() : Result<bool>(false);
  }

  /// Of the target, around what a load decides and writes. Within a plan on a server: a part of the
  /// plan's own, which is rolled back by itself, and whose commit shows what COMMIT would refuse.
  Result<std::unique_ptr<LoadTransaction>> begin();
  /// Of a plan: whether a load that failed has left it as it was, so that it can be gone on with.
  bool recovers() const { return server_ != nullptr && !transaction_lost_; }

  const PipelineParts& parts() const { return parts_; }
  duckdb::Connection& connection() { return *connection_; }
  duckdb::ScanSlot* slot() { return slot_.get(); }  ///< null when the pipeline begins with sql
  Engine engine() const { return engine_; }         ///< of the target
  server::Connection* server() { return server_.get(); }  ///< null: the target is a DuckDB file
  TableLoad& load() { return *load_; }
  Ledger& ledger() { return *ledger_; }

  /// See dictionary_version.h.
  const std::string& dictionary_version() const { return dictionary_version_; }
  LoadPurpose purpose() const { return purpose_; }
  /// Whether the target has weir's ledger; only while it examines it may lack it.
  bool has_ledger() const { return has_ledger_; }
  /// What made the tables that were missing, or would have to make them.
  const std::vector<std::string>& ddl() const { return ddl_; }

  LedgerKey ledger_key(const std::optional<ObjectRef>& object) const;
  /// The rule with this number, as told to a RowObserver.
  RowRule rule(int number) const;
  /// Puts a row's problems into the order of its columns, as people read it.
  void sort_by_field(std::vector<Problem>& problems) const;
  /// The number of a rule about several rows; `index` as TableLoad::decide tells it.
  int load_rule_number(size_t index) const;
  /// Whether each run has its own values of them, so that runs cannot share a load.
  bool uses_run_variables() const;
  /// Values of the run variables, in the load statement's parameter order.
  Result<std::vector<duckdb::Parameter>> parameters(Timestamp scheduled_for);
  /// Reads the inputs as far as the last fold; nothing when the pipeline has none.
  Result<std::vector<FoldCounts>> fold(size_t inputs, Timestamp scheduled_for);
  /// Reads the rows of a sql step that runs elsewhere; nothing otherwise. In the load's transaction
  /// where that is the target's server. Errors: those of QueryOrigin.
  Result<void> fetch(Timestamp scheduled_for, const std::atomic<bool>& stop);
  /// Ends the statement at work in fetch, fold, or the load's stage or decide. From any thread.
  void interrupt();
  /// After the load: gives the space of what was fetched and folded back.
  void clear_rows();

 private:
  Result<void> begin_plan(duckdb::Database& database);
  bool makes_missing() const;
  Result<void> ready_ledger();
  Result<void> ready_table(const Table& table, TableLocks* locks);
  Result<bool> has_column(const Table& table, const std::string& column);
  Result<void> begin_late();
  Result<void> make_load(const Project& project, RowQuery query, TableLoadOptions options);
  Result<std::string> query_source(const Project& project, Databases* databases);

  PipelineParts parts_;
  LoadPurpose purpose_ = LoadPurpose::load;
  Engine engine_ = Engine::duckdb;
  std::unique_ptr<server::Connection> server_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::optional<duckdb::Transaction> transaction_;  // none where each load has its own
  bool transaction_lost_ = false;                   // of a plan on a server
  bool has_ledger_ = true;
  std::unique_ptr<TableCatalog> catalog_;
  std::set<TableName> missing_;  // tables that were not made
  std::vector<std::string> ddl_;
  bool table_made_ = false;  // by ready_tables
  std::unique_ptr<duckdb::ScanSlot> slot_;
  std::unique_ptr<FetchedQuery> fetched_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<RowFolds> folds_;
  std::unique_ptr<TableLoad> load_;
  std::vector<RowRule> rules_;
  int first_rule_ = 0;
  std::string dictionary_version_;
};

}  // namespace weir::pipeline
