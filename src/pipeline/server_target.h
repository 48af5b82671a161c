#pragma once

#include "duckdb/connection.h"
#include "pipeline/server_dialect.h"
#include "pipeline/target_sql.h"
#include "server/connection.h"

namespace weir::pipeline {

/// SQL for a server.
class ServerTarget final : public TargetSql {
 public:
  /// Both must outlive it. `workshop`: where rows for the server are computed.
  ServerTarget(duckdb::Connection& workshop, server::Connection& server, Engine engine)
      : workshop_(workshop), server_(server), dialect_(ServerDialect::of(engine, server)) {}

  Result<server::Rows> run(const std::string& sql) override;
  Result<void> stream(const std::string& select,
                      const std::function<bool(std::span<const Cell>)>& row) override;
  Result<std::string> lend(const std::string& name, const std::string& select,
                           const std::vector<Column>& columns, const std::string& like) override;
  std::string identifier(std::string_view name) const override;
  std::string literal(std::string_view text) const override;
  std::string table(const Table& table) const override;
  std::string storable(std::string text) const override {
    return dialect_->storable(std::move(text));
  }
  std::string moment(Timestamp at) const override;
  std::string moment_text(std::string_view column) const override;
  std::string new_reject_id() const override { return {}; }
  std::string update(const std::string& table, const Assignments& assignments,
                     const std::string& rows, const std::string& condition) const override;

 private:
  duckdb::Connection& workshop_;
  server::Connection& server_;
  const std::unique_ptr<const ServerDialect> dialect_;
};

}  // namespace weir::pipeline
