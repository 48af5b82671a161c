#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "model/project.h"
#include "pipeline/ledger.h"
#include "pipeline/row_query.h"
#include "pipeline/table_load.h"

namespace weir::pipeline {

/// A pipeline compiled onto one connection: everything a worker needs to load inputs one after the
/// other. One thread at a time; kept for the next run.
class Session {
 public:
  /// Errors: not_yet, sql (the target drifted, an expression does not bind), unavailable.
  static Result<std::unique_ptr<Session>> open(const Project& project, const Pipeline& pipeline,
                                               duckdb::Database& database,
                                               TableLoad::Options options = {});

  const PipelineParts& parts() const { return parts_; }
  duckdb::Connection& connection() { return *connection_; }
  duckdb::ScanSlot* slot() { return slot_.get(); }  ///< null when the pipeline begins with sql
  TableLoad& load() { return *load_; }
  Ledger& ledger() { return *ledger_; }

  /// See dictionary_version.h.
  const std::string& dictionary_version() const { return dictionary_version_; }
  LedgerKey ledger_key(const std::optional<ObjectRef>& object) const;
  /// The rule with this number, as told to a RowObserver.
  RowRule rule(int number) const;
  /// Puts a row's problems into the order of its columns, as people read it.
  void sort_by_field(std::vector<Problem>& problems) const;
  /// The number of a rule about several rows; `index` as TableLoad::decide tells it.
  int load_rule_number(size_t index) const;
  /// Values of the run variables, in the load statement's parameter order.
  Result<std::vector<duckdb::Parameter>> parameters(Timestamp scheduled_for);

 private:
  PipelineParts parts_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::unique_ptr<duckdb::ScanSlot> slot_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<TableLoad> load_;
  std::vector<RowRule> rules_;
  int first_rule_ = 0;
  std::string timezone_;
  std::string dictionary_version_;
};

}  // namespace weir::pipeline
