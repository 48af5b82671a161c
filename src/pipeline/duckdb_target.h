#pragma once

#include "duckdb/connection.h"
#include "pipeline/target_sql.h"

namespace weir::pipeline {

/// SQL for a DuckDB file.
class DuckdbTarget final : public TargetSql {
 public:
  /// `connection` must outlive it.
  explicit DuckdbTarget(duckdb::Connection& connection) : connection_(connection) {}

  Result<server::Rows> run(const std::string& sql) override;
  Result<void> stream(const std::string& select,
                      const std::function<bool(std::span<const Cell>)>& row) override;
  Result<std::string> lend(const std::string& name, const std::string& select,
                           const std::vector<Column>& columns, const std::string& like) override;
  std::string identifier(std::string_view name) const override;
  std::string literal(std::string_view text) const override;
  std::string table(const Table& table) const override;
  std::string storable(std::string text) const override { return text; }
  std::string moment(Timestamp at) const override;
  std::string moment_text(std::string_view column) const override;
  std::string new_reject_id() const override { return "nextval('weir_reject_ids')"; }
  std::string update(const std::string& table, const Assignments& assignments,
                     const std::string& rows, const std::string& condition) const override;

 private:
  duckdb::Connection& connection_;
};

}  // namespace weir::pipeline
